"""Payees, payout batches and their files, results and reports, for those who send the money."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from distrib.api.calls.bodies import BATCH_BYTES, LIST_BYTES
from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import must_be_own
from distrib.api.http.answers import Answer, Stream, shown
from distrib.api.http.pagination import DEFAULT_LIMIT, MOST_LIMIT, Listing
from distrib.api.http.words import say
from distrib.api.schemas.payees import PAYEE, PayeeDraftSchema
from distrib.api.schemas.payouts import (
    ChannelDocumentSchema,
    ClosingDraftSchema,
    FilesQuerySchema,
    PayableQuerySchema,
    PayoutDraftSchema,
    PayoutExportQuerySchema,
    PayoutQuerySchema,
    PayoutsQuerySchema,
    QuarterQuerySchema,
    RefusedQuerySchema,
    ResultsSchema,
    YearQuerySchema,
)
from distrib.api.schemas.payouts_seen import (
    OWN_PAYOUT,
    OWN_PAYOUTS,
    PAYABLE,
    PAYOUT,
    PAYOUT_FILES,
    PAYOUTS,
    REFUSED_LINES,
    SETTLED,
)
from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.channels import CSV
from distrib.domain.payouts.personal_data import Payee
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.services.payouts import batches as service
from distrib.services.payouts import closing_payments, files, own_payouts, payable, payee_versions, reports
from distrib.services.payouts.batch_views import PayoutInFull
from distrib.services.payouts.batches import PayoutDraft
from distrib.services.payouts.closing_payments import ClosingDraft
from distrib.services.payouts.files import WantedFile
from distrib.services.payouts.results import record_results
from distrib.services.payouts.sheet import REFUSED, LineOutcome, ResultDraft

payouts = Resource("payouts", "Payees 收款人 and payouts 打款")

_CSV = "text/csv; charset=utf-8"
_JSON = "application/json"
_OPEN = ("payout_unknown", "payout_not_approved", "payout_cancelled")
_RESULTS = (
    "line_unknown_in_payout",
    "detail_unknown_in_payout",
    "detail_of_other_shop",
    "line_ambiguous",
    "result_conflict",
    "line_not_paid",
    "channel_without_returns",
    "paid_on_in_future",
    "paid_on_before_approval",
    "paid_on_before_payment",
    "paid_on_closed",
)


@payouts.operation(
    "PUT",
    "/shops/<id:shop_id>/payee",
    {200: PAYEE, 202: PAYEE},
    Takes(body=PayeeDraftSchema),
    refusals=("shop_unknown",),
)
def put_payee(call: Call, shop_id: str) -> Answer:
    """Says whom a shop is paid through; kept encrypted, in versions, and needed before a first payout.

    A shop's first is in force at once. Another one waits (202): the one before is paid until then.
    """
    backend = call.backend
    view, waits = payee_versions.put_payee(
        call.unit, shop_id, Payee(**call.body), backend.sealer, backend.identity_pepper
    )
    return Answer(shown(view), 202 if waits else 200)


@payouts.operation(
    "POST",
    "/shops/<id:shop_id>/payee/approve",
    {200: PAYEE},
    refusals=("shop_unknown", "change_unknown", *TAKES_SECOND_PERSON),
)
def approve_payee(call: Call, shop_id: str) -> Answer:
    """Puts the payee that waits in force at once; by another person than proposed it."""
    backend = call.backend
    return Answer(shown(payee_versions.approve_payee(call.unit, shop_id, backend.sealer, backend.identity_pepper)))


@payouts.operation(
    "POST",
    "/shops/<id:shop_id>/payee/cancel",
    {200: PAYEE},
    refusals=("shop_unknown", "change_unknown", "change_in_force"),
)
def cancel_payee(call: Call, shop_id: str) -> Answer:
    """Ends the payee that waits; the one in force stays."""
    backend = call.backend
    return Answer(shown(payee_versions.cancel_payee(call.unit, shop_id, backend.sealer, backend.identity_pepper)))


@payouts.operation("GET", "/shops/<id:shop_id>/payee", {200: PAYEE}, refusals=("shop_unknown", "payee_missing"))
def get_payee(call: Call, shop_id: str) -> Answer:
    """A shop's payee, its numbers masked; a partner sees its own, without the keys that wrote it."""
    must_be_own(call, shop_id)
    return Answer(payee_versions.get_payee(call.conn, call.program, shop_id, call.backend.sealer))


