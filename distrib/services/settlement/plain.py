"""Settles the plain orders of a batch in columns, and leaves all others to the state machine.

Plain is an order whose only event is its settlement, of which nothing is known yet, of a seller that it names and whose
people stand as their shops' rows say, under a plan whose rules ask for nothing beyond the order. What it becomes is the
same to the byte as what the state machine makes of it; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.columns.commissions.choosing import named_codes
from distrib.columns.commissions.chunk import NOBODY, Chunk, LineColumns, OrderColumns
from distrib.columns.commissions.earnings import Earnings
from distrib.columns.sums import sums_by
from distrib.columns.tree import Integers, Truths
from distrib.domain.errors import Refusal
from distrib.domain.events import GROUP_BUY
from distrib.domain.periods import next_period
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.snapshot import (
    SELF_PURCHASE_JSON,
    limits_json,
)
from distrib.domain.settlement.terms import Terms
from distrib.services.customers.sellers import Buyers
from distrib.services.orders.sold_events import SETTLED_PREFIX, SoldEvent, SoldLine, SoldOrder, decode_settled
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.gathering import signal
from distrib.services.settlement.plain_people import PlainSale, UnderTerms
from distrib.store.copying import Texts, microseconds
from distrib.store.network.chains import ShopStates
from distrib.store.orders.queue import PendingEvent
from distrib.store.settlement.batch import MonthColumns, SettlementColumns
from distrib.store.settlement.known_orders import known_orders
from distrib.store.settlement.transfers import EarnedColumns

_NEVER = datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def settle_plain(
    batch: Batch,
    terms: TermsBook,
    freezes: Freezes,
    pending: Sequence[PendingEvent],
    until: date,
) -> Sequence[PendingEvent]:
    """Adds to the batch what plain orders become.

    Args:
        pending: the open events of whole orders, by order.
        until: events of later days stay for their own.

    Returns:
        The events of all other orders.
    """
    rows = [] if terms.counts_over_orders else alone(pending, until, SETTLED_PREFIX)
    if not rows:
        return pending
    conn, program_id = batch.unit.conn, batch.program.program_id
    known = known_orders(conn, program_id, np.array([row.order_no for row in rows], np.int64))
    if known:
        rows = [row for row in rows if row.order_no not in known]
    events = decode_settled([row.payload for row in rows])
    settled: set[int] = set()
    for under in _Sorting(conn, program_id, terms, freezes, events).sort(rows, events):
        settled.update(_settle(batch, under, under.sales))
    return [row for row in pending if row.event_no not in settled]


def alone(pending: Sequence[PendingEvent], until: date, prefix: str) -> list[PendingEvent]:
    """The events that are due, were never tried, and are their order's only open event.

    Args:
        pending: the open events of whole orders, by order.
        until: events of later days are not due.
        prefix: how the payloads of those wanted begin.
    """
    numbers = [0, *[row.order_no for row in pending], 0]
    return [
        row
        for row, before, after in zip(pending, numbers, numbers[2:], strict=False)
        if row.status is None
        and row.day <= until
        and before != row.order_no != after
        and row.payload.startswith(prefix)
    ]


class _Sorting:
    """Tells plain orders by their content, their people and their terms."""

    def __init__(
        self, conn: Connection, program_id: int, terms: TermsBook, freezes: Freezes, events: Sequence[SoldEvent]
    ) -> None:
        self._terms, self._freezes = terms, freezes
        self._shops = ShopStates(conn, program_id)
        self._shops.load({event.order.shop_id for event in events if event.order.shop_id is not None})
        buyers = {event.order.customer_id for event in events if event.order.customer_id is not None}
        self._buyers = Buyers(conn, program_id, buyers)
        self._under: dict[int, UnderTerms] = {}

    def sort(self, rows: Sequence[PendingEvent], events: Sequence[SoldEvent]) -> Collection[UnderTerms]:
        """The plain orders among these, by the terms that bind them."""
        under, since, end = None, _NEVER, _NEVER
        for row, event in zip(rows, events, strict=True):
            order = event.order
            paid_at = order.paid_at
            if not since <= paid_at < end:
                under, since, end = self._bound_by(paid_at)
            if under is None or not _is_plain_content(order, under.terms.plan):
                continue
            shop_id, customer_id = order.shop_id, order.customer_id
            chain = None if shop_id is None else under.chain(shop_id)
            if chain is None or paid_at < chain.since or self._freezes.may_hold(chain.numbers):
                continue
            if customer_id is not None and self._buyers.is_shop(customer_id, chain.seller):
                under.sales.append(PlainSale(row, event, chain, True))
            else:
                under.sales.append(PlainSale(row, event, chain, False))
        return self._under.values()

    def _bound_by(self, paid_at: datetime) -> tuple[UnderTerms | None, datetime, datetime]:
        """What gathers the orders paid at that instant, None where none is plain, and from when until when that is."""
        try:
            terms, since, end = self._terms.span_of(paid_at)
        except Refusal:
            return None, _NEVER, _NEVER
        if not _is_plain(terms.plan):
            return None, since, end
        under = self._under.get(id(terms))
        if under is None:
            under = self._under[id(terms)] = UnderTerms(terms, self._shops)
        return under, since, end


def _is_plain(plan: Plan) -> bool:
    """Whether what an order earns depends on nothing but the order: its lines, its people, and what was paid for it."""
    return not (plan.book.counted or plan.book.on_customers or plan.book.on_sales)


def _is_plain_content(order: SoldOrder, plan: Plan) -> bool:
    """Whether nothing of an order but its lines, its seller and its buyer decides what it pays."""
    if order.leader_id is not None or order.opener_id is not None or order.currency != plan.currency:
        return False
    if order.group_id is not None and order.channel == GROUP_BUY:
        return False
    return plan.base != "margin" or all(line.cost_minor is not None for line in order.lines)


def _settle(batch: Batch, under: UnderTerms, sales: Sequence[PlainSale]) -> list[int]:
    """Adds to the batch what these orders become; answers the numbers of the events that are done by it."""
    if not sales:
        return []
    terms, orders = under.terms, [sale.event.order for sale in sales]
    lines = [line for order in orders for line in order.lines]
    counts = _numbers([len(order.lines) for order in orders])
    starts = np.cumsum(counts) - counts
    paid, entry = _numbers([line.paid_minor for line in lines]), np.array([line.entry for line in lines], np.bool_)
    paid_minor = np.add.reduceat(paid, starts)
    outcome = under.kernel.run(_chunk(under, sales, _SoldLines(lines, counts, paid, entry)))
    unsure = np.logical_or.reduce([outcome.left_out, *outcome.failing.values()])
    if unsure.any():
        return _settle(
            batch, under, [sale for sale, is_unsure in zip(sales, unsure.tolist(), strict=True) if not is_unsure]
        )
    is_own = np.array([sale.is_self_purchase for sale in sales], np.bool_)
    sales_minor = np.where(is_own, 0, paid_minor - np.add.reduceat(np.where(entry, paid, 0), starts))
    settled = _settlements(terms, sales, paid_minor, sales_minor)
    periods = _numbers([batch.period_of(sale.event.occurred_at) for sale in sales])
    _add_transfers(batch, terms, lines, _Became(settled, outcome.earned, periods))
    batch.settled.append(settled)
    batch.done_columns.append((settled.order_no, settled.event_no))
    if batch.signals_sales or batch.signals_earnings:
        earned = outcome.earned
        earners = np.split(earned.shop_no, np.cumsum(np.bincount(earned.order, minlength=len(sales)))[:-1])
        for sale, own in zip(sales, earners, strict=True):
            signal(batch, sale.pending.day, sale.event.occurred_at, sale.chain.seller.shop_no, own.tolist())
    event_numbers: list[int] = settled.event_no.tolist()
    return event_numbers


class _SoldLines(NamedTuple):
    """The lines of orders one after another, how many each order has, what was paid for each, which are entries."""

    lines: Sequence[SoldLine]
    counts: Integers
    paid_minor: Integers
    is_entry: Truths


def _chunk(under: UnderTerms, sales: Sequence[PlainSale], of_sales: _SoldLines) -> Chunk:
    """The orders as a kernel takes them; only what its plan asks for is known of them."""
    terms, codes, count = under.terms, named_codes(under.terms.plan), len(sales)
    lines = of_sales.lines
    nothing, unknown = np.zeros(count, np.int64), np.full(len(lines), NOBODY)
    orders = OrderColumns(
        lines=of_sales.counts,
        channel=_coded([sale.event.order.channel for sale in sales], codes.channels) if codes.channels else nothing,
        is_self_purchase=np.array([sale.is_self_purchase for sale in sales], np.bool_),
        paid_at=nothing,
        earlier_orders=np.full(count, NOBODY),
        first_paid_at=nothing,
        order_cap_ppm=np.full(count, NOBODY if terms.order_cap_ppm is None else terms.order_cap_ppm),
        max_tiers=np.full(count, terms.max_tiers),
        entry_pays_seller=np.full(count, terms.entry_pays_seller),
        self_purchase_pays_uplines=np.full(count, terms.self_purchase_pays_uplines),
    )
    base = terms.plan.base
    sold = LineColumns(
        sku=_coded([line.sku for line in lines], codes.skus) if codes.skus else unknown,
        category=_coded([line.category for line in lines], codes.categories) if codes.categories else unknown,
        quantity=_numbers([line.quantity for line in lines]),
        paid_minor=of_sales.paid_minor,
        list_minor=_known([line.list_minor for line in lines]) if base == "list" else unknown,
        cost_minor=_known([line.cost_minor for line in lines]) if base == "margin" else unknown,
        is_entry=of_sales.is_entry,
    )
    return Chunk(codes, orders, sold, under.people(sales))


def _coded(texts: Sequence[str | None], codes: Mapping[str, int]) -> Integers:
    """The code of each text; one that the plan does not name has none."""
    return _numbers([NOBODY if text is None else codes.get(text, NOBODY) for text in texts])


def _known(figures: Sequence[int | None]) -> Integers:
    return _numbers([NOBODY if figure is None else figure for figure in figures])


def _settlements(
    terms: Terms, sales: Sequence[PlainSale], paid_minor: Integers, sales_minor: Integers
) -> SettlementColumns:
    end = limits_json(
        terms.order_cap_ppm,
        terms.pack,
        terms.entry_pays_seller,
        terms.self_purchase_pays_uplines,
        terms.max_tiers,
    )
    ends = end + "}", SELF_PURCHASE_JSON + end + "}"
    return SettlementColumns(
        order_no=_numbers([sale.pending.order_no for sale in sales]),
        event_no=_numbers([sale.pending.event_no for sale in sales]),
        version_no=np.full(len(sales), terms.version_no, np.int64),
        seller_no=_numbers([sale.chain.seller.shop_no for sale in sales]),
        settled_at=_numbers(microseconds([sale.event.occurred_at for sale in sales])),
        paid_at=_numbers(microseconds([sale.event.order.paid_at for sale in sales])),
        paid_minor=paid_minor,
        sales_minor=sales_minor,
        customer_id=[sale.event.order.customer_id for sale in sales],
        snapshot=[sale.chain.json + ends[sale.is_self_purchase] for sale in sales],
    )


class _Became(NamedTuple):
    """What orders became: their settlements, what was earned by them, and the month that each happened in."""

    settled: SettlementColumns
    earned: Earnings
    periods: Integers


def _add_transfers(batch: Batch, terms: Terms, lines: Sequence[SoldLine], became: _Became) -> None:
    """Adds the transfers of what was earned, and what they add to each account's month."""
    settled, earned, periods = became
    order, is_late = earned.order, periods <= batch.closed_through
    of_orders = np.bincount(order, minlength=len(periods))
    counting = np.where(is_late, next_period(batch.closed_through), periods) if is_late.any() else periods
    known: dict[str, int] = {}
    line_ids = _numbers([known.setdefault(line.id, len(known)) for line in lines])
    batch.transfers.columns.append(
        EarnedColumns(
            order_no=settled.order_no[order],
            event_no=settled.event_no[order],
            version_no=settled.version_no[order],
            occurred_at=settled.settled_at[order],
            period=counting[order],
            belongs_to_period=np.where(is_late, periods, 0)[order],
            available_at=settled.settled_at[order] + terms.hold // _MICROSECOND,
            seq=np.arange(1, order.size + 1) - np.repeat(np.cumsum(of_orders) - of_orders, of_orders),
            tier=earned.tier,
            shop_no=earned.shop_no,
            base_minor=earned.base_minor,
            rate_ppm=earned.rate_ppm,
            amount_minor=earned.amount_minor,
            line_id=Texts(line_ids[earned.line], list(known)),
            rule_id=Texts(earned.rule, [rule.id for rule in terms.plan.rules]),
        )
    )
    (shops, of), (amounts,) = sums_by([earned.shop_no, order], [earned.amount_minor])
    (accounts, months), (earned_minor, orders) = sums_by([shops, counting[of]], [amounts, np.ones_like(shops)])
    nothing = np.zeros_like(orders)
    if accounts.size:
        batch.month_columns.append(MonthColumns(accounts, months, earned_minor, nothing, orders, nothing))


def _numbers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)
