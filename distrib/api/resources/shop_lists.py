"""Lists of shops: found, filtered, sorted, and decided on many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from distrib.api.calls.bodies import BATCH_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer, EntryChange
from distrib.api.http.json_body import parse_document, readable
from distrib.api.http.problems import detail_of, entries_of
from distrib.api.http.shapes import LoadedList, Validated, load_body
from distrib.api.schemas.shop_lists import (
    DECIDED,
    SHOPS,
    DecisionBatchSchema,
    ShopDecisionSchema,
    ShopsQuerySchema,
)
from distrib.domain.errors import Problem, Refusal
from distrib.languages.web import current_language
from distrib.services.network import listing as service
from distrib.services.network.decisions import CHANGED, REFUSED, Decided, ShopDecision, decide_shops
from distrib.services.network.listing import ShopQuery

shop_lists = Resource("shop lists", "Shops 店铺 found, filtered, sorted and decided on by the thousand")


@shop_lists.operation(
    "GET", "/shops", {200: SHOPS}, Takes(query=ShopsQuerySchema), refusals=("shop_unknown", "list_too_wide")
)
def list_shops(call: Call) -> Answer:
    """Shops by what is newest of them, the newest first if not asked otherwise, with how many fit."""
    query = ShopQuery(**{name: value for name, value in call.query.items() if name not in ("limit", "cursor")})
    listing = call.listing(f"shops {query}")
    after = listing.place(call.query["cursor"])
    page = service.list_shops(call.unit, query, after, call.query["limit"])
    view = listing.page([asdict(entry) for entry in page.entries], page.follows)
    counted = {"count": page.count, "count_is_estimate": page.count_is_estimate}
    return Answer({**view, **counted, "sorted_as_of": page.sorted_as_of})


def _read_decisions(sent: bytes) -> LoadedList:
    return LoadedList(ShopDecisionSchema(), load_body(DecisionBatchSchema, parse_document(sent))["decisions"])


@shop_lists.operation(
    "POST",
    "/shops/status/batch",
    {200: DECIDED},
    Takes(body=DecisionBatchSchema, reads_body=_read_decisions, most_bytes=BATCH_BYTES),
)
def set_statuses(call: Call) -> Answer:
    """Activates or closes up to 1,000 shops, as those that wait to be let in; one refusal does not touch the rest."""
    batch: LoadedList = call.body
    decisions = [ShopDecision(**value) for value in batch.values()]
    decided = decide_shops(call.unit, decisions) if decisions else []
    outcomes = iter(decided)
    results = [
        _decided(next(outcomes)) if isinstance(entry, Validated) else _misshapen(raw, entry)
        for raw, entry in zip(batch.raws, batch.loaded, strict=True)
    ]
    changed = [
        EntryChange(decision.shop_id, asdict(decision), {"status": outcome.before}, {"status": decision.status})
        for decision, outcome in zip(decisions, decided, strict=True)
        if outcome.outcome == CHANGED
    ]
    return Answer({"results": results}, entries=changed)


def _decided(outcome: Decided) -> dict[str, Any]:
    result: dict[str, Any] = {"shop_id": outcome.shop_id, "status": outcome.outcome}
    if outcome.refusal is not None:
        result |= {"code": outcome.refusal.code, "detail": detail_of(outcome.refusal, current_language())}
    return result


def _misshapen(raw: Any, problems: list[Problem]) -> dict[str, Any]:
    sent = raw.get("shop_id") if isinstance(raw, Mapping) else None
    shop_id = readable(sent[:255]) if isinstance(sent, str) else None
    refusal = {"code": "invalid", "detail": detail_of(Refusal("invalid"), current_language())}
    return {"shop_id": shop_id, "status": REFUSED, **refusal, "errors": entries_of(problems)}
