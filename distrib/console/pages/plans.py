"""Plans: versions and when each is in force, a version with its plain words, two side by side, drafts, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import PLAN_STATES, SEVERITIES, State, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import Column, ListSpec, linked, list_view
from distrib.console.pages.plan_times import COMING, DRAFT, LIVE, MOST_VERSIONS, PlanTime, plan_times
from distrib.console.plans.differences import gathered, lines_beside, words_beside
from distrib.console.plans.summary import Summary, plan_summary, title_of
from distrib.console.plans.written import plan_text
from distrib.console.second_person import check_typed, names_of
from distrib.console.site import current_site
from distrib.console.times import instant_of
from distrib.domain.errors import Refusal
from distrib.domain.plans.plan import compile_plan
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.plans.drafts import check_draft
from distrib.services.yaml_documents import read_yaml

_REFUSE, _SIGN_OFF = "refuse", "sign_off"
_KINDS: Final[Mapping[str, State]] = {
    "added": State(Text("added", "difference"), "green", "plus"),
    "removed": State(Text("removed", "difference"), "red", "x"),
    "changed": State(Text("changed", "difference"), "amber", "adjustments"),
}
_COLUMNS = (
    Column("version", Text("Version"), is_fixed=True),
    Column("status", Text("State")),
    Column("from", Text("In force from"), "date"),
    Column("until", Text("Until"), "date"),
    Column("findings", Text("Findings")),
    Column("signed_off_by", Text("Signed off by")),
    Column("created_at", Text("Saved"), "date", is_shown=False),
    Column("compare", Text("Compare")),
)


def plan_pages(blueprint: Blueprint) -> None:
    """Adds the pages of plans."""

    @page(blueprint, "/plans", needs="list_plans")
    def plans(work: Work) -> Page:
        times = plan_times(work)
        values = {
            "list": list_view(work, _list(work, times)),
            "times": times.shown(),
            "bar": times.bar(),
            "drafts": times.drafts,
            "is_whole": times.is_whole,
            "most_versions": MOST_VERSIONS,
            "state": lambda code: state_badge(PLAN_STATES, code, work.reader.language),
        }
        return Page("console/plans.html", values)

    @page(blueprint, "/plans/<id:code>/<version:version>", needs="get_plan", entry="plans")
    def plan_version(work: Work, code: str, version: str) -> Page:
        known, times = _plan(work, code, version), plan_times(work)
        findings = _findings(work, known["findings"])
        live = times.live
        is_live = live is not None and (live.code, live.version) == (known["code"], known["version"])
        values = {
            "plan": known,
            "names": names_of(work, [known["created_by"], known["published_by"]]),
            "text": plan_text(known["document"]),
            "summary": _summary(work, known),
            "time_of": times.of(known["code"], known["version"]),
            "state": state_badge(PLAN_STATES, times.state_of(known), work.reader.language),
            "findings": findings,
            "is_refused": any(finding["severity"] == _REFUSE for finding in known["findings"]),
            "asks_sign_off": any(finding["severity"] == _SIGN_OFF for finding in known["findings"]),
            "in_force": None if is_live else live,
            "tomorrow": f"{work.desk.program.day_of(work.desk.now) + timedelta(days=1)}T00:00",
        }
        return Page("console/plan_version.html", values)

    @page(blueprint, "/plans/compare", needs="get_plan", entry="plans")
    def compare_plans(work: Work) -> Page:
        return Page("console/plan_compare.html", _compared(work))

    @page(blueprint, "/plans/draft", needs="create_plan", entry="plans")
    def plan_draft(work: Work) -> Page:
        code, _, version = work.query.get("from", "").partition("/")
        known = _plan(work, code, version) if code else None
        text = "" if known is None else plan_text(known["document"])
        return Page("console/plan_draft.html", {"known": known, "text": text, **_checked(work, text)})

    @page(blueprint, "/plans/draft/check", needs="create_plan", post=True, entry="plans")
    def check_plan_draft(work: Work) -> Page:
        return Page("console/plan_checked.html", _checked(work, _text(work)))

    @page(blueprint, "/plans/draft", needs="create_plan", post=True, entry="plans")
    def save_plan_draft(work: Work) -> Done:
        saved = work.call("create_plan", body=read_yaml(_text(work)))
        address = work.url("plan_version", code=saved["code"], version=saved["version"])
        words = Text("{code} version {version} is saved as a draft.", code=saved["code"], version=saved["version"])
        return Done(address, words)

    @page(blueprint, "/plans/<id:code>/<version:version>/publish", needs="publish_plan", post=True, entry="plans")
    def publish_version(work: Work, code: str, version: str) -> Done:
        check_typed(work, f"{code} {version}")
        signed_off_by = work.form.get("signed_off_by", "").strip() or None
        effective_from = instant_of(work, work.form.get("effective_from", ""))
        body = {"effective_from": effective_from, "signed_off_by": signed_off_by}
        work.call("publish_plan", body=body, code=code, version=version)
        words = Text("{code} version {version} is published.", code=code, version=version)
        return Done(work.url("plan_version", code=code, version=version), words)


def _text(work: Work) -> str:
    return work.form.get("text", "").replace("\r\n", "\n")


def _plan(work: Work, code: str, version: str) -> dict[str, Any]:
    if not (version.isascii() and version.isdigit() and len(version) <= 9):
        raise Refusal("plan_unknown", code=code, version=version)
    known: dict[str, Any] = work.call("get_plan", code=code, version=version)
    return known


def _summary(work: Work, known: Mapping[str, Any]) -> Summary:
    return plan_summary(compile_plan(known["document"]), work.reader.language)


def _findings(work: Work, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings in the reader's language, what stops publishing first."""
    places = list(SEVERITIES)
    language = work.reader.language
    return [
        {
            **finding,
            "badge": state_badge(SEVERITIES, finding["severity"], language),
            "detail": finding[f"detail_{language}"],
        }
        for finding in sorted(findings, key=lambda finding: places.index(finding["severity"]))
    ]


