"""The part of the audit that recomputes what is expected of every paid order. No SQL may enter."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import UNDONE
from distrib.domain.orders.effects import EXPECTED
from distrib.domain.plans.plan import Plan
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
from distrib.store.audit.lives import payment_batch
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.orders.life import StoredPayment

BATCH_ORDERS = 1_000
EXPECTED_CHECK = "expected_recompute"


def recompute_expected(conn: Connection, program: Program, after: int) -> tuple[dict[str, AuditAnswer], int | None]:
    """Recomputes the next paid orders that are neither settled nor ended from snapshot, plan version and refunds.

    Returns:
        The result by name of the check, and after what number the next batch begins; None after the last.
    """
    batch, following = payment_batch(conn, program.program_id, after, BATCH_ORDERS)
    if not batch:
        return {}, following
    plans = {entry.version_no: entry.plan for entry in load_timeline(conn, program).entries}
    problems = {order_no: _problem_of(stored, plans) for order_no, stored in batch.items()}
    rows = [{"order_no": order_no, **problem} for order_no, problem in problems.items() if problem is not None]
    return {EXPECTED_CHECK: AuditAnswer(len(batch), len(rows), rows[:MOST_ROWS])}, following


def _problem_of(stored: StoredPayment, plans: Mapping[int, Plan]) -> dict[str, object] | None:
    """Recomputes one payment and describes what is wrong with it; None where nothing is."""
    try:
        unlike = _differences(stored, plans)
    except (Refusal, ValueError, LookupError) as error:
        return {"what": "cannot be worked out", "why": str(error)}
    if not unlike:
        return None
    first = unlike[0]
    return {
        "differences": len(unlike),
        "what": first.what,
        **first.key._asdict(),
        "expected_minor": first.expected_minor,
        "posted_minor": first.posted_minor,
    }


def _differences(stored: StoredPayment, plans: Mapping[int, Plan]) -> list[Difference]:
    order = decode_stored(stored.payload).order
    if order is None:
        raise ValueError("a payment rests on an event with an order")
    first: list[PostedCommission] = []
    changes: dict[PostedKey, int] = {}
    for row in stored.changes:
        place = PostedKey(row.line_id, row.rule_id, row.tier, row.shop_no)
        if row.kind == EXPECTED:
            first.append(PostedCommission(*place, row.base_minor, row.rate_ppm, row.amount_minor))
        else:
            changes[place] = changes.get(place, 0) + row.amount_minor
    refunded: dict[str, int] = {}
    standing = 0
    for refund in stored.refunds.values():
        standing += -1 if refund.refund_id.startswith(UNDONE) else 1
        for line_id, amount_minor in refund.taken.items():
            refunded[line_id] = refunded.get(line_id, 0) + amount_minor
    left = left_of_lines(order, refunded) if standing else None
    snapshot = Snapshot.from_json(stored.snapshot)
    return differences(plans[stored.version_no], order, snapshot, left, PostedOrder(first, changes))
