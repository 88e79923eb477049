"""Cases and penalties: opened, decided and recorded by a person with a name and a reason. No rule may enter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import CASE_STATES, PENALTY_STATES, money_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import ListColumn, ListFilter, ListSpec, linked, list_view
from distrib.console.pages.compliance import wording_of
from distrib.console.second_person import check_typed, names_of
from distrib.console.times import day_words, instant_of
from distrib.domain.penalties import ADMINISTRATIVE, CRIMINAL
from distrib.domain.texts import Text
from distrib.services.compliance.words import MEASURES

DECISIONS: Final[Mapping[str, Text]] = {
    "freeze": Text("Freeze: indirect pay of its trees is held from then on"),
    "dismiss": Text("Dismiss: nothing is held, the case ends"),
    "release": Text("Release: what is held becomes available, the freeze ends"),
    "reverse": Text("Take back: what is held so far is taken back, the freeze goes on"),
}
_FITS: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("freeze", "dismiss"),
    "frozen": ("release", "reverse"),
    "released": ("freeze",),
    "dismissed": (),
}
DECIDED: Final[Mapping[str, Text]] = {
    "freeze": Text("frozen", "decision"),
    "dismiss": Text("dismissed", "decision"),
    "release": Text("released", "decision"),
    "reverse": Text("taken back", "decision"),
}
KINDS: Final[Mapping[str, Text]] = {ADMINISTRATIVE: Text("administrative"), CRIMINAL: Text("criminal")}
_CASES: Final = (
    ListColumn("case", Text("Case"), is_fixed=True),
    ListColumn("state", Text("State")),
    ListColumn("subject", Text("About")),
    ListColumn("finding", Text("Finding")),
    ListColumn("held", Text("Held"), "money"),
    ListColumn("decided", Text("Decided by")),
    ListColumn("opened_at", Text("Opened"), "date"),
)
_PENALTIES: Final = (
    ListColumn("id", Text("Penalty"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("about", Text("About")),
    ListColumn("kind", Text("Kind")),
    ListColumn("decided_on", Text("Decided on"), "date"),
    ListColumn("lapses_on", Text("Lapses on"), "date"),
    ListColumn("authority", Text("Authority")),
    ListColumn("reference", Text("Reference"), is_shown=False),
)


def case_pages(blueprint: Blueprint) -> None:
    """Adds the pages of cases."""

    @page(blueprint, "/compliance/cases", needs="list_cases", entry="compliance")
    def cases(visit: Visit) -> HtmlPage:
        return HtmlPage("console/compliance.html", {"list": list_view(visit, _cases(visit)), "tab": "cases"})

    @page(blueprint, "/compliance/cases/new", needs="open_case", entry="compliance")
    def case_draft(visit: Visit) -> HtmlPage:
        return HtmlPage("console/case_new.html", {"shop_id": visit.query.get("shop_id", "")})

    @page(blueprint, "/compliance/cases/new", needs="open_case", post=True, entry="compliance")
    def open_case(visit: Visit) -> Done:
        body = {name: visit.form.get(name, "").strip() or None for name in ("shop_id", "organiser_id")}
        sent = {name: value for name, value in body.items() if value} | {"reason": visit.form.get("reason", "").strip()}
        opened = visit.call("open_case", body=sent)
        address = visit.url("case", case_no=opened["case_no"])
        return Done(address, Text("Case {number} is open.", number=opened["case_no"]))

    @page(blueprint, "/compliance/cases/<id:case_no>", needs="get_case", entry="compliance")
    def case(visit: Visit, case_no: str) -> HtmlPage:
        known = visit.call("get_case", case_no=case_no)
        wording, language = wording_of(visit), visit.reader.language
        acted = [known["opened_by"], *(decision["recorded_by"] for decision in known["decisions"])]
        choices = [(code, visit.say(DECISIONS[code])) for code in _FITS[known["state"]]]
        values = {
            "case": known,
            "names": names_of(visit, acted),
            "subject": wording.value("subject", known["subject"]),
            "state": state_badge(CASE_STATES, known["state"], language),
            "evidence": [
                (wording.say(name), wording.value(name, value))
                for name, value in known["evidence"].items()
                if name in MEASURES
            ],
            "choices": choices,
            "decided": {code: visit.say(words) for code, words in DECIDED.items()},
        }
        return HtmlPage("console/case.html", values)

    @page(blueprint, "/compliance/cases/<id:case_no>/decide", needs="decide_case", post=True, entry="compliance")
    def decide_case(visit: Visit, case_no: str) -> Done:
        form = visit.form
        check_typed(visit, case_no)
        body: dict[str, Any] = {name: form.get(name, "").strip() for name in ("decision", "decided_by", "reason")}
        if form.get("effective_at"):
            body["effective_at"] = instant_of(visit, form["effective_at"])
        decided = visit.call("decide_case", body=body, case_no=case_no)
        words = Text("Case {number}: {state}.", number=case_no, state=CASE_STATES[decided["state"]].words)
        return Done(visit.url("case", case_no=case_no), words)


def penalty_pages(blueprint: Blueprint) -> None:
    """Adds the pages of penalties."""

    @page(blueprint, "/compliance/penalties", needs="list_penalties", entry="compliance")
    def penalties(visit: Visit) -> HtmlPage:
        return HtmlPage("console/compliance.html", {"list": list_view(visit, _penalties(visit)), "tab": "penalties"})

    @page(blueprint, "/compliance/new-penalty", needs="record_penalty", entry="compliance")
    def penalty_draft(visit: Visit) -> HtmlPage:
        kinds = [(code, visit.say(words)) for code, words in KINDS.items()]
        return HtmlPage(
            "console/penalty_new.html", {"kinds": kinds, "today": visit.desk.program.day_of(visit.desk.now)}
        )

    @page(blueprint, "/compliance/new-penalty", needs="record_penalty", post=True, entry="compliance")
    def record_penalty(visit: Visit) -> Done:
        names = ("id", "kind", "decided_on", "reason", "shop_id", "organiser_id", "authority", "reference")
        body = {name: visit.form.get(name, "").strip() for name in names}
        kept = visit.call("record_penalty", body={name: value for name, value in body.items() if value})
        return Done(visit.url("penalty", penalty_id=kept["id"]), Text("Penalty {id} is recorded.", id=kept["id"]))

    @page(blueprint, "/compliance/penalties/<id:penalty_id>", needs="get_penalty", entry="compliance")
    def penalty(visit: Visit, penalty_id: str) -> HtmlPage:
        known = visit.call("get_penalty", penalty_id=penalty_id)
        state = state_badge(PENALTY_STATES, known["status"], visit.reader.language)
        kind = visit.say(KINDS[known["kind"]])
        names = names_of(visit, [known["recorded_by"], known["withdrawn_by"]])
        days = {name: day_words(visit, known[name]) for name in ("decided_on", "lapses_on")}
        return HtmlPage(
            "console/penalty.html", {"penalty": known, "state": state, "kind": kind, "days": days, "names": names}
        )

    @page(
        blueprint, "/compliance/penalties/<id:penalty_id>/withdraw", needs="withdraw_penalty", post=True,
        entry="compliance",
    )  # fmt: skip
    def withdraw_penalty(visit: Visit, penalty_id: str) -> Done:
        check_typed(visit, penalty_id)
        visit.call("withdraw_penalty", body={"reason": visit.form.get("reason", "").strip()}, penalty_id=penalty_id)
        return Done(visit.url("penalty", penalty_id=penalty_id), Text("Penalty {id} is withdrawn.", id=penalty_id))


def _cases(visit: Visit) -> ListSpec:
    wording = wording_of(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        last = row["decisions"][-1] if row["decisions"] else None
        said = f"{last['decided_by']}: {visit.say(DECIDED[last['decision']])}" if last else "–"
        return {
            "id": str(row["case_no"]),
            "case": linked(f"#{row['case_no']}", visit.url("case", case_no=row["case_no"])),
            "state": state_badge(CASE_STATES, row["state"], visit.reader.language),
            "subject": wording.value("subject", row["subject"]),
            "finding": row["finding_id"] or visit.say(Text("by hand", "case")),
            "held": money_cell(visit, row["frozen_minor"]),
            "decided": said,
            "opened_at": visit.reader.time(row["opened_at"]),
        }

    return ListSpec(
        name="cases",
        endpoint="cases",
        operation="list_cases",
        columns=_CASES,
        cells=cells,
        empty=(
            Text("No cases"),
            Text("A monitor opens one where a pack wants pay held; a person may open one by hand."),
        ),
    )


def _penalties(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": linked(row["id"], visit.url("penalty", penalty_id=row["id"])),
            "status": state_badge(PENALTY_STATES, row["status"], visit.reader.language),
            "about": row["shop_id"] or row["organiser_id"],
            "kind": visit.say(KINDS[row["kind"]]),
            "decided_on": day_words(visit, row["decided_on"]),
            "lapses_on": day_words(visit, row["lapses_on"]) or visit.say(Text("never")),
            "authority": row["authority"] or "",
            "reference": row["reference"] or "",
        }

    return ListSpec(
        name="penalties",
        endpoint="penalties",
        operation="list_penalties",
        columns=_PENALTIES,
        cells=cells,
        filters=(ListFilter("shop_id", Text("Shop"), shops={}), ListFilter("organiser_id", Text("Organiser"))),
        empty=(Text("No penalties"), Text("Decisions of authorities about pyramid selling are recorded here.")),
    )
