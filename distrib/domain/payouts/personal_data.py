"""Payees (收款人): who is paid out and where to, and how much of it is shown.

Not to be confused with ``distrib.domain.settlement.earners``: those are the seats that a rule pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACCOUNT_FIELDS: Final = (
    "wechat_openid",
    "alipay_login",
    "alipay_user_id",
    "bank_account",
    "bank_name",
    "bank_cnaps",
    "mobile",
)
_OPEN_FIELDS: Final = ("bank_name", "bank_cnaps")
_SHOWN: Final = 4
_KIND_OF: Final = {
    "wechat_openid": "wechat",
    "alipay_login": "alipay",
    "alipay_user_id": "alipay",
    "bank_account": "bank",
}


@dataclass(frozen=True, slots=True)
class Payee:
    """A person, sole trader or company with an identity and accounts; ``accounts`` is by ``ACCOUNT_FIELDS``."""

    name: str
    id_type: str
    id_number: str
    kind: str
    accounts: Mapping[str, str]

    @property
    def account_kinds(self) -> list[str]:
        """The kinds of account the payee has, sorted: of alipay, bank, wechat.

        >>> Payee("李雷", "id_card", "1", "person", {"bank_account": "6222"}).account_kinds
        ['bank']
        """
        return sorted({_KIND_OF[name] for name in self.accounts if name in _KIND_OF})

    @property
    def identity(self) -> str:
        """The kind and number of the identity in one spelling: equal for two payees who are the same one."""
        return f"{self.id_type.strip().casefold()}\0{''.join(self.id_number.split()).upper()}"


def masked(value: str) -> str:
    """The value masked but for its last four characters, where that leaves at least as many hidden.

    >>> masked("6222021234567890"), masked("1234567")
    ('****7890', '****')
    """
    return "****" + (value[-_SHOWN:] if len(value) >= 2 * _SHOWN else "")


def masked_name(name: str) -> str:
    """The name masked but for its first character, so that two payees can be distinguished.

    >>> masked_name("李雷")
    '李**'
    """
    return name[:1] + "**"


def masked_accounts(accounts: Mapping[str, str]) -> dict[str, str]:
    """The accounts with their numbers masked; bank names and codes stay readable."""
    return {name: value if name in _OPEN_FIELDS else masked(value) for name, value in sorted(accounts.items())}
