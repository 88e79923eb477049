"""What is expected of an order that is paid and not yet settled: worked out once, lowered by refunds, ended.

The same recomputation as for money that was earned, written down apart from the ledger. What
refunds took before the settlement is kept, to be taken back from what the settlement earns.
No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from distrib.domain.events import Event, Order
from distrib.domain.settlement.commission import Commission, Key, settle_left
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import Terms, TermsBook
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.refunds import Known, refund_of, remark_of, take_back, taken_by
from distrib.store.orders.life import EarlyRefundLine, ExpectedChange, PaidOrder, StoredPayment
from distrib.store.orders.queue import PendingEvent

EXPECTED, REFUNDED, ENDED = "expected", "refunded", "ended"


class Taken(NamedTuple):
    """A refund that came early: its event, and what it took of each line, by index."""

    pending: PendingEvent
    event: Event
    minor: list[int]


@dataclass(slots=True)
class Expecting:
    """A paid order: ``known`` holds what is left of it and what of each commission is still expected."""

    known: Known
    early: list[Taken] = field(default_factory=list)


def expect(
    batch: Batch,
    pending: PendingEvent,
    event: Event,
    order: Order,
    terms: Terms,
    snapshot: Snapshot,
    commissions: list[Commission],
) -> Expecting:
    """Writes down what a payment lets expect, with the snapshot that counts from now on."""
    seller_no = None if snapshot.seller is None else snapshot.seller.shop_no
    batch.life.paid.append(
        PaidOrder(
            pending.order_no,
            pending.event_no,
            terms.version_no,
            seller_no,
            order.paid_at,
            order.paid_minor,
            snapshot.to_json(),
        )
    )
    known = _known(order, terms, snapshot, event.occurred_at)
    for commission in commissions:
        _note(known, commission, event.occurred_at)
        _change(
            batch,
            pending.order_no,
            pending.event_no,
            known,
            EXPECTED,
            commission[:4],
            commission.amount_minor,
            event.occurred_at,
        )
    return Expecting(known)


def expecting_from_rows(order_no: int, stored: StoredPayment, terms_book: TermsBook) -> Expecting:
    """The paid order as an earlier batch left it."""
    order = decode_stored(stored.payload).order
    if order is None:
        raise ValueError("a payment rests on an event with an order")
    terms = terms_book.of_version(stored.version_no)
    known = _known(order, terms, Snapshot.from_json(stored.snapshot), stored.occurred_at)
    lines = {line.id: place for place, line in enumerate(order.lines)}
    rules = {rule.id: place for place, rule in enumerate(terms.plan.rules)}
    for row in stored.changes:
        key: Key = (lines[row.line_id], rules[row.rule_id], row.tier, row.shop_no)
        if row.kind == EXPECTED:
            _note(known, Commission(*key, row.base_minor, row.rate_ppm, row.amount_minor), row.occurred_at)
        else:
            known.standing[key] += row.amount_minor
        known.next_seq = row.seq + 1
    expecting = Expecting(known)
    for early in stored.refunds.values():
        taken = [early.taken.get(line.id, 0) for line in order.lines]
        event = decode_stored(early.payload)
        pending = PendingEvent(order_no, early.event_no, early.day, early.payload, "done", 1)
        _remember(expecting, Taken(pending, event, taken))
    return expecting


def refund_early(batch: Batch, pending: PendingEvent, event: Event, expecting: Expecting) -> None:
    """Takes of a paid order what a refund takes, and lowers what is expected; a repeat does nothing.

    Raises:
        Refusal: as a refund of a settled order would; nothing is changed then.
    """
    known, refund = expecting.known, refund_of(event)
    taken, stood = taken_by(batch, pending, refund, known), dict(known.standing)
    if taken is None:
        return
    seq = len(expecting.early) + 1
    batch.life.early.extend(
        EarlyRefundLine(pending.order_no, refund.id, line.id, seq, pending.event_no, minor, event.occurred_at)
        for line, minor in zip(known.order.lines, taken, strict=True)
        if minor or not any(taken)
    )
    _remember(expecting, Taken(pending, event, taken))
    target = dict.fromkeys(known.standing, 0)
    left = settle_left(known.terms.plan, known.order, known.snapshot, known.left_minor, known.posted)
    target.update((commission[:4], commission.amount_minor) for commission in left)
    _bring_to(batch, pending.order_no, pending.event_no, known, REFUNDED, target, event.occurred_at)
    batch.finish(pending, "done", remark_of(taken, stood, known))


def end_expecting(batch: Batch, order_no: int, event_no: int, expecting: Expecting, at: datetime) -> None:
    """Nothing more is expected of the order: it has settled, or it has ended."""
    known = expecting.known
    _bring_to(batch, order_no, event_no, known, ENDED, dict.fromkeys(known.standing, 0), at)
    batch.life.closed.add(order_no)


def bring_early_refunds(batch: Batch, expecting: Expecting, settled: Known) -> None:
    """Takes back from what the settlement earned what refunds had taken before, as if they came after it."""
    for early in expecting.early:
        refund = refund_of(early.event)
        take_back(batch, early.pending, early.event, refund, settled, early.minor)


def _known(order: Order, terms: Terms, snapshot: Snapshot, at: datetime) -> Known:
    return Known(order, terms, snapshot, [line.paid_minor for line in order.lines], at)


def _note(known: Known, commission: Commission, at: datetime) -> None:
    key: Key = commission[:4]
    known.earned[key] = (len(known.earned) + 1, commission, at)
    known.posted[key] = known.standing[key] = commission.amount_minor


def _remember(expecting: Expecting, early: Taken) -> None:
    known = expecting.known
    refund = refund_of(early.event)
    known.refunds[refund.id] = refund
    known.left_minor = [left - minor for left, minor in zip(known.left_minor, early.minor, strict=True)]
    expecting.early.append(early)


def _bring_to(
    batch: Batch,
    order_no: int,
    event_no: int,
    known: Known,
    kind: str,
    target: Mapping[Key, int],
    at: datetime,
) -> None:
    for key, stands in known.standing.items():
        if target[key] != stands:
            _change(batch, order_no, event_no, known, kind, key, target[key] - stands, at)
    known.standing.update(target)


def _change(
    batch: Batch, order_no: int, event_no: int, known: Known, kind: str, key: Key, amount_minor: int, at: datetime
) -> None:
    """One row; never dated before the payment, so that nothing is taken away before it was expected."""
    commission = known.earned[key][1]
    batch.life.expected.append(
        ExpectedChange(
            order_no,
            known.next_seq,
            event_no,
            kind,
            commission.shop_no,
            known.order.lines[key[0]].id,
            known.terms.plan.rules[key[1]].id,
            commission.tier,
            commission.base_minor,
            commission.rate_ppm,
            amount_minor,
            max(at, known.sold_at),
        )
    )
    known.next_seq += 1
