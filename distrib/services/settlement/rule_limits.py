"""What bounds the rules of a batch's orders from outside: sales of earners, earlier orders of customers, room of caps.

Looks ahead over a batch once, so that sales and customers are read and totals locked in sets, and then judges order by
order. Plans without such rules cost nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.events import Order
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.caps import check_payable, counted, within_rooms
from distrib.domain.settlement.commission import Commission, settle
from distrib.domain.settlement.refusals import CustomerMissing
from distrib.domain.settlement.snapshot import Person, Room, Snapshot
from distrib.services.plans.terms import TermsBook
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.known_customers import KnownCustomers
from distrib.services.settlement.known_sales import KnownSales
from distrib.services.settlement.people import People
from distrib.services.settlement.persons import Persons
from distrib.services.settlement.sales_asked import asked_of
from distrib.store.settlement import rule_totals
from distrib.store.settlement.rule_totals import CUSTOMERS, MONTHS, RuleTotal, Totals
from distrib.store.settlement.sales import Span

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class RuleLimits:
    """The limits of one batch: who lacks sales that a rule requires, whose customer is new, how much room caps left."""

    def __init__(self, conn: Connection, batch: Batch, terms: TermsBook) -> None:
        self._conn, self._batch, self._terms = conn, batch, terms
        self._sales = KnownSales(conn, batch)
        self._persons = Persons(conn, batch.program.program_id)
        self._customers = KnownCustomers(conn, batch, self._persons, terms.most_earlier_orders)
        self._totals: dict[str, Totals] = {MONTHS: {}, CUSTOMERS: {}}
        self._added: dict[str, defaultdict[RuleTotal, int]] = {name: defaultdict(int) for name in self._totals}

    @property
    def are_needed(self) -> bool:
        """Whether any published version has such rules; the order of work within a batch matters then."""
        return self._terms.counts_over_orders

    def look_ahead(self, people: People, orders: Sequence[tuple[Order, datetime]]) -> None:
        """Reads and locks what these orders will most likely need; what is missed is fetched when it is needed.

        Args:
            orders: each with the instant from which its commissions count.
        """
        spans: set[Span] = set()
        asked: dict[str, set[RuleTotal]] = {MONTHS: set(), CUSTOMERS: set()}
        self._customers.load(order for order, _ in orders)
        for order, counts_from in orders:
            try:
                terms = self._terms.in_force(order.paid_at)
                if people.missing(order) is not None:
                    continue
                snapshot = self._customers.with_earlier_orders(terms.plan, order, people.snapshot(order, terms))
                spans.update(span for _, _, span in asked_of(terms.plan, order, snapshot))
                if self._terms.counted_rules:
                    commissions = settle(terms.plan, order, snapshot)
                    for table, total, _ in self._amounts(terms.plan, order, counts_from, commissions):
                        asked[table].add(total)
            except Refusal:
                continue
        self._sales.load(spans)
        for table, totals in asked.items():
            self._lock(table, totals)

    def with_verdicts(self, plan: Plan, order: Order, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what rules ask of the customer and of the earners' sales, as known now."""
        snapshot = self._customers.with_earlier_orders(plan, order, snapshot)
        if not plan.book.on_sales:
            return snapshot
        unmet: defaultdict[int, list[int]] = defaultdict(list)
        for shop_no, rule_index, span in asked_of(plan, order, snapshot):
            if self._sales.figure(span) < (plan.book.on_sales[rule_index].min_personal_sales_minor or 0):
                unmet[shop_no].append(rule_index)
        if not unmet:
            return snapshot

        def judged_person(person: Person | None) -> Person | None:
            rules = None if person is None else unmet.get(person.shop_no)
            return person._replace(unmet=tuple(sorted(set(rules)))) if person is not None and rules else person

        return snapshot._replace(
            seller=judged_person(snapshot.seller),
            uplines=tuple([judged for upline in snapshot.uplines if (judged := judged_person(upline)) is not None]),
            leader=judged_person(snapshot.leader),
            opener=judged_person(snapshot.opener),
        )

    def within_caps(
        self, plan: Plan, order: Order, counts_from: datetime, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        """What month and customer caps leave of an order's commissions, and the snapshot with the room they had.

        What is answered is taken as posted: the next order finds so much less room.

        Args:
            at: from when the commissions count: its month is the month of settlement.

        Raises:
            Refusal: ``customer_missing`` where a cap by customer bounds a commission and the order names none,
                ``commission_too_large`` where what is left is more than a transfer can carry.
        """
        if not self._terms.counted_rules:
            check_payable(plan, commissions)
            return snapshot, commissions
        pairs = counted(plan, commissions) if plan.book.counted else ()
        if pairs:
            rooms = tuple([self._room(plan, order, counts_from, rule_index, shop_no) for rule_index, shop_no in pairs])
            snapshot = snapshot._replace(rooms=rooms)
            commissions = within_rooms(commissions, rooms)
        check_payable(plan, commissions)
        for table, total, amount_minor in self._amounts(plan, order, counts_from, commissions):
            if total not in self._totals[table]:
                self._lock(table, [total])
            self._totals[table][total] += amount_minor
            self._added[table][total] += amount_minor
        return snapshot, commissions

    def write(self) -> None:
        """Writes what the batch added to the totals."""
        for table, added in self._added.items():
            if added:
                rule_totals.add_totals(self._conn, self._batch.program.program_id, table, added)

    def _room(self, plan: Plan, order: Order, counts_from: datetime, rule_index: int, shop_no: int) -> Room:
        cap, rule_id = plan.book.counted[rule_index], plan.rules[rule_index].id
        month = customer = None
        if cap.per_month_minor is not None:
            period = self._batch.program.period_of(counts_from)
            month = self._left(MONTHS, [RuleTotal(rule_id, shop_no, period)], cap.per_month_minor)
        if cap.per_customer_minor is not None:
            if order.customer_id is None:
                raise CustomerMissing(rule=rule_id)
            own = RuleTotal(rule_id, shop_no, order.customer_id)
            self._lock(CUSTOMERS, [own])
            customer = self._left(CUSTOMERS, self._of_person(own), cap.per_customer_minor)
        return Room(rule_index, shop_no, month, customer)

    def _left(self, table: str, totals: Iterable[RuleTotal], cap_minor: int) -> int:
        """What a cap leaves when all of these totals count against it."""
        self._lock(table, totals)
        return max(cap_minor - sum(self._totals[table][total] for total in totals), 0)

    def _lock(self, table: str, totals: Iterable[RuleTotal]) -> None:
        """Reads and locks totals; of customers also those of all who are one person with them once they are held."""
        asked = {*totals} - self._totals[table].keys()
        if asked and table == CUSTOMERS:
            asked = self._of_persons(asked)
        while missing := sorted(asked - self._totals[table].keys()):
            has_past = self._terms.counted_rules[table].has_past
            read = rule_totals.lock_totals(self._conn, self._batch.program.program_id, table, missing, has_past)
            self._totals[table] |= read
            if table == CUSTOMERS:
                asked = self._of_persons(asked)

    def _of_persons(self, totals: set[RuleTotal]) -> set[RuleTotal]:
        """The same totals of all customers who are one person with theirs, as known now."""
        self._persons.read_again({str(total.of) for total in totals})
        return {other for total in totals for other in self._of_person(total)}

    def _of_person(self, total: RuleTotal) -> list[RuleTotal]:
        return [total._replace(of=customer_id) for customer_id in self._persons.ids_of(str(total.of))]

    def _amounts(
        self, plan: Plan, order: Order, counts_from: datetime, commissions: Iterable[Commission]
    ) -> Iterator[tuple[str, RuleTotal, int]]:
        """What commissions add to which total: by rule ids that some version caps, whether this one does or not."""
        period, customer_id, rules = (
            self._batch.program.period_of(counts_from),
            order.customer_id,
            self._terms.counted_rules,
        )
        months = rules[MONTHS].ids if MONTHS in rules else frozenset()
        customers = rules[CUSTOMERS].ids if CUSTOMERS in rules else frozenset()
        for commission in commissions:
            rule_id = plan.rules[commission.rule_index].id
            if rule_id in months:
                yield MONTHS, RuleTotal(rule_id, commission.shop_no, period), commission.amount_minor
            if rule_id in customers and customer_id is not None:
                yield CUSTOMERS, RuleTotal(rule_id, commission.shop_no, customer_id), commission.amount_minor
