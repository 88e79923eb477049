"""An order in memory: what the state machine looks up, and a program of one order that events arrive at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from distrib.domain.errors import Refusal
from distrib.domain.events import Event, Order, OrderLine, Refund, RefundLine, group_of
from distrib.domain.orders import effects as of
from distrib.domain.orders.effects import Effect
from distrib.domain.orders.groups import decide_group
from distrib.domain.orders.lookups import GroupDecision
from distrib.domain.orders.machine import apply_all
from distrib.domain.orders.state import NEW, Arrival, OrderState
from distrib.domain.plans.plan import compile_plan
from distrib.domain.settlement.caps import check_payable
from distrib.domain.settlement.commission import Commission
from distrib.domain.settlement.earned import CommissionKey
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.domain.settlement.terms import Terms

PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LINES = (OrderLine("1", "A", 1, 10_001), OrderLine("2", "B", 1, 4_999), OrderLine("3", "C", 2, 0))
PLAN = compile_plan(
    {
        "code": "two-level",
        "currency": "CNY",
        "tiers": 1,
        "hold_days": 7,
        "order_cap": "0.13",
        "rules": [
            {"id": "seller", "pay": "seller", "rate": "0.10"},
            {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05"},
        ],
    }
)
TERMS = Terms(PLAN, 1, timedelta(days=7), PLAN.order_cap_ppm, "open@1970-01-01", True, True, 3)
PEOPLE = Snapshot(Person(1, "member", True), (Person(2, "member", True),), order_cap_ppm=PLAN.order_cap_ppm)


def order(**more: object) -> Order:
    fields: dict[str, object] = {"id": "o", "currency": "CNY", "paid_at": PAID_AT, "lines": LINES, "shop_id": "s"}
    return Order(**{**fields, **more})  # type: ignore[arg-type]


def event(kind: str, days: int, **more: object) -> Event:
    """An event so many days after the payment; its id is its type."""
    return Event(kind, kind, PAID_AT + days * DAY, **more)  # type: ignore[arg-type]


def refund(event_id: str, days: int, *amounts: tuple[str, int]) -> Event:
    """A refund of amounts by line; of all that is left without any."""
    lines = tuple(RefundLine(line_id, amount_minor) for line_id, amount_minor in amounts) or None
    return Event(event_id, "order.refunded", PAID_AT + days * DAY, refund=Refund(event_id, "o", lines))


def money_back(event_id: str, days: int, amount_minor: int, spread: str) -> Event:
    """A refund of an amount that names no lines."""
    given = Refund(event_id, "o", amount_minor=amount_minor, spread=spread)
    return Event(event_id, "order.refunded", PAID_AT + days * DAY, refund=given)


def undone(refund_id: str, days: int) -> Event:
    """What undoes a refund."""
    return Event(f"not {refund_id}", "refund.reversed", PAID_AT + days * DAY, refund_id=refund_id)


@dataclass
class Memory:
    """What the machine looks up, answered from memory."""

    people: Snapshot = PEOPLE
    terms: Terms = TERMS
    shops: set[str] = field(default_factory=lambda: {"s"})
    decision: GroupDecision | None = None
    cases: set[int] = field(default_factory=set)

    def terms_at(self, paid_at: datetime) -> Terms:
        if paid_at < PAID_AT:
            raise Refusal("no_plan", paid_at=paid_at.isoformat())
        return self.terms

    def missing_shop(self, order: Order) -> str | None:
        return order.shop_id if order.shop_id is not None and order.shop_id not in self.shops else None

    def snapshot(self, order: Order, terms: Terms) -> Snapshot:
        assert terms is self.terms
        return self.people if order.shop_id is not None else self.people._replace(seller=None, uplines=())

    def within_caps(
        self, order: Order, terms: Terms, counts_from: datetime, snapshot: Snapshot, commissions: list[Commission]
    ) -> tuple[Snapshot, list[Commission]]:
        assert counts_from >= order.paid_at
        check_payable(terms.plan, commissions)
        return snapshot, commissions

    def group_decision(self, order: Order) -> GroupDecision | None:
        return None if group_of(order) is None else self.decision

    def is_case_in_force(self, case_no: int, paid_at: datetime) -> bool:
        return case_no in self.cases and paid_at >= PAID_AT


@dataclass
class Life:
    """One order, the events that arrived, and all the effects they had so far."""

    lookups: Memory = field(default_factory=Memory)
    state: OrderState = NEW
    effects: list[Effect] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str | None] = field(default_factory=dict)
    arrived: list[Arrival] = field(default_factory=list)

    def arrive(self, *events: Event) -> None:
        for happened in events:
            number = len(self.arrived) + 1
            self.arrived.append(Arrival(number, date(2026, 3, 1), happened))
            self.statuses[happened.id] = "pending"

    def drain(self) -> list[Effect]:
        """Applies what is pending or waits, batch after batch, until nothing is pending; the effects of the first."""
        first = self._batch()
        while "pending" in self.statuses.values():
            self._batch()
        return first

    def _batch(self) -> list[Effect]:
        due = [arrival for arrival in self.arrived if self.statuses[arrival.event.id] in ("pending", "waiting")]
        groups = [arrival for arrival in due if arrival.event.group_id is not None]
        self.lookups.decision, effects = decide_group(self.lookups.decision, groups)
        orders = [arrival for arrival in due if arrival.event.group_id is None]
        self.state, more = apply_all(self.state._replace(waiting=()), orders, self.lookups)
        for effect in more:
            if isinstance(effect, of.EventsReopened):
                self._reopen_after(effect.arrival, effect.only_conflicts)
        self._record([*effects, *more])
        for effect in more:
            if isinstance(effect, of.RefundUndone):
                self._reopen_exceeding()
        return more

    def tell(self, *events: Event) -> list[Effect]:
        self.arrive(*events)
        return self.drain()

    def _reopen_after(self, failure: Arrival, only_conflicts: bool) -> None:
        for arrival in self.arrived:
            event_id, kind = arrival.event.id, arrival.event.type
            is_later = arrival.event.occurred_at > failure.event.occurred_at
            is_anew = kind in ("order.refunded", "refund.reversed") or (kind == "order.paid" and is_later)
            has_failed = self.statuses[event_id] == "failed"
            if self.statuses[event_id] != "done" and not has_failed:
                continue
            if (is_anew and not only_conflicts) or (has_failed and self.remarks[event_id] == "order_conflict"):
                self.statuses[event_id] = "pending"

    def _reopen_exceeding(self) -> None:
        for event_id, remark in self.remarks.items():
            if self.statuses[event_id] == "failed" and remark == "refund_exceeds":
                self.statuses[event_id] = "pending"

    def _record(self, effects: Iterable[Effect]) -> None:
        ids = {arrival.event_no: arrival.event.id for arrival in self.arrived}
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, of.EventDone):
                self.statuses[ids[effect.event_no]], self.remarks[ids[effect.event_no]] = "done", effect.remark
            elif isinstance(effect, of.EventPostponed):
                self.statuses[ids[effect.event_no]] = "pending"
            elif isinstance(effect, of.EventFailed | of.EventWaiting):
                status = "failed" if isinstance(effect, of.EventFailed) else "waiting"
                self.statuses[ids[effect.event_no]], self.remarks[ids[effect.event_no]] = status, effect.code

    def posted(self) -> Counter[CommissionKey]:
        """What the ledger has by commission: what was earned and what was reversed."""
        sums: Counter[CommissionKey] = Counter()
        for effect in self.effects:
            if isinstance(effect, of.OrderSettled):
                sums.update({commission.key: commission.amount_minor for commission in effect.settlement.commissions})
            elif isinstance(effect, of.CommissionsReversed):
                sums.update({change.state.commission.key: change.amount_minor for change in effect.changes})
        return +sums

    def expected(self) -> Counter[CommissionKey]:
        """What is expected by commission."""
        sums: Counter[CommissionKey] = Counter()
        for effect in self.effects:
            if isinstance(effect, of.ExpectationChanged):
                sums.update({change.state.commission.key: change.amount_minor for change in effect.changes})
        return +sums

    def taken_minor(self) -> list[int]:
        """What refunds and cancels took of each line of the settled order."""
        taken = [0] * len(LINES)
        for effect in self.effects:
            if isinstance(effect, of.RefundApplied):
                taken = [before + minor for before, minor in zip(taken, effect.taken_minor, strict=True)]
        return taken
