"""Customers 消费者: the shops they belong to (锁客), and the shop that a customer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from distrib.api.calls.bodies import BATCH_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.http.json_body import parse_document, readable
from distrib.api.http.problems import detail_of, entries_of
from distrib.api.http.shapes import LoadedList, Validated, load_body
from distrib.api.schemas.customers import (
    BOUND,
    BOUND_BATCH,
    CLAIMS,
    CUSTOMER,
    ClaimBatchSchema,
    ClaimDraftSchema,
    ClaimSchema,
    CustomerDraftSchema,
    MergeSchema,
)
from distrib.api.schemas.lists import PageQuerySchema
from distrib.domain.errors import Problem, Refusal
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.services.customers import bindings as service
from distrib.services.customers import records
from distrib.services.customers.bindings import ClaimDraft, ClaimResult

customers = Resource("customers", "Customers 消费者 and the shops they are bound to 锁客")


@customers.operation(
    "PUT",
    "/customers/<id:customer_id>",
    {200: CUSTOMER},
    Takes(body=CustomerDraftSchema),
    refusals=("binding_shop_unknown", "customer_unknown"),
)
def set_customer(call: Call, customer_id: str) -> Answer:
    """Says that a customer is also a shop; its purchases from that shop are purchases from itself."""
    shop_id = call.body["shop_id"]
    return Answer(asdict(records.set_customer(call.unit, customer_id, shop_id)))


@customers.operation("GET", "/customers/<id:customer_id>", {200: CUSTOMER}, refusals=("customer_unknown",))
def get_customer(call: Call, customer_id: str) -> Answer:
    """A customer: the shop it is, and the binding now in force."""
    return Answer(asdict(records.get_customer(call.unit, customer_id)))


@customers.operation(
    "POST",
    "/customers/<id:customer_id>/merge",
    {200: CUSTOMER},
    Takes(body=MergeSchema),
    refusals=(
        "customer_unknown",
        "customer_merged_into_itself",
        "merge_customer_unknown",
        "customer_merged",
        "person_too_large",
    ),
)
def merge_customer(call: Call, customer_id: str) -> Answer:
    """Says that the customer is the same person as another, which goes on; orders worked on stay as they are."""
    into = call.body["into"]
    return Answer(asdict(records.merge_customer(call.unit, customer_id, into)))


@customers.operation(
    "PUT",
    "/customers/<id:customer_id>/binding",
    {200: BOUND},
    Takes(body=ClaimSchema),
    refusals=("binding_shop_unknown", "bound_in_future"),
)
def bind_customer(call: Call, customer_id: str) -> Answer:
    """Records that a customer came by a shop: bound, kept by the shop that has it, or taken over."""
    draft = ClaimDraft(customer_id=customer_id, **call.body)
    return Answer(_shown(service.bind_customer(call.unit, draft)))


@customers.operation(
    "GET",
    "/customers/<id:customer_id>/binding",
    {200: CLAIMS},
    Takes(query=PageQuerySchema),
    refusals=("customer_unknown",),
)
def list_bindings(call: Call, customer_id: str) -> Answer:
    """The claims on a customer with what became of them, earliest first."""
    listing = call.listing(f"bindings {customer_id}")
    after = listing.place(call.query["cursor"])
    (passed,) = after or (0,)
    rows, follows = service.list_claims(call.conn, call.program, customer_id, passed, call.query["limit"])
    return Answer(listing.page([asdict(row) for row in rows], None if follows is None else (follows,)))


def _read_batch(sent: bytes) -> LoadedList:
    return LoadedList(ClaimDraftSchema(), load_body(ClaimBatchSchema, parse_document(sent))["bindings"])


@customers.operation(
    "POST",
    "/bindings/batch",
    {200: BOUND_BATCH},
    Takes(body=ClaimBatchSchema, reads_body=_read_batch, most_bytes=BATCH_BYTES),
)
def bind_customers(call: Call) -> Answer:
    """Records up to 1,000 claims; one refusal does not touch the rest."""
    batch: LoadedList = call.body
    drafts = [ClaimDraft(**draft) for draft in batch.values()]
    bound = iter(service.bind_customers(call.unit, drafts) if drafts else ())
    results = [
        _shown(next(bound)) if isinstance(entry, Validated) else _misshapen(raw, entry)
        for raw, entry in zip(batch.raws, batch.loaded, strict=True)
    ]
    return Answer({"results": results})


def _shown(result: ClaimResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"customer_id": result.customer_id, "outcome": result.outcome}
    if result.refusal is not None:
        return shown | {"code": result.refusal.code, "detail": detail_of(result.refusal, current_language())}
    return shown | {"binding": None if result.binding is None else asdict(result.binding)}


def _misshapen(raw: Any, problems: list[Problem]) -> dict[str, Any]:
    sent = raw.get("customer_id") if isinstance(raw, Mapping) else None
    customer_id = readable(sent[:255]) if isinstance(sent, str) else None
    refusal = {"code": "invalid", "detail": render(Refusal("invalid").text, current_language())}
    return {"customer_id": customer_id, "outcome": "refused", **refusal, "errors": entries_of(problems)}
