"""The account that the owner's money goes to, as the platform knows it: masked, with what waits to take its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from distrib.console.owner.frame import OwnerVisit
from distrib.domain.errors import Refusal
from distrib.domain.payouts.refusals import PayeeMissing
from distrib.domain.texts import Text

ACCOUNT_WORDS: Final[Mapping[str, Text]] = {
    "bank_name": Text("Bank", "account"),
    "bank_account": Text("Bank account", "account"),
    "bank_cnaps": Text("Bank code", "account"),
    "wechat_openid": Text("WeChat", "account"),
    "alipay_login": Text("Alipay", "account"),
    "alipay_user_id": Text("Alipay user", "account"),
    "alipay_open_id": Text("Alipay open id", "account"),
    "mobile": Text("Mobile number", "account"),
}


class KnownPayee(NamedTuple):
    """Who is paid and where, by what each is called; from when another one is, where one waits."""

    facts: list[tuple[str, str]]
    pending_from: datetime | None


def known_payee(visit: OwnerVisit) -> KnownPayee | None:
    """Reads the payee of the owner's own shop; None where the platform has none."""
    try:
        payee: Mapping[str, Any] = visit.own("get_payee")
    except Refusal as refusal:
        if refusal.code != PayeeMissing.code:
            raise
        return None
    accounts = payee["accounts"] or {}
    facts = [(visit.say(Text("Name", "account")), payee["name"])]
    facts += [(visit.say(words), accounts[name]) for name, words in ACCOUNT_WORDS.items() if name in accounts]
    waits = payee["pending"]
    return KnownPayee(facts, None if waits is None else waits["due_at"])
