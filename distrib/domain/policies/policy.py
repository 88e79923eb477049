"""Policy packs: what a jurisdiction allows of a plan and binds on its orders.

A pack is data (``config/policies``), dated and with its sources; this module reads it, combines packs, and judges
plans. Every threshold stands in a pack, none in the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from distrib.domain.document import Report
from distrib.domain.errors import Problem, Refusal
from distrib.domain.money import MAX_MINOR, parse_ratio
from distrib.domain.plans.measures import (
    ABOVE,
    BELOW,
    MEASURES,
    RATIOS,
    PlanFigure,
    PlanThreshold,
    measure_plan,
)
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.monitors import Monitor, check_date, check_monitor, date_of, monitor_from_document
from distrib.domain.texts import Text

SEVERITIES = ("info", "alert", "sign_off", "refuse")
"""Of a plan's findings, the mildest first."""
MAX_TIERS = 3
MOST_ENTRIES = 100
"""Of findings, of monitors and of words in a pack."""
ON_EXCESS = ("refuse", "detach")

_KEYS = (
    "name",
    "valid_from",
    "valid_to",
    "source",
    "max_tiers",
    "max_tree_levels",
    "on_excess",
    "order_cap",
    "entry_pays_seller",
    "self_purchase_pays_uplines",
    "count_root",
    "findings",
    "monitors",
)
_REQUIRED = ("name", "valid_from", "source", "max_tiers", "entry_pays_seller", "self_purchase_pays_uplines")
_CHECK_KEYS = (
    "id",
    "measure",
    "above",
    "below",
    "words",
    "currency",
    "except_currency",
    "severity",
    "source",
    "en",
    "zh",
    "valid_from",
    "valid_to",
)


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """One thing a pack looks at in a plan: the measure, the threshold, and what it then says.

    ``above`` and ``below`` are thresholds: the finding stands where the measured figure lies beyond.
    ``currency`` and ``except_currency`` say for plans in which currency the threshold can be compared.
    """

    id: str
    measure: str
    severity: str
    source: str
    en: str
    zh: str
    above: int | None = None
    below: int | None = None
    words: tuple[str, ...] = ()
    currency: str | None = None
    except_currency: str | None = None
    valid_from: date = date.min
    valid_to: date = date.max

    def thresholds(self) -> Iterator[PlanThreshold]:
        """Lists the threshold above which, or below which, the finding stands."""
        for kind, value in ((ABOVE, self.above), (BELOW, self.below)):
            if value is not None:
                yield PlanThreshold(self.measure, kind, value)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy pack. ``max_tree_levels`` counts the root as level 1; None: no limit.

    ``count_root`` says whether persons and levels of a tree include the organiser. ``override`` is the
    digest of the local file that changed it.
    """

    name: str
    valid_from: date
    source: str
    max_tiers: int
    max_tree_levels: int | None
    on_excess: str
    order_cap_ppm: int | None
    entry_pays_seller: bool
    self_purchase_pays_uplines: bool
    checks: tuple[PlanCheck, ...]
    monitors: tuple[Monitor, ...] = ()
    valid_to: date = date.max
    count_root: bool = True
    override: str = ""

    @property
    def version(self) -> str:
        """The pack and its date, as kept with everything it decided; a local override adds its digest."""
        return f"{self.name}@{self.valid_from.isoformat()}" + (f"~{self.override}" if self.override else "")

    def is_in_force(self, day: date) -> bool:
        """Whether this version judges on that day; the last one is ``valid_to``."""
        return self.valid_from <= day <= self.valid_to


class Finding(NamedTuple):
    """What a pack found in a plan: the measured figure, the threshold, and where the rule comes from."""

    id: str
    severity: str
    figure: PlanFigure
    threshold: PlanThreshold
    source: str
    detail_en: str
    detail_zh: str


class Limits(NamedTuple):
    """What one or several packs bind together: the strictest of each."""

    packs: str
    max_tiers: int
    max_tree_levels: int | None
    on_excess: str
    order_cap_ppm: int | None
    entry_pays_seller: bool
    self_purchase_pays_uplines: bool

    def order_cap_with(self, plan_cap_ppm: int | None) -> int | None:
        """The lower of the plan's and the packs' order cap."""
        return _lowest(self.order_cap_ppm, plan_cap_ppm)


def combine(first: Policy, *others: Policy) -> Limits:
    """Combines packs into the limits that bind where all of them judge."""
    packs = {policy.name: policy for policy in (first, *others)}.values()
    return Limits(
        packs="+".join(policy.version for policy in packs),
        max_tiers=min(policy.max_tiers for policy in packs),
        max_tree_levels=_lowest(*(policy.max_tree_levels for policy in packs)),
        on_excess="refuse" if any(_refuses_excess(policy) for policy in packs) else "detach",
        order_cap_ppm=_lowest(*(policy.order_cap_ppm for policy in packs)),
        entry_pays_seller=all(policy.entry_pays_seller for policy in packs),
        self_purchase_pays_uplines=all(policy.self_purchase_pays_uplines for policy in packs),
    )


def _refuses_excess(policy: Policy) -> bool:
    return policy.max_tree_levels is not None and policy.on_excess == "refuse"


def is_stricter(policy: Policy, than: Policy) -> bool:
    """Whether a plan may name ``policy`` in a program under ``than``: no limit on plans is looser.

    A pack is as strict as itself, so a plan may name its program's own.
    """
    own = combine(policy)._replace(packs="", on_excess="")
    return combine(policy, than)._replace(packs="", on_excess="") == own


def judge_plan(policy: Policy, plan: Plan, day: date | None = None) -> list[Finding]:
    """Judges a plan by one pack: its findings in the order of the pack.

    Args:
        day: leaves out what is not in force then; without it all that the pack holds judges.
    """
    checks = (check for check in policy.checks if day is None or check.valid_from <= day <= check.valid_to)
    findings = (_apply(check, plan) for check in checks)
    return [finding for finding in findings if finding is not None]


def _apply(check: PlanCheck, plan: Plan) -> Finding | None:
    if check.currency not in (None, plan.currency) or check.except_currency == plan.currency:
        return None
    figure = measure_plan(plan, check.measure, check.words)
    for threshold in check.thresholds():
        if threshold.is_passed(figure.value):
            return Finding(check.id, check.severity, figure, threshold, check.source, check.en, check.zh)
    return None


def _lowest(*figures: int | None) -> int | None:
    return min((figure for figure in figures if figure is not None), default=None)


def check_policy(document: object) -> list[Problem]:
    """Checks a pack's document: every problem of it; none when it can be read."""
    report = Report()
    pack = report.mapping("", document, _KEYS, _REQUIRED)
    if pack is None:
        return report.problems
    readers: dict[str, Callable[[str, object], object]] = {
        "name": report.name,
        "valid_from": partial(check_date, report),
        "valid_to": partial(check_date, report),
        "source": report.text,
        "count_root": report.truth,
        "monitors": lambda path, value: report.each(
            path, value, 100, lambda path, item: check_monitor(report, path, item)
        ),
        "max_tiers": lambda path, value: report.whole(path, value, 0, MAX_TIERS),
        "max_tree_levels": lambda path, value: report.whole(path, value, 1, 10_000),
        "on_excess": lambda path, value: report.choice(path, value, ON_EXCESS),
        "order_cap": report.ratio,
        "entry_pays_seller": report.truth,
        "self_purchase_pays_uplines": report.truth,
        "findings": lambda path, value: report.each(
            path, value, 100, lambda path, item: _check_check(report, path, item)
        ),
    }
    for key, value in pack.items():
        readers[key](key, value)
    return report.problems


