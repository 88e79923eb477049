"""What a candidate's rules ask beyond an order: sales of earners, earlier orders of customers, room of counted caps.

Sales and earlier orders are facts of history, read in sets; what counted caps leave follows from what the candidate
itself paid before, so orders have to come in the order of time. No SQL may enter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from distrib.domain.customers import Identities
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.caps import counted, within_rooms
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.refusals import CustomerMissing
from distrib.domain.settlement.snapshot import EarlierOrders, Person, Room, Snapshot
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.sales_asked import asked_of
from distrib.services.simulations.facts import HistoryFacts, TriedHistory
from distrib.services.simulations.histories import PastOrder
from distrib.store.settlement.sales import Span as SalesSpan
from distrib.store.simulations.history import OutsideRow

_MONTHS, _CUSTOMERS = "rule_months", "rule_customers"


def with_verdicts(
    facts: HistoryFacts, plan: Plan, orders: Sequence[PastOrder], snapshots: Sequence[Snapshot]
) -> list[Snapshot]:
    """The snapshots with the rules on sales that somebody did not meet, by the sales that were known at ``paid_at``.

    An order is not among its own sales, be it that it settled in the instant in which it was paid.
    """
    if not plan.book.on_sales:
        return list(snapshots)
    asked = [list(asked_of(plan, past.order, snapshot)) for past, snapshot in zip(orders, snapshots, strict=True)]
    spans = sorted({span for of_order in asked for _, _, span in of_order}, key=_by_shop)
    figures = dict(zip(spans, facts.sales(spans), strict=True))
    judged = []
    for past, snapshot, of_order in zip(orders, snapshots, asked, strict=True):
        unmet: defaultdict[int, set[int]] = defaultdict(set)
        for shop_no, rule_index, span in of_order:
            own_minor = _own_sales(past, span) if past.settled_at <= span.to else 0
            if figures[span] - own_minor < (plan.book.on_sales[rule_index].min_personal_sales_minor or 0):
                unmet[shop_no].add(rule_index)
        judged.append(_with_unmet(snapshot, unmet) if unmet else snapshot)
    return judged


def _own_sales(past: PastOrder, span: SalesSpan) -> int:
    """What the facts have of an order itself among the sales of a shop, in minor units, less what came back of it."""
    seller, is_in_span = past.snapshot.seller, span.after is None or past.settled_at > span.after
    if past.has_failed or not is_in_span or seller is None or seller.shop_no != span.shop_no:
        return 0
    if past.snapshot.is_self_purchase:
        return 0
    back = [setback.taken_minor for setback in past.setbacks if setback.occurred_at <= span.to]
    counted_lines = [line for line in past.order.lines if not line.entry]
    return sum(line.paid_minor - sum(taken.get(line.id, 0) for taken in back) for line in counted_lines)


def _by_shop(span: SalesSpan) -> tuple[int, datetime, bool, str]:
    return span.shop_no, span.to, span.after is not None, str(span.after)


def _with_unmet(snapshot: Snapshot, unmet: dict[int, set[int]]) -> Snapshot:
    def judged(person: Person | None) -> Person | None:
        rules = None if person is None else unmet.get(person.shop_no)
        return person._replace(unmet=tuple(sorted(rules))) if person is not None and rules else person

    return snapshot._replace(
        seller=judged(snapshot.seller),
        uplines=tuple([person for upline in snapshot.uplines if (person := judged(upline)) is not None]),
        leader=judged(snapshot.leader),
        opener=judged(snapshot.opener),
    )


class CustomerIds:
    """Who is one person among customers, read for a chunk of orders at once."""

    def __init__(self, facts: HistoryFacts) -> None:
        self._facts = facts
        self.identities = Identities()

    def load(self, customer_ids: Collection[str]) -> None:
        """Reads who is one person with these customers, and forgets others."""
        self.identities = self._facts.identities(customer_ids)

    def ids_of(self, customer_id: str) -> list[str]:
        """All ids of a loaded customer's person."""
        return self.identities.ids_of(customer_id)


