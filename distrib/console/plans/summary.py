"""What a sound plan says, in plain words: who earns what of which lines, and what holds for all of it.

Puts the compiled plan into sentences; nothing is computed or judged here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from distrib.console.language import Say, speak
from distrib.console.plans.summary_texts import TEXTS
from distrib.domain.amounts import show_amount, show_percent
from distrib.domain.document import first_of
from distrib.domain.plans.conditions import AllOf, AtLeast, Condition, Rank
from distrib.domain.plans.customer_conditions import CustomerCondition
from distrib.domain.plans.limits import Cap, Requires
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.pools import Pool
from distrib.domain.plans.rules import AMOUNT, OF_REMAINING, OF_RULE, PER_ORDER, RATE, SLAB_WHOLE, UPLINE, Rule, Where


class RuleRow(NamedTuple):
    """One rule in words."""

    id: str
    who: str
    earns: tuple[str, ...]
    of: str
    lines: str
    limits: tuple[str, ...]


class Fact(NamedTuple):
    """Something that holds for the whole plan: the key, what it is called, and what it says."""

    key: str
    name: str
    text: str


class RankWords(NamedTuple):
    """One rank in words: what reaches it, what keeps it; empty where it is given by hand alone."""

    code: str
    promote: str
    keep: str
    grace: int


class Summary(NamedTuple):
    """A plan in words."""

    title: str
    facts: tuple[Fact, ...]
    rules: tuple[RuleRow, ...]


def plan_summary(plan: Plan, language: str) -> Summary:
    """Puts the plan into that language."""
    words = _Words(plan, speak(TEXTS, language))
    return Summary(title_of(plan, language), tuple(words.facts()), tuple(words.rule(rule) for rule in plan.rules))


def ladder_words(plan: Plan, language: str) -> list[RankWords]:
    """Puts the plan's ranks into that language, the lowest first."""
    words = _Words(plan, speak(TEXTS, language))
    return [
        RankWords(rank.code, words.condition(rank.promote), words.condition(rank.keep), rank.grace)
        for rank in plan.ranks
    ]


def metric_words(name: str, levels: int | None, min_rank: str | None, window: str, language: str) -> str:
    """Names a figure of a rank's condition, with from which rank on and within which time it counts."""
    say = speak(TEXTS, language)
    rank = say("from_rank", rank=min_rank) if min_rank else ""
    return f"{say(f'metric.{name}', levels=levels or 0)}{rank}{_window(say, window)}"


def _window(say: Say, window: str) -> str:
    if window == "ever":
        return ""
    return say("within_month") if window == "month" else say("within_days", days=window.removesuffix("d"))


def title_of(plan: Plan, language: str) -> str:
    """Chooses the plan's title in that language, or in the first that it has."""
    if isinstance(plan.title, str):
        return plan.title
    near = [text for tag, text in plan.title.items() if tag.lower().partition("-")[0] == language]
    return next(iter([*near, *plan.title.values()]))


