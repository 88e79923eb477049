"""Compliance: what the packs found, with measure, threshold, source and case; trees near a threshold; the report.

No light says that all is well: a pack measures what it measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from flask import Blueprint
from markupsafe import Markup

from distrib.console.cells import CASE_STATES, FINDING_SEVERITIES, options_of, state_badge
from distrib.console.frame import Done, HtmlPage, Outcome, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, linked, list_view
from distrib.console.long_calls import start
from distrib.console.site import current_site
from distrib.console.times import instant_of
from distrib.domain.errors import Refusal
from distrib.domain.money import RatioInvalid, parse_ratio
from distrib.domain.policies.figures import RATIOS, Threshold, Thresholds, read_thresholds
from distrib.domain.policies.policy import Policy, combine
from distrib.domain.texts import Text
from distrib.services.compliance.words import MEASURES, ReportWording
from distrib.services.plans.versions import load_timeline

MOST_CASES: Final = 500
MOST_AT_ONCE: Final = 10_000
"""Shops whose structure is measured while somebody waits; so many are counted exactly, too."""
"""Of which the one about a finding is looked for: the newest."""
_COLUMNS: Final = (
    ListColumn("severity", Text("Severity"), is_fixed=True),
    ListColumn("finding", Text("Finding"), is_fixed=True),
    ListColumn("subject", Text("About")),
    ListColumn("measured", Text("Measured")),
    ListColumn("threshold", Text("Threshold")),
    ListColumn("case", Text("Case and who decided")),
    ListColumn("source", Text("Source")),
    ListColumn("found_at", Text("Found"), "date"),
    ListColumn("action", Text("Done at once"), is_shown=False),
)
_ACTIONS: Final[Mapping[str, Text]] = {
    "reported": Text("reported"),
    "case_opened": Text("a case was opened"),
    "case_open": Text("a case stands"),
    "case_decided": Text("a case was decided"),
    "detached": Text("joined as a root"),
    "allowed": Text("allowed"),
    "refused": Text("refused"),
}


_TREE_FIGURES: Final = ("persons", "levels", "buyers", "sales_minor", "direct_minor", "indirect_minor")


class Bar(NamedTuple):
    """A measure against its threshold: in words, and as a bar where a figure is at least something."""

    words: str
    value: int | None
    line: int
    most: int


def compliance_pages(blueprint: Blueprint) -> None:
    """Adds the pages of findings, of the structure and of the report."""

    @page(blueprint, "/compliance", needs="list_findings")
    def compliance(visit: Visit) -> HtmlPage:
        return HtmlPage("console/compliance.html", {"list": list_view(visit, _findings(visit)), "tab": "findings"})

    @page(blueprint, "/compliance/structure", needs="get_latest_run", entry="compliance")
    def structure(visit: Visit) -> HtmlPage:
        try:
            run = visit.call("get_latest_run")
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
            return HtmlPage("console/compliance_structure.html", {"tab": "structure", "run": None})
        return HtmlPage("console/compliance_structure.html", {"tab": "structure", **_measured(visit, run)})

    @page(blueprint, "/compliance/runs", needs="run_monitors", post=True, entry="compliance")
    def run_monitors(visit: Visit) -> Done:
        if _has_many_shops(visit):
            return start(visit, "run_monitors", {})
        run = visit.call("run_monitors")
        words = Text(
            "The monitors ran: {new} new findings, {opened} cases opened.",
            new=run["new_findings"],
            opened=len(run["cases_opened"]),
        )
        return Done(visit.url("compliance"), words)

    _report_pages(blueprint)


def _report_pages(blueprint: Blueprint) -> None:
    @page(blueprint, "/compliance/report", needs="get_compliance_report", entry="compliance")
    def compliance_report(visit: Visit) -> Outcome:
        query = {"format": "pdf", "language": visit.query.get("language") or visit.reader.language}
        if visit.query.get("as_of"):
            query["as_of"] = instant_of(visit, visit.query["as_of"])
        answered: Outcome = visit.call("get_compliance_report", query=query)
        return answered

    @page(blueprint, "/compliance/report", needs="get_compliance_report", post=True, entry="compliance")
    def make_compliance_report(visit: Visit) -> Done:
        language = visit.form.get("language") or visit.reader.language
        if _has_many_shops(visit):
            return start(visit, "get_compliance_report", {}, {"format": "pdf", "language": language})
        return Done(visit.url("compliance_report", language=language))


def _has_many_shops(visit: Visit) -> bool:
    """Whether the structure is so large that measuring it takes longer than somebody waits for a page.

    Seen: 20 to 43 seconds for 1,000,000 shops, none for the 1,399 of the demo. It grows with shops, not with months.
    """
    return int(visit.call("list_shops", query={"limit": "1"})["count"]) > MOST_AT_ONCE


def wording_of(visit: Visit) -> ReportWording:
    """The words of findings and figures for this reader."""
    program = visit.desk.program
    return ReportWording(visit.reader.language, program.currency, program.time_zone)


def bars_of(wording: ReportWording, figure: str, threshold: str) -> list[Bar]:
    """A finding's measures against their thresholds; texts that are no such figures stand as they are."""
    try:
        bounds = read_thresholds(threshold).bounds
        measured = dict(part.rsplit(" ", 1) for part in figure.split(", "))
    except (ValueError, KeyError):
        return [Bar(figure, None, 0, 0)]
    return [_bar(wording, bound, measured.get(bound.measure)) for bound in bounds]