@payouts.operation(
    "POST",
    "/payouts",
    {201: PAYOUT, 200: PAYOUT},
    Takes(body=PayoutDraftSchema, most_bytes=LIST_BYTES),
    refusals=("id_conflict", "channel_unknown", "channel_currency", "withholding_currency", "exceeds_available"),
)
def create_payout(call: Call) -> Answer:
    """Makes a batch of what is available, or of what is named, and reserves the money. 200 when repeated."""
    body = call.body
    months = {entry["shop_id"]: entry["months"] for entry in body["months_counted"] or ()}
    named = {name: body[name] for name in ("shop_ids", "amounts", "withdrawals")}
    draft = PayoutDraft(body["id"], body["up_to"], body["min_minor"] or 0, body["channel"] or CSV, months, **named)
    _apply_due_payees(call)
    is_new = service.create_payout(call.unit, draft, call.backend.channels)
    location = {"Location": f"/v1/payouts/{quote(draft.id, safe='')}"}
    return Answer(_shown(call, draft.id, None, MOST_LIMIT), 201 if is_new else 200, location)


@payouts.operation("GET", "/payouts", {200: (PAYOUTS, OWN_PAYOUTS)}, Takes(query=PayoutsQuerySchema))
def list_payouts(call: Call) -> Answer:
    """Batches without their lines, the newest first; a partner sees its own shop's line of each, and nothing else."""
    shop_no = call.actor.shop_no
    filters = {name: call.query[name] for name in ("state", "month")}
    asked = "".join(f" {name} {value}" for name, value in filters.items() if value is not None)
    listing = call.listing(f"payouts{asked}" if shop_no is None else f"payouts of {shop_no}")
    before = listing.key(call.query["cursor"])
    if shop_no is not None:
        _refuse_filters(filters)
        own, follows = own_payouts.list_own_payouts(call.conn, call.program, shop_no, before, call.query["limit"])
        return Answer(listing.page_by_key(own, follows))
    views, follows = service.list_payouts(call.unit, before, call.query["limit"], **filters)
    return Answer(listing.page_by_key(views, follows))


def _refuse_filters(filters: Mapping[str, object]) -> None:
    """Raises ``invalid`` for what a partner asks of batches, of which it sees its own lines alone."""
    problems = [Problem(f"?{name}", say("of_batches")) for name, value in filters.items() if value is not None]
    if problems:
        raise Refusal("invalid", problems)


@payouts.operation(
    "GET",
    "/payouts/<id:payout_id>",
    {200: (PAYOUT, OWN_PAYOUT)},
    Takes(query=PayoutQuerySchema),
    refusals=("payout_unknown",),
)
def get_payout(call: Call, payout_id: str) -> Answer:
    """A batch with its lines, a page at a time, or with one shop's; for a partner its own shop's line alone."""
    shop_id = call.query["shop_id"]
    if call.actor.shop_no is not None:
        _refuse_filters({"shop_id": shop_id})
        return Answer(shown(own_payouts.get_own_payout(call.conn, call.program, call.actor.shop_no, payout_id)))
    return Answer(_shown(call, payout_id, call.query["cursor"], call.query["limit"], shop_id))


@payouts.operation(
    "GET",
    "/payouts/<id:payout_id>/refused",
    {200: REFUSED_LINES},
    Takes(query=RefusedQuerySchema),
    refusals=("payout_unknown",),
)
def list_refused_lines(call: Call, payout_id: str) -> Answer:
    """Shops that the batch could not pay, with the code why; those of one code where that is asked for."""
    code = call.query["code"]
    listing = call.listing(f"refused {payout_id} {code}")
    after = listing.key(call.query["cursor"])
    views, follows = service.list_refused(call.unit, payout_id, code, after or "", call.query["limit"])
    return Answer(listing.page_by_key(views, follows))