class EarlierBuys:
    """The customers' earlier orders, for a plan that asks for them.

    What a snapshot kept is taken where it reaches as far as the plan asks; else the orders that had settled before
    this one was first worked on are counted.
    """

    def __init__(self, facts: HistoryFacts, plan: Plan, published: TermsBook, persons: CustomerIds) -> None:
        self._facts = facts
        self._most, self._is_asked = plan.book.earlier_orders, bool(plan.book.on_customers)
        self._published, self._persons = published, persons

    def of(self, orders: Sequence[PastOrder], snapshots: Sequence[Snapshot]) -> list[Snapshot]:
        """The snapshots with the earlier orders of whoever bought."""
        if not self._is_asked:
            return list(snapshots)
        kept = [self._kept(past) for past in orders]
        missing = [place for place, known in enumerate(kept) if known is None and orders[place].order.customer_id]
        for place, counted_orders in zip(missing, self._count([orders[place] for place in missing]), strict=True):
            kept[place] = counted_orders
        return [
            snapshot if known is None else snapshot._replace(earlier_orders=known)
            for snapshot, known in zip(snapshots, kept, strict=True)
        ]

    def _kept(self, past: PastOrder) -> EarlierOrders | None:
        known = past.snapshot.earlier_orders
        if known is None or past.version_no is None:
            return None
        reach = self._published.of_version(past.version_no).plan.book.earlier_orders
        return known._replace(orders=min(known.orders, self._most)) if reach >= self._most else None

    def _count(self, orders: Sequence[PastOrder]) -> list[EarlierOrders]:
        return self._facts.earlier(self._persons.identities, orders, self._most)


class Rooms:
    """What month and customer caps leave, order by order in the order of time.

    What the ledger paid by the same rule ids on orders outside of the span counts too, once its time has come.

    Args:
        terms: those of the candidate.
        name: apart from those of other candidates of the simulation.
    """

    def __init__(self, tried: TriedHistory, terms: TermsBook, name: str, persons: CustomerIds) -> None:
        self._program, self._persons = tried.program, persons
        rules = terms.counted_rules
        self._months = rules[_MONTHS].ids if _MONTHS in rules else frozenset()
        self._customers = rules[_CUSTOMERS].ids if _CUSTOMERS in rules else frozenset()
        self._totals: defaultdict[tuple[str, int, int | str], int] = defaultdict(int)
        counted_ids = sorted(self._months | self._customers)
        self._outside = tried.facts.outside(tried.span, counted_ids, name)
        self._next: OutsideRow | None = next(self._outside, None)

    def within(
        self, plan: Plan, past: PastOrder, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        """What the caps leave of an order's commissions, and the snapshot with the room they had.

        Raises:
            Refusal: ``customer_missing``.
        """
        self._take_in(past.settled_at)
        pairs = counted(plan, commissions)
        if pairs:
            rooms = tuple([self._room(plan, past, rule_index, shop_no) for rule_index, shop_no in pairs])
            snapshot, commissions = snapshot._replace(rooms=rooms), within_rooms(commissions, rooms)
        return snapshot, commissions

    def add(self, plan: Plan, past: PastOrder, commissions: Iterable[Commission]) -> None:
        """Counts what an order was paid."""
        period, customer_id = self._program.period_of(past.settled_at), past.order.customer_id
        for commission in commissions:
            rule_id = plan.rules[commission.rule_index].id
            self._add(rule_id, commission.shop_no, period, customer_id, commission.amount_minor)

    def _room(self, plan: Plan, past: PastOrder, rule_index: int, shop_no: int) -> Room:
        cap, rule_id = plan.book.counted[rule_index], plan.rules[rule_index].id
        month = customer = None
        if cap.per_month_minor is not None:
            period = self._program.period_of(past.settled_at)
            month = max(cap.per_month_minor - self._totals[rule_id, shop_no, period], 0)
        if cap.per_customer_minor is not None:
            if past.order.customer_id is None:
                raise CustomerMissing(rule=rule_id)
            ids = self._persons.ids_of(past.order.customer_id)
            paid = sum(self._totals[rule_id, shop_no, customer_id] for customer_id in ids)
            customer = max(cap.per_customer_minor - paid, 0)
        return Room(rule_index, shop_no, month, customer)

    def _take_in(self, instant: datetime) -> None:
        """What was paid outside of the span by then."""
        while self._next is not None and self._next.occurred_at <= instant:
            row = self._next
            period = self._program.period_of(row.occurred_at)
            self._add(row.rule_id, row.shop_no, period, row.customer_id, row.amount_minor)
            self._next = next(self._outside, None)

    def _add(self, rule_id: str, shop_no: int, period: int, customer_id: str | None, amount_minor: int) -> None:
        if rule_id in self._months:
            self._totals[rule_id, shop_no, period] += amount_minor
        if rule_id in self._customers and customer_id is not None:
            self._totals[rule_id, shop_no, customer_id] += amount_minor
