"""The syntax of a plan document: every problem of one, by name and path.

What the keys mean is in docs (the plan language) and in ``plan``; whether a plan is lawful is the policies'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

from distrib.domain.document import Report, below
from distrib.domain.errors import Problem
from distrib.domain.money import MAX_MINOR, MAX_SUM_MINOR, ROUNDINGS
from distrib.domain.plans.conditions import METRICS, WITH_LEVELS, WITH_MIN_RANK
from distrib.domain.plans.document_limits import check_pools, is_known_rank, names_of
from distrib.domain.plans.document_rules import DEFAULT_FIGURE, check_rules
from distrib.domain.texts import Text

BASES = ("paid", "list", "margin")
ROUND_PER_LINE, ROUND_PER_ORDER = "line", "order"
ROUND_PER = (ROUND_PER_LINE, ROUND_PER_ORDER)
INACTIVE_UPLINE = ("keep", "compress")
SELF_PURCHASE = ("earn", "skip", "shift")
DEFAULT_TIERS, MAX_TIERS = 1, 3
DEFAULT_HOLD_DAYS, MAX_HOLD_DAYS = 7, 180
DEFAULT_RANK = "member"
MAX_RANKS, MAX_CONDITIONS, MAX_NESTING, MAX_MAPPED = 50, 50, 8, 500

KEYS = (
    "code",
    "title",
    "currency",
    "policy",
    "base",
    "rounding",
    "round_per",
    "hold_days",
    "tiers",
    "inactive_upline",
    "self_purchase",
    "order_cap",
    "declarations",
    "ranks",
    "rank_map",
    "rules",
    "pools",
)
REQUIRED = ("code", "currency", "rules")
DEFAULTS: Mapping[str, object] = {
    "base": BASES[0],
    "rounding": ROUNDINGS[0],
    "round_per": ROUND_PER[0],
    "hold_days": DEFAULT_HOLD_DAYS,
    "tiers": DEFAULT_TIERS,
    "inactive_upline": INACTIVE_UPLINE[0],
    "self_purchase": SELF_PURCHASE[0],
}
"""What a key says that is not there."""
CHOICES = {
    "base": BASES,
    "rounding": ROUNDINGS,
    "round_per": ROUND_PER,
    "inactive_upline": INACTIVE_UPLINE,
    "self_purchase": SELF_PURCHASE,
}
DECLARED_TRUTHS = ("entry_purchase", "written_contract")
DECLARED_NUMBERS = {"entry_fee_minor": MAX_MINOR, "buy_back_days": 3650, "cooling_off_days": 3650, "minimum_age": 150}
DECLARED_TEXTS = ("organiser",)
RANK_KEYS, RANK_REQUIRED = ("code", "promote", "keep", "grace"), ("code",)
RANK_DEFAULTS = {"grace": 0}
EMPTY_LISTS: tuple[object, ...] = ([], ())
CONDITION_KEYS = ("metric", "levels", "min_rank", "window", "at_least")
CONDITION_REQUIRED = ("metric", "at_least")
CONDITION_DEFAULTS = {"window": "ever"}
MAX_TITLES, MAX_LEVELS, MAX_GRACE = 50, 3, 120
WINDOW = r"[1-9][0-9]{0,3}d|month|ever"
RANK = r"[\w-]{1,40}"
LANGUAGE = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}"

_DECLARATIONS = (*DECLARED_NUMBERS, *DECLARED_TRUTHS, *DECLARED_TEXTS)
_WINDOW = re.compile(WINDOW, re.ASCII)
_RANK = re.compile(RANK)
_LANGUAGE = re.compile(LANGUAGE, re.ASCII)


def check_plan(document: object, *, currency: str | None = None) -> list[Problem]:
    """Checks a plan document: every problem of it; none when it can be compiled.

    Args:
        document: what a YAML or JSON reader made of it, however strange.
        currency: the program's; a plan in another one is a problem.
    """
    report = Report()
    plan = report.mapping("", document, KEYS, REQUIRED)
    if plan is None:
        return report.problems
    _check_head(report, plan, currency)
    _check_settings(report, plan)
    _check_declarations(report, plan.get("declarations"))
    ranks = _check_ranks(report, plan.get("ranks"))
    _check_rank_map(report, plan.get("rank_map"), ranks)
    if "tiers" in plan:
        report.whole("tiers", plan["tiers"], 0, MAX_TIERS)
    if "rules" in plan:
        check_rules(report, plan["rules"], ranks)
    if "pools" in plan:
        check_pools(report, plan["pools"], ranks)
    return report.problems


def canonical_json(document: Mapping[str, object]) -> str:
    """Writes the one text of a checked document: keys sorted, no white space, null as absent.

    >>> canonical_json({"tiers": 1, "code": "a", "title": None})
    '{"code":"a","tiers":1}'
    """
    return json.dumps(_without_null(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _without_null(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_null(item) for item in value]
    return value


def _check_head(report: Report, plan: Mapping[str, object], currency: str | None) -> None:
    if "code" in plan:
        report.name("code", plan["code"])
    if "title" in plan:
        _check_title(report, plan["title"])
    own = plan.get("currency")
    if own is not None and report.currency("currency", own) and currency not in (None, own):
        report.refuse("currency", own, Text("must be the program's, {currency}", currency=currency))
    if "policy" in plan:
        report.name("policy", plan["policy"])


def _check_title(report: Report, title: object) -> None:
    if not isinstance(title, Mapping):
        report.text("title", title)
        return
    if not 1 <= len(title) <= MAX_TITLES:
        report.refuse("title", len(title), Text("must have 1 to {max_titles} languages", max_titles=MAX_TITLES))
        return
    for language, text in title.items():
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            report.say(below("title", language), Text("is not a language tag such as zh or en-GB"))
        report.text(below("title", language), text)


def _check_settings(report: Report, plan: Mapping[str, object]) -> None:
    for key, known in CHOICES.items():
        if key in plan:
            report.choice(key, plan[key], known)
    if "hold_days" in plan:
        report.whole("hold_days", plan["hold_days"], 0, MAX_HOLD_DAYS)
    if "order_cap" in plan:
        report.ratio("order_cap", plan["order_cap"])


def _check_declarations(report: Report, value: object) -> None:
    if value is None:
        return
    declared = report.mapping("declarations", value, _DECLARATIONS) or {}
    for key, item in declared.items():
        path = f"declarations.{key}"
        if key in DECLARED_NUMBERS:
            report.whole(path, item, 0, DECLARED_NUMBERS[key])
        elif key in DECLARED_TEXTS:
            report.text(path, item)
        else:
            report.truth(path, item)


def _check_ranks(report: Report, value: object) -> frozenset[str]:
    """Checks the ranks and lists the codes a rule may name; of no ranks there is the one by default."""
    if value is None or value in EMPTY_LISTS:
        return frozenset({DEFAULT_RANK})
    codes: set[str] = set()
    named: list[tuple[str, object]] = []
    report.each("ranks", value, MAX_RANKS, lambda path, rank: _check_rank(report, path, rank, codes, named))
    for path, code in named:
        _check_known_rank(report, path, code, codes)
    return frozenset(codes)


def _check_rank(report: Report, path: str, value: object, codes: set[str], named: list[tuple[str, object]]) -> None:
    rank = report.mapping(path, value, RANK_KEYS, RANK_REQUIRED)
    if rank is None:
        return
    if "code" in rank:
        _check_rank_code(report, f"{path}.code", rank["code"], codes)
    for key in ("promote", "keep"):
        if key in rank:
            _Conditions(report, named).check(f"{path}.{key}", rank[key], 1)
    if "grace" in rank:
        report.whole(f"{path}.grace", rank["grace"], 0, MAX_GRACE)
        if "keep" not in rank:
            report.say(f"{path}.grace", Text("goes with keep only"))


def _check_known_rank(report: Report, path: str, code: object, codes: Collection[str]) -> None:
    if not is_known_rank(code, codes):
        known = names_of(codes)
        report.refuse(path, code, Text("must be a rank of the plan ({known})", known=known))


def _check_rank_map(report: Report, value: object, codes: Collection[str]) -> None:
    """Checks that each old code is gone and maps to a rank that the plan has."""
    if value is None:
        return
    if not isinstance(value, Mapping) or len(value) > MAX_MAPPED:
        report.refuse(
            "rank_map", value, Text("must map at most {max_mapped} old ranks to new ones", max_mapped=MAX_MAPPED)
        )
        return
    for old, new in value.items():
        path = below("rank_map", old)
        if not isinstance(old, str) or not _RANK.fullmatch(old):
            report.say(path, Text("the old rank must be 1 to 40 letters, digits, _ or -"))
        elif old in codes:
            report.say(path, Text("{old} is still a rank of the plan", old=old))
        _check_known_rank(report, path, new, codes)


def _check_rank_code(report: Report, path: str, code: object, codes: set[str]) -> None:
    if not isinstance(code, str) or not _RANK.fullmatch(code):
        report.refuse(path, code, Text("must be 1 to 40 letters, digits, _ or -"))
    elif code == DEFAULT_FIGURE:
        report.say(path, Text("default stands for all other ranks in a rule"))
    elif code in codes:
        report.say(path, Text("the rank {code} is there already", code=code))
    else:
        codes.add(code)


class _Conditions:
    """Checks one rank's condition tree; a tree that refers to itself ends at a bound."""

    def __init__(self, report: Report, named: list[tuple[str, object]]) -> None:
        self._report = report
        self._named = named
        self._left = MAX_CONDITIONS

    def check(self, path: str, value: object, depth: int) -> None:
        self._left -= 1
        if depth > MAX_NESTING or self._left < 0:
            self._report.say(
                path,
                Text(
                    "at most {max_conditions} conditions, {max_nesting} deep",
                    max_conditions=MAX_CONDITIONS,
                    max_nesting=MAX_NESTING,
                ),
            )
        elif isinstance(value, Mapping) and ("all" in value or "any" in value):
            self._check_branch(path, value, depth)
        else:
            self._check_leaf(path, value)

    def _check_branch(self, path: str, value: Mapping[object, object], depth: int) -> None:
        if len(value) != 1:
            self._report.say(path, Text("all or any stands alone"))
            return
        word = "all" if "all" in value else "any"
        for index, part in enumerate(self._report.listing(f"{path}.{word}", value[word], MAX_CONDITIONS)):
            if self._left < 0:
                return
            self.check(f"{path}.{word}[{index}]", part, depth + 1)

    def _check_leaf(self, path: str, value: object) -> None:
        report = self._report
        leaf = report.mapping(path, value, CONDITION_KEYS, CONDITION_REQUIRED)
        if leaf is None:
            return
        metric = leaf.get("metric")
        if metric is not None:
            report.choice(f"{path}.metric", metric, METRICS)
        self._check_levels(path, leaf, metric == WITH_LEVELS)
        if "min_rank" in leaf and metric != WITH_MIN_RANK:
            report.say(f"{path}.min_rank", Text("goes with {with_min_rank} only", with_min_rank=WITH_MIN_RANK))
        elif "min_rank" in leaf:
            self._named.append((f"{path}.min_rank", leaf["min_rank"]))
        window = leaf.get("window", "ever")
        if not isinstance(window, str) or not _WINDOW.fullmatch(window):
            report.refuse(f"{path}.window", window, Text("must be 1d to 9999d, month or ever"))
        if "at_least" in leaf:
            report.whole(f"{path}.at_least", leaf["at_least"], 0, MAX_SUM_MINOR)

    def _check_levels(self, path: str, leaf: Mapping[str, object], needed: bool) -> None:
        if needed and self._report.required(path, leaf, "levels") is not None:
            self._report.whole(f"{path}.levels", leaf["levels"], 1, MAX_LEVELS)
        elif not needed and "levels" in leaf:
            self._report.say(f"{path}.levels", Text("goes with {with_levels} only", with_levels=WITH_LEVELS))
