"""What the demo says, by key. Words only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from distrib.cli.demo.showing.texts_money import MONEY_TEXTS
from distrib.domain.texts import Text
from distrib.languages import render

Say: TypeAlias = Callable[[str], str]

TEXTS: dict[str, Text] = {
    "reading": Text("reading the file"),
    "registering": Text("registering shops"),
    "posting": Text("posting orders and refunds"),
    "settling": Text("settling"),
    "night": Text("what workers look at once a night"),
    "reading_back": Text("reading statements back"),
    "auditing": Text("auditing"),
    "simulating": Text("working out every row again"),
    "starting": Text("starting the servers"),
    "real": Text("real"),
    "invented": Text("INVENTED"),
    "recipe": Text("by a seeded recipe, seed {seed}: docs/demo.md"),
    "invented_again": Text("What of this is invented: {what}. The orders are real."),
    "program": Text("program"),
    "earlier": Text("earlier runs stay as they are, history is never deleted: {codes}"),
    "plan": Text("plan"),
    "in_force": Text("ranks {ranks}; in force from {at}"),
    "shops": Text("shops"),
    "tree": Text("{roots} roots, {levels} levels"),
    "happened": Text("What happened"),
    "figure": Text(""),
    "count": Text("count"),
    "amount": Text("amount"),
    "rate": Text("per second"),
    "events_accepted": Text("events accepted over HTTP"),
    "orders_settled": Text("orders settled"),
    "refunds_invented": Text("refunds (invented)"),
    "refunds_real": Text("refunds (real credits)"),
    "commissions": Text("commissions"),
    "reversals": Text("reversals"),
    "promotions": Text("promotions to {rank}"),
    "left_out": Text("Left out of the file"),
    "explained": Text("Order {id}, explained line by line"),
    "order_lines": Text("paid {paid}, given back {back}; sold by {seller}; status {status}"),
    "nobody": Text("nobody"),
    "line": Text("line"),
    "rule": Text("rule"),
    "tier": Text("tier"),
    "shop": Text("shop"),
    "rank": Text("rank"),
    "base": Text("base"),
    "ratio": Text("rate"),
    "reason": Text("reason"),
    "posted": Text("posted", "demo"),
    "agrees": Text("worked out again from the snapshot: agrees with what was posted"),
    "disagrees": Text("worked out again from the snapshot: DOES NOT AGREE"),
    "largest": Text("Statement of {month}: the five largest shops"),
    "opening": Text("opening"),
    "earned": Text("earned"),
    "reversed": Text("reversed"),
    "closing": Text("closing"),
    "held": Text("held", "demo"),
    "available": Text("available"),
    "orders": Text("orders"),
    "refunds": Text("refunds"),
    "all_shops": Text("all {count:,} shops"),
    "audit": Text("Audit"),
    "audit_ok": Text("clean: {count} checks hold"),
    "audit_failed": Text("NOT CLEAN: {names}"),
    "simulated": Text(
        "{differences:,} differences over {orders:,} orders: every row worked out again under the plan in force"
    ),
    "control": Text("Control totals"),
    "counted": Text("counted on its own"),
    "found": Text("distrib"),
    "verdict": Text(""),
    "ok": Text("agrees"),
    "not_ok": Text("DIFFERS"),
    "all_agree": Text("All control totals agree, to the cent."),
    "some_differ": Text("Control totals or audit DO NOT agree: see above."),
    "look": Text("To look at it:"),
    "serve": Text("{command}   then open http://127.0.0.1:8000/"),
    "console": Text("sign in at {address}: what takes two people takes these two"),
    "keys": Text("API keys (orders, finance, admin)"),
    "files": Text("statements and payouts as CSV, log of the service"),
    "seconds": Text("{seconds} s in all"),
    # left out of UCI's file
    "credit_lines_without_earlier_sale": Text("credit lines without an earlier sale"),
    "credit_lines_without_customer": Text("credit lines without a customer"),
    "credit_lines_not_goods": Text("credit lines that are no goods (postage, discounts, …)"),
    "credit_lines_covered_in_part": Text("credit lines of more than was sold, taken in part"),
    "credit_lines_of_sales_given_back_already": Text("credit lines of sales given back before"),
    "links_worth_nothing": Text("refund links of less than a penny"),
    # control totals
    "published_orders": Text("orders: as published, in the file"),
    "published_lines": Text("lines: as published, in the file"),
    "published_customers": Text("customers: as published, in the file"),
    "published_paid_minor": Text("amount: as published, in the file"),
    "published_refund_links": Text("refund links: as known, as linked"),
    "published_credit_lines_without_earlier_sale": Text("credits without earlier sale: as known, in the file"),
    "lines": Text("lines in the file, posted"),
    "paid_minor": Text("amount in the file, of settled orders"),
    "refunded_minor": Text("refunds told, worked on: amount"),
    "events_done": Text("events posted, done"),
    "events_not_done": Text("events not done"),
    "statements_earned_minor": Text("commissions in the ledger, in the statements"),
    "statements_reversed_minor": Text("reversals in the ledger, in the statements"),
    "statements_closing_minor": Text("ledger's balance, last closing"),
    "exports_earned_and_reversed_minor": Text("statements, their CSV files"),
    **MONEY_TEXTS,
}


def speaker(language: str) -> Say:
    """Says the text of a key in ``zh`` or English; a word that has no text is said as it is."""
    return lambda key: render(TEXTS.get(key, key), language)
