"""The ledger held against a simulation of the very plans it was made by: order by order, row by row, pools included.

Every row is worked out again from what happened: what was earned, and what each refund, each refund undone and each
decision of a case changed, with month and instants. No SQL may enter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Required, TypedDict

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.policies.policy import Policy
from distrib.services.context import Program, Unit, format_period
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.simulations import pools
from distrib.services.simulations.candidates import Simulated, as_published
from distrib.services.simulations.histories import PastOrder, past_orders
from distrib.services.simulations.own_tables import TableRanks
from distrib.services.simulations.replaying import Replayed, replay
from distrib.services.simulations.running import Begin, own_ranks
from distrib.services.statements.pool_shares import month_of
from distrib.store.network import shops
from distrib.store.simulations import history as rows
from distrib.store.simulations import pools as posted_pools
from distrib.store.simulations import ranks as rank_rows
from distrib.store.simulations.history import PaidSpan

MOST_SHOWN = 100
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
MISSING, EXTRA, OTHER_PLAN, UNWORKABLE = "missing", "extra", "other_plan", "cannot_be_worked_out"


class LedgerDifference(TypedDict, total=False):
    """What only one side has, and where: of an order, of a shop's rank, or of a pool."""

    order_id: str
    what: Required[str]
    why: str
    event_no: int | None
    is_earned: bool
    line_id: str
    rule: str
    tier: int
    pool: str
    month: str
    shop_no: int
    base_minor: int | None
    rate_ppm: int | None
    amount_minor: int
    expected_minor: int
    posted_minor: int
    occurred_at: datetime
    available_at: datetime
    effective_at: datetime
    rank: str | None
    cause: str
    shop_id: str | None


class LedgerRow(NamedTuple):
    """A row of the ledger by its content; base and rate only of what was earned."""

    event_no: int | None
    is_earned: bool
    line_id: str
    rule: str
    tier: int
    shop_no: int
    base_minor: int | None
    rate_ppm: int | None
    amount_minor: int
    occurred_at: datetime
    available_at: datetime

    def difference(self, order_id: str, what: str) -> LedgerDifference:
        """The row as one that only one side has."""
        return {
            "order_id": order_id,
            "what": what,
            "event_no": self.event_no,
            "is_earned": self.is_earned,
            "line_id": self.line_id,
            "rule": self.rule,
            "tier": self.tier,
            "shop_no": self.shop_no,
            "base_minor": self.base_minor,
            "rate_ppm": self.rate_ppm,
            "amount_minor": self.amount_minor,
            "occurred_at": self.occurred_at,
            "available_at": self.available_at,
        }


class CheckedView(TypedDict):
    """What a check came to as it is shown; ``first`` are the first differences."""

    ok: bool
    orders: int
    rows: int
    pools: int
    ranks: int
    simulated: int
    in_another_order: int
    differences: int
    first: list[LedgerDifference]


@dataclass(slots=True)
class Checked:
    """What a check came to: how many orders and rows were held against each other, and what differs.

    ``simulated`` are the orders that were simulated anew; ``in_another_order`` those that come to something else by
    time than in the order in which the ledger worked on them, which is no difference.
    """

    orders: int = 0
    rows: int = 0
    pools: int = 0
    ranks: int = 0
    simulated: int = 0
    in_another_order: int = 0
    differences: int = 0
    shown: list[LedgerDifference] = field(default_factory=list)

    def add(self, difference: LedgerDifference) -> None:
        """Counts a difference, and keeps it if it is among the first."""
        self.differences += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(difference)

    def view(self) -> CheckedView:
        """The result as it is shown."""
        return {
            "ok": not self.differences,
            "orders": self.orders,
            "rows": self.rows,
            "pools": self.pools,
            "ranks": self.ranks,
            "simulated": self.simulated,
            "in_another_order": self.in_another_order,
            "differences": self.differences,
            "first": self.shown,
        }


