"""The trail: who changed or read what, for the admins of a program."""

from __future__ import annotations

from functools import partial

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, Stream
from distrib.api.schemas.trail import TRAIL, TrailExportQuerySchema, TrailQuerySchema
from distrib.services import trail as service
from distrib.services.context import format_period
from distrib.services.trail import TrailFilter

trail = Resource("trail", "The trail 操作留痕: who changed or read what")

_MEDIA_TYPES = {service.CSV: "text/csv; charset=utf-8", service.NDJSON: "application/x-ndjson"}


@trail.operation("GET", "/trail", {200: TRAIL}, Takes(query=TrailQuerySchema))
def list_trail(call: Call) -> Answer:
    """Who changed or read what, the newest first."""
    wanted = TrailFilter(**{name: call.query[name] for name in TrailFilter._fields})
    listing = call.listing(f"trail {wanted}")
    before_no = listing.key(call.query["cursor"])
    rows, follows = service.list_trail(call.conn, call.program, wanted, before_no, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@trail.operation("GET", "/trail/export", {200: tuple(_MEDIA_TYPES.values())}, Takes(query=TrailExportQuerySchema))
def export_trail(call: Call) -> Stream:
    """A month of the trail as a file, in its order."""
    period, form = call.query["period"], call.query["format"]
    produce = partial(service.trail_file, program=call.program, period=period, form=form)
    return Stream(produce, _MEDIA_TYPES[form], f"trail-{call.program.code}-{format_period(period)}.{form}")
