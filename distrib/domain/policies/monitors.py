"""What a policy pack watches in a running program: registrations, trees, the whole program, payees.

A monitor is data: measures with their thresholds, all of which must be reached. Who measures, and
what follows from a finding, must not enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from distrib.domain.document import Report
from distrib.domain.money import MAX_MINOR, PPM, parse_ratio, show_ratio

SEVERITIES = ("info", "alert", "hold", "refuse")
"""Of a running program's findings, the mildest first; a plan's are the ``policy`` module's."""
REGISTRATION, TREE, PROGRAM = "registration", "tree", "program"

MEASURES: dict[str, tuple[str, ...]] = {
    REGISTRATION: ("level", "refused"),
    TREE: (
        "persons",
        "levels",
        "entry_minor",
        "fee_or_head_count",
        "direct_minor",
        "indirect_minor",
        "indirect_share",
        "retail_share",
        "buyers",
        "persons_with_buyers",
        "levels_with_buyers",
        "penalties",
    ),
    PROGRAM: (
        "persons",
        "trees",
        "deepest_level",
        "deep_trees",
        "deep_share",
        "retail_share",
        "indirect_share",
        "entry_share",
        "recruits_per_buyer",
        "at_rank_threshold",
        "share_at_rank_threshold",
        "month_retail_share",
        "sponsors_with_few_buyers",
        "month_earners",
        "year_payees",
        "quarter_earners",
    ),
}
"""What each kind of monitor can read."""
RATIOS = frozenset(
    {
        "indirect_share",
        "retail_share",
        "deep_share",
        "entry_share",
        "recruits_per_buyer",
        "share_at_rank_threshold",
        "month_retail_share",
    }
)
"""Measures in parts per million; their thresholds are written as decimal strings."""

_KEYS = (
    "id",
    "scope",
    "when",
    "each",
    "currency",
    "severity",
    "source",
    "en",
    "zh",
    "valid_from",
    "valid_to",
)
_BOUNDS = {"at_least": "≥", "above": ">", "below": "<"}


class Bound(NamedTuple):
    """A measure and the threshold it must reach; ``kind`` is ``at_least``, ``above`` or ``below``."""

    measure: str
    kind: str
    threshold: int

    def is_reached(self, figure: int | None) -> bool:
        """Whether a figure lies beyond the threshold; what cannot be measured does not.

        >>> Bound("persons", "at_least", 30).is_reached(30), Bound("retail_share", "below", 800_000).is_reached(None)
        (True, False)
        """
        if figure is None:
            return False
        if self.kind == "below":
            return figure < self.threshold
        return figure >= self.threshold if self.kind == "at_least" else figure > self.threshold

    def text(self) -> str:
        """The threshold as people read it: ``persons ≥ 30``."""
        return f"{self.measure} {_BOUNDS[self.kind]} {shown(self.measure, self.threshold)}"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One thing a pack watches; the finding stands where every bound is reached.

    ``each`` is the figure of one shop that the measures which count shops count by: an amount to reach, or buyers
    to fall short of.
    """

    id: str
    scope: str
    bounds: tuple[Bound, ...]
    severity: str
    source: str
    en: str
    zh: str
    each: int = 0
    currency: str | None = None
    valid_from: date = date.min
    valid_to: date = date.max

    def is_in_force(self, day: date, currency: str) -> bool:
        """Whether it watches on that day in a program of that currency; the last day is ``valid_to``."""
        return self.valid_from <= day <= self.valid_to and self.currency in (None, currency)

    def figure(self, figures: Mapping[str, int | None]) -> str | None:
        """What was measured, as text, where every bound is reached; else None."""
        if not all(bound.is_reached(figures.get(bound.measure)) for bound in self.bounds):
            return None
        told = [f"{bound.measure} {shown(bound.measure, figures[bound.measure] or 0)}" for bound in self.bounds]
        return ", ".join(told)

    def threshold(self) -> str:
        """The thresholds as people read them."""
        each = f" (each: {self.each})" if self.each else ""
        return ", ".join(bound.text() for bound in self.bounds) + each


def shown(measure: str, value: int) -> str:
    """A figure or threshold as text.

    >>> shown("retail_share", 812_500), shown("persons", 30)
    ('0.8125', '30')
    """
    return show_ratio(value) if measure in RATIOS else str(value)


def told(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as they are answered: ratios as decimal strings, the rest as it is.

    >>> told({"persons": 30, "retail_share": 812_500, "indirect_share": None})
    {'persons': 30, 'retail_share': '0.8125', 'indirect_share': None}
    """
    return {
        name: show_ratio(figure) if name in RATIOS and isinstance(figure, int) else figure
        for name, figure in figures.items()
    }


