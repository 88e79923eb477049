"""The terms of an order paid at an instant: the plan version in force and the policy packs.

Worked out once a version and batch. Amounts and people may not enter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from distrib.domain.plans.limits import Cap
from distrib.domain.plans.refusals import NoPlan
from distrib.domain.policies.policy import Policy, combine
from distrib.domain.ranks.promotion import EARNINGS, Metric, promotion_metrics
from distrib.domain.settlement.terms import Terms
from distrib.services.context import Program
from distrib.services.plans.versions import Timeline, TimelineEntry, ladder_of
from distrib.services.policies import PolicyBook, pack_on
from distrib.store.settlement.rule_totals import CUSTOMERS, MONTHS

_EVER = datetime.max.replace(tzinfo=UTC)


class CountedRules(NamedTuple):
    """The ids of rules that some version caps by month or customer; ``has_past``: another version has one uncapped."""

    ids: frozenset[str]
    has_past: bool


class TermsBook:
    """The terms of a program by instant; the newest ``effective_from`` not after it wins."""

    def __init__(self, program: Program, timeline: Timeline, policies: Mapping[str, Policy]) -> None:
        self._program = program
        self._timeline = timeline
        self._policies = policies
        self._known: dict[int | tuple[int, date], Terms] = {}
        self._is_dated = isinstance(policies, PolicyBook) and policies.is_dated
        self.ladder = ladder_of(timeline)

    @property
    def has_promotions(self) -> bool:
        """Whether days have to be settled in order (plan.md, Ranks)."""
        return any(entry.plan.has_promotions for entry in self._timeline.entries)

    @property
    def signal_levels(self) -> int:
        """How many uplines an order may promote: as many as any plan's metrics read levels."""
        return max((metric.reach for metric in self._metrics()), default=0)

    @property
    def signals_earnings(self) -> bool:
        """Whether an order may promote whoever it pays."""
        return any(metric.name == EARNINGS for metric in self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        for entry in self._timeline.entries:
            yield from promotion_metrics(entry.plan)

    @cached_property
    def counted_rules(self) -> dict[str, CountedRules]:
        """The rules whose pay is counted, over all versions (plan.md, cap), by the table that counts it."""
        by_table = {
            MONTHS: self._counted(lambda cap: cap.per_month_minor),
            CUSTOMERS: self._counted(lambda cap: cap.per_customer_minor),
        }
        return {table: rules for table, rules in by_table.items() if rules.ids}

    @cached_property
    def asks_for_sales(self) -> bool:
        """Whether any rule requires sales of its earner."""
        return any(entry.plan.book.on_sales for entry in self._timeline.entries)

    @cached_property
    def most_earlier_orders(self) -> int:
        """How many earlier orders of a customer decide what any version asks of customers; 0: none asks."""
        return max((entry.plan.book.earlier_orders for entry in self._timeline.entries), default=0)

    @property
    def counts_over_orders(self) -> bool:
        """Whether what an order pays may depend on other orders, so that the order of work within a batch matters."""
        return bool(self.counted_rules or self.asks_for_sales or self.most_earlier_orders)

    def _counted(self, bound_of: Callable[[Cap], int | None]) -> CountedRules:
        rules = [rule for entry in self._timeline.entries for rule in entry.plan.rules]
        capped = {id(rule) for rule in rules if rule.cap is not None and bound_of(rule.cap) is not None}
        ids = frozenset(rule.id for rule in rules if id(rule) in capped)
        return CountedRules(ids, any(rule.id in ids and id(rule) not in capped for rule in rules))

    def in_force(self, paid_at: datetime) -> Terms:
        """Finds the terms in force at ``paid_at``; raises ``no_plan`` where there were none."""
        entry = self._timeline.in_force(paid_at)
        if entry is None:
            raise NoPlan(paid_at=paid_at.isoformat())
        key = (entry.version_no, self._program.day_of(paid_at)) if self._is_dated else entry.version_no
        terms = self._known.get(key)
        if terms is None:
            terms = self._known[key] = self._terms(entry, self._program.day_of(paid_at))
        return terms

    def span_of(self, paid_at: datetime) -> tuple[Terms, datetime, datetime]:
        """Finds the terms in force at ``paid_at``, and from when until when they surely are; raises as ``in_force``."""
        terms = self.in_force(paid_at)
        if self._is_dated:
            return terms, paid_at, paid_at
        starts = [entry.effective_from for entry in self._timeline.entries]
        place = bisect_right(starts, paid_at)
        return terms, starts[place - 1], starts[place] if place < len(starts) else _EVER

    def version_no_at(self, instant: datetime) -> int | None:
        """Finds the number of the plan version in force at an instant; None where there was none."""
        entry = self._timeline.in_force(instant)
        return None if entry is None else entry.version_no

    def of_version(self, version_no: int) -> Terms:
        """Finds the terms of a published version; what packs allow comes from the order's snapshot."""
        if version_no not in self._known:
            entry = next(entry for entry in self._timeline.entries if entry.version_no == version_no)
            self._known[version_no] = self._terms(entry, self._program.day_of(entry.effective_from))
        return self._known[version_no]

    def _terms(self, entry: TimelineEntry, day: date) -> Terms:
        """Builds the terms of a version with the packs in force on the day of payment."""
        plan = entry.plan
        names = [self._program.policy] + ([plan.policy] if plan.policy else [])
        limits = combine(*(pack_on(self._policies, name, day) for name in names))
        return Terms(
            plan,
            entry.version_no,
            timedelta(days=plan.hold_days),
            limits.order_cap_with(plan.order_cap_ppm),
            limits.packs,
            limits.entry_pays_seller,
            limits.self_purchase_pays_uplines,
            limits.max_tiers,
        )
