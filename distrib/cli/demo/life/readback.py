"""Reads back over HTTP what became of the orders: an explanation, monthly statements, their files. No SQL may enter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distrib.cli.demo.life.proof import MonthFiles, shop_rows
from distrib.cli.demo.posting.poster import Client

LARGEST = 5


def explained(reader: Client, order_id: str) -> dict[str, Any]:
    """The explanation of an order, with the order's own lines."""
    order = reader.get(f"/v1/orders/{order_id}")
    return {**reader.get(f"/v1/orders/{order_id}/explanation"), "order": order}


def monthly_statements(reader: Client, files: Iterable[MonthFiles], folder: Path) -> list[dict[str, Any]]:
    """The totals of each month's statement; its CSV goes to ``folder`` and is added up as ``exported_minor``."""
    statements = []
    for file in files:
        page = reader.get("/v1/statements", period=file.period, limit=1)
        (folder / f"{file.period}-shops.csv").write_bytes(file.shops)
        statements.append({"period": file.period, "totals": page["totals"], "exported_minor": _moved(file.shops)})
    return statements


def _moved(file: bytes) -> int:
    """What the rows of a shops.csv earned and gave back, together."""
    return sum(row["earned_minor"] + row["reversed_minor"] for row in shop_rows(file).values())


def largest(reader: Client, month: str) -> Sequence[dict[str, Any]]:
    """The shops that earned most in a month, with their rows of the statement."""
    rows = sorted(
        reader.all_rows("/v1/statements", period=month), key=lambda row: (-row["earned_minor"], row["shop_id"])
    )
    return rows[:LARGEST]