def _bar(wording: ReportWording, bound: Threshold, measured: str | int | None) -> Bar:
    value = _minor(bound.measure, measured)
    words = "–" if value is None else f"{wording.say(bound.measure)} {wording.value(bound.measure, _typed(measured))}"
    is_line = value is not None and bound.kind != "below" and bound.figure > 0
    most = max(value or 0, bound.figure)
    return Bar(words, value if is_line else None, bound.figure, most + most // 5 + 1)


def _minor(measure: str, measured: str | int | None) -> int | None:
    """A measured figure in the units of its threshold; None for what is none."""
    if measured is None:
        return None
    try:
        return parse_ratio(measured) if measure in RATIOS else int(measured)
    except (RatioInvalid, ValueError):
        return None


def _typed(measured: str | int | None) -> str | int | None:
    return int(measured) if isinstance(measured, str) and measured.isdigit() else measured


def threshold_words(wording: ReportWording, threshold: str) -> str:
    """The thresholds of a finding in words."""
    try:
        return wording.value("threshold", read_thresholds(threshold))
    except (ValueError, KeyError):
        return threshold


def meters(bars: Iterable[Bar]) -> Markup:
    """Bars as a cell: each measure in words, under it how it stands against its line."""
    drawn = Markup(
        '<div class="measure">{}<meter min="0" max="{}" high="{}" value="{}" aria-hidden="true"></meter></div>'
    )
    plain = Markup('<div class="measure">{}</div>')
    return Markup("").join(
        plain.format(bar.words) if bar.value is None else drawn.format(bar.words, bar.most, bar.line, bar.value)
        for bar in bars
    )


def _measured(visit: Visit, run: Mapping[str, Any]) -> dict[str, Any]:
    """What the monitors measured last, against the caps and the lines of the packs of today."""
    wording, packs = wording_of(visit), _packs(visit)
    limits = combine(*packs)
    lines = _lines(_tree_bounds(packs, visit))
    caps: dict[str, object] = {"max_tiers": limits.max_tiers, "max_tree_levels": limits.max_tree_levels}
    if limits.max_tree_levels is not None:
        caps["on_excess"] = limits.on_excess
    return {
        "run": run,
        "packs": [pack.name for pack in packs],
        "figures": [(wording.say(name), wording.value(name, value)) for name, value in _known(run["structure"])],
        "caps": [(wording.say(name), wording.value(name, value)) for name, value in caps.items()],
        "headings": _headings(wording, lines),
        "trees": [_tree(wording, tree, lines, visit) for tree in run["largest_trees"]],
        "organisers": [_tree(wording, tree, lines, visit) for tree in run["organisers"]],
    }


def _packs(visit: Visit) -> list[Policy]:
    """The packs that bind: the program's, and the one that the plan in force names."""
    live = load_timeline(visit.desk.conn, visit.desk.program).in_force(visit.desk.now)
    names = dict.fromkeys([visit.desk.program.policy, live.plan.policy if live else None])
    return [current_site().policies[name] for name in names if name]


def _tree_bounds(packs: Iterable[Policy], visit: Visit) -> Iterable[Threshold]:
    day, currency = visit.desk.program.day_of(visit.desk.now), visit.desk.program.currency
    watching = (monitor for pack in packs for monitor in pack.monitors if monitor.is_in_force(day, currency))
    return (bound for monitor in watching if monitor.scope == "tree" for bound in monitor.bounds)


def _lines(bounds: Iterable[Threshold]) -> dict[str, Threshold]:
    """For each measure of trees the lowest line that a pack draws."""
    lowest: dict[str, Threshold] = {}
    for bound in bounds:
        known = lowest.get(bound.measure)
        if bound.kind != "below" and (known is None or bound.figure < known.figure):
            lowest[bound.measure] = bound
    return lowest


def _known(figures: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in figures.items() if name in MEASURES]


def _tree(
    wording: ReportWording, tree: Mapping[str, Any], lines: Mapping[str, Threshold], visit: Visit
) -> dict[str, Any]:
    """A tree as a row: where it is drawn, and its figures, each against the line of the packs where there is one."""
    kind, _, root = tree["subject"].partition(":")
    href = visit.url("network", shop=root) if kind == "tree" and visit.desk.may("list_downline") else ""
    cells = [_tree_cell(wording, name, tree.get(name), lines.get(name)) for name in _columns(lines)]
    return {"subject": wording.value("subject", tree["subject"]), "href": href, "cells": cells}


def _tree_cell(wording: ReportWording, name: str, value: Any, line: Threshold | None) -> Markup:
    words = "–" if value is None else wording.value(name, value)
    measured = _minor(name, value)
    if line is None or measured is None:
        return meters([Bar(words, None, 0, 0)])
    most = max(measured, line.figure)
    return meters([Bar(words, measured, line.figure, most + most // 5 + 1)])


def _columns(lines: Mapping[str, Threshold]) -> list[str]:
    return list(dict.fromkeys([*_TREE_FIGURES, *(name for name in lines if name in MEASURES)]))


def _headings(wording: ReportWording, lines: Mapping[str, Threshold]) -> list[tuple[str, str]]:
    """The columns of trees, each with the lowest line of the packs."""
    return [
        (wording.say(name), wording.value("threshold", Thresholds((lines[name],))) if name in lines else "")
        for name in _columns(lines)
    ]


def _cases(visit: Visit) -> dict[tuple[str | None, str], Mapping[str, Any]]:
    """The newest case about each finding and subject."""
    if not visit.desk.may("list_cases"):
        return {}
    answer = visit.call("list_cases", query={"limit": str(MOST_CASES)})
    return {(case["finding_id"], case["subject"]): case for case in reversed(answer["data"])}


def _case_cell(visit: Visit, row: Mapping[str, Any], cases: Mapping[Any, Mapping[str, Any]]) -> Markup | str:
    case = cases.get((row["id"], row["subject"]))
    if case is None:
        return "–"
    link = linked(f"#{case['case_no']}", visit.url("case", case_no=case["case_no"]))
    badge = state_badge(CASE_STATES, case["state"], visit.reader.language)
    by = case["decisions"][-1]["decided_by"] if case["decisions"] else ""
    return Markup("{} {} {}").format(link, badge, by)


def _findings(visit: Visit) -> ListSpec:
    language, wording, cases = visit.reader.language, wording_of(visit), _cases(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": str(row["finding_no"]),
            "severity": state_badge(FINDING_SEVERITIES, row["severity"], language),
            "finding": Markup("{} <code>{}</code>").format(wording.cell(row, "detail"), row["id"]),
            "subject": wording.value("subject", row["subject"]),
            "measured": meters(bars_of(wording, row["figure"], row["threshold"])),
            "threshold": threshold_words(wording, row["threshold"]),
            "case": _case_cell(visit, row, cases),
            "source": wording.value("source", row["source"]),
            "found_at": visit.reader.time(row["found_at"]),
            "action": visit.say(_ACTIONS[row["action"]]) if row["action"] in _ACTIONS else row["action"],
        }

    return ListSpec(
        name="findings",
        endpoint="compliance",
        operation="list_findings",
        columns=_COLUMNS,
        cells=cells,
        filters=(
            ListFilter("severity", Text("Severity"), options_of(FINDING_SEVERITIES)),
            ListFilter("id", Text("Finding"), hint="CN-S01"),
        ),
        empty=(
            Text("Nothing was found yet"),
            Text("Monitors run every day; what they find stands here, and what they do not measure does not."),
        ),
    )
