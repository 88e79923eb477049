"""Compliance: the report, findings, cases and their decisions."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, Stream, shown
from distrib.api.http.words import say
from distrib.api.schemas.compliance import (
    CASE,
    CASES,
    FINDINGS,
    REPORT,
    RUN,
    CaseDraftSchema,
    DecisionDraftSchema,
    FindingsQuerySchema,
    ReportQuerySchema,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.domain.errors import Problem, Refusal
from distrib.services.compliance import cases
from distrib.services.compliance import monitors as service
from distrib.services.compliance.cases import CaseDecision
from distrib.services.compliance.monitors import FindingFilter
from distrib.services.compliance.refusals import CaseUnknown
from distrib.services.compliance.report import compliance_report, report_paper

compliance = Resource("compliance", "Compliance 合规: findings 发现, cases 案件, the report 合规报告")

PDF = "application/pdf"
_DIGITS = 18


@compliance.operation("GET", "/compliance/report", {200: (REPORT, PDF)}, Takes(query=ReportQuerySchema))
def get_compliance_report(call: Call) -> Answer | Stream:
    """Plans, caps, structure, findings and what was done about each, as of an instant; ``format=pdf`` for paper."""
    as_of = call.query["as_of"] or call.now
    if call.query["format"] == "json":
        return Answer(shown(compliance_report(call.unit, call.backend.policies, as_of)))
    from distrib.services.compliance.pdf import render_report  # noqa: PLC0415 - what draws takes long to import

    composed = report_paper(call.unit, call.backend.policies, as_of)
    paper = render_report(composed, call.query["language"])

    def produce(_: Connection) -> Iterator[bytes]:
        yield paper

    return Stream(produce, PDF, f"compliance-{call.program.day_of(as_of).isoformat()}.pdf")


@compliance.operation("GET", "/compliance/findings", {200: FINDINGS}, Takes(query=FindingsQuerySchema))
def list_findings(call: Call) -> Answer:
    """What registrations and monitors found, the newest first."""
    wanted = {name: call.query[name] for name in ("id", "severity", "since")}
    listing = call.listing(f"findings {wanted}")
    after = listing.place(call.query["cursor"])
    rows, follows = service.list_findings(
        call.unit, FindingFilter(wanted["id"], wanted["severity"], wanted["since"]), after, call.query["limit"]
    )
    return Answer(listing.page(shown(rows), follows))


@compliance.operation("POST", "/compliance/runs", {201: RUN}, Takes(is_idempotent=True))
def run_monitors(call: Call) -> Answer:
    """Runs the structure monitors now: findings are kept, cases opened where a pack wants pay held."""
    run = service.run_monitors(call.unit, call.backend.policies)
    return Answer(shown(run), 201)


@compliance.operation("GET", "/compliance/runs/latest", {200: RUN}, refusals=("not_found",))
def get_latest_run(call: Call) -> Answer:
    """What the monitors measured when they ran last; 404 before the first time."""
    kept = service.latest_run(call.conn, call.program)
    return Answer({"run_no": kept.run_no, **kept.result, "as_of": kept.as_of})


@compliance.operation("GET", "/compliance/cases", {200: CASES}, Takes(query=PageQuerySchema))
def list_cases(call: Call) -> Answer:
    """Cases with their decisions, the newest first."""
    listing = call.listing("cases")
    after = listing.place(call.query["cursor"])
    rows, follows = cases.list_cases(call.conn, call.program, call.now, after, call.query["limit"])
    return Answer(listing.page(rows, follows))


@compliance.operation(
    "POST",
    "/compliance/cases",
    {201: CASE},
    Takes(body=CaseDraftSchema, is_idempotent=True),
    refusals=("shop_unknown", "organiser_unknown", "case_open"),
)
def open_case(call: Call) -> Answer:
    """Opens a case by hand: about the tree of a shop, or all the trees of an organiser."""
    shop_id, organiser_id = call.body["shop_id"], call.body["organiser_id"]
    if (shop_id is None) == (organiser_id is None):
        raise Refusal("invalid", [Problem("/shop_id", say("either_or", one="shop_id", other="organiser_id"))])
    case = cases.open_case(call.unit, shop_id, organiser_id, call.body["reason"])
    return Answer(shown(case), 201, {"Location": f"/v1/compliance/cases/{case.case_no}"})


@compliance.operation("GET", "/compliance/cases/<id:case_no>", {200: CASE}, refusals=("case_unknown",))
def get_case(call: Call, case_no: str) -> Answer:
    """One case with its decisions and what it holds."""
    return Answer(shown(cases.get_case(call.conn, call.program, _number(case_no), call.now)))


@compliance.operation(
    "POST",
    "/compliance/cases/<id:case_no>/decisions",
    {201: CASE},
    Takes(body=DecisionDraftSchema, is_idempotent=True),
    refusals=("case_unknown", "case_decided"),
)
def decide_case(call: Call, case_no: str) -> Answer:
    """Freezes indirect pay, takes back what is held, releases it, or dismisses the case; by a person, with a reason."""
    body = call.body
    case = cases.decide_case(
        call.unit,
        _number(case_no),
        CaseDecision(body["decision"], body["effective_at"], body["decided_by"], body["reason"]),
    )
    return Answer(shown(case), 201)


def _number(text: str) -> int:
    """Reads the number of a case; raises ``case_unknown`` for a text that is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise CaseUnknown(number=text)
    return int(text)
