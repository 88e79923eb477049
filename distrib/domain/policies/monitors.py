"""What a policy pack watches in a running program: registrations, trees, payees within a tree, the whole program.

A monitor is data: measures with their thresholds, all of which must be reached. Who measures, and
what follows from a finding, must not enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from distrib.domain.document import Report
from distrib.domain.json_values import Json, JsonObject
from distrib.domain.money import MAX_MINOR, PPM, parse_ratio, show_ratio
from distrib.domain.policies.figures import RATIOS, SIGNS, Measured, Threshold, Thresholds
from distrib.domain.texts import Text

SEVERITIES = ("info", "alert", "hold", "refuse")
"""Of a running program's findings, the mildest first; a plan's are the ``policy`` module's."""
REGISTRATION, TREE, PAYEE, PROGRAM = "registration", "tree", "payee", "program"

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
    PAYEE: ("payee_shops", "payee_shops_below"),
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


@dataclass(frozen=True, slots=True)
class Monitor:
    """One thing a pack watches; the finding stands where every bound is reached.

    ``each`` is the figure of one shop that the measures which count shops count by: an amount to reach, or buyers
    to fall short of.
    """

    id: str
    scope: str
    bounds: tuple[Threshold, ...]
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

    def figure(self, figures: Mapping[str, int | None]) -> Measured | None:
        """Measures, where every threshold is reached; else None."""
        if not all(bound.is_reached(figures.get(bound.measure)) for bound in self.bounds):
            return None
        return Measured({bound.measure: figures[bound.measure] or 0 for bound in self.bounds})

    def threshold(self) -> Thresholds:
        """What had to be reached."""
        return Thresholds(self.bounds, self.each)


def figures_view(figures: Mapping[str, Json]) -> JsonObject:
    """Shows figures as they are answered: ratios as decimal strings, the rest as it is.

    >>> figures_view({"persons": 30, "retail_share": 812_500, "indirect_share": None})
    {'persons': 30, 'retail_share': '0.8125', 'indirect_share': None}
    """
    return {
        name: show_ratio(figure) if name in RATIOS and isinstance(figure, int) else figure
        for name, figure in figures.items()
    }


def share(part: int, whole: int) -> int | None:
    """Computes a share in parts per million, rounded down; None where there is no whole to take it of.

    >>> share(1, 3), share(1, 0)
    (333333, None)
    """
    return part * PPM // whole if whole > 0 else None


def check_monitor(report: Report, path: str, value: object) -> None:
    """Checks one monitor of a document."""
    monitor = report.mapping(path, value, _KEYS, required=("id", "scope", "when", "severity", "source", "en", "zh"))
    if monitor is None:
        return
    scope = monitor.get("scope")
    readers: dict[str, Callable[[str, object], object]] = {
        "scope": lambda path, item: report.choice(path, item, tuple(MEASURES)),
        "when": lambda path, item: _check_bounds(report, path, item, scope),
        "each": lambda path, item: report.whole(path, item, 1, MAX_MINOR),
        "currency": report.currency,
        "severity": lambda path, item: report.choice(path, item, SEVERITIES),
        "valid_from": partial(check_date, report),
        "valid_to": partial(check_date, report),
    }
    for key, item in monitor.items():
        readers.get(key, report.text)(f"{path}.{key}", item)


def _check_bounds(report: Report, path: str, value: object, scope: object) -> None:
    if not isinstance(scope, str) or scope not in MEASURES:
        return
    when = report.mapping(path, value, MEASURES[scope])
    if when == {} and isinstance(value, Mapping) and set(value) <= set(MEASURES[scope]):
        report.refuse(path, value, Text("must name what is measured"))
    for measure, bound in (when or {}).items():
        place = f"{path}.{measure}"
        kinds = report.mapping(place, bound, tuple(SIGNS)) or {}
        if len(kinds) != 1:
            report.say(place, Text("needs exactly one of {choices}", choices=", ".join(SIGNS)))
        for kind, threshold in kinds.items():
            if measure in RATIOS:
                report.ratio(f"{place}.{kind}", threshold)
            else:
                report.whole(f"{place}.{kind}", threshold, 0, MAX_MINOR)


def monitor_from_document(monitor: Mapping[str, Any]) -> Monitor:
    """Builds the monitor of a document in which ``check_monitor`` finds nothing."""
    bounds = tuple(
        Threshold(measure, kind, parse_ratio(threshold) if isinstance(threshold, str) else threshold)
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
    """Checks that a value is a date."""
    try:
        date_of(value, date.min)
    except (TypeError, ValueError):
        report.say(path, Text("must be a date such as 2026-01-01"))


def date_of(value: object, default: date) -> date:
    """Reads a date of a YAML reader, or the text of one."""
    if value is None:
        return default
    return value if type(value) is date else date.fromisoformat(value)  # type: ignore[arg-type]