@payouts.operation(
    "POST",
    "/payouts/<id:payout_id>/approve",
    {200: PAYOUT},
    refusals=("payout_unknown", "payout_cancelled", *TAKES_SECOND_PERSON),
)
def approve_payout(call: Call, payout_id: str) -> Answer:
    """Approves a batch, by another person than made it."""
    service.approve_payout(call.unit, payout_id)
    return Answer(_shown(call, payout_id, None, DEFAULT_LIMIT))


@payouts.operation(
    "POST", "/payouts/<id:payout_id>/cancel", {200: PAYOUT}, refusals=("payout_unknown", "payout_approved")
)
def cancel_payout(call: Call, payout_id: str) -> Answer:
    """Gives the money of a batch back, before it is approved."""
    service.cancel_payout(call.unit, payout_id)
    return Answer(_shown(call, payout_id, None, DEFAULT_LIMIT))


@payouts.operation(
    "POST",
    "/payouts/<id:payout_id>/results",
    {200: SETTLED},
    Takes(body=ResultsSchema, most_bytes=BATCH_BYTES),
    refusals=(*_OPEN, *_RESULTS),
)
def record_payout_results(call: Call, payout_id: str) -> Answer:
    """Records what the channel said of lines; each settles once, and may come back once after it was paid.

    A single result that is refused answers as such.
    """
    drafts = [ResultDraft(**draft) for draft in call.body["results"]]
    settled = record_results(call.unit, payout_id, drafts, call.backend.channels)
    if len(settled) == 1 and settled[0].refusal is not None:
        raise settled[0].refusal
    view, _ = service.payout_view(call.unit, payout_id, 0, 1)
    figures = {
        name: getattr(view.batch, name) for name in ("status", "paid_count", "failed_count", "returned_count", "count")
    }
    return Answer({"results": [_outcome_view(draft) for draft in settled], **figures})


@payouts.operation(
    "GET",
    "/payouts/<id:payout_id>/files",
    {200: PAYOUT_FILES},
    Takes(query=FilesQuerySchema),
    refusals=(*_OPEN, "channel_unknown", "channel_currency"),
)
def list_payout_files(call: Call, payout_id: str) -> Answer:
    """Which files a batch has, with count and total of each."""
    channels = call.backend.channels
    return Answer(shown(files.list_files(call.conn, call.program, payout_id, channels, call.query["format"])))


@payouts.operation(
    "GET",
    "/payouts/<id:payout_id>/export",
    {200: (_CSV, ChannelDocumentSchema)},
    Takes(query=PayoutExportQuerySchema),
    refusals=(*_OPEN, "part_unknown", "channel_unknown", "channel_currency", "channel_unfit"),
)
def export_payout(call: Call, payout_id: str) -> Stream:
    """The file that the channel takes, once the batch is approved; names, identities and accounts in full."""
    query = call.query
    name = query["format"] or service.head_of(call.conn, call.program, payout_id).channel
    suffix, media_type = ("csv", f"text/csv; charset={query['encoding']}") if name == CSV else ("json", _JSON)
    produce = partial(_file, call, payout_id, name)
    return Stream(produce, media_type, f"payout-{name}-{query['part']}.{suffix}")


@payouts.operation(
    "POST",
    "/shops/<id:shop_id>/closing-payment",
    {201: PAYOUT, 200: PAYOUT},
    Takes(body=ClosingDraftSchema),
    refusals=(
        "shop_unknown",
        "id_conflict",
        "shop_not_closed",
        "closing_payment_open",
        "nothing_available",
        "payee_missing",
        "account_missing",
        "below_channel_minimum",
        "above_channel_maximum",
        "channel_unknown",
        "channel_currency",
        "withholding_currency",
    ),
)
def propose_closing_payment(call: Call, shop_id: str) -> Answer:
    """Reserves the last money of a closed shop as a batch of one line, for a second person to approve."""
    body = call.body
    draft = ClosingDraft(body["id"], shop_id, body["reason"], body["channel"] or CSV)
    _apply_due_payees(call)
    is_new = closing_payments.propose_closing_payment(call.unit, draft, call.backend.channels)
    location = {"Location": f"/v1/payouts/{quote(draft.id, safe='')}"}
    return Answer(_shown(call, draft.id, None, DEFAULT_LIMIT), 201 if is_new else 200, location)


