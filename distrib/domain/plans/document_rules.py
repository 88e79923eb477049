"""The syntax of a plan's rules: what each key may be, and which go together.

Part of ``document``; what a rule does is in ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from distrib.domain.document import Report, below, first_of
from distrib.domain.money import MAX_MINOR
from distrib.domain.plans.document_limits import check_cap, check_customer, check_requires, is_known_rank, names_of
from distrib.domain.plans.rules import (
    CHAIN,
    OF_BASE,
    OF_REMAINING,
    PAYS,
    PER_ORDER,
    PER_UNIT,
    SLAB_MARGINAL,
    SLAB_WHOLE,
    UPLINE,
    places_of,
)
from distrib.domain.texts import Text

MAX_RULES = 200
MAX_NAMED = 1000
MAX_SLABS = 100
CHANNELS = ("retail", "group_buy", "community")

MAX_GROUP = 64
MAX_TIER = 3
KEYS = (
    "id",
    "pay",
    "tier",
    "rate",
    "amount_minor",
    "per",
    "slabs",
    "slab_mode",
    "of",
    "differential",
    "where",
    "requires",
    "cap",
    "group",
)
REQUIRED = ("id", "pay")
DEFAULTS = {"per": PER_UNIT, "slab_mode": SLAB_WHOLE, "of": OF_BASE}
"""What a key says that is not there; the default group is the slot (plan_rules)."""
FIGURES = ("rate", "amount_minor", "slabs")
DEFAULT_FIGURE = "default"
SLAB_KEYS = ("from_minor", "rate")
SLAB_MODES = (SLAB_WHOLE, SLAB_MARGINAL)
PERS = (PER_UNIT, PER_ORDER)
OFS = (OF_BASE, OF_REMAINING)
WHERE = ("channel", "category", "sku", "customer")


@dataclass(frozen=True, slots=True)
class _Context:
    """What a rule may refer to: the plan's ranks, and where each rule id comes first."""

    ranks: frozenset[str]
    first_places: Mapping[str, tuple[int, int]]


def check_rules(report: Report, value: object, ranks: frozenset[str]) -> None:
    """Checks the list of rules."""
    rules = report.listing("rules", value, MAX_RULES)
    context = _Context(ranks, _first_places(rules))
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        _check_rule(report, index, rule, context, seen)


def _first_places(rules: Sequence[object]) -> dict[str, tuple[int, int]]:
    """Maps each rule id to the (place, index) where it is computed first; of a doubled id, the first."""
    places: dict[str, tuple[int, int]] = {}
    for index, rule in enumerate(rules):
        if isinstance(rule, Mapping) and isinstance(rule.get("id"), str):
            places.setdefault(rule["id"], (_first_place(rule), index))
    return places


def _first_place(rule: Mapping[Any, Any]) -> int:
    """Computes the lowest place of a rule in the order of computing, whatever it may look like."""
    pay: Any = rule.get("pay")
    tier = rule.get("tier")
    return places_of(pay, tier if isinstance(tier, int) and pay == UPLINE else 0, 0)[0]


def _check_rule(report: Report, index: int, value: object, context: _Context, seen: set[str]) -> None:
    path = f"rules[{index}]"
    rule = report.mapping(path, value, KEYS, REQUIRED)
    if rule is None:
        return
    _check_id(report, path, rule, seen)
    _check_pay(report, path, rule)
    _check_figures(report, path, rule, context.ranks)
    _check_differential(report, path, rule)
    if "of" in rule:
        _check_of(report, path, rule, context, index)
    if "where" in rule:
        _check_where(report, f"{path}.where", rule["where"], (*WHERE, "not"))
    if "requires" in rule:
        check_requires(report, f"{path}.requires", rule["requires"], context.ranks)
    if "cap" in rule:
        check_cap(report, f"{path}.cap", rule["cap"])
    if "group" in rule:
        report.text(f"{path}.group", rule["group"], MAX_GROUP)


def _check_id(report: Report, path: str, rule: Mapping[str, object], seen: set[str]) -> None:
    name = report.name(f"{path}.id", rule["id"]) if "id" in rule else None
    if name in seen:
        report.say(f"{path}.id", Text("the rule {name} is there already", name=name))
    if name is not None:
        seen.add(name)


def _check_pay(report: Report, path: str, rule: Mapping[str, object]) -> None:
    pay = rule.get("pay")
    if pay is not None:
        report.choice(f"{path}.pay", pay, PAYS)
    if pay == UPLINE:
        if report.required(path, rule, "tier") is not None:
            report.whole(f"{path}.tier", rule["tier"], 1, MAX_TIER)
    elif "tier" in rule:
        report.say(f"{path}.tier", Text("goes with pay: upline only"))


