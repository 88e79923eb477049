"""Reads back over HTTP what became of the orders: an explanation, monthly statements, their files. No SQL may enter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from distrib.cli.demo.facts import History
from distrib.cli.demo.poster import Client

LARGEST = 5


def explained(reader: Client, order_id: str) -> dict[str, Any]:
    """The explanation of an order, with the order's own lines."""
    order = reader.get(f"/v1/orders/{order_id}")
    return {**reader.get(f"/v1/orders/{order_id}/explanation"), "order": order}


def months_of(history: History) -> list[str]:
    """The months, in the program's time zone, from the first settlement to the last fact."""
    zone = ZoneInfo(history.source.time_zone)
    times = [sale.settled_at for sale in history.sales] + [refund.at for refund in history.refunds]
    first, last = (at.astimezone(zone) for at in (min(times), max(times)))
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]


def monthly_statements(reader: Client, months: Iterable[str], folder: Path) -> list[dict[str, Any]]:
    """The totals of each month's statement; its CSV goes to ``folder`` and is added up as ``exported_minor``."""
    statements = []
    for month in months:
        page = reader.get("/v1/statements", period=month, limit=1)
        file = reader.raw("GET", f"/v1/statements/{month}/export?format=csv&detail=shops")
        (folder / f"{month}-shops.csv").write_bytes(file)
        statements.append({"period": month, "totals": page["totals"], "exported_minor": _moved(file)})
    return statements


def _moved(file: bytes) -> int:
    """What the rows of a shops.csv earned and gave back, together."""
    rows = csv.DictReader(io.StringIO(file.decode("utf-8"), newline=""))
    return sum(int(row["earned_minor"]) + int(row["reversed_minor"]) for row in rows)


def largest(reader: Client, month: str) -> Sequence[dict[str, Any]]:
    """The shops that earned most in a month, with their rows of the statement."""
    rows = sorted(
        reader.all_rows("/v1/statements", period=month), key=lambda row: (-row["earned_minor"], row["shop_id"])
    )
    return rows[:LARGEST]
