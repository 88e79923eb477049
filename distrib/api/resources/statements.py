"""Monthly statements and audits, for those who answer for the money."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from marshmallow import ValidationError

from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import is_partner, must_be_own
from distrib.api.http.answers import Answer, Stream, shown
from distrib.api.resources.commissions import shop_no_of
from distrib.api.schemas.fields import period_of
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.statements import (
    AuditWishSchema,
    CloseWishSchema,
    ExportQuerySchema,
    StatementsQuerySchema,
)
from distrib.api.schemas.statements_seen import (
    AUDIT,
    AUDIT_REQUEST,
    AUDITS,
    CLOSE,
    CLOSE_STATE,
    MANIFEST,
    MONTHS,
    SHOP_STATEMENT,
    STATEMENTS,
)
from distrib.domain.errors import Refusal
from distrib.domain.refusals import NotFound
from distrib.languages import render
from distrib.languages.readers import reader_of
from distrib.languages.web import accepted_reader, current_language
from distrib.services.audit import run
from distrib.services.context import ListPart
from distrib.services.refusals import PeriodInvalid
from distrib.services.statements import closing, files, month_states
from distrib.services.statements import months as service
from distrib.services.statements.files import MEDIA_TYPES, WORDED, FileWish

statements = Resource("statements", "Monthly statements 对账单 and audits 审计")


@statements.operation(
    "GET", "/statements", {200: STATEMENTS}, Takes(query=StatementsQuerySchema), refusals=("sort_not_kept",)
)
def get_statements(call: Call) -> Answer:
    """A month as it stands: totals, and one row per shop, by its id if not asked otherwise."""
    period = call.query["period"]
    state = call.query["filter"]
    sort = call.query["sort"] or {None: "shop", "owed": "-closing", "in_debt": "closing"}[state]
    if sort != "shop":
        return _sorted_statements(call, period, sort, state)
    listing = call.listing(f"statements {period}")
    after = listing.key(call.query["cursor"])
    statement, follows = service.statement_totals_and_rows(call.unit, period, after, call.query["limit"])
    return Answer({**shown(statement), "next_cursor": listing.cursor_by_key(follows)})


@statements.operation(
    "GET",
    "/statements/<period:period>/shops/<id:shop_id>",
    {200: SHOP_STATEMENT},
    Takes(query=PageQuerySchema),
    refusals=("shop_unknown", "period_invalid"),
)
def get_shop_statement(call: Call, period: str, shop_id: str) -> Answer:
    """One shop's month with its lines."""
    must_be_own(call, shop_id)
    listing = call.listing(f"statement {period} {shop_id}")
    after = listing.place(call.query["cursor"])
    shop_no = shop_no_of(call, shop_id)
    statement, follows = service.shop_statement(call.unit, _period(period), shop_no, after, call.query["limit"])
    return Answer({**shown(statement), "next_cursor": listing.cursor(follows)})


@statements.operation(
    "GET",
    "/statements/<period:period>/export",
    {200: tuple(MEDIA_TYPES.values())},
    Takes(query=ExportQuerySchema),
    refusals=("period_invalid", "shop_unknown"),
)
def export_statements(call: Call, period: str) -> Stream:
    """A month as a file, streamed: CSV, XLSX or Parquet with a row per shop or commission, or a PDF for one shop."""
    asked = call.query
    language = asked["language"] or accepted_reader()
    wish = FileWish(_period(period), asked["format"], asked["detail"], _shop_of_file(call), language)
    return Stream(
        lambda conn: files.export_file(call.unit.on(conn), wish),
        MEDIA_TYPES[wish.format],
        wish.filename,
        _file_headers(call, wish),
    )


@statements.operation(
    "GET", "/statements/<period:period>/export/manifest", {200: MANIFEST}, refusals=("period_invalid",)
)
def get_manifest(call: Call, period: str) -> Answer:
    """What the month's files hold: rows, totals, and the SHA-256 of each as CSV."""
    return Answer(shown(service.manifest(call.unit, _period(period))))


@statements.operation("GET", "/statements/months", {200: MONTHS}, Takes(query=PageQuerySchema))
def list_months(call: Call) -> Answer:
    """The months with any movement, the one that lasts and the one to be closed next: open, proposed or closed."""
    listing = call.listing("months")
    before = listing.key(call.query["cursor"])
    months, follows = month_states.list_months(call.unit, before, call.query["limit"])
    return Answer(listing.page_by_key(months, follows))


