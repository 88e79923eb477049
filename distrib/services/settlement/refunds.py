"""Refunds by recomputation: what should stand on what is left, less what stands.

Depends on what is left alone, so the steps that led there do not matter and a full refund
gives back exactly what was earned (plan.md, Refunds). No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from distrib.domain.errors import Refusal
from distrib.domain.events import CANCEL, Event, Order, Refund
from distrib.domain.settlement.commission import Commission, Key, settle_left
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import Terms, TermsBook
from distrib.services.settlement.batch import REFUNDS, REVERSED, Batch
from distrib.store.copying import text_field
from distrib.store.orders.queue import PendingEvent
from distrib.store.settlement.batch import Posting, RefundLineRow, Reversal, encode_reversals
from distrib.store.settlement.histories import SettledOrder


@dataclass(slots=True)
class Known:
    """An order after its settlement: what is left of it and what stands posted.

    ``posted`` is what was first earned by each commission, ``standing`` what of it still stands.
    """

    order: Order
    terms: Terms
    snapshot: Snapshot
    left_minor: list[int]
    sold_at: datetime
    refunds: dict[str, Refund] = field(default_factory=dict)
    earned: dict[Key, tuple[int, Commission, datetime]] = field(default_factory=dict)
    posted: dict[Key, int] = field(default_factory=dict)
    standing: dict[Key, int] = field(default_factory=dict)
    next_seq: int = 1


def known_from_fresh(
    order: Order, terms: Terms, snapshot: Snapshot, commissions: list[Commission], at: datetime
) -> Known:
    """The order that this very batch has settled, counting from ``at``."""
    known = Known(order, terms, snapshot, [line.paid_minor for line in order.lines], at)
    for seq, commission in enumerate(commissions, 1):
        _note_earned(known, seq, commission, at + terms.hold)
    known.next_seq = len(commissions) + 1
    return known


def known_from_rows(settled: SettledOrder, terms_book: TermsBook) -> Known:
    """The order as an earlier batch left it."""
    order = decode_stored(settled.payload).order
    if order is None:
        raise ValueError("a settlement rests on an event with an order")
    terms = terms_book.of_version(settled.version_no)
    refunded = settled.refunded_minor
    known = Known(
        order,
        terms,
        Snapshot.from_json(settled.snapshot),
        [line.paid_minor - refunded.get(line.id, 0) for line in order.lines],
        settled.settled_at,
        {
            refund_id: refund_of(decode_stored(payload))
            for refund_id, payload in settled.refund_payloads.items()
            if refund_id != CANCEL
        },
    )
    lines = {line.id: index for index, line in enumerate(order.lines)}
    rules = {rule.id: index for index, rule in enumerate(terms.plan.rules)}
    for row in settled.transfers:
        key = (lines[row.line_id], rules[row.rule_id], row.tier, row.shop_no)
        if row.is_earned:
            _note_earned(
                known, row.seq, Commission(*key, row.base_minor, row.rate_ppm, row.amount_minor), row.available_at
            )
        else:
            known.standing[key] += row.amount_minor
            if row.is_decided:
                known.posted[key] = 0  # taken back for good: no refund may bring any of it back
        known.next_seq = row.seq + 1
    return known


def work_refund(batch: Batch, pending: PendingEvent, event: Event, known: Known) -> None:
    """Takes back what the refund takes of the order; a repeat of a known refund does nothing.

    Raises:
        Refusal: ``refund_conflict``, ``line_unknown`` or ``refund_exceeds``; nothing is changed then.
    """
    refund = refund_of(event)
    taken, stood = taken_by(batch, pending, refund, known), dict(known.standing)
    if taken is not None:
        take_back(batch, pending, event, refund, known, taken)
        batch.finish(pending, "done", remark_of(taken, stood, known))


def work_cancel(batch: Batch, pending: PendingEvent, event: Event, known: Known) -> None:
    """Takes back all that is left of a settled order, as a full refund."""
    taken, stood = list(known.left_minor), dict(known.standing)
    take_back(batch, pending, event, Refund(CANCEL, known.order.id), known, taken)
    batch.finish(pending, "done", remark_of(taken, stood, known))


def remark_of(taken: Sequence[int], stood: Mapping[Key, int], known: Known) -> str | None:
    """What is said of a refund that took no money and no commission; one of a free order takes what that earned."""
    return None if any(taken) or known.standing != stood else "nothing_left"


def note_refund_before_cancel(batch: Batch, pending: PendingEvent, event: Event, known: Known, remark: str) -> None:
    """A refund from before the cancel that comes after it: the cancel has taken all that it would take.

    Raises:
        Refusal: ``refund_conflict`` or ``line_unknown``.
    """
    refund = refund_of(event)
    asked = Refund(refund.id, refund.order_id, None)
    lines = {line.id for line in known.order.lines}
    for line in refund.lines or ():
        if line.line_id not in lines:
            raise Refusal("line_unknown", line=line.line_id)
    if refund.id in known.refunds:
        taken_by(batch, pending, refund, known)
        return
    take_back(batch, pending, event, asked, known, [0] * len(known.left_minor))
    known.refunds[refund.id] = refund
    batch.finish(pending, "done", remark)


def take_back(
    batch: Batch, pending: PendingEvent, event: Event, refund: Refund, known: Known, taken: list[int]
) -> None:
    """Takes of a settled order what was decided that a refund takes, and reverses what is earned too much."""
    _take(batch, pending, event, refund, known, taken)
    known.refunds[refund.id] = refund
    _reverse(batch, pending, event, known)


def taken_by(batch: Batch, pending: PendingEvent, refund: Refund, known: Known) -> list[int] | None:
    """What a refund takes of each line, by index; None for the repeat of a known one, whose event is done.

    Raises:
        Refusal: ``refund_conflict``, ``line_unknown`` or ``refund_exceeds``.
    """
    before = known.refunds.get(refund.id)
    if before is None:
        return _taken(refund, known)
    if before != refund:
        raise Refusal("refund_conflict", id=refund.id)
    batch.finish(pending, "done", "already_refunded")
    return None


def _note_earned(known: Known, seq: int, commission: Commission, available_at: datetime) -> None:
    key: Key = commission[:4]
    known.earned[key] = (seq, commission, available_at)
    known.posted[key] = known.standing[key] = commission.amount_minor


def _taken(refund: Refund, known: Known) -> list[int]:
    """What the refund takes of each line, by index."""
    if refund.lines is None:
        return list(known.left_minor)
    places = {line.id: index for index, line in enumerate(known.order.lines)}
    taken = [0] * len(known.left_minor)
    for line in refund.lines:
        place = places.get(line.line_id)
        if place is None:
            raise Refusal("line_unknown", line=line.line_id)
        if line.amount_minor > known.left_minor[place]:
            left = known.left_minor[place]
            raise Refusal("refund_exceeds", line=line.line_id, amount=line.amount_minor, left=left)
        taken[place] = line.amount_minor
    return taken


def _take(batch: Batch, pending: PendingEvent, event: Event, refund: Refund, known: Known, taken: list[int]) -> None:
    seller = known.snapshot.seller
    counts = seller is not None and not known.snapshot.is_self_purchase
    for place, amount_minor in enumerate(taken):
        if not amount_minor and any(taken):
            continue
        line = known.order.lines[place]
        known.left_minor[place] -= amount_minor
        sales_minor = amount_minor if counts and not line.entry else 0
        batch.refunds.append(
            RefundLineRow(
                pending.order_no,
                refund.id,
                line.id,
                pending.event_no,
                amount_minor,
                sales_minor,
                None if seller is None else seller.shop_no,
                known.sold_at,
                event.occurred_at,
            )
        )


def _reverse(batch: Batch, pending: PendingEvent, event: Event, known: Known) -> None:
    target = dict.fromkeys(known.standing, 0)
    left = settle_left(known.terms.plan, known.order, known.snapshot, known.left_minor, known.posted)
    target.update((commission[:4], commission.amount_minor) for commission in left)
    changed = [key for key, amount in known.standing.items() if target[key] != amount]
    if not changed:
        return
    reversals = [_reversal(known, key, target[key] - known.standing[key]) for key in changed]
    program = batch.program
    at = event.occurred_at
    period, late_from = batch.period_of(at)
    posting = Posting(
        program.program_id, pending.order_no, pending.event_no, known.terms.version_no, at, period, late_from
    )
    batch.transfers.append(encode_reversals(posting, reversals, known.next_seq))
    known.next_seq += len(reversals)
    known.standing.update(target)
    for reversal in reversals:
        batch.months[(reversal.commission.shop_no, period)][REVERSED] += reversal.amount_minor
    for shop_no in {reversal.commission.shop_no for reversal in reversals}:
        batch.months[(shop_no, period)][REFUNDS] += 1


def _reversal(known: Known, key: Key, amount_minor: int) -> Reversal:
    seq, commission, available_at = known.earned[key]
    line = text_field(known.order.lines[key[0]].id)
    rule = known.terms.rule_fields[key[1]]
    return Reversal(commission, line, rule, seq, available_at, amount_minor)


def refund_of(event: Event) -> Refund:
    """The refund that an event tells of."""
    if event.refund is None:
        raise ValueError("not a refund")
    return event.refund
