"""Gives back whole orders in columns, and leaves all other refunds to the state machine.

Whole is a refund of all that was paid for an order, be it line by line, that is the order's only open event, where
nothing of the order came back before. What it becomes is the same to the byte as what the state machine makes of it; a
test holds both together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers
from distrib.domain.periods import counting
from distrib.services.orders.sold_events import (
    REFUNDED_PREFIX,
    SoldBack,
    SoldBackEvent,
    SoldEvent,
    decode_refunds,
    decode_settled,
)
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.gathering import signal
from distrib.services.settlement.plain import alone
from distrib.store.copying import microseconds
from distrib.store.orders.queue import PendingEvent
from distrib.store.settlement.batch import MonthColumns, RefundLineRow
from distrib.store.settlement.transfers import ReversedColumns, numbered_from_1
from distrib.store.settlement.whole_refunds import OwnTransfer, UntouchedOrder, transfers_of, untouched_orders

_ORDERS_AT_ONCE = 500
"""What was sold of an order of a thousand lines is large."""


class _WholeRefund(NamedTuple):
    """A refund with the order that it takes all of, and from when it counts."""

    row: PendingEvent
    event: SoldBackEvent
    order: UntouchedOrder
    sold: SoldEvent
    instant: datetime


def refund_whole(
    conn: Connection, batch: Batch, pending: Sequence[PendingEvent], until: date
) -> Sequence[PendingEvent]:
    """Adds to the batch what refunds of whole orders become.

    Args:
        pending: the open events of whole orders, by order.
        until: events of later days stay for their own.

    Returns:
        The events of all other orders.
    """
    rows = [] if batch.signals_earnings else alone(pending, until, REFUNDED_PREFIX)
    done: set[int] = set()
    for start in range(0, len(rows), _ORDERS_AT_ONCE):
        refunds = _whole(conn, batch.program.program_id, rows[start : start + _ORDERS_AT_ONCE])
        done.update(_give_back(conn, batch, refunds))
    return [row for row in pending if row.event_no not in done] if done else pending


def _whole(conn: Connection, program_id: int, rows: Sequence[PendingEvent]) -> list[_WholeRefund]:
    """Lists the refunds that take all of orders of which no refund took any so far, by the numbers of the orders."""
    events = decode_refunds([row.payload for row in rows])
    asked = [(row, event) for row, event in zip(rows, events, strict=True) if event.refund.amount_minor is None]
    untouched = untouched_orders(conn, program_id, [row.order_no for row, _ in asked])
    settled = sorted([(row, event) for row, event in asked if row.order_no in untouched], key=lambda of: of[0].order_no)
    orders = [untouched[row.order_no] for row, _ in settled]
    sold = decode_settled([order.payload for order in orders])
    return [
        _WholeRefund(row, event, order, own, max(event.occurred_at, order.settled_at))
        for (row, event), order, own in zip(settled, orders, sold, strict=True)
        if _takes_all(event.refund, own)
    ]


def _takes_all(refund: SoldBack, sold: SoldEvent) -> bool:
    if refund.lines is None:
        return True
    taken = {line.line_id: line.amount_minor for line in refund.lines}
    paid = {line.id: line.paid_minor for line in sold.order.lines}
    return len(taken) == len(refund.lines) and {**dict.fromkeys(paid, 0), **taken} == paid


def _give_back(conn: Connection, batch: Batch, refunds: Sequence[_WholeRefund]) -> list[int]:
    """Adds to the batch what refunds become; answers the numbers of the events that are done by it."""
    transfers = transfers_of(conn, batch.program.program_id, [refund.row.order_no for refund in refunds])
    # What of an order was taken back by anything else, as the decision of a case, is for the state machine.
    touched = {transfer.order_no for transfer in transfers if not transfer.is_earned}
    if touched:
        refunds = [refund for refund in refunds if refund.row.order_no not in touched]
        transfers = [transfer for transfer in transfers if transfer.order_no not in touched]
    for refund in refunds:
        batch.refunds += _lines_of(refund)
        batch.done.append((refund.row.order_no, refund.row.event_no))
        signal(batch, refund.row.day, refund.instant, refund.order.seller_no, ())
    if transfers:
        _reverse(batch, refunds, transfers)
    return [refund.row.event_no for refund in refunds]


def _lines_of(refund: _WholeRefund) -> list[RefundLineRow]:
    (order_no, event_no, *_), event, order, sold, instant = refund
    return [
        RefundLineRow(
            order_no,
            event.refund.id,
            line.id,
            event_no,
            line.paid_minor,
            line.paid_minor if order.counts_as_sale and not line.entry else 0,
            order.seller_no,
            order.settled_at,
            instant,
        )
        for line in sold.order.lines
        if line.paid_minor
    ]


def _reverse(batch: Batch, refunds: Sequence[_WholeRefund], transfers: Sequence[OwnTransfer]) -> None:
    """Adds the reversal of each transfer, and what that takes off each account's month."""
    months = [counting(batch.period_of(refund.instant), batch.closed_through) for refund in refunds]
    orders, seqs, _, versions, available_at, shops, tiers, bases, rates, amounts, line_ids, rule_ids = zip(
        *transfers, strict=True
    )
    order_no, seq, shop_no = _numbers(orders), _numbers(seqs), _numbers(shops)
    of = np.searchsorted(_numbers([refund.row.order_no for refund in refunds]), order_no)
    _, first, counts = np.unique(order_no, return_index=True, return_counts=True)
    period, amount_minor = _numbers([period for period, _ in months])[of], -_numbers(amounts)
    batch.transfers.reversed_columns.append(
        ReversedColumns(
            order_no=order_no,
            event_no=_numbers([refund.row.event_no for refund in refunds])[of],
            version_no=_numbers(versions),
            occurred_at=_numbers(microseconds([refund.instant for refund in refunds]))[of],
            period=period,
            belongs_to_period=_numbers([belongs or 0 for _, belongs in months])[of],
            available_at=_numbers(microseconds(available_at)),
            reverses_seq=seq,
            seq=np.repeat(seq[first + counts - 1], counts) + numbered_from_1(counts),
            tier=_numbers(tiers),
            shop_no=shop_no,
            base_minor=_numbers(bases),
            rate_ppm=_numbers(rates),
            amount_minor=amount_minor,
            line_id=line_ids,
            rule_id=rule_ids,
        )
    )
    (by_shop, by_order), (of_orders,) = sums_by([shop_no, of], [amount_minor])
    of_months = _numbers([period for period, _ in months])[by_order]
    (accounts, periods), (reversed_minor, refunded) = sums_by([by_shop, of_months], [of_orders, np.ones_like(by_shop)])
    nothing = np.zeros_like(accounts)
    batch.month_columns.append(MonthColumns(accounts, periods, nothing, reversed_minor, nothing, refunded))


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)