def check_as_published(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    span: PaidSpan,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Checked:
    """Simulates the plan versions in force on the orders of a span and compares every row with the ledger's.

    Args:
        conn: a transaction that ``enter_history`` opened.
    """
    published = TermsBook(program, load_timeline(conn, program), policies)
    checked = Checked()
    total = rows.count_orders(conn, program.program_id, span)
    for orders in past_orders(conn, program, span, in_time=False):
        for past in orders:
            _check_order(checked, past, published)
        progress(checked.orders, total)
    _check_pools(conn, program, published, span, checked)
    name_shops(conn, program, checked)
    return checked


def check_ranks(unit: Unit, begin: Begin, policies: Mapping[str, Policy], checked: Checked) -> None:
    """Replays every rank from the first fact on under the plans in force, and compares every change with the program's.

    Args:
        unit: in a transaction that ``enter_history`` opened.
        begin: opens the one in which ranks are replayed.
    """
    conn, program, now = unit.conn, unit.program, unit.now
    timeline = load_timeline(conn, program)
    with own_ranks(conn, begin) as own:
        evaluated = rank_rows.evaluated_months(own, program.program_id)
        ranks = TableRanks(own, program, now)
        replay(ranks, program, policies, timeline, Replayed(_BEFORE_ALL, now, evaluated.get))
        checked.ranks, unlike = rank_rows.unlike_ranks(own, program.program_id)
    for row in unlike:
        checked.add(
            {
                "what": row.what,
                "shop_no": row.shop_no,
                "effective_at": row.effective_at,
                "rank": row.rank,
                "cause": row.cause,
            }
        )
    name_shops(conn, program, checked)


def _check_order(checked: Checked, past: PastOrder, published: TermsBook) -> None:
    checked.orders += 1
    try:
        if past.version_no is not None and published.version_no_at(past.order.paid_at) != past.version_no:
            checked.add({"order_id": past.order.id, "what": OTHER_PLAN})
        simulated = as_published(past, published)
    except (Refusal, LookupError, ValueError) as error:
        checked.add({"order_id": past.order.id, "what": UNWORKABLE, "why": str(error)})
        return
    expected, had = Counter(_rows_of(simulated, past)), Counter(_posted(past))
    checked.rows += len(past.posted)
    if expected == had:
        return
    for what, unlike in ((MISSING, expected - had), (EXTRA, had - expected)):
        for row in sorted(unlike.elements(), key=str):
            checked.add(row.difference(past.order.id, what))


def _rows_of(simulated: Simulated, past: PastOrder) -> list[LedgerRow]:
    settlement = simulated.settlement
    if settlement is None:
        return []
    order, terms, _, commissions, counts_from = settlement
    lines, rules, available_at = order.lines, terms.plan.rules, counts_from + terms.hold
    earned = [
        LedgerRow(
            past.event_no,
            True,
            lines[c.line_index].id,
            rules[c.rule_index].id,
            c.tier,
            c.shop_no,
            c.base_minor,
            c.rate_ppm,
            c.amount_minor,
            counts_from,
            available_at,
        )
        for c in commissions
    ]
    return earned + [
        LedgerRow(
            change.event_no,
            False,
            lines[change.commission.line_index].id,
            rules[change.commission.rule_index].id,
            change.commission.tier,
            change.commission.shop_no,
            None,
            None,
            change.amount_minor,
            change.occurred_at,
            change.available_at,
        )
        for change in simulated.changes
    ]


def _posted(past: PastOrder) -> list[LedgerRow]:
    return [
        LedgerRow(
            row.event_no,
            row.is_earned,
            row.line_id,
            row.rule_id,
            row.tier,
            row.shop_no,
            row.base_minor if row.is_earned else None,
            row.rate_ppm if row.is_earned else None,
            row.amount_minor,
            row.occurred_at,
            row.available_at,
        )
        for row in past.posted
    ]


def _check_pools(conn: Connection, program: Program, published: TermsBook, span: PaidSpan, checked: Checked) -> None:
    """Works out again the shares of every pool that was paid for a month whose last instant lies in the span.

    Paying fixes a pool: of one whose month came to something else since, only the sum is held against what was paid.
    """
    for payment in posted_pools.payments_between(conn, program.program_id, span):
        checked.pools += 1
        plan = published.of_version(payment.version_no).plan
        month = month_of(program, payment.month)
        pool = next(pool for pool in plan.pools if pool.id == payment.pool_id)
        shared = pools.pool_of(conn, program, plan, pool, month)
        had = Counter(dict(posted_pools.shares_of(conn, program.program_id, payment.cause_no)))
        if (shared.base_minor, shared.weight) != (payment.base_minor, payment.weight):
            if had.total() != payment.amount_minor:
                checked.add({"what": EXTRA, "pool": payment.pool_id, "month": format_period(payment.month)})
            continue
        expected = Counter(dict(shared.shares))
        for shop_no in sorted({*expected, *had}):
            if expected[shop_no] != had[shop_no]:
                checked.add(
                    {
                        "what": MISSING if expected[shop_no] > had[shop_no] else EXTRA,
                        "pool": payment.pool_id,
                        "month": format_period(payment.month),
                        "shop_no": shop_no,
                        "expected_minor": expected[shop_no],
                        "posted_minor": had[shop_no],
                    }
                )


def name_shops(conn: Connection, program: Program, checked: Checked) -> None:
    """Shows shops by their own ids."""
    numbers = {row["shop_no"] for row in checked.shown if "shop_no" in row}
    ids = shops.ids_of(conn, program.program_id, numbers) if numbers else {}
    for row in checked.shown:
        if "shop_no" in row:
            row["shop_id"] = ids.get(row.pop("shop_no"))