def share(part: int, whole: int) -> int | None:
    """A share in parts per million, rounded down; None where there is no whole to take it of.

    >>> share(1, 3), share(1, 0)
    (333333, None)
    """
    return part * PPM // whole if whole > 0 else None


def check_monitor(report: Report, path: str, value: object) -> None:
    """Notes everything that is wrong with one monitor of a document."""
    monitor = report.mapping(path, value, _KEYS, required=("id", "scope", "when", "severity", "source", "en", "zh"))
    if monitor is None:
        return
    scope = monitor.get("scope")
    readers: dict[str, Callable[[str, object], object]] = {
        "scope": lambda at, item: report.choice(at, item, tuple(MEASURES)),
        "when": lambda at, item: _check_bounds(report, at, item, scope),
        "each": lambda at, item: report.whole(at, item, 1, MAX_MINOR),
        "currency": report.currency,
        "severity": lambda at, item: report.choice(at, item, SEVERITIES),
        "valid_from": lambda at, item: check_date(report, at, item),
        "valid_to": lambda at, item: check_date(report, at, item),
    }
    for key, item in monitor.items():
        readers.get(key, report.text)(f"{path}.{key}", item)


def _check_bounds(report: Report, path: str, value: object, scope: object) -> None:
    if not isinstance(scope, str) or scope not in MEASURES:
        return
    when = report.mapping(path, value, MEASURES[scope])
    if when == {} and isinstance(value, Mapping) and set(value) <= set(MEASURES[scope]):
        report.refuse(path, value, "must name what is measured", "须给出至少一项度量")
    for measure, bound in (when or {}).items():
        at = f"{path}.{measure}"
        kinds = report.mapping(at, bound, tuple(_BOUNDS)) or {}
        if len(kinds) != 1:
            report.say(at, f"needs exactly one of {', '.join(_BOUNDS)} / 须且只能有其中之一")
        for kind, threshold in kinds.items():
            if measure in RATIOS:
                report.ratio(f"{at}.{kind}", threshold)
            else:
                report.whole(f"{at}.{kind}", threshold, 0, MAX_MINOR)


def monitor_from_document(monitor: Mapping[str, Any]) -> Monitor:
    """The monitor of a document that ``check_monitor`` has nothing to say about."""
    bounds = tuple(
        Bound(measure, kind, parse_ratio(threshold) if isinstance(threshold, str) else threshold)
        for measure, bound in monitor["when"].items()
        for kind, threshold in (bound or {}).items()
        if threshold is not None
    )
    return Monitor(
        id=monitor["id"],
        scope=monitor["scope"],
        bounds=bounds,
        severity=monitor["severity"],
        source=monitor["source"],
        en=monitor["en"],
        zh=monitor["zh"],
        each=monitor.get("each") or 0,
        currency=monitor.get("currency"),
        valid_from=date_of(monitor.get("valid_from"), date.min),
        valid_to=date_of(monitor.get("valid_to"), date.max),
    )


def check_date(report: Report, path: str, value: object) -> None:
    """Notes what is not a date."""
    try:
        date_of(value, date.min)
    except (TypeError, ValueError):
        report.say(path, "must be a date such as 2026-01-01 / 须为日期，例如 2026-01-01")


def date_of(value: object, default: date) -> date:
    """A date of a YAML reader, or the text of one."""
    if value is None:
        return default
    return value if type(value) is date else date.fromisoformat(value)  # type: ignore[arg-type]