def _check_figures(report: Report, path: str, rule: Mapping[str, object], ranks: frozenset[str]) -> None:
    given = [key for key in FIGURES if key in rule]
    if len(given) != 1:
        known, shown = first_of(FIGURES), first_of(given) or "-"
        report.say(path, Text("needs exactly one of {known}; given: {given}", known=known, given=shown))
    if "rate" in rule:
        _check_by_rank(report, f"{path}.rate", rule["rate"], ranks, report.ratio)
    if "amount_minor" in rule:
        _check_by_rank(
            report,
            f"{path}.amount_minor",
            rule["amount_minor"],
            ranks,
            partial(_check_amount, report),
        )
    if "per" in rule:
        report.choice(f"{path}.per", rule["per"], PERS)
        if "amount_minor" not in rule:
            report.say(f"{path}.per", Text("goes with amount_minor only"))
    if "slabs" in rule:
        _check_slabs(report, f"{path}.slabs", rule["slabs"])
    if "slab_mode" in rule:
        report.choice(f"{path}.slab_mode", rule["slab_mode"], SLAB_MODES)
        if "slabs" not in rule:
            report.say(f"{path}.slab_mode", Text("goes with slabs only"))


def _check_by_rank(
    report: Report, path: str, value: object, ranks: frozenset[str], check: Callable[[str, object], object]
) -> None:
    """Checks a figure, or a map of rank code to figure with an optional default."""
    if not isinstance(value, Mapping):
        check(path, value)
        return
    if not value:
        report.refuse(path, value, Text("must name a rank or default"))
    for rank, figure in value.items():
        rank_path = below(path, rank)
        if rank != DEFAULT_FIGURE and not is_known_rank(rank, ranks):
            known = names_of(ranks)
            report.say(rank_path, Text("is not a rank of this plan, which has {known}", known=known))
        check(rank_path, figure)


def _check_amount(report: Report, path: str, value: object) -> None:
    report.whole(path, value, 0, MAX_MINOR)


def _check_slabs(report: Report, path: str, value: object) -> None:
    starts: list[int | None] = []
    for index, entry in enumerate(report.listing(path, value, MAX_SLABS)):
        slab_path = f"{path}[{index}]"
        slab = report.mapping(slab_path, entry, SLAB_KEYS, SLAB_KEYS)
        if slab is None:
            continue
        start = slab.get("from_minor")
        starts.append(None if start is None else report.whole(f"{slab_path}.from_minor", start, 0, MAX_MINOR))
        if "rate" in slab:
            report.ratio(f"{slab_path}.rate", slab["rate"])
    known = [start for start in starts if start is not None]
    if any(later <= earlier for earlier, later in pairwise(known)):
        report.say(path, Text("must ascend by from_minor, not {starts}", starts=first_of(known)))


def _check_differential(report: Report, path: str, rule: Mapping[str, object]) -> None:
    is_chain = rule.get("pay") == CHAIN
    if "differential" not in rule:
        if not is_chain:
            return
        report.say(f"{path}.differential", Text("pay: chain needs it to be true"))
    elif rule["differential"] is not True:
        report.refuse(f"{path}.differential", rule["differential"], Text("can only be true"))
    if not is_chain:
        report.say(f"{path}.differential", Text("goes with pay: chain only"))
    if not isinstance(rule.get("rate"), Mapping):
        report.refuse(f"{path}.rate", rule.get("rate"), Text("must be by rank for differential"))
    if rule.get("of", OF_BASE) != OF_BASE:
        report.refuse(f"{path}.of", rule["of"], Text("must be base with differential"))


def _check_of(report: Report, path: str, rule: Mapping[str, object], context: _Context, index: int) -> None:
    of, of_path = rule["of"], f"{path}.of"
    if isinstance(of, Mapping):
        _check_named_rule(report, of_path, of, context, (_first_place(rule), index))
    else:
        report.choice(of_path, of, OFS)
    if "amount_minor" in rule and of != OF_BASE:
        report.say(of_path, Text("a fixed amount is taken of nothing"))


def _check_named_rule(
    report: Report, path: str, of: Mapping[object, object], context: _Context, place: tuple[int, int]
) -> None:
    name = (report.mapping(path, of, ("rule",), ("rule",)) or {}).get("rule")
    if name is None or report.name(f"{path}.rule", name) is None:
        return
    first = context.first_places.get(str(name))
    if first is None:
        known = first_of(context.first_places)
        report.say(f"{path}.rule", Text("there is no rule {name}; there are {known}", name=name, known=known))
    elif first >= place:
        report.say(f"{path}.rule", Text("{name} is not worked on before this rule", name=name))


def _check_where(report: Report, path: str, value: object, known: tuple[str, ...]) -> None:
    where = report.mapping(path, value, known)
    for key, values in (where or {}).items():
        key_path = f"{path}.{key}"
        if key == "not":
            _check_where(report, key_path, values, WHERE)
        elif key == "channel":
            report.each(key_path, values, len(CHANNELS), lambda place, v: report.choice(place, v, CHANNELS))
        elif key == "customer":
            check_customer(report, key_path, values)
        else:
            report.each(key_path, values, MAX_NAMED, report.sku if key == "sku" else report.text)
