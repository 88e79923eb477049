"""What a chat shows of an invite link: title, sentence and picture (Open Graph; ``itemprop`` for WeChat and QQ)."""

from __future__ import annotations

from typing import NamedTuple

from distrib.domain.sharing import invite_link
from distrib.domain.texts import Text
from distrib.languages import CHINESE, render
from distrib.services.sharing.cards import CARD_HEIGHT, CARD_WIDTH
from distrib.services.sharing.invitations import Invitation

_JOIN = Text("Join {program}")
_BY_SHOP = Text("{inviter} invites you to join {program}")
_SENTENCE = Text("Invite code {code}. The rules are those the platform publishes.")


class ShareTags(NamedTuple):
    """The values of the tags; ``picture`` is the whole address of the card."""

    title: str
    sentence: str
    site: str
    address: str
    picture: str
    locale: str
    width: int = CARD_WIDTH
    height: int = CARD_HEIGHT


def share_tags(invitation: Invitation, base_url: str, language: str) -> ShareTags:
    """Words the tags of an invitation; ``base_url`` is what links to this service begin with."""
    title = _JOIN if invitation.inviter is None else _BY_SHOP
    link = invite_link(base_url, invitation.code)
    return ShareTags(
        render(title.with_params(inviter=invitation.inviter, program=invitation.program), language),
        render(_SENTENCE.with_params(code=invitation.code), language),
        invitation.program,
        link,
        f"{link}/card.png?lang={language}",
        "zh_CN" if language == CHINESE else "en_GB",
    )