@payouts.operation(
    "POST",
    "/shops/<id:shop_id>/closing-payment/approve",
    {200: PAYOUT},
    refusals=("shop_unknown", "closing_payment_unknown", "payout_cancelled", *TAKES_SECOND_PERSON),
)
def approve_closing_payment(call: Call, shop_id: str) -> Answer:
    """Approves a shop's closing payment, by another key than asked for it; approved again it changes nothing."""
    payout_id = closing_payments.approve_closing_payment(call.unit, shop_id)
    return Answer(_shown(call, payout_id, None, DEFAULT_LIMIT))


@payouts.operation(
    "GET",
    "/payouts/reports/available",
    {200: PAYABLE},
    Takes(query=PayableQuerySchema),
    refusals=("channel_unknown", "channel_currency"),
)
def list_payable(call: Call) -> Answer:
    """Shops with money: what a batch made now would pay each, and why it would not; nothing is reserved.

    A page may be short where few shops have money: go on while there is a cursor.
    """
    query = payable.PayableQuery(**{name: call.query[name] for name in ("channel", "min_minor", "side")})
    listing = call.listing(f"payable {query}")
    after, limit = listing.key(call.query["cursor"]) or "", call.query["limit"]
    views, follows = payable.list_payable(call.unit, query, call.backend.channels, after, limit)
    return Answer(listing.page_by_key(views, follows))


@payouts.operation("GET", "/payouts/reports/platform", {200: _CSV}, Takes(query=QuarterQuerySchema))
def report_platform(call: Call) -> Stream:
    """The quarter's income by payee, as platforms have to tell the tax office (Order 810)."""
    quarter = call.query["quarter"]
    reports.parse_quarter(quarter)
    produce = partial(reports.platform_report, program=call.program, quarter=quarter, sealer=call.backend.sealer)
    return Stream(produce, _CSV, f"platform-{quarter}.csv")


@payouts.operation("GET", "/payouts/reports/us-1099", {200: _CSV}, Takes(query=YearQuerySchema))
def report_us_1099(call: Call) -> Stream:
    """What each payee was paid in a year, and whether form 1099-NEC is due."""
    year = call.query["year"]
    produce = partial(reports.us_1099_report, program=call.program, year=year, sealer=call.backend.sealer)
    return Stream(produce, _CSV, f"us-1099-{year}.csv")


def _file(call: Call, payout_id: str, name: str, conn: Connection) -> Generator[bytes, None, None]:
    backend, query = call.backend, call.query
    made = files.channel_file(
        call.unit.on(conn),
        payout_id,
        backend.channels,
        backend.sealer,
        WantedFile(name, query["part"], query["encoding"]),
    )
    yield made.content


def _apply_due_payees(call: Call) -> None:
    """Puts in force what is due, whether or not a worker came by."""
    backend = call.backend
    payee_versions.apply_due_payees(call.unit, backend.sealer, backend.identity_pepper)


def _shown(call: Call, payout_id: str, cursor: str | None, limit: int, shop_id: str | None = None) -> dict[str, Any]:
    listing: Listing = call.listing(f"payout {payout_id}" + (f" {shop_id}" if shop_id is not None else ""))
    after = listing.key(cursor)
    view, follows = service.payout_view(call.unit, payout_id, after or 0, limit, shop_id)
    return {**whole_view(view), "next_cursor": listing.cursor_by_key(follows)}


def whole_view(view: PayoutInFull) -> dict[str, Any]:
    """A batch and what is shown with it, side by side."""
    in_full: dict[str, Any] = shown(view)
    return {**in_full.pop("batch"), **in_full}


def _outcome_view(outcome: LineOutcome) -> dict[str, Any]:
    answered: dict[str, Any] = {"shop_id": outcome.shop_id, "detail_no": outcome.detail_no, "status": outcome.outcome}
    if outcome.outcome == REFUSED and outcome.refusal is not None:
        answered |= {"code": outcome.refusal.code, "detail": render(outcome.refusal.text, current_language())}
    return answered
