"""Pays the shops as a finance department would: payees, a batch by two keys, the channel's file, its results.

Names, identities and accounts are invented from the shop's id and say so. No rule of a payout is known here: what the
batch should come to is computed from the exported statement, and compared. No printing may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.life.proof import Rows
from distrib.cli.demo.posting.arrival import month_of
from distrib.cli.demo.posting.poster import Client

LEAST_MINOR = 5_000  # a batch leaves out what is less: a bank fee is not worth it
FAILED_PERCENT = 4  # of the lines of the first batch come back from the bank
FAILURE = "account closed"
MOST_RESULTS = 1_000


@dataclass(frozen=True, slots=True)
class Payday:
    """One batch from its making to its results; ``expected_minor`` is what the statement's file says."""

    id: str
    up_to: str
    count: int
    amount_minor: int
    expected_minor: int
    refused: int
    paid_count: int
    paid_minor: int
    failed_count: int
    failed_minor: int
    file: str
    lines: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Two people with a key each, and where files go."""

    finance: Client
    admin: Client
    folder: Path


def put_payees(admin: Client, shops: Iterable[str], advance: Callable[[int], None]) -> int:
    """Puts a payee for each shop; returns how many."""
    count = 0
    for shop in shops:
        payee = {
            "name": f"Demo payee {shop}",
            "id_type": "demo",
            "id_number": f"DEMO-{shop}",
            "kind": "person",
            "accounts": {"bank": {"account": f"0000-{shop}", "name": "Bank of the demo"}},
        }
        admin.put(f"/v1/shops/{shop}/payee", payee)
        advance(1)
        count += 1
    return count


def worth_paying(rows: Rows) -> dict[str, int]:
    """What a batch of all that is available should have, by shop, from the statement's file."""
    return {shop: row["available_minor"] for shop, row in rows.items() if row["available_minor"] >= LEAST_MINOR}


def pay(desk: Desk, payout_id: str, up_to: datetime, expected: Mapping[str, int], failing: Collection[str]) -> Payday:
    """Makes a batch, has it approved by the other key, takes the bank's file, and records what the bank said.

    Args:
        expected: what the statement's file says each shop should get.
        failing: the shops whose money the bank sends back.
    """
    text = up_to.isoformat()
    made = desk.finance.post("/v1/payouts", {"id": payout_id, "up_to": text, "min_minor": LEAST_MINOR})
    desk.admin.post(f"/v1/payouts/{payout_id}/approve")
    file = _download(desk, payout_id)
    lines = list(lines_of(desk.finance, payout_id))
    results = [_result(line, line["shop_id"] in failing) for line in lines]
    for start in range(0, len(results), MOST_RESULTS):
        desk.finance.post(f"/v1/payouts/{payout_id}/results", {"results": results[start : start + MOST_RESULTS]})
    settled = list(lines_of(desk.finance, payout_id))
    paid = [line for line in settled if line["status"] == "paid"]
    failed = [line for line in settled if line["status"] == "failed"]
    return Payday(
        payout_id,
        text,
        made["count"],
        made["amount_minor"],
        sum(expected.values()),
        len(made["refused"]),
        len(paid),
        sum(line["net_minor"] for line in paid),
        len(failed),
        sum(line["amount_minor"] for line in failed),
        file,
        settled,
    )


def lines_of(reader: Client, payout_id: str) -> Iterator[dict[str, Any]]:
    """The lines of a batch as they stand, page after page."""
    return reader.all_rows(f"/v1/payouts/{payout_id}", rows="lines")


def paid_by_month(paydays: Iterable[Payday], time_zone: str) -> dict[str, dict[str, dict[str, int]]]:
    """What batches paid and withheld, by the month of the result and by shop."""
    months: dict[str, dict[str, dict[str, int]]] = {}
    for payday in paydays:
        for line in payday.lines:
            if line["status"] == "paid":
                month = month_of(datetime.fromisoformat(line["recorded_at"]), time_zone)
                moved = months.setdefault(month, {}).setdefault(line["shop_id"], {"paid_minor": 0, "tax_minor": 0})
                moved["paid_minor"] += line["net_minor"]
                moved["tax_minor"] += line["tax_minor"]
    return months


def sent_back(dice: Dice, shops: Sequence[str]) -> set[str]:
    """Draws whose money the bank sends back the first time; at least the last one's."""
    drawn = {shop for shop in shops if dice.below(100, "payout fails", shop) < FAILED_PERCENT}
    return drawn or set(shops[-1:])


def _download(desk: Desk, payout_id: str) -> str:
    """Downloads the parts of the channel's file into the folder; returns the name of the first."""
    listed = desk.finance.get(f"/v1/payouts/{payout_id}/files")["files"]
    names = [f"{payout_id}-{part['part']}.csv" for part in listed]
    for part, name in zip(listed, names, strict=True):
        path = f"/v1/payouts/{payout_id}/export?format=csv&part={part['part']}"
        (desk.folder / name).write_bytes(desk.finance.raw("GET", path))
    return names[0]


def _result(line: Mapping[str, Any], has_failed: bool) -> dict[str, str]:
    if has_failed:
        return {"shop_id": line["shop_id"], "status": "failed", "reason": FAILURE}
    return {"shop_id": line["shop_id"], "status": "paid", "reference": f"demo-{line['channel_no']}"}
