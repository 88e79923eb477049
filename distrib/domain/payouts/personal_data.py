"""Payees (收款人): who is paid out and where to, and how much of it is shown.

Not to be confused with ``distrib.domain.settlement.earners``: those are the seats that a rule pays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACCOUNT_FIELDS: Final = (
    "wechat_openid",
    "alipay_login",
    "alipay_user_id",
    "alipay_open_id",
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
    "alipay_open_id": "alipay",
    "bank_account": "bank",
}


_TELEPHONE: Final = re.compile(r"\+[0-9](?:[0-9 -]*[0-9])?", re.ASCII)
_ACCOUNT_TEXT: Final = re.compile(r"[^\W_][\w .@/()·&+-]*")


def is_account_text(text: str) -> bool:
    """Whether a text can be the number of an account or document: what other machines read, and never altered for them.

    It begins with a letter or digit, or with ``+`` and digits alone as a telephone number, and goes on with those and
    the signs that such numbers have: so no spreadsheet runs it as a formula.

    >>> [is_account_text(text) for text in ("6222021234567890", "11010119900307123X", "a+b@example.com", "A123456(7)")]
    [True, True, True, True]
    >>> [is_account_text(text) for text in ("+8613800138000", "+86 138-0013-8000", "=1+1", "+1+cmd", "-1", "@a")]
    [True, True, False, False, False, False]
    """
    if text.startswith("+"):
        return _TELEPHONE.fullmatch(text) is not None
    return _ACCOUNT_TEXT.fullmatch(text) is not None


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
