"""Plans: versions and when each is in force, a version with its plain words, two side by side, drafts, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import PLAN_STATES, SEVERITIES, BadgeState, state_badge
from distrib.console.frame import Done, HtmlPage, Outcome, Visit, is_part_asked, page
from distrib.console.lists import ListColumn, ListSpec, linked, list_view
from distrib.console.pages.plan_times import COMING, DRAFT, LIVE, MOST_VERSIONS, PlanTime, plan_times
from distrib.console.plans.differences import gathered, lines_beside, words_beside
from distrib.console.plans.editor import editor_words
from distrib.console.plans.summary import Summary, plan_summary, title_of
from distrib.console.plans.written import plan_text
from distrib.console.second_person import check_typed, names_of
from distrib.console.site import current_site
from distrib.console.times import instant_of
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.plans.refusals import PlanUnknown
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.plans.drafts import check_draft
from distrib.services.plans.words import source_in
from distrib.services.yaml_documents import read_yaml

_REFUSE, _SIGN_OFF = "refuse", "sign_off"
_KINDS: Final[Mapping[str, BadgeState]] = {
    "added": BadgeState(Text("added", "difference"), "green", "plus"),
    "removed": BadgeState(Text("removed", "difference"), "red", "x"),
    "changed": BadgeState(Text("changed", "difference"), "amber", "adjustments"),
}
_COLUMNS = (
    ListColumn("version", Text("Version"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("from", Text("In force from"), "date"),
    ListColumn("until", Text("Until"), "date"),
    ListColumn("findings", Text("Findings")),
    ListColumn("signed_off_by", Text("Signed off by")),
    ListColumn("created_at", Text("Saved"), "date", is_shown=False),
    ListColumn("compare", Text("Compare")),
)


def plan_pages(blueprint: Blueprint) -> None:
    """Adds the pages of plans."""

    @page(blueprint, "/plans", needs="list_plans")
    def plans(visit: Visit) -> HtmlPage:
        times = plan_times(visit)
        values = {
            "list": list_view(visit, _list(visit, times)),
            "times": times.shown(),
            "bar": times.bar(),
            "drafts": times.drafts,
            "is_whole": times.is_whole,
            "most_versions": MOST_VERSIONS,
            "state": lambda code: state_badge(PLAN_STATES, code, visit.reader.language),
        }
        return HtmlPage("console/plans.html", values)

    @page(blueprint, "/plans/<id:code>/<version:version>", needs="get_plan", entry="plans")
    def plan_version(visit: Visit, code: str, version: str) -> HtmlPage:
        known, times = _plan(visit, code, version), plan_times(visit)
        findings = _findings(visit, known["findings"])
        live = times.live
        is_live = live is not None and (live.code, live.version) == (known["code"], known["version"])
        values = {
            "plan": known,
            "names": names_of(visit, [known["created_by"], known["published_by"]]),
            "text": plan_text(known["document"]),
            "summary": _summary(visit, known),
            "time_of": times.of(known["code"], known["version"]),
            "state": state_badge(PLAN_STATES, times.state_of(known), visit.reader.language),
            "findings": findings,
            "is_refused": any(finding["severity"] == _REFUSE for finding in known["findings"]),
            "asks_sign_off": any(finding["severity"] == _SIGN_OFF for finding in known["findings"]),
            "in_force": None if is_live else live,
            "tomorrow": f"{visit.desk.program.day_of(visit.desk.now) + timedelta(days=1)}T00:00",
        }
        return HtmlPage("console/plan_version.html", values)

    @page(blueprint, "/plans/compare", needs="get_plan", entry="plans")
    def compare_plans(visit: Visit) -> HtmlPage:
        return HtmlPage("console/plan_compare.html", _compared(visit))

    @page(blueprint, "/plans/<id:code>/<version:version>/publish", needs="publish_plan", post=True, entry="plans")
    def publish_version(visit: Visit, code: str, version: str) -> Done:
        check_typed(visit, f"{code} {version}")
        signed_off_by = visit.form.get("signed_off_by", "").strip() or None
        effective_from = instant_of(visit, visit.form.get("effective_from", ""))
        body = {"effective_from": effective_from, "signed_off_by": signed_off_by}
        visit.call("publish_plan", body=body, code=code, version=version)
        words = Text("{code} version {version} is published.", code=code, version=version)
        return Done(visit.url("plan_version", code=code, version=version), words)

    _draft_pages(blueprint)


def _draft_pages(blueprint: Blueprint) -> None:
    """Adds the pages on which a draft is written, checked and saved."""

    @page(blueprint, "/plans/draft", needs="create_plan", entry="plans")
    def plan_draft(visit: Visit) -> HtmlPage:
        code, _, version = visit.query.get("from", "").partition("/")
        known = _plan(visit, code, version) if code else None
        text = "" if known is None else plan_text(known["document"])
        live = plan_times(visit).live
        beside = "" if live is None else f"{live.code}/{live.version}"
        return _draft_page(visit, text, beside, known)

    @page(blueprint, "/plans/draft/check", needs="create_plan", post=True, entry="plans")
    def check_plan_draft(visit: Visit) -> HtmlPage:
        text, beside = _text(visit), visit.form.get("beside", "")
        if not is_part_asked():
            return _draft_page(visit, text, beside)
        return HtmlPage("console/plan_checked.html", _checked(visit, text, beside))

    @page(blueprint, "/plans/draft", needs="create_plan", post=True, entry="plans")
    def save_plan_draft(visit: Visit) -> Outcome:
        text, beside = _text(visit), visit.form.get("beside", "")
        if not is_part_asked() and _is_unsound(visit, text):
            return _draft_page(visit, text, beside, status=422)
        saved = visit.call("create_plan", body=read_yaml(text))
        address = visit.url("plan_version", code=saved["code"], version=saved["version"])
        words = Text("{code} version {version} is saved as a draft.", code=saved["code"], version=saved["version"])
        return Done(address, words)


def _text(visit: Visit) -> str:
    return visit.form.get("text", "").replace("\r\n", "\n")


def _plan(visit: Visit, code: str, version: str) -> dict[str, Any]:
    if not (version.isascii() and version.isdigit() and len(version) <= 9):
        raise PlanUnknown(code=code, version=version)
    known: dict[str, Any] = visit.call("get_plan", code=code, version=version)
    return known


def _summary(visit: Visit, known: Mapping[str, Any]) -> Summary:
    return plan_summary(compile_plan(known["document"]), visit.reader.language)


def _findings(visit: Visit, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings in the reader's language, what stops publishing first."""
    places = list(SEVERITIES)
    language = visit.reader.language
    return [
        {
            **finding,
            "badge": state_badge(SEVERITIES, finding["severity"], language),
            "detail": finding[f"detail_{language}"],
            "source": source_in(finding["source"], language),
        }
        for finding in sorted(findings, key=lambda finding: places.index(finding["severity"]))
    ]


