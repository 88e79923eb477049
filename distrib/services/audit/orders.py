"""The part of the audit that works every settled order out again, a batch at a time.

What agrees is told by comparing one text an order; only what differs, or was refunded, is taken
apart. Memory does not grow with the number of orders. No SQL may enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import Order
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.recomputing import PostedCommission, PostedKey, PostedOrder, differences, left_of_lines
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.versions import load_timeline
from distrib.store.audit.questions import MOST_ROWS, Answer
from distrib.store.audit.runs import FIELD, ROW, OrderBatch, SettledRow, order_batches

BATCH_ORDERS = 4_000
MOST_DIFFERENCES = 5
"""So many differences of one order are shown."""
RECOMPUTE, REFUNDS, CAP = "orders_recompute", "refunds_within_paid", "order_cap_kept"


@dataclass(slots=True)
class _Findings:
    """How many things were looked at and the wrong ones, the first of them kept."""

    figure: int = 0
    wrong: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        """Notes something wrong."""
        self.wrong += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append(row)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What refunds did to the orders of one batch, by order."""

    reversed: Mapping[int, Mapping[PostedKey, int]]
    taken_back: Mapping[int, set[PostedKey]]
    refunded: Mapping[int, Mapping[str, int]]


def recompute_orders(conn: Connection, program: Program) -> dict[str, Answer]:
    """Every settled order against its snapshot, its plan version and its refunds; three answers by name."""
    plans = {entry.version_no: entry.plan for entry in load_timeline(conn, program).entries}
    pass_ = _Pass(plans)
    for batch in order_batches(conn, program.program_id, BATCH_ORDERS):
        pass_.take(batch)
    return {name: Answer(found.figure, found.wrong, found.rows) for name, found in pass_.found.items()}


class _Pass:
    """One way through all orders."""

    def __init__(self, plans: Mapping[int, Plan]) -> None:
        self.found = {name: _Findings() for name in (RECOMPUTE, REFUNDS, CAP)}
        self._plans = plans
        self._rules = {version: [rule.id for rule in plan.rules] for version, plan in plans.items()}

    def take(self, batch: OrderBatch) -> None:
        """Looks at one batch, and at what was posted in its range for orders that never settled."""
        changes = _changes(batch)
        left_over = batch.earned.keys() | changes.reversed.keys()
        for row in batch.orders:
            left_over.discard(row.order_no)
            try:
                self._take_order(row, batch.earned.get(row.order_no), changes)
            except (Refusal, ValueError, LookupError) as error:
                self.found[RECOMPUTE].add(order_no=row.order_no, what="cannot be worked out", why=str(error))
        for order_no in sorted(left_over):
            self.found[RECOMPUTE].add(order_no=order_no, what="posted without a settlement")
        self.found[RECOMPUTE].figure += len(batch.orders)

    def _take_order(self, row: SettledRow, posted: str | None, changes: _Changes) -> None:
        order = decode_stored(row.payload).order
        if order is None or order.paid_minor != row.paid_minor:
            raise ValueError("the settlement does not fit its event")
        refunded = changes.refunded.get(row.order_no)
        left = None if refunded is None else self._left(row, order, refunded)
        if row.version_no is None:
            if posted is not None:
                raise ValueError("posted without a plan")
            return
        plan, snapshot = self._plans[row.version_no], Snapshot.from_json(row.snapshot)
        first = settle(plan, order, snapshot)
        reversed_ = changes.reversed.get(row.order_no)
        if refunded is None and reversed_ is None and _text(first, order, self._rules[row.version_no]) == posted:
            stands = sum([commission.amount_minor for commission in first])
        else:
            taken_back = frozenset(changes.taken_back.get(row.order_no, ()))
            told = PostedOrder(_earned(posted), reversed_ or {}, taken_back)
            self._compare(row, plan, order, snapshot, left, told)
            stands = sum(told.standing().values())
        self._check_cap(row, snapshot, row.paid_minor if left is None else sum(left), stands)

    def _left(self, row: SettledRow, order: Order, refunded: Mapping[str, int]) -> list[int]:
        found, paid = self.found[REFUNDS], {line.id: line.paid_minor for line in order.lines}
        found.figure += len(refunded)
        for line_id, amount_minor in refunded.items():
            if amount_minor > paid.get(line_id, -1):
                given = {"paid_minor": paid.get(line_id), "refunded_minor": amount_minor}
                found.add(order_no=row.order_no, line_id=line_id, **given)
        return left_of_lines(order, refunded)

    def _compare(
        self,
        row: SettledRow,
        plan: Plan,
        order: Order,
        snapshot: Snapshot,
        left: Sequence[int] | None,
        told: PostedOrder,
    ) -> None:
        found = differences(plan, order, snapshot, left, told)
        if found:
            shown = [
                {"what": what, **place._asdict(), "expected_minor": expected, "posted_minor": posted}
                for what, place, expected, posted in found[:MOST_DIFFERENCES]
            ]
            self.found[RECOMPUTE].add(order_no=row.order_no, differences=len(found), first=shown)

    def _check_cap(self, row: SettledRow, snapshot: Snapshot, left_minor: int, stands: int) -> None:
        if snapshot.order_cap_ppm is None:
            return
        limit = snapshot.order_cap_ppm * left_minor // PPM
        self.found[CAP].figure += 1
        if stands > limit:
            self.found[CAP].add(order_no=row.order_no, limit_minor=limit, standing_minor=stands)


def _changes(batch: OrderBatch) -> _Changes:
    reversed_: defaultdict[int, defaultdict[PostedKey, int]] = defaultdict(lambda: defaultdict(int))
    taken_back: defaultdict[int, set[PostedKey]] = defaultdict(set)
    for order_no, line_id, rule_id, tier, shop_no, amount_minor, is_decided in batch.reversed:
        place = PostedKey(line_id, rule_id, tier, shop_no)
        reversed_[order_no][place] += amount_minor
        if is_decided:
            taken_back[order_no].add(place)
    refunded: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for order_no, line_id, amount_minor in batch.refunded:
        refunded[order_no][line_id] = amount_minor
    return _Changes(reversed_, taken_back, refunded)


def _text(commissions: Sequence[Commission], order: Order, rules: Sequence[str]) -> str | None:
    """The commissions as the ledger's query writes them; None where there are none."""
    lines = order.lines
    rows = [
        f"{lines[line].id}\x1f{rules[rule]}\x1f{tier}\x1f{shop_no}\x1f{base}"
        f"\x1f{'' if rate is None else rate}\x1f{amount}"
        for line, rule, tier, shop_no, base, rate, amount in commissions
    ]
    return ROW.join(rows) if rows else None


def _earned(posted: str | None) -> list[PostedCommission]:
    """The commissions that ``_text`` writes, read back."""
    return [] if posted is None else [_earned_row(row) for row in posted.split(ROW)]


def _earned_row(row: str) -> PostedCommission:
    line, rule, tier, shop_no, base, rate, amount = row.split(FIELD)
    return PostedCommission(line, rule, int(tier), int(shop_no), int(base), int(rate) if rate else None, int(amount))