def _checked(work: Work, text: str) -> dict[str, Any]:
    """What became of a text: what is wrong by line, or what the packs say of it and its plain words."""
    if not text.strip():
        return {"draft": None}
    draft = check_draft(text, work.desk.program.policy, current_site().policies)
    language = work.reader.language
    return {
        "draft": draft,
        "slips": [(slip.line, slip.problem.pointer, render(slip.problem.detail, language)) for slip in draft.slips],
        "findings": _findings(work, [finding._asdict() for finding in draft.findings]),
        "summary": None if draft.plan is None else plan_summary(draft.plan, language),
        "title": "" if draft.plan is None else title_of(draft.plan, language),
    }


def _compared(work: Work) -> dict[str, Any]:
    times = plan_times(work)
    names = {"old": work.query.get("old", ""), "new": work.query.get("new", "")}
    choices = [(f"{plan['code']}/{plan['version']}", f"{plan['code']} {plan['version']}") for plan in times.versions]
    values: dict[str, Any] = {**names, "choices": choices, "stretches": None}
    if not all(names.values()):
        return values
    old, new = (_plan(work, *_parted(name)) for name in names.values())
    lines = lines_beside(plan_text(old["document"]), plan_text(new["document"]))
    language = work.reader.language
    return values | {
        "stretches": gathered(lines),
        "differences": words_beside(_summary(work, old), _summary(work, new)),
        "plans": (old, new),
        "kind": lambda code: state_badge(_KINDS, code, language),
    }


def _parted(name: str) -> tuple[str, str]:
    code, _, version = name.partition("/")
    return code, version


def _list(work: Work, times: PlanTime) -> ListSpec:
    language = work.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        state, name = times.state_of(row), f"{row['code']}/{row['version']}"
        counts = {code: sum(finding["severity"] == code for finding in row["findings"]) for code in SEVERITIES}
        said = [f"{work.say(SEVERITIES[code].words)} {count}" for code, count in counts.items() if count]
        other = times.before(row["code"], row["version"])
        compare = work.url("compare_plans", old=other, new=name) if other else ""
        address = work.url("plan_version", code=row["code"], version=row["version"])
        return {
            "id": name,
            "version": linked(f"{row['code']} {row['version']}", address),
            "status": state_badge(PLAN_STATES, state, language),
            "from": work.reader.time(row["effective_from"]),
            "until": work.reader.time(times.until_of(row)) or ("–" if state in (LIVE, COMING) else ""),
            "findings": " · ".join(said) or ("–" if state != DRAFT else work.say(Text("none", "findings"))),
            "signed_off_by": row["signed_off_by"] or "",
            "created_at": work.reader.time(row["created_at"]),
            "compare": linked(work.say(Text("with {version}", version=other.replace("/", " "))), compare)
            if compare
            else "",
        }

    return ListSpec(
        name="plans",
        endpoint="plans",
        operation="list_plans",
        columns=_COLUMNS,
        cells=cells,
        empty=(Text("No plan yet"), Text("Write a first draft; nothing is paid before a version is published.")),
    )