def _draft_page(
    visit: Visit, text: str, beside: str, known: Mapping[str, Any] | None = None, status: int = 200
) -> HtmlPage:
    """The page to write on: the text, and what became of it; ``beside``: the version that it is compared with."""
    values = {"known": known, "text": text, "beside": beside, "editor_words": editor_words(visit.reader.language)}
    return HtmlPage("console/plan_draft.html", {**values, **_checked(visit, text, beside)}, status)


def _is_unsound(visit: Visit, text: str) -> bool:
    return check_draft(text, visit.desk.program.policy, current_site().policies).plan is None


def _checked(visit: Visit, text: str, beside: str) -> dict[str, Any]:
    """What became of a text: what is wrong by line, or what the packs say, its plain words and what it changes."""
    if not text.strip():
        return {"draft": None}
    draft = check_draft(text, visit.desk.program.policy, current_site().policies)
    language = visit.reader.language
    return _changed(visit, text, draft.plan, beside) | {
        "draft": draft,
        "slips": [(slip.line, slip.problem.pointer, render(slip.problem.detail, language)) for slip in draft.slips],
        "findings": _findings(visit, [finding._asdict() for finding in draft.findings]),
        "summary": None if draft.plan is None else plan_summary(draft.plan, language),
        "title": "" if draft.plan is None else title_of(draft.plan, language),
    }


def _changed(visit: Visit, text: str, plan: Plan | None, beside: str) -> dict[str, Any]:
    """What a sound draft says otherwise than a version, such as ``tea/1``; nothing where there is none."""
    if plan is None or not beside:
        return {"heads": None}
    old, document = _plan(visit, *_parted(beside)), read_yaml(text)
    written = plan_text(document) if isinstance(document, Mapping) else ""
    heads = (beside.replace("/", " "), visit.say(Text("this draft")))
    summary = plan_summary(plan, visit.reader.language)
    return _beside(visit, heads, (plan_text(old["document"]), written), (_summary(visit, old), summary))


def _beside(
    visit: Visit, heads: tuple[str, str], texts: tuple[str, str], summaries: tuple[Summary, Summary]
) -> dict[str, Any]:
    """Two plans side by side: how they are called, their lines that differ, and what they say differently."""
    language = visit.reader.language
    return {
        "heads": heads,
        "stretches": gathered(lines_beside(*texts)),
        "differences": words_beside(*summaries),
        "kind": lambda code: state_badge(_KINDS, code, language),
    }


def _compared(visit: Visit) -> dict[str, Any]:
    times = plan_times(visit)
    names = {"old": visit.query.get("old", ""), "new": visit.query.get("new", "")}
    choices = [(f"{plan['code']}/{plan['version']}", f"{plan['code']} {plan['version']}") for plan in times.versions]
    values: dict[str, Any] = {**names, "choices": choices, "stretches": None}
    if not all(names.values()):
        return values
    old, new = (_plan(visit, *_parted(name)) for name in names.values())
    heads = (f"{old['code']} {old['version']}", f"{new['code']} {new['version']}")
    texts = (plan_text(old["document"]), plan_text(new["document"]))
    return values | _beside(visit, heads, texts, (_summary(visit, old), _summary(visit, new)))


def _parted(name: str) -> tuple[str, str]:
    code, _, version = name.partition("/")
    return code, version


def _list(visit: Visit, times: PlanTime) -> ListSpec:
    language = visit.reader.language

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        state, name = times.state_of(row), f"{row['code']}/{row['version']}"
        counts = {code: sum(finding["severity"] == code for finding in row["findings"]) for code in SEVERITIES}
        said = [f"{visit.say(SEVERITIES[code].words)} {count}" for code, count in counts.items() if count]
        other = times.before(row["code"], row["version"])
        compare = visit.url("compare_plans", old=other, new=name) if other else ""
        address = visit.url("plan_version", code=row["code"], version=row["version"])
        return {
            "id": name,
            "version": linked(f"{row['code']} {row['version']}", address),
            "status": state_badge(PLAN_STATES, state, language),
            "from": visit.reader.time(row["effective_from"]),
            "until": visit.reader.time(times.until_of(row)) or ("–" if state in (LIVE, COMING) else ""),
            "findings": " · ".join(said) or ("–" if state != DRAFT else visit.say(Text("none", "findings"))),
            "signed_off_by": row["signed_off_by"] or "",
            "created_at": visit.reader.time(row["created_at"]),
            "compare": linked(visit.say(Text("with {version}", version=other.replace("/", " "))), compare)
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
