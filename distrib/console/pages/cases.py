"""Cases and penalties: opened, decided and recorded by a person with a name and a reason. No rule may enter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import CASE_STATES, PENALTY_STATES, money_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import Column, Filter, ListSpec, linked, list_view
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
    Column("case", Text("Case"), is_fixed=True),
    Column("state", Text("State")),
    Column("subject", Text("About")),
    Column("finding", Text("Finding")),
    Column("held", Text("Held"), "money"),
    Column("decided", Text("Decided by")),
    Column("opened_at", Text("Opened"), "date"),
)
_PENALTIES: Final = (
    Column("id", Text("Penalty"), is_fixed=True),
    Column("status", Text("State")),
    Column("about", Text("About")),
    Column("kind", Text("Kind")),
    Column("decided_on", Text("Decided on"), "date"),
    Column("lapses_on", Text("Lapses on"), "date"),
    Column("authority", Text("Authority")),
    Column("reference", Text("Reference"), is_shown=False),
)


def case_pages(blueprint: Blueprint) -> None:
    """Adds the pages of cases."""

    @page(blueprint, "/compliance/cases", needs="list_cases", entry="compliance")
    def cases(work: Work) -> Page:
        return Page("console/compliance.html", {"list": list_view(work, _cases(work)), "tab": "cases"})

    @page(blueprint, "/compliance/cases/new", needs="open_case", entry="compliance")
    def case_draft(work: Work) -> Page:
        return Page("console/case_new.html", {"shop_id": work.query.get("shop_id", "")})

    @page(blueprint, "/compliance/cases/new", needs="open_case", post=True, entry="compliance")
    def open_case(work: Work) -> Done:
        body = {name: work.form.get(name, "").strip() or None for name in ("shop_id", "organiser_id")}
        sent = {name: value for name, value in body.items() if value} | {"reason": work.form.get("reason", "").strip()}
        opened = work.call("open_case", body=sent)
        address = work.url("case", case_no=opened["case_no"])
        return Done(address, Text("Case {number} is open.", number=opened["case_no"]))

    @page(blueprint, "/compliance/cases/<id:case_no>", needs="get_case", entry="compliance")
    def case(work: Work, case_no: str) -> Page:
        known = work.call("get_case", case_no=case_no)
        wording, language = wording_of(work), work.reader.language
        acted = [known["opened_by"], *(decision["recorded_by"] for decision in known["decisions"])]
        choices = [(code, work.say(DECISIONS[code])) for code in _FITS[known["state"]]]
        values = {
            "case": known,
            "names": names_of(work, acted),
            "subject": wording.value("subject", known["subject"]),
            "state": state_badge(CASE_STATES, known["state"], language),
            "evidence": [
                (wording.say(name), wording.value(name, value))
                for name, value in known["evidence"].items()
                if name in MEASURES
            ],
            "choices": choices,
            "decided": {code: work.say(words) for code, words in DECIDED.items()},
        }
        return Page("console/case.html", values)

    @page(blueprint, "/compliance/cases/<id:case_no>/decide", needs="decide_case", post=True, entry="compliance")
    def decide_case(work: Work, case_no: str) -> Done:
        form = work.form
        check_typed(work, case_no)
        body: dict[str, Any] = {name: form.get(name, "").strip() for name in ("decision", "decided_by", "reason")}
        if form.get("effective_at"):
            body["effective_at"] = instant_of(work, form["effective_at"])
        decided = work.call("decide_case", body=body, case_no=case_no)
        words = Text("Case {number}: {state}.", number=case_no, state=CASE_STATES[decided["state"]].words)
        return Done(work.url("case", case_no=case_no), words)


def penalty_pages(blueprint: Blueprint) -> None:
    """Adds the pages of penalties."""

    @page(blueprint, "/compliance/penalties", needs="list_penalties", entry="compliance")
    def penalties(work: Work) -> Page:
        return Page("console/compliance.html", {"list": list_view(work, _penalties(work)), "tab": "penalties"})

    @page(blueprint, "/compliance/penalties/new", needs="record_penalty", entry="compliance")
    def penalty_draft(work: Work) -> Page:
        kinds = [(code, work.say(words)) for code, words in KINDS.items()]
        return Page("console/penalty_new.html", {"kinds": kinds, "today": work.desk.program.day_of(work.desk.now)})

    @page(blueprint, "/compliance/penalties/new", needs="record_penalty", post=True, entry="compliance")
    def record_penalty(work: Work) -> Done:
        names = ("id", "kind", "decided_on", "reason", "shop_id", "organiser_id", "authority", "reference")
        body = {name: work.form.get(name, "").strip() for name in names}
        kept = work.call("record_penalty", body={name: value for name, value in body.items() if value})
        return Done(work.url("penalty", penalty_id=kept["id"]), Text("Penalty {id} is recorded.", id=kept["id"]))

    @page(blueprint, "/compliance/penalties/<id:penalty_id>", needs="get_penalty", entry="compliance")
    def penalty(work: Work, penalty_id: str) -> Page:
        known = work.call("get_penalty", penalty_id=penalty_id)
        state = state_badge(PENALTY_STATES, known["status"], work.reader.language)
        kind = work.say(KINDS[known["kind"]])
        names = names_of(work, [known["recorded_by"], known["withdrawn_by"]])
        days = {name: day_words(work, known[name]) for name in ("decided_on", "lapses_on")}
        return Page(
            "console/penalty.html", {"penalty": known, "state": state, "kind": kind, "days": days, "names": names}
        )

    @page(
        blueprint, "/compliance/penalties/<id:penalty_id>/withdraw", needs="withdraw_penalty", post=True,
        entry="compliance",
    )  # fmt: skip
    def withdraw_penalty(work: Work, penalty_id: str) -> Done:
        check_typed(work, penalty_id)
        work.call("withdraw_penalty", body={"reason": work.form.get("reason", "").strip()}, penalty_id=penalty_id)
        return Done(work.url("penalty", penalty_id=penalty_id), Text("Penalty {id} is withdrawn.", id=penalty_id))


def _cases(work: Work) -> ListSpec:
    wording = wording_of(work)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        last = row["decisions"][-1] if row["decisions"] else None
        said = f"{last['decided_by']}: {work.say(DECIDED[last['decision']])}" if last else "–"
        return {
            "id": str(row["case_no"]),
            "case": linked(f"#{row['case_no']}", work.url("case", case_no=row["case_no"])),
            "state": state_badge(CASE_STATES, row["state"], work.reader.language),
            "subject": wording.value("subject", row["subject"]),
            "finding": row["finding_id"] or work.say(Text("by hand", "case")),
            "held": money_cell(work, row["frozen_minor"]),
            "decided": said,
            "opened_at": work.reader.time(row["opened_at"]),
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


def _penalties(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": linked(row["id"], work.url("penalty", penalty_id=row["id"])),
            "status": state_badge(PENALTY_STATES, row["status"], work.reader.language),
            "about": row["shop_id"] or row["organiser_id"],
            "kind": work.say(KINDS[row["kind"]]),
            "decided_on": day_words(work, row["decided_on"]),
            "lapses_on": day_words(work, row["lapses_on"]) or work.say(Text("never")),
            "authority": row["authority"] or "",
            "reference": row["reference"] or "",
        }

    return ListSpec(
        name="penalties",
        endpoint="penalties",
        operation="list_penalties",
        columns=_PENALTIES,
        cells=cells,
        filters=(Filter("shop_id", Text("Shop")), Filter("organiser_id", Text("Organiser"))),
        empty=(Text("No penalties"), Text("Decisions of authorities about pyramid selling are recorded here.")),
    )
