"""Orders as columns of a file: what was written, who stood around them, and the customer's earlier orders. No SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.plans.document_limits import MAX_WITHIN_ORDERS
from distrib.domain.plans.plan import compile_plan
from distrib.domain.policies.policy import Policy
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Snapshot
from distrib.services.context import Program
from distrib.services.history.schema import LEADER, OPENER, SELLER, Columns, Records
from distrib.services.orders.codec import decode_stored
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry
from distrib.services.simulations.facts import PostgresFacts
from distrib.services.simulations.histories import COMPUTED, PastOrder, failed_by_number
from distrib.store.history import rows
from distrib.store.history.rows import HistoryOrder, MonthSpan
from distrib.store.simulations import history
from distrib.store.simulations.history import PaidSpan

ORDERS_AT_ONCE: Final = 2_000
UNHELD: Final = "/none"
"""In place of the rank of who held none; no plan can have a rank of that name."""
_NOTHING: Final = {"id": "nothing", "pay": "seller", "rate": "0"}
_EVER: Final = PaidSpan(datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
_LINE = (
    "id",
    "sku",
    "quantity",
    "paid_minor",
    "list_minor",
    "cost_minor",
    "category",
    "entry",
)
_CAME_BACK = ("refund_id", "line_id", "event_no", "amount_minor", "occurred_at")
_PERSON = ("place", "shop_no", "rank", "is_active")


@dataclass(slots=True)
class _OrderPage:
    """What orders have in common, column by column."""

    values: dict[str, list[object]] = field(default_factory=dict)
    lines: dict[str, list[object]] = field(default_factory=lambda: {name: [] for name in _LINE})
    people: dict[str, list[object]] = field(default_factory=lambda: {name: [] for name in _PERSON})
    line_counts: list[int] = field(default_factory=list)
    people_counts: list[int] = field(default_factory=list)

    def add(self, **values: object) -> None:
        """Adds a value to each of those columns."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def add_order(self, past: PastOrder, order_id: str, counted: EarlierOrders | None) -> None:
        """Adds an order with the earlier orders of its customer."""
        order, snapshot = past.order, past.snapshot
        self.add(
            settled_at=past.settled_at,
            order_no=past.order_no,
            event_no=past.event_no,
            order_id=order_id,
            paid_at=order.paid_at,
            channel=order.channel,
            currency=order.currency,
            group_id=order.group_id,
            customer_id=order.customer_id,
            paid_minor=order.paid_minor,
            is_self_purchase=snapshot.is_self_purchase,
            frozen_case=snapshot.frozen_case,
            earlier_orders=None if counted is None else counted.orders,
            earlier_first_paid_at=None if counted is None else counted.first_paid_at,
        )
        self.line_counts.append(len(order.lines))
        for name, into in self.lines.items():
            into += [getattr(line, name) for line in order.lines]
        around = _people_of(snapshot)
        self.people_counts.append(len(around))
        for place, person in around:
            self.people["place"].append(place)
            self.people["shop_no"].append(person.shop_no)
            self.people["rank"].append(None if person.rank == UNHELD else person.rank)
            self.people["is_active"].append(person.is_active)

    def columns(self) -> Columns:
        """All columns, those of lines and people as lists of records."""
        lines, people = (
            Records(self.line_counts, self.lines),
            Records(self.people_counts, self.people),
        )
        return {**self.values, "lines": lines, "people": people}


def _people_of(snapshot: Snapshot) -> list[tuple[int, Person]]:
    places = [(SELLER, snapshot.seller), *enumerate(snapshot.uplines, 1)]
    places += [(LEADER, snapshot.leader), (OPENER, snapshot.opener)]
    return [(place, person) for place, person in places if person is not None]


