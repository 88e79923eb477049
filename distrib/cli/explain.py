"""``distrib explain``: why an order paid what it paid, for people."""

from __future__ import annotations

from collections.abc import Callable

import click
from rich.console import Console

from distrib.bootstrap import open_container
from distrib.cli.output import (
    json_option,
    language_option,
    open_console,
    print_json,
    print_line,
    print_table,
    program_option,
    time_text,
)
from distrib.domain.amounts import show_amount
from distrib.domain.texts import Text
from distrib.languages import CHINESE, render
from distrib.services.orders.explanations import Explanation, LookView, explain_order
from distrib.services.plans.words import REASONS

_WORDS = {
    "order": Text("Order"),
    "pending": Text("pending"),
    "waiting": Text("waiting"),
    "failed": Text("failed"),
    "settled": Text("settled"),
    "cancelled": Text("cancelled"),
    "payment_failed": Text("payment failed"),
    "group_failed": Text("dropped, its group failed"),
    "partly_refunded": Text("partly_refunded"),
    "refunded": Text("refunded"),
    "plan": Text("plan"),
    "policy": Text("policy pack"),
    "people": Text("People as of payment"),
    "role": Text("role"),
    "seller": Text("seller"),
    "upline": Text("upline"),
    "leader": Text("leader"),
    "opener": Text("opener"),
    "shop": Text("shop"),
    "rank": Text("rank"),
    "active": Text("active"),
    "yes": Text("yes"),
    "no": Text("no"),
    "looks": Text("Everyone looked at", "explain"),
    "line": Text("line"),
    "rule": Text("rule"),
    "tier": Text("tier"),
    "base": Text("base"),
    "rate": Text("rate"),
    "before_cap": Text("before cap"),
    "amount": Text("amount"),
    "posted": Text("posted"),
    "reason": Text("reason"),
    "paid": Text("paid, not settled yet"),
    "paid_amount": Text("paid", "explain"),
    "left": Text("left"),
    "agrees": Text("Worked out again, it agrees with what was posted."),
    "differs": Text("Worked out again, it DIFFERS from what was posted:"),
    "expected": Text("expected"),
    "what": Text("what"),
    "by_binding": Text("Sold by the shop bound to the customer"),
    "nobody": Text("Nobody was looked at."),
    "earlier": Text("The customer had {orders} earlier orders, the first paid on {paid_at}."),
    "no_earlier": Text("The customer had no earlier order."),
    "no_customer": Text("The order names no customer."),
    "customers": Text("Asked of the customer"),
    "asked": Text("asked"),
    "is_met": Text("met"),
    "new": Text("new customer"),
    "returning": Text("returning customer"),
    "not": Text("not: {what}"),
    "bounds": Text("{what} ({bounds})"),
    "fewer_orders": Text("new: fewer than {orders} earlier orders"),
    "fewer_days": Text("new: first order paid less than {days} days before"),
    "once": Text("once for the order, on line {line}"),
}
_Say = Callable[[str], str]


@click.command()
@click.argument("order_id", metavar="ORDER")
@program_option
@language_option
@json_option
def explain(order_id: str, program_code: str | None, language: str, as_json: bool) -> None:
    """Why an order paid what it paid, worked out again.

    Exit status 1 where the ledger does not agree.
    """
    with open_container() as container, container.begin() as conn:
        view = explain_order(conn, container.program(conn, program_code), order_id)
    if as_json:
        print_json(view)
    else:
        _show(open_console(), view, language)
    if not view.agrees:
        raise SystemExit(1)


def _show(console: Console, view: Explanation, language: str) -> None:
    def say(word: str) -> str:
        return render(_WORDS[word], language)

    _head(console, view, say)
    if view.seller_by == "binding":
        print_line(console, f"{say('by_binding')} {view.customer_id or ''}".strip())
    if view.error is not None:
        print_line(console, view.error.detail_zh if language == CHINESE else view.error.detail, "yellow")
    if view.reason is not None:
        print_line(console, _reason(view.reason, language), "yellow")
    _people(console, view, say)
    _customer(console, view, language)
    _looks(console, view, say, language)
    _verdict(console, view, say)


