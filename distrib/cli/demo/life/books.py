"""Closes months by two keys, adjusts by two keys, and downloads what they came to, as an outside user would.

No figure is computed and nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from distrib.cli.demo.facts import DemoFailed
from distrib.cli.demo.life.payday import Desk
from distrib.cli.demo.life.proof import MonthFiles
from distrib.cli.demo.posting.poster import Client
from distrib.domain.texts import Text


def close_months(desk: Desk, months: Iterable[str], advance: Callable[[int], None]) -> dict[str, str]:
    """Closes months in sequence: one key proposes, the other confirms; returns their digests."""
    digests = {}
    for month in months:
        proposed = desk.finance.post(f"/v1/statements/{month}/close")
        closed = desk.admin.post(f"/v1/statements/{month}/close/confirm")
        if closed["digest"] != proposed["digest"]:
            raise DemoFailed(Text("{month} was closed with other figures than were proposed", month=month))
        digests[month] = str(closed["digest"])
        advance(1)
    return digests


def adjust(desk: Desk, shop: str, amount_minor: int, reason: str) -> dict[str, Any]:
    """An adjustment by hand: one key proposes it, the other approves."""
    draft = {"id": "demo-goodwill", "shop_id": shop, "amount_minor": amount_minor, "reason": reason}
    desk.finance.post("/v1/adjustments", draft)
    approved: dict[str, Any] = desk.admin.post("/v1/adjustments/demo-goodwill/approve")
    return approved


def download(reader: Client, month: str, digests: Mapping[str, str]) -> MonthFiles:
    """A month's two files as they are now."""
    shops = export(reader, month, "shops")
    return MonthFiles(month, shops, export(reader, month, "lines"), digests.get(month))


def export(reader: Client, month: str, detail: str) -> bytes:
    """One CSV file of a month."""
    return reader.raw("GET", f"/v1/statements/{month}/export?format=csv&detail={detail}")


def ledger_balances(reader: Client) -> dict[str, int]:
    """The balances of the ledger's accounts, those of all shops in one: ``payable``."""
    balances = {"expense": 0, "clearing": 0, "tax": 0, "payable": 0}
    for account in reader.all_rows("/v1/ledger/accounts"):
        balances[account["kind"]] += account["balance_minor"]
    return balances