class _Words:
    """Words one plan in one language."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan, self._say = plan, say

    def rule(self, rule: Rule) -> RuleRow:
        """Says who earns how much, of what, of which lines, and within which limits."""
        who = self._say(f"pay.{rule.pay}", tier=rule.tier, tiers=self._plan.tiers)
        limits = (*self._requires(rule.requires), *self._cap(rule.cap), *self._group(rule))
        return RuleRow(rule.id, who, tuple(self._earns(rule)), self._of(rule), self._where(rule.where), limits)

    def _earns(self, rule: Rule) -> Iterator[str]:
        if rule.slabs:
            yield self._say("slabs.whole" if rule.kind == SLAB_WHOLE else "slabs.marginal")
            for from_minor, rate in rule.slabs:
                yield self._say("slab", amount=self._money(from_minor), rate=show_percent(rate))
            return
        show = show_percent if rule.kind == RATE else self._an_order if rule.per == PER_ORDER else self._a_piece
        for rank, figure in rule.figures.items():
            yield self._say("by_rank", rank=rank, figure=show(figure))
        if rule.default is not None:
            yield self._say("others", figure=show(rule.default)) if rule.figures else show(rule.default)

    def _of(self, rule: Rule) -> str:
        if rule.kind == AMOUNT:
            return ""
        base = self._say(f"base.{self._plan.base}")
        if rule.of == OF_RULE:
            return self._say("of.rule", rule=self._plan.rules[rule.of_rule].id)
        return self._say("of.remaining", base=base) if rule.of == OF_REMAINING else base

    def _where(self, where: Where) -> str:
        asked = (
            ("only", "channel", where.channels),
            ("only", "category", where.categories),
            ("only", "sku", where.skus),
            ("never", "channel", where.not_channels),
            ("never", "category", where.not_categories),
            ("never", "sku", where.not_skus),
        )
        conditions = [self._named(way, key, values) for way, key, values in asked if values]
        customers = (("only", where.customer), ("never", where.not_customer))
        conditions += [self._asked(way, condition) for way, condition in customers if condition is not None]
        return self._say("and").join(conditions) if conditions else self._say("all_lines")

    def _customer(self, asked: CustomerCondition) -> str:
        standing, orders, days = asked
        worded = self._say(f"customer.{standing}")
        bounds = [self._say("customer.orders", orders=orders)] if orders is not None and asked.is_bounded else []
        if days is not None:
            bounds.append(self._say("customer.days", days=days))
        return self._say("customer.bounds", customer=worded, bounds="; ".join(bounds)) if bounds else worded

    def _named(self, way: str, key: str, values: Collection[str]) -> str:
        words = [self._say(f"channel.{value}") if key == "channel" else value for value in sorted(values)]
        return self._say(way, key=self._say(f"where.{key}"), values=first_of(words))

    def _asked(self, way: str, asked: CustomerCondition) -> str:
        return self._say(way, key=self._say("where.customer"), values=self._customer(asked))

    def _requires(self, requires: Requires | None) -> Iterator[str]:
        if requires is None:
            return
        if requires.min_rank is not None:
            yield self._say("requires.rank", rank=requires.min_rank)
        if requires.min_personal_sales_minor is not None:
            window = "" if requires.window_days is None else self._say("within_days", days=requires.window_days)
            amount = self._money(requires.min_personal_sales_minor)
            yield self._say("requires.sales", amount=amount, window=window)

    def _cap(self, cap: Cap | None) -> Iterator[str]:
        for key, amount in zip(Cap._fields, cap or (), strict=False):
            if amount is not None:
                yield self._say(f"cap.{key}", amount=self._money(amount))

    def _group(self, rule: Rule) -> Iterator[str]:
        others = [other.id for other in self._plan.rules if other.group == rule.group and other.index != rule.index]
        if others:
            yield self._say("group.excludes", others=first_of(others))
        elif rule.group != (f"{UPLINE}-{rule.tier}" if rule.pay == UPLINE else rule.pay):
            yield self._say("group.besides", group=rule.group)

    def facts(self) -> Iterator[Fact]:
        """Lists what holds for the whole plan, key by key, defaults included."""
        plan, say = self._plan, self._say
        cap = plan.order_cap_ppm
        declared = plan.declarations.items()
        texts: Mapping[str, str] = {
            "currency": plan.currency,
            "policy": plan.policy or say("policy.program"),
            "base": say(f"base.{plan.base}"),
            "rounding": say(f"rounding.{plan.rounding}"),
            "round_per": say(f"round_per.{plan.round_per}"),
            "hold_days": say("hold_days.text", days=plan.hold_days),
            "tiers": say("tiers.text", tiers=plan.tiers),
            "inactive_upline": say(f"inactive_upline.{plan.inactive_upline}"),
            "self_purchase": say(f"self_purchase.{plan.self_purchase}"),
            "order_cap": say("order_cap.none") if cap is None else say("order_cap.text", cap=show_percent(cap)),
            "ranks": say("then").join(self._rank(rank) for rank in plan.ranks),
            "rank_map": ", ".join(f"{old} → {new}" for old, new in plan.rank_map.items()),
            "pools": say("besides").join(self._pool(pool) for pool in plan.pools),
            "declarations": ", ".join(f"{key}: {self._declared(key, value)}" for key, value in declared),
        }
        for key, text in texts.items():
            if text:
                yield Fact(key, say(f"fact.{key}"), text)

    def _declared(self, key: str, value: object) -> str:
        if isinstance(value, bool):
            return self._say("yes" if value else "no")
        return self._money(value) if key.endswith("_minor") and isinstance(value, int) else str(value)

    def _rank(self, rank: Rank) -> str:
        way = {"promote": rank.promote, "keep": rank.keep}
        terms = [self._say(key, condition=self._condition(to)) for key, to in way.items() if to is not None]
        if rank.keep is not None and rank.grace:
            terms.append(self._say("grace", times=rank.grace))
        return self._say("rank", rank=rank.code, terms="; ".join(terms)) if terms else rank.code

    def condition(self, condition: Condition | None) -> str:
        """Says what a rank takes; empty where nothing does."""
        return "" if condition is None else self._condition(condition)

    def _condition(self, condition: Condition, is_inner: bool = False) -> str:
        if isinstance(condition, AtLeast):
            return self._at_least(condition)
        joint = self._say("all" if isinstance(condition, AllOf) else "any")
        text = joint.join(self._condition(part, is_inner=True) for part in condition.parts)
        return f"({text})" if is_inner and len(condition.parts) > 1 else text

    def _at_least(self, threshold: AtLeast) -> str:
        metric = threshold.metric
        name = self._say(f"metric.{metric.name}", levels=metric.levels)
        rank = self._say("from_rank", rank=metric.min_rank) if metric.min_rank else ""
        is_money = metric.name.endswith("_minor")
        figure = self._money(threshold.at_least) if is_money else f"{threshold.at_least:,}"
        return f"{name}{rank}{_window(self._say, metric.window)} ≥ {figure}"

    def _pool(self, pool: Pool) -> str:
        weights = ", ".join(f"{rank} {weight:,}" for rank, weight in pool.weights.items())
        return self._say("pool", id=pool.id, rate=show_percent(pool.rate_ppm), weights=weights)

    def _money(self, amount_minor: int) -> str:
        return f"{show_amount(amount_minor, self._plan.currency)} {self._plan.currency}"

    def _an_order(self, amount_minor: int) -> str:
        return self._say("an_order", amount=self._money(amount_minor))

    def _a_piece(self, amount_minor: int) -> str:
        return self._say("a_piece", amount=self._money(amount_minor))
