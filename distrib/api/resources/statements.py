"""Monthly statements and audits, for those who answer for the money."""

from __future__ import annotations

from functools import partial

from marshmallow import ValidationError

from distrib.api.answers import Answer, Stream
from distrib.api.operations import Call, Resource
from distrib.api.partners import must_be_own
from distrib.api.resources.commissions import shop_no_of
from distrib.api.schemas.fields import period_of
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.statements import (
    AuditRequestSchema,
    AuditSchema,
    ExportQuerySchema,
    ShopStatementSchema,
    StatementsQuerySchema,
    StatementsSchema,
)
from distrib.domain.errors import Refusal
from distrib.services import audit
from distrib.services import statements as service
from distrib.services.context import format_period

statements = Resource("statements", "Monthly statements 对账单 and audits 审计")

CSV = "text/csv; charset=utf-8"


@statements.operation("GET", "/statements", {200: StatementsSchema}, query=StatementsQuerySchema)
def get_statements(call: Call) -> Answer:
    """A month as it stands: totals, and one row per shop."""
    period = call.query["period"]
    listing = call.listing(f"statements {period}")
    after = listing.place(call.query["cursor"])
    statement, follows = service.statement_totals_and_rows(
        call.conn, call.program, period, after[0] if after else None, call.query["limit"], call.now
    )
    return Answer({**statement, "next_cursor": listing.cursor(None if follows is None else (follows,))})


@statements.operation(
    "GET",
    "/statements/<period:period>/shops/<id:shop_id>",
    {200: ShopStatementSchema},
    query=PageQuerySchema,
    refusals=("shop_unknown", "period_invalid"),
)
def get_shop_statement(call: Call, period: str, shop_id: str) -> Answer:
    """One shop's month with its lines."""
    must_be_own(call, shop_id)
    listing = call.listing(f"statement {period} {shop_id}")
    after = listing.place(call.query["cursor"])
    shop_no = shop_no_of(call, shop_id)
    statement, follows = service.shop_statement(
        call.conn, call.program, _period(period), shop_no, after, call.query["limit"], call.now
    )
    return Answer({**statement, "next_cursor": listing.cursor(follows)})


@statements.operation(
    "GET",
    "/statements/<period:period>/export",
    {200: CSV},
    query=ExportQuerySchema,
    refusals=("period_invalid",),
)
def export_statements(call: Call, period: str) -> Stream:
    """A month as a CSV file, streamed: one row per shop, or every commission."""
    month, detail = _period(period), call.query["detail"]
    produce = partial(service.export_csv, program=call.program, period=month, detail=detail, now=call.now)
    return Stream(produce, CSV, f"statement-{format_period(month)}-{detail}.csv")


@statements.operation("POST", "/audit", {202: AuditRequestSchema})
def request_audit(call: Call) -> Answer:
    """Asks for an audit of every invariant; a worker runs it soon."""
    audit.request_audit(call.conn, call.program, call.now)
    return Answer({"requested_at": call.now}, 202, after_commit=call.backend.ring)


@statements.operation("GET", "/audit", {200: AuditSchema}, refusals=("not_found",))
def get_audit(call: Call) -> Answer:
    """The last audit; 404 before the first."""
    found = audit.latest_audit(call.conn, call.program)
    if found is None:
        raise Refusal("not_found")
    return Answer({**found, "requested_at": audit.requested_at(call.conn, call.program)})


def _period(text: str) -> int:
    try:
        return period_of(text)
    except ValidationError:
        raise Refusal("period_invalid", period=text) from None
