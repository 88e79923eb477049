"""Plans: documents become versions, versions are published."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from distrib.api.calls.bodies import LIST_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.http.json_body import parse_document
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.plans import PLAN, PLANS, PlanDocumentSchema, PublicationSchema
from distrib.services.plans import versions as service
from distrib.services.plans.versions import PlanView, PublicationDraft
from distrib.services.simulations.asking import headlines_of_document

plans = Resource("plans", "Who earns how much of an order 方案")


@plans.operation(
    "POST",
    "/plans",
    {201: PLAN},
    Takes(body=PlanDocumentSchema, reads_body=parse_document, is_idempotent=True, most_bytes=LIST_BYTES),
    refusals=("plan_invalid",),
)
def create_plan(call: Call) -> Answer:
    """Keeps a document as the next version of its code; 422 with every problem of it."""
    view = service.create_plan(call.unit, call.body, call.backend.policies)
    return Answer(_shown(view) | _simulated(call, view), 201, {"Location": f"/v1/plans/{view.code}/{view.version}"})


@plans.operation(
    "POST",
    "/plans/<id:code>/<version:version>/publish",
    {200: PLAN},
    Takes(body=PublicationSchema, is_idempotent=True),
    refusals=(
        "plan_unknown",
        "plan_published",
        "plan_refused",
        "sign_off_required",
        "rank_map_required",
        "effective_from_taken",
        "effective_from_closed",
        "orders_worked_on",
    ),
)
def publish_plan(call: Call, code: str, version: str) -> Answer:
    """Puts a version in force from an instant on, for ever; in the past only where no order was worked on since."""
    view = service.publish_plan(
        call.unit,
        call.backend.policies,
        code,
        int(version),
        PublicationDraft(call.body["effective_from"], call.body["signed_off_by"]),
    )
    return Answer(_shown(view) | _simulated(call, view))


@plans.operation("GET", "/plans", {200: PLANS}, Takes(query=PageQuerySchema))
def list_plans(call: Call) -> Answer:
    """Versions of all codes, newest first."""
    listing = call.listing("plans")
    before = listing.key(call.query["cursor"])
    views, follows = service.list_plans(call.conn, call.program, call.backend.policies, before, call.query["limit"])
    rows = [_shown(view) for view in views]
    for row in rows:
        del row["document"]
    return Answer(listing.page_by_key(rows, follows))


@plans.operation("GET", "/plans/<id:code>/<version:version>", {200: PLAN}, refusals=("plan_unknown",))
def get_plan(call: Call, code: str, version: str) -> Answer:
    """One version with its document and what the policy packs say of it."""
    view = service.get_plan(call.conn, call.program, call.backend.policies, code, int(version))
    return Answer(_shown(view) | _simulated(call, view))


def _simulated(call: Call, view: PlanView) -> dict[str, Any]:
    """The headlines of the simulations of the document: the newest by each mode of ranks; and the newest by itself."""
    headlines = headlines_of_document(call.conn, call.program, view.document)
    return {"simulation": next(iter(headlines), None), "simulations": headlines}


def _shown(view: PlanView) -> dict[str, Any]:
    shown = {field.name: getattr(view, field.name) for field in fields(view)}
    return shown | {"findings": [finding._asdict() for finding in view.findings]}