def _head(console: Console, view: Explanation, say: _Say) -> None:
    currency = view.currency or ""
    parts = [f"{say('order')} {view.id}: {say(view.status)}"]
    if view.paid_at is not None:
        parts.append(time_text(view.paid_at))
    if view.paid_minor is not None:
        parts.append(f"{say('paid_amount')} {show_amount(view.paid_minor, currency)} {currency}")
        parts.append(f"{say('left')} {show_amount(view.left_minor, currency)}")
    if view.plan is not None:
        parts.append(f"{say('plan')} {view.plan.code}@{view.plan.version}")
    if view.policy:
        parts.append(f"{say('policy')} {view.policy}")
    print_line(console, ", ".join(parts), "bold")


def _people(console: Console, view: Explanation, say: _Say) -> None:
    columns = {say("role"): False, say("shop"): False, say("rank"): False, say("active"): False}
    rows = []
    for person in view.people:
        role, _, tier = person.role.partition("-")
        is_active = say("yes" if person.is_active else "no")
        rows.append((f"{say(role)} {tier}".strip(), person.shop_id, person.rank, is_active))
    if rows:
        print_table(console, say("people"), columns, rows)


def _customer(console: Console, view: Explanation, language: str) -> None:
    """What rules ask of the customer, and what was known of it; nothing where no rule asks."""

    def say(word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), language)

    if not view.customer_conditions:
        return
    earlier = view.earlier_orders
    if earlier is None:
        print_line(console, say("no_customer"))
    elif earlier.first_paid_at is None:
        print_line(console, say("no_earlier"))
    else:
        print_line(console, say("earlier", orders=earlier.orders, paid_at=time_text(earlier.first_paid_at)))
    columns = {say("rule"): False, say("asked"): False, say("is_met"): False}
    rows = []
    for row in view.customer_conditions:
        bounds = [("fewer_orders", "orders", row.within_orders), ("fewer_days", "days", row.within_days)]
        worded = "; ".join(say(word, **{name: bound}) for word, name, bound in bounds if bound is not None)
        asked = say("bounds", what=say(row.customer), bounds=worded)
        rows.append((row.rule, say("not", what=asked) if row.leaves_out else asked, say("yes" if row.is_met else "no")))
    print_table(console, say("customers"), columns, rows)


def _looks(console: Console, view: Explanation, say: _Say, language: str) -> None:
    texts, figures = ("line", "rule", "tier", "shop", "rank"), ("base", "rate", "before_cap", "amount", "posted")
    columns = {say(name): False for name in texts} | {say(name): True for name in figures} | {say("reason"): False}
    currency = view.currency or ""
    rows = []
    for look in view.looks:
        minors = (look.base_minor, look.amount_before_cap_minor, look.amount_minor, look.posted_minor)
        base, before, amount, posted = (show_amount(minor, currency) for minor in minors)
        who = (look.line_id, look.rule, look.tier, look.shop_id, look.rank)
        rows.append((*who, base, look.rate, before, amount, posted, _why(look, language)))
    if rows:
        print_table(console, say("looks"), columns, rows)
    else:
        print_line(console, say("nobody"))


def _verdict(console: Console, view: Explanation, say: _Say) -> None:
    if view.agrees:
        print_line(console, say("agrees"), "green")
        return
    names = ("what", "line", "rule", "tier", "shop")
    columns = {say(name): False for name in names} | {say("expected"): True, say("posted"): True}
    currency = view.currency or ""
    rows = [
        (
            *(row.what, row.line_id, row.rule, row.tier, row.shop_id),
            show_amount(row.expected_minor, currency),
            show_amount(row.posted_minor, currency),
        )
        for row in view.differences
    ]
    print_table(console, say("differs"), columns, rows)


def _why(look: LookView, language: str) -> str:
    """The reason of a row; of an amount paid once for the order the other lines name the line that has it."""
    reason, line_id = _reason(look.reason, language), look.amount_line_id
    if line_id in (None, look.line_id):
        return reason
    return f"{reason}; {render(_WORDS['once'].with_params(line=line_id), language)}"


def _reason(code: str, language: str) -> str:
    words = render(REASONS.get(code, code), language)
    return code if words == code else f"{code} ({words})"