def settled_pages(conn: Connection, program: Program, span: MonthSpan) -> Iterator[Columns]:
    """Yields the orders that settled in a month as columns of their file, some at a time, in the order of time."""
    earlier = _Earlier(conn, program)
    for page in rows.order_numbers(conn, program.program_id, span, ORDERS_AT_ONCE):
        known = rows.orders_of(conn, program.program_id, page)
        orders = [_past(row) for row in known]
        written = _OrderPage()
        for row, past, counted in zip(known, orders, earlier.of(orders), strict=True):
            kept = past.snapshot.earlier_orders
            written.add_order(past, row.order_id, counted)
            written.add(
                version_no=row.version_no,
                seller_no=row.seller_no,
                sales_minor=row.sales_minor,
                kept_earlier_orders=None if kept is None else kept.orders,
                kept_first_paid_at=None if kept is None else kept.first_paid_at,
            )
        yield written.columns()


def failed_pages(
    conn: Connection,
    program: Program,
    published: TermsBook,
    policies: Mapping[str, Policy],
) -> Iterator[Columns]:
    """Yields the orders whose settlement failed by its plan as columns of their file, by number of the event.

    Where no plan was in force people have the rank that they held by its own name.
    """
    numbers = history.failed_numbers(conn, program.program_id, _EVER, COMPUTED)
    otherwise, earlier = _every_rank(conn, program, policies), _Earlier(conn, program)
    for start in range(0, len(numbers), ORDERS_AT_ONCE):
        page = numbers[start : start + ORDERS_AT_ONCE]
        codes = rows.failed_codes(conn, program.program_id, page)
        known = {past.order_no: past for past in failed_by_number(conn, program, published, otherwise, page)}
        orders = [known[number] for number in page if number in known]
        if not orders:
            continue
        written = _OrderPage()
        for past, counted in zip(orders, earlier.of(orders), strict=True):
            written.add_order(past, past.order.id, counted)
            has_plan = published.version_no_at(past.order.paid_at) is not None
            written.add(code=codes[past.order_no], has_plan=has_plan)
        yield {**written.columns(), "came_back": _came_back(orders)}


def _came_back(orders: Sequence[PastOrder]) -> Records:
    """What came back of orders that failed, a record for each line that a refund took of, as they would be applied."""
    lines = [
        [
            (setback.refund_id, line_id, setback.event_no, minor, setback.occurred_at)
            for setback in past.setbacks
            for line_id, minor in setback.taken_minor.items()
        ]
        for past in orders
    ]
    columns = zip(*(line for of_order in lines for line in of_order), strict=True)
    parts = dict(zip(_CAME_BACK, map(list, columns), strict=False))
    return Records([len(of_order) for of_order in lines], {name: parts.get(name, []) for name in _CAME_BACK})


class _Earlier:
    """The earlier orders of customers, as far as any plan may ask for them."""

    def __init__(self, conn: Connection, program: Program) -> None:
        self._facts = PostgresFacts(conn, program)

    def of(self, orders: Sequence[PastOrder]) -> list[EarlierOrders | None]:
        """Of each order; None where it names no customer."""
        named = [past for past in orders if past.order.customer_id is not None]
        people = self._facts.identities({str(past.order.customer_id) for past in named})
        counted = iter(self._facts.earlier(people, named, MAX_WITHIN_ORDERS))
        return [None if past.order.customer_id is None else next(counted) for past in orders]


def _past(row: HistoryOrder) -> PastOrder:
    order = decode_stored(row.payload).order
    if order is None:
        raise ValueError("a settlement rests on an event with an order")
    snapshot = Snapshot.from_json(row.snapshot)
    return PastOrder(
        row.order_no,
        row.event_no,
        row.version_no,
        row.settled_at,
        order,
        snapshot,
        (),
        (),
    )


def _every_rank(conn: Connection, program: Program, policies: Mapping[str, Policy]) -> TermsBook:
    """A plan that knows every rank that anybody held, and for who held none one of its own."""
    plan = compile_plan({"code": "every-rank", "currency": program.currency, "rules": [_NOTHING]})
    codes = (UNHELD, *rows.held_ranks(conn, program.program_id))
    ranks = tuple([replace(plan.ranks[0], code=code) for code in codes])
    plan = replace(
        plan,
        ranks=ranks,
        rank_indexes={code: place for place, code in enumerate(codes)},
    )
    return TermsBook(
        program,
        Timeline((TimelineEntry(0, _BEFORE_ALL, plan.code, 0, plan),)),
        policies,
    )
