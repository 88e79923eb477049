"""A compiled plan: the document as frozen values for the engine.

Compiling is the only way to a plan, and it refuses a document with problems. People,
orders and amounts must not enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distrib.domain.money import parse_ratio
from distrib.domain.plans.conditions import AllOf, AnyOf, AtLeast, Condition, Metric, Rank
from distrib.domain.plans.customer_conditions import CustomerCondition, customer_condition
from distrib.domain.plans.document import (
    CONDITION_DEFAULTS,
    DEFAULT_RANK,
    DEFAULTS,
    RANK_DEFAULTS,
    ROUND_PER_ORDER,
    check_plan,
)
from distrib.domain.plans.document_rules import DEFAULTS as RULE_DEFAULTS
from distrib.domain.plans.limits import Cap, Requires
from distrib.domain.plans.pools import Pool
from distrib.domain.plans.refusals import PlanInvalid, RankUnknown
from distrib.domain.plans.rules import (
    AMOUNT,
    OF_RULE,
    RATE,
    UPLINE,
    Rule,
    RuleBook,
    Where,
)

CHAIN_LENGTH = 9
"""How many of the nearest uplines stand on a shop's row and in an order's snapshot.

Eight that compression may look at, and one more when a self-purchase shifts the chain.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one version of a plan says; see the plan language for the meaning of each field.

    ``needs_whole_order`` says whether what a line earns depends on the order's other lines: by one amount or one
    rounding for all of them.
    """

    code: str
    title: str | Mapping[str, str]
    currency: str
    policy: str | None
    base: str
    rounding: str
    round_per: str
    hold_days: int
    tiers: int
    inactive_upline: str
    self_purchase: str
    order_cap_ppm: int | None
    declarations: Mapping[str, Any]
    ranks: tuple[Rank, ...]
    rank_map: Mapping[str, str]
    rules: tuple[Rule, ...]
    pools: tuple[Pool, ...]
    document: Mapping[str, Any] = field(repr=False)
    book: RuleBook = field(repr=False, compare=False)
    rank_indexes: Mapping[str, int] = field(repr=False, compare=False)
    needs_whole_order: bool = field(repr=False, compare=False)

    @property
    def has_promotions(self) -> bool:
        """Whether any rank can be earned, so that days have to be settled in order."""
        return any(rank.promote is not None for rank in self.ranks)

    @property
    def lowest_rank(self) -> str:
        """The rank of a shop that has earned none."""
        return self.ranks[0].code

    def rank_index(self, code: str) -> int:
        """How high a rank stands, the lowest at 0.

        Raises:
            Refusal: ``rank_unknown``.
        """
        index = self.rank_indexes.get(code)
        if index is None:
            raise RankUnknown(rank=code)
        return index


def compile_plan(document: Mapping[str, Any]) -> Plan:
    """Compiles a plan document into frozen values.

    Raises:
        Refusal: ``plan_invalid`` with every problem of the document.
    """
    problems = check_plan(document)
    if problems:
        raise PlanInvalid(problems=problems)
    given = {**DEFAULTS, **{key: value for key, value in document.items() if value is not None}}
    ranks = tuple(_rank(rank) for rank in given.get("ranks") or [{"code": DEFAULT_RANK}])
    rules = _rules([{k: v for k, v in rule.items() if v is not None} for rule in given["rules"]])
    book = RuleBook(rules, given["tiers"])
    return Plan(
        code=given["code"],
        title=given.get("title", given["code"]),
        currency=given["currency"],
        policy=given.get("policy"),
        base=given["base"],
        rounding=given["rounding"],
        round_per=given["round_per"],
        hold_days=given["hold_days"],
        tiers=given["tiers"],
        inactive_upline=given["inactive_upline"],
        self_purchase=given["self_purchase"],
        order_cap_ppm=parse_ratio(given["order_cap"]) if "order_cap" in given else None,
        declarations={k: v for k, v in given.get("declarations", {}).items() if v is not None},
        ranks=ranks,
        rank_map=dict(given.get("rank_map", {})),
        rules=rules,
        pools=tuple(_pool(pool) for pool in given.get("pools", ())),
        document=document,
        book=book,
        rank_indexes={rank.code: index for index, rank in enumerate(ranks)},
        needs_whole_order=given["round_per"] == ROUND_PER_ORDER or book.has_order_amounts,
    )


def _rank(rank: Mapping[str, Any]) -> Rank:
    promote, keep = rank.get("promote"), rank.get("keep")
    return Rank(
        rank["code"],
        None if promote is None else _condition(promote),
        None if keep is None else _condition(keep),
        rank.get("grace") or RANK_DEFAULTS["grace"],
    )


def _condition(value: Mapping[str, Any]) -> Condition:
    if "all" in value:
        return AllOf(tuple(_condition(part) for part in value["all"]))
    if "any" in value:
        return AnyOf(tuple(_condition(part) for part in value["any"]))
    window = value.get("window") or CONDITION_DEFAULTS["window"]
    metric = Metric(value["metric"], value.get("levels") or 0, window, value.get("min_rank") or "")
    return AtLeast(metric, value["at_least"])


def _pool(pool: Mapping[str, Any]) -> Pool:
    return Pool(pool["id"], parse_ratio(pool["rate"]), dict(pool["weights"]))


def _rules(rules: list[dict[str, Any]]) -> tuple[Rule, ...]:
    indexes = {rule["id"]: index for index, rule in enumerate(rules)}
    return tuple(_rule(index, rule, indexes) for index, rule in enumerate(rules))


def _rule(index: int, rule: Mapping[str, Any], indexes: Mapping[str, int]) -> Rule:
    pay, tier = rule["pay"], rule.get("tier", 0)
    of = rule.get("of", RULE_DEFAULTS["of"])
    kind, figures, default = _figures(rule)
    return Rule(
        index=index,
        id=rule["id"],
        pay=pay,
        tier=tier,
        group=rule.get("group", f"upline-{tier}" if pay == UPLINE else pay),
        kind=kind,
        where=_where(rule.get("where", {})),
        figures=figures,
        default=default,
        slabs=tuple((slab["from_minor"], parse_ratio(slab["rate"])) for slab in rule.get("slabs", ())),
        of=OF_RULE if isinstance(of, Mapping) else of,
        of_rule=indexes[of["rule"]] if isinstance(of, Mapping) else -1,
        per=rule.get("per", RULE_DEFAULTS["per"]),
        requires=Requires(**rule["requires"]) if "requires" in rule else None,
        cap=Cap(**rule["cap"]) if "cap" in rule else None,
    )


def _figures(rule: Mapping[str, Any]) -> tuple[str, dict[str, int], int | None]:
    """The kind of a rule, its figure by rank, and the figure of all other ranks (0 for a slab rule)."""
    if "slabs" in rule:
        return rule.get("slab_mode", RULE_DEFAULTS["slab_mode"]), {}, 0
    if "rate" in rule:
        by_rank, default = _by_rank(rule["rate"])
        ratios = {rank: parse_ratio(rate) for rank, rate in by_rank.items()}
        return RATE, ratios, None if default is None else parse_ratio(default)
    amounts, default = _by_rank(rule["amount_minor"])
    return AMOUNT, amounts, default


def _by_rank(value: Any) -> tuple[dict[str, Any], Any]:
    if not isinstance(value, Mapping):
        return {}, value
    return {rank: figure for rank, figure in value.items() if rank != "default"}, value.get("default")


def _where(where: Mapping[str, Any]) -> Where:
    left_out = where.get("not") or {}
    return Where(
        channels=_only(where.get("channel")),
        categories=_only(where.get("category")),
        skus=_only(where.get("sku")),
        not_channels=frozenset(left_out.get("channel") or ()),
        not_categories=frozenset(left_out.get("category") or ()),
        not_skus=frozenset(left_out.get("sku") or ()),
        customer=_customer(where.get("customer")),
        not_customer=_customer(left_out.get("customer")),
    )


def _customer(value: Any) -> CustomerCondition | None:
    return None if value is None else customer_condition(value)


def _only(values: Any) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
