"""What is refused of invitations and of a shop owner's own pages."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class ShopNotInviting(NamedRefusal, code="shop_not_inviting", status=409):
    """The state of the shop lets it invite nobody."""

    said = Said("The shop {id} is {state}: it invites nobody.", "店铺 {id} 的状态为 {state}，不能邀请。")
    id: str
    state: str


class ShopGone(NamedRefusal, code="shop_gone", status=409):
    """The shop is closed, or was erased."""

    said = Said(
        "The shop {id} is {state}: nobody acts for it any more.", "店铺 {id} 的状态为 {state}，不能再以它的名义操作。"
    )
    id: str
    state: str


class SessionOver(NamedRefusal, code="session_over", status=401):
    """A link or a session is over, or was used."""

    said = Said(
        "The link or session is over, or was used before; the platform's app gives another one.",
        "链接或登录已失效，或链接已用过；请从平台的应用重新进入。",
    )
