"""The rules of a plan as frozen values, and which of them apply to a kind of line.

Rules are chosen and put in order here, once for each kind of
line; people and amounts must not enter.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distrib.domain.plans.customer_conditions import CustomerCondition
from distrib.domain.plans.limits import Cap, Requires

RATE, AMOUNT, SLAB_WHOLE, SLAB_MARGINAL = "rate", "amount", "whole", "marginal"
OF_BASE, OF_REMAINING, OF_RULE = "base", "remaining", "rule"
SELLER, UPLINE, CHAIN, LEADER, OPENER = "seller", "upline", "chain", "leader", "opener"
PAYS = (SELLER, UPLINE, CHAIN, LEADER, OPENER)
PER_UNIT, PER_ORDER = "unit", "order"
"""What an amount is paid for: each unit of quantity, or the order once."""
AFTER_THE_TIERS = 4
"""Where leader and opener stand among the steps; they are paid as tier 0."""

_MAX_CHOICES = 4096
_NO_CONDITION: frozenset[CustomerCondition] = frozenset()


@dataclass(frozen=True, slots=True)
class Where:
    """Which lines a rule is for; None: the key is not named."""

    channels: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    skus: frozenset[str] | None = None
    not_channels: frozenset[str] = frozenset()
    not_categories: frozenset[str] = frozenset()
    not_skus: frozenset[str] = frozenset()
    customer: CustomerCondition | None = None
    not_customer: CustomerCondition | None = None

    def matches(self, channel: str, category: str | None, sku: str, met: Collection[CustomerCondition] = ()) -> bool:
        """Whether a line of this channel, category and SKU is one the rule is for.

        Args:
            met: the conditions on the customer that the order meets.
        """
        return (
            (self.channels is None or channel in self.channels)
            and (self.categories is None or category in self.categories)
            and (self.skus is None or sku in self.skus)
            and channel not in self.not_channels
            and category not in self.not_categories
            and sku not in self.not_skus
            and (self.customer is None or self.customer in met)
            and (self.not_customer is None or self.not_customer not in met)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: who (``pay``, ``tier``), how much (``kind``, figures, slabs), of what, when.

    ``figures`` and ``default`` are parts per million for rates, minor units for amounts;
    ``of_rule`` is the index of the rule it is taken of, or -1; ``per`` says what an amount is paid for.
    """

    index: int
    id: str
    pay: str
    tier: int
    group: str
    kind: str
    where: Where = field(default_factory=Where)
    figures: Mapping[str, int] = field(default_factory=dict)
    default: int | None = None
    slabs: tuple[tuple[int, int], ...] = ()
    of: str = OF_BASE
    of_rule: int = -1
    per: str = PER_UNIT
    requires: Requires | None = None
    cap: Cap | None = None

    def figure(self, rank: str) -> int | None:
        """The rate or amount for an earner of this rank; None where the rule names none."""
        return self.figures.get(rank, self.default)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The rules that apply to a kind of line, one per group, in the order in which they pay.

    ``steps`` holds (tier, rule), a chain rule once for every tier. ``depth`` is how many rates are
    multiplied with each other at most, so that amounts are whole in units of 1 / PPM**depth.
    """

    steps: tuple[tuple[int, Rule], ...]
    depth: int

    @property
    def is_flat(self) -> bool:
        """Whether every rule takes a rate of the line's base, so that none needs what another paid."""
        return all(rule.kind == RATE and rule.of == OF_BASE for _, rule in self.steps)


class Remembered:
    """A bounded cache of recomputable results, by pattern and kind; when it is full, all are forgotten."""

    __slots__ = ("_count", "_patterns")

    def __init__(self) -> None:
        self._patterns: dict[Hashable, dict[Any, Any]] = {}
        self._count = 0

    def known(self, pattern: Hashable) -> dict[Any, Any]:
        """The cached results of a pattern by kind; ``keep`` adds to them."""
        known = self._patterns.get(pattern)
        if known is None:
            known = self._patterns[pattern] = {}
        return known

    def keep(self, known: dict[Any, Any], kind: Hashable, answer: object) -> None:
        """Caches a result among those of its pattern; the pattern itself may be forgotten by it."""
        self._count += 1
        if self._count > _MAX_CHOICES:
            self._patterns.clear()
            self._count = 0
        known[kind] = answer


