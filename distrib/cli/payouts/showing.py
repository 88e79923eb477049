"""How a batch of payouts is read for a command and shown. Nothing is changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from distrib.cli.output import in_both, open_console, print_json, print_line, print_table
from distrib.cli.payouts.pages import PAGE
from distrib.domain.amounts import show_amount
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.context import Unit
from distrib.services.payouts import batches as service

AMOUNTS = ("amount_minor", "tax_minor", "net_minor")


def whole_batch(unit: Unit, payout_id: str) -> dict[str, Any]:
    """A batch with all its lines."""
    view, after = service.payout_view(unit, payout_id, 0, PAGE)
    lines = view.lines
    while after is not None:
        page, after = service.payout_view(unit, payout_id, after, PAGE)
        lines += page.lines
    in_full = asdict(view) | {"lines": list(map(asdict, lines))}
    return {**in_full.pop("batch"), **in_full}


def show_batch(view: dict[str, Any], as_json: bool) -> None:
    """Shows a batch that ``whole_batch`` read, as a table or as JSON."""
    if as_json:
        print_json(view)
        return
    console, currency = open_console(), view["currency"]
    columns = {
        Text("shop", "column"): False,
        Text("status", "column"): False,
        Text("reserved", "column"): True,
        Text("tax", "column"): True,
        Text("net", "column"): True,
        Text("number", "column"): False,
        Text("paid on", "column"): False,
        Text("returned on", "column"): False,
        Text("reference", "column"): False,
        Text("reason", "column"): False,
    }
    rows: list[Sequence[object]] = [
        [
            line["shop_id"],
            line["status"],
            *(show_amount(line[name], currency) for name in AMOUNTS),
            line["detail_no"],
            line["paid_on"],
            line["returned_on"],
            line["reference"],
            line["reason"],
        ]
        for line in view["lines"]
    ]
    print_table(console, f"{in_both(Text('Payout'))} {view['id']}: {view['status']}, {view['channel']}", columns, rows)
    total = show_amount(view["amount_minor"], currency)
    print_line(console, in_both(lines_in_all(view["count"], total, currency)))
    fresh = [line["shop_id"] for line in view["lines"] if line["fresh_account"]]
    if fresh:
        print_line(console, in_both(Text("Accounts changed in the 30 days before: {shops}", shops=", ".join(fresh))))
    for line in view["refused"]:
        refusal = Refusal(line["code"], id=line["shop_id"], available_minor=line["amount_minor"])
        amount = show_amount(line["amount_minor"], currency)
        print_line(console, f"{line['shop_id']} {amount}: {render_both(refusal.text, ' ')}")


def lines_in_all(count: int, total: str, currency: str) -> Text:
    """Words how many lines there are, and what they come to."""
    return Text("{count} lines, {total} {currency}.", count=count, total=total, currency=currency)
