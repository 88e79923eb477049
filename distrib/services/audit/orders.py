"""The part of the audit that recomputes every settled order, a page at a time.

Orders that agree are recognised by comparing one text an order; only what differs, or was refunded, is taken
apart. Memory does not grow with the number of orders. No SQL may enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import Order
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.recomputing import (
    Difference,
    PostedCommission,
    PostedKey,
    PostedOrder,
    differences,
    left_of_lines,
)
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.context import Program
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.versions import load_timeline
from distrib.store.audit.pages import Page
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.audit.runs import FIELD, ROW, OrderBatch, SettledRow, order_batch

MOST_DIFFERENCES = 5
"""So many differences of one order are shown."""
CHECKS = RECOMPUTE, REFUNDS, CAP = "orders_recompute", "refunds_within_paid", "order_cap_kept"


@dataclass(slots=True)
class _Findings:
    """The counts of one check, with its first wrong rows."""

    figure: int = 0
    wrong: int = 0
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, **row: object) -> None:
        """Counts a wrong row and keeps it if it is among the first."""
        self.wrong += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append(row)

    def answer(self) -> AuditAnswer:
        """The counts and the first wrong rows as the audit keeps them."""
        return AuditAnswer(self.figure, self.wrong, self.rows)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What refunds and cases changed of the orders of one batch, by order."""

    reversed: Mapping[int, Mapping[PostedKey, int]]
    taken_back: Mapping[int, set[PostedKey]]
    refunded: Mapping[int, Mapping[str, int]]
    refunded_lately: set[int]


def recompute_orders(conn: Connection, program: Program, page: Page, plans: dict[int, Plan]) -> dict[str, AuditAnswer]:
    """Recomputes the settled orders of a page from snapshot, plan version and refunds; three results by check.

    Args:
        plans: those known, by number of their version; what was published since is added.
    """
    batch = order_batch(conn, program.program_id, page)
    if any(row.version_no is not None and row.version_no not in plans for row in batch.orders):
        plans.update({entry.version_no: entry.plan for entry in load_timeline(conn, program).entries})
    audit = _OrderAudit(plans)
    audit.check_batch(batch)
    return {name: findings.answer() for name, findings in audit.findings.items()}


class _OrderAudit:
    """Checks orders batch by batch and collects what is wrong, by name of the check."""

    def __init__(self, plans: Mapping[int, Plan]) -> None:
        self.findings = {name: _Findings() for name in (RECOMPUTE, REFUNDS, CAP)}
        self._plans = plans
        self._rules = {version: [rule.id for rule in plan.rules] for version, plan in plans.items()}

    def check_batch(self, batch: OrderBatch) -> None:
        """Recomputes the orders of a batch, and notes what was posted in its range for orders that never settled."""
        changes = _changes(batch)
        left_over = batch.earned.keys() | changes.reversed.keys()
        for row in batch.orders:
            left_over.discard(row.order_no)
            try:
                self._check_order(row, batch.earned.get(row.order_no), changes)
            except (Refusal, ValueError, LookupError) as error:
                self.findings[RECOMPUTE].add(order_no=row.order_no, what="cannot be worked out", why=str(error))
        for order_no in sorted(left_over):
            self.findings[RECOMPUTE].add(order_no=order_no, what="posted without a settlement")
        self.findings[RECOMPUTE].figure += len(batch.orders)

    def _check_order(self, row: SettledRow, posted: str | None, changes: _Changes) -> None:
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
            is_bound_by_line = refunded is not None and row.order_no not in changes.refunded_lately
            posted_order = PostedOrder(_earned(posted), reversed_ or {}, taken_back, is_bound_by_line)
            self._note_unlike(row, differences(plan, order, snapshot, left, posted_order))
            stands = sum(posted_order.standing().values())
        self._check_cap(row, snapshot, row.paid_minor if left is None else sum(left), stands)

    def _left(self, row: SettledRow, order: Order, refunded: Mapping[str, int]) -> list[int]:
        findings, paid = self.findings[REFUNDS], {line.id: line.paid_minor for line in order.lines}
        findings.figure += len(refunded)
        for line_id, amount_minor in refunded.items():
            if amount_minor > paid.get(line_id, -1):
                given = {"paid_minor": paid.get(line_id), "refunded_minor": amount_minor}
                findings.add(order_no=row.order_no, line_id=line_id, **given)
        return left_of_lines(order, refunded)

    def _note_unlike(self, row: SettledRow, unlike: Sequence[Difference]) -> None:
        if unlike:
            shown = [
                {
                    "what": difference.what,
                    **difference.key._asdict(),
                    "expected_minor": difference.expected_minor,
                    "posted_minor": difference.posted_minor,
                }
                for difference in unlike[:MOST_DIFFERENCES]
            ]
            self.findings[RECOMPUTE].add(order_no=row.order_no, differences=len(unlike), first=shown)

    def _check_cap(self, row: SettledRow, snapshot: Snapshot, left_minor: int, stands: int) -> None:
        if snapshot.order_cap_ppm is None:
            return
        limit = snapshot.order_cap_ppm * left_minor // PPM
        self.findings[CAP].figure += 1
        if stands > limit:
            self.findings[CAP].add(order_no=row.order_no, limit_minor=limit, standing_minor=stands)


def _changes(batch: OrderBatch) -> _Changes:
    reversed_: defaultdict[int, defaultdict[PostedKey, int]] = defaultdict(lambda: defaultdict(int))
    taken_back: defaultdict[int, set[PostedKey]] = defaultdict(set)
    for row in batch.reversed:
        place = PostedKey(row.line_id, row.rule_id, row.tier, row.shop_no)
        reversed_[row.order_no][place] += row.amount_minor
        if row.is_decided:
            taken_back[row.order_no].add(place)
    refunded: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for refund in batch.refunded:
        if refund.refunds:  # where all were undone the order is as if there had been none
            refunded[refund.order_no][refund.line_id] = refund.amount_minor
    refunded_lately = {refund.order_no for refund in batch.refunded if not refund.is_of_before}
    return _Changes(reversed_, taken_back, refunded, refunded_lately)


def _text(commissions: Sequence[Commission], order: Order, rules: Sequence[str]) -> str | None:
    """Encodes commissions as the ledger's query does; None where there are none."""
    lines = order.lines
    rows = [
        f"{lines[line].id}\x1f{rules[rule]}\x1f{tier}\x1f{shop_no}\x1f{base}"
        f"\x1f{'' if rate is None else rate}\x1f{amount}"
        for line, rule, tier, shop_no, base, rate, amount in commissions
    ]
    return ROW.join(rows) if rows else None


def _earned(posted: str | None) -> list[PostedCommission]:
    """Decodes the commissions that ``_text`` encodes."""
    return [] if posted is None else [_earned_row(row) for row in posted.split(ROW)]


def _earned_row(row: str) -> PostedCommission:
    line, rule, tier, shop_no, base, rate, amount = row.split(FIELD)
    return PostedCommission(line, rule, int(tier), int(shop_no), int(base), int(rate) if rate else None, int(amount))