@statements.operation("GET", "/statements/<period:period>/close", {200: CLOSE_STATE}, refusals=("period_invalid",))
def get_close(call: Call, period: str) -> Answer:
    """How far the close of a month is, with all that still stops it; changes nothing and works out nothing."""
    state = month_states.close_state(call.unit, _period(period))
    return Answer({**shown(state.month), "stops": [_stop(refusal) for refusal in state.stops]})


@statements.operation(
    "POST",
    "/statements/<period:period>/close",
    {200: CLOSE},
    Takes(body=CloseWishSchema, is_idempotent=True, needs_body=False),
    refusals=("period_invalid", "period_closed", "period_not_over", "close_in_sequence", "events_pending"),
)
def propose_close(call: Call, period: str) -> Answer:
    """Answers what closing the month would fix, and keeps it for another key to confirm; changes nothing else."""
    cut_off_at = None if call.body is None else call.body["cut_off_at"]
    return Answer(shown(closing.propose_close(call.unit, _period(period), cut_off_at)))


@statements.operation(
    "POST",
    "/statements/<period:period>/close/confirm",
    {200: CLOSE},
    Takes(is_idempotent=True),
    refusals=(
        "period_invalid",
        "close_not_proposed",
        *TAKES_SECOND_PERSON,
        "close_changed",
        "period_closed",
        "period_not_over",
        "close_in_sequence",
        "events_pending",
    ),
)
def confirm_close(call: Call, period: str) -> Answer:
    """Closes the month as another person proposed it, for ever; pools still to be paid are paid with it."""
    return Answer(shown(closing.confirm_close(call.unit, _period(period))))


@statements.operation("POST", "/audit", {202: AUDIT_REQUEST}, Takes(body=AuditWishSchema, needs_body=False))
def request_audit(call: Call) -> Answer:
    """Asks for an audit of every invariant, or (``full``) of what is at rest too; a worker runs it soon."""
    run.request_audit(call.unit, is_full=call.body["full"])
    return Answer({"requested_at": call.now}, 202, after_commit=call.backend.ring)


@statements.operation("GET", "/audit", {200: AUDIT}, refusals=("not_found",))
def get_audit(call: Call) -> Answer:
    """The last audit; 404 before the first."""
    audit = run.latest_audit(call.conn, call.program)
    if audit is None:
        raise NotFound()
    return Answer({**audit, "requested_at": run.requested_at(call.conn, call.program)})


@statements.operation("GET", "/audits", {200: AUDITS}, Takes(query=PageQuerySchema))
def list_audits(call: Call) -> Answer:
    """When audits were made, and which checks of each did not hold; the newest first."""
    listing = call.listing("audits")
    before = listing.key(call.query["cursor"])
    rows, follows = run.list_audits(call.conn, call.program, before, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


def _stop(refusal: Refusal) -> dict[str, Any]:
    params = {name: refusal.params.get(name) for name in ("next", "events")}
    return {"code": refusal.code, "detail": render(refusal.text, current_language()), **params}


def _sorted_statements(call: Call, period: int, sort: str, state: str | None) -> Answer:
    listing = call.listing(f"statements {period} {sort} {state}")
    after = listing.place(call.query["cursor"])
    statement, follows = service.sorted_statement(call.unit, period, sort, state, ListPart(after, call.query["limit"]))
    return Answer({**shown(statement), "next_cursor": listing.cursor(follows)})


def _shop_of_file(call: Call) -> str | None:
    """The shop that the file is about; a partner's file is always about its own."""
    shop_id: str | None = call.query["shop_id"]
    if is_partner(call):
        shop_id = shop_id or call.actor.shop_id
    if shop_id is not None:
        must_be_own(call, shop_id)
        shop_no_of(call, shop_id)
    return shop_id


def _file_headers(call: Call, wish: FileWish) -> dict[str, str]:
    """The language of a file for people; the digest of a closed month's whole CSV file, as RFC 9530 writes it."""
    if wish.format in WORDED:
        return {"Content-Language": ", ".join(reader_of(wish.language).languages), "Vary": "Accept-Language"}
    if wish.format != "csv" or wish.shop_id is not None:
        return {}
    digest = service.digest_of_file(call.conn, call.program, wish.period, wish.detail)
    return {} if digest is None else {"Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:"}


def _period(text: str) -> int:
    try:
        return period_of(text)
    except ValidationError:
        raise PeriodInvalid(period=text) from None
