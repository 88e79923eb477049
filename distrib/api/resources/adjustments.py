"""Adjustments by hand: one key proposes, another approves."""

from __future__ import annotations

from urllib.parse import quote

from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.adjustments import (
    ADJUSTMENT,
    ADJUSTMENTS,
    AdjustmentDraftSchema,
    AdjustmentQuerySchema,
)
from distrib.services.ledger import adjustments as service
from distrib.services.ledger.adjustments import AdjustmentDraft

adjustments = Resource("adjustments", "Adjustments by hand 调整")


@adjustments.operation(
    "POST",
    "/adjustments",
    {201: ADJUSTMENT, 200: ADJUSTMENT},
    Takes(body=AdjustmentDraftSchema),
    refusals=("shop_unknown", "id_conflict"),
)
def propose_adjustment(call: Call) -> Answer:
    """Proposes an adjustment; nothing moves until another key approves it."""
    view, is_new = service.propose_adjustment(call.unit, AdjustmentDraft(**call.body))
    return Answer(shown(view), 201 if is_new else 200, {"Location": f"/v1/adjustments/{quote(view.id, safe='')}"})


@adjustments.operation(
    "POST",
    "/adjustments/<id:adjustment_id>/approve",
    {200: ADJUSTMENT},
    refusals=("adjustment_unknown", *TAKES_SECOND_PERSON),
)
def approve_adjustment(call: Call, adjustment_id: str) -> Answer:
    """Posts what another key proposed; approved again it changes nothing."""
    return Answer(shown(service.approve_adjustment(call.unit, adjustment_id)))


@adjustments.operation("GET", "/adjustments", {200: ADJUSTMENTS}, Takes(query=AdjustmentQuerySchema))
def list_adjustments(call: Call) -> Answer:
    """Adjustments in the order they were proposed."""
    shop_id, status = call.query["shop_id"], call.query["status"]
    listing = call.listing(f"adjustments {shop_id} {status}")
    after = listing.key(call.query["cursor"])
    rows, follows = service.list_adjustments(call.unit, shop_id, status, after, call.query["limit"])
    return Answer(listing.page_by_key(rows, follows))


@adjustments.operation("GET", "/adjustments/<id:adjustment_id>", {200: ADJUSTMENT}, refusals=("adjustment_unknown",))
def get_adjustment(call: Call, adjustment_id: str) -> Answer:
    """One adjustment."""
    return Answer(shown(service.get_adjustment(call.conn, call.program, adjustment_id)))