class RuleBook:
    """Finds the rules for a line, and caches the result for each kind of line.

    ``remembered`` is room for what others compute from these rules alone. ``per_order`` holds the caps on one order,
    ``counted`` the caps by month and customer, ``on_sales`` what is asked of the earner's sales, each by rule index;
    ``on_customers`` lists what is asked of customers, ``earlier_orders`` how many of a customer's orders decide that.
    ``has_amounts`` says whether any rule pays an amount in place of a rate, ``has_order_amounts`` whether any pays one
    amount for the whole order.
    """

    __slots__ = (
        "_cache",
        "_categories",
        "_channels",
        "_rules",
        "_skus",
        "_tiers",
        "counted",
        "earlier_orders",
        "has_amounts",
        "has_order_amounts",
        "on_customers",
        "on_sales",
        "per_order",
        "remembered",
    )

    def __init__(self, rules: Sequence[Rule], tiers: int) -> None:
        self._rules = tuple(rules)
        self._tiers = tiers
        wheres = [rule.where for rule in rules]
        self._channels = _named((where.channels, where.not_channels) for where in wheres)
        self._categories = _named((where.categories, where.not_categories) for where in wheres)
        self._skus = _named((where.skus, where.not_skus) for where in wheres)
        self._cache: dict[tuple[object, ...], Chosen] = {}
        self.remembered = Remembered()
        caps = {rule.index: rule.cap for rule in rules if rule.cap is not None}
        self.per_order = {index: most for index, cap in caps.items() if (most := cap.per_order_minor) is not None}
        self.has_amounts = any(rule.kind == AMOUNT for rule in rules)
        self.has_order_amounts = any(rule.per == PER_ORDER for rule in rules)
        self.counted = {index: cap for index, cap in caps.items() if cap.is_counted}
        asked = {rule.index: rule.requires for rule in rules if rule.requires is not None}
        self.on_sales = {index: asks for index, asks in asked.items() if asks.min_personal_sales_minor is not None}
        conditions = (condition for where in wheres for condition in (where.customer, where.not_customer))
        self.on_customers = tuple(dict.fromkeys(condition for condition in conditions if condition is not None))
        self.earlier_orders = max((condition.within_orders or 1 for condition in self.on_customers), default=0)

    @property
    def is_uniform(self) -> bool:
        """Whether no rule asks for a channel, a category or a SKU, so that all lines of an order choose alike."""
        return not (self._channels or self._categories or self._skus)

    def choose(
        self, channel: str, category: str | None, sku: str, met: frozenset[CustomerCondition] = _NO_CONDITION
    ) -> Chosen:
        """Finds the rules for a line: for each group the first in document order whose ``where`` matches.

        Values that no rule names are all alike, which keeps the number of kinds small.

        Args:
            met: the conditions on the customer that the order meets, of ``on_customers``.
        """
        key: tuple[object, ...] = (
            channel if channel in self._channels else None,
            category if category in self._categories else None,
            sku if sku in self._skus else None,
        )
        if met:
            key = (*key, met)
        chosen = self._cache.get(key)
        if chosen is None:
            chosen = self._choose(channel, category, sku, met)
            if len(self._cache) >= _MAX_CHOICES:
                self._cache.clear()
            self._cache[key] = chosen
        return chosen

    def _choose(self, channel: str, category: str | None, sku: str, met: Collection[CustomerCondition]) -> Chosen:
        first: dict[str, Rule] = {}
        for rule in self._rules:
            if rule.group not in first and rule.where.matches(channel, category, sku, met):
                first[rule.group] = rule
        steps = order_steps(first.values(), self._tiers)
        return Chosen(steps, _depth(steps))


def _named(values: Iterable[tuple[frozenset[str] | None, frozenset[str]]]) -> frozenset[str]:
    named: set[str] = set()
    for only, left_out in values:
        named |= (only or frozenset()) | left_out
    return frozenset(named)


def order_steps(rules: Iterable[Rule], tiers: int) -> tuple[tuple[int, Rule], ...]:
    """Sorts rules into (tier, rule) steps: by tier, in document order, leader and opener last (plan.md, step 3)."""
    ordered = sorted(rules, key=lambda rule: rule.index)
    steps = [(place, rule) for rule in ordered for place in places_of(rule.pay, rule.tier, tiers)]
    steps.sort(key=_place_of_step)
    return tuple((place % AFTER_THE_TIERS, rule) for place, rule in steps)


def _place_of_step(step: tuple[int, Rule]) -> int:
    place, _ = step
    return place


def places_of(pay: str, tier: int, tiers: int) -> range:
    """The places of a rule among the steps: tiers 0 to 3, then leader and opener."""
    if pay == CHAIN:
        return range(tiers + 1)
    place = AFTER_THE_TIERS if pay in (LEADER, OPENER) else tier
    return range(place, place + 1)


def _depth(steps: Sequence[tuple[int, Rule]]) -> int:
    depths: dict[int, int] = {}
    for tier, rule in steps:
        below = 0
        if rule.of == OF_RULE:
            below = depths.get(rule.of_rule, 0)
        elif rule.of == OF_REMAINING:
            below = max((depths[r.index] for lower, r in steps if lower < tier and r.index in depths), default=0)
        depths[rule.index] = below + 1  # a rule of several tiers is differential, so of the base at each of them
    return max(depths.values(), default=1)