def _check_check(report: Report, path: str, value: object) -> None:
    check = report.mapping(path, value, _CHECK_KEYS)
    if check is None:
        return
    for key in ("id", "measure", "severity", "source", "en", "zh"):
        report.required(path, check, key)
    if ("above" in check) == ("below" in check):
        report.say(path, Text("needs exactly one of above, below"))
    measure = check.get("measure")
    bound = report.ratio if isinstance(measure, str) and measure in RATIOS else _minor_reader(report)
    readers: dict[str, Callable[[str, object], object]] = {
        "measure": lambda path, item: report.choice(path, item, MEASURES),
        "severity": lambda path, item: report.choice(path, item, SEVERITIES),
        "above": bound,
        "below": bound,
        "words": lambda path, item: report.each(path, item, MOST_ENTRIES, report.text),
        "currency": report.currency,
        "except_currency": report.currency,
        "valid_from": partial(check_date, report),
        "valid_to": partial(check_date, report),
    }
    for key, item in check.items():
        readers.get(key, report.text)(f"{path}.{key}", item)


def _minor_reader(report: Report) -> Callable[[str, object], object]:
    return lambda path, value: report.whole(path, value, 0, MAX_MINOR)


def policy_from_document(document: object) -> Policy:
    """Builds the pack of a document.

    Raises:
        Refusal: ``invalid`` with every problem of the document.
    """
    problems = check_policy(document)
    if problems or not isinstance(document, Mapping):
        raise Refusal("invalid", problems)
    cap = document.get("order_cap")
    return Policy(
        name=document["name"],
        valid_from=date_of(document["valid_from"], date.min),
        source=document["source"],
        max_tiers=document["max_tiers"],
        max_tree_levels=document.get("max_tree_levels"),
        on_excess=document.get("on_excess") or "refuse",
        order_cap_ppm=None if cap is None else parse_ratio(cap),
        entry_pays_seller=document["entry_pays_seller"],
        self_purchase_pays_uplines=document["self_purchase_pays_uplines"],
        checks=tuple(_check(check) for check in document.get("findings") or ()),
        monitors=tuple(monitor_from_document(monitor) for monitor in document.get("monitors") or ()),
        valid_to=date_of(document.get("valid_to"), date.max),
        count_root=document.get("count_root") is not False,
    )


def _check(check: Mapping[str, Any]) -> PlanCheck:
    def bound(key: str) -> int | None:
        value = check.get(key)
        return parse_ratio(value) if isinstance(value, str) else value

    texts = {key: check.get(key) for key in ("currency", "except_currency")}
    return PlanCheck(
        id=check["id"],
        measure=check["measure"],
        severity=check["severity"],
        source=check["source"],
        en=check["en"],
        zh=check["zh"],
        above=bound("above"),
        below=bound("below"),
        words=tuple(check.get("words") or ()),
        valid_from=date_of(check.get("valid_from"), date.min),
        valid_to=date_of(check.get("valid_to"), date.max),
        **texts,
    )
