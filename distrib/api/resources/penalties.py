"""Penalties: recorded with the decision they rest on, withdrawn where it falls."""

from __future__ import annotations

from urllib.parse import quote

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, shown
from distrib.api.schemas.penalties import (
    PENALTIES,
    PENALTY,
    PenaltyDraftSchema,
    PenaltyQuerySchema,
    WithdrawalSchema,
)
from distrib.services.compliance import penalties as service
from distrib.services.compliance.penalties import PenaltyDraft

penalties = Resource("penalties", "Penalties 处罚记录: for organising or leading pyramid selling 组织、领导传销")


@penalties.operation(
    "POST",
    "/compliance/penalties",
    {201: PENALTY, 200: PENALTY},
    Takes(body=PenaltyDraftSchema),
    refusals=("shop_unknown", "id_conflict"),
)
def record_penalty(call: Call) -> Answer:
    """Records a penalty about the person who runs a shop, or about an organiser."""
    view, is_new = service.record_penalty(call.unit, PenaltyDraft(**call.body))
    location = f"/v1/compliance/penalties/{quote(view.id, safe='')}"
    return Answer(shown(view), 201 if is_new else 200, {"Location": location})


@penalties.operation("GET", "/compliance/penalties", {200: PENALTIES}, Takes(query=PenaltyQuerySchema))
def list_penalties(call: Call) -> Answer:
    """Penalties in the order they were recorded, withdrawn and lapsed ones too."""
    shop_id, organiser_id = call.query["shop_id"], call.query["organiser_id"]
    listing = call.listing(f"penalties {shop_id} {organiser_id}")
    after = listing.place(call.query["cursor"])
    (passed_no,) = after or (None,)
    rows, follows = service.list_penalties(call.unit, shop_id, organiser_id, passed_no, call.query["limit"])
    return Answer(listing.page(rows, None if follows is None else (follows,)))


@penalties.operation("GET", "/compliance/penalties/<id:penalty_id>", {200: PENALTY}, refusals=("penalty_unknown",))
def get_penalty(call: Call, penalty_id: str) -> Answer:
    """One penalty."""
    return Answer(shown(service.get_penalty(call.unit, penalty_id)))


@penalties.operation(
    "POST",
    "/compliance/penalties/<id:penalty_id>/withdraw",
    {200: PENALTY},
    Takes(body=WithdrawalSchema, is_idempotent=True),
    refusals=("penalty_unknown", "penalty_withdrawn"),
)
def withdraw_penalty(call: Call, penalty_id: str) -> Answer:
    """Says that a decision no longer stands, such as one annulled on appeal; from now on it counts nowhere."""
    view = service.withdraw_penalty(call.unit, penalty_id, call.body["reason"])
    return Answer(shown(view))
