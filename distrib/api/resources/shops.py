"""Shops: the referral tree and what stands at each of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from distrib.api.calls.bodies import BATCH_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import distance_of, is_partner, levels_below, must_be_own
from distrib.api.http.answers import Answer
from distrib.api.http.json_body import parse_document, readable
from distrib.api.http.shapes import LoadedList, Validated, load_body
from distrib.api.http.words import word
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.shops import (
    DOWNLINE,
    RANK_CHANGES,
    REGISTERED,
    SHOP,
    SHOP_OR_BELOW,
    STANDING_CHANGES,
    TREE,
    UPLINE,
    DownlineQuerySchema,
    MoveSchema,
    RankSchema,
    ShopBatchSchema,
    ShopDraftSchema,
    ShopPatchSchema,
    StatusSchema,
    TreeQuerySchema,
)
from distrib.api.schemas.visible import PARTNER_BELOW
from distrib.domain.errors import Problem, Refusal
from distrib.languages import render
from distrib.languages.web import current_language
from distrib.services.context import ListPart
from distrib.services.network import shops as service
from distrib.services.network.moves import Move
from distrib.services.network.shops import Registered, RelatedShop, ShopDraft

shops = Resource("shops", "The referral tree 推荐关系: shops 店铺, uplines 上线, downlines 下线")

_REGISTRATION = (
    "id_conflict",
    "sponsor_unknown",
    "sponsor_is_self",
    "sponsor_not_active",
    "sponsor_and_invite_code",
    "sponsor_required",
    "identity_required",
    "identity_used",
    "tree_too_deep",
    "conflict",
)


@shops.operation("POST", "/shops", {201: SHOP, 200: SHOP}, Takes(body=ShopDraftSchema), refusals=_REGISTRATION)
def register_shop(call: Call) -> Answer:
    """Brings a shop in: under a sponsor, by an invite code, or as a root. 200 when repeated."""
    draft = ShopDraft(**call.body)
    view, is_new = service.register_shop(call.unit, call.policy, draft, call.backend.identity_pepper)
    return Answer(view, 201 if is_new else 200, {"Location": f"/v1/shops/{quote(view.id, safe='')}"})


def _read_batch(sent: bytes) -> LoadedList:
    return LoadedList(ShopDraftSchema(), load_body(ShopBatchSchema, parse_document(sent))["shops"])


@shops.operation(
    "POST",
    "/shops/batch",
    {200: REGISTERED},
    Takes(body=ShopBatchSchema, reads_body=_read_batch, most_bytes=BATCH_BYTES),
    refusals=("conflict",),
)
def register_shops(call: Call) -> Answer:
    """Brings up to 1,000 shops in, sponsors before or after those they brought; one refusal does not touch the rest."""
    batch: LoadedList = call.body
    drafts = [ShopDraft(**draft) for draft in batch.values()]
    registered = iter(
        service.register_shops(call.unit, call.policy, drafts, call.backend.identity_pepper) if drafts else ()
    )
    results = [
        _result(next(registered)) if isinstance(entry, Validated) else _misshapen(raw, entry)
        for raw, entry in zip(batch.raws, batch.loaded, strict=True)
    ]
    return Answer({"results": results})


@shops.operation("GET", "/shops/<id:shop_id>", {200: SHOP_OR_BELOW}, refusals=("shop_unknown",))
def get_shop(call: Call, shop_id: str) -> Answer:
    """A shop as it stands now.

    A partner sees of a shop below its own what is listed as `partner-below`.
    """
    distance = distance_of(call, shop_id)
    view = service.get_shop(call.unit, shop_id)
    if distance == 0:
        return Answer(view)
    before = (distance, view.shop_no - 1)
    [related], _ = service.downline(call.unit, _own(call), distance, ListPart(before, 1))
    return Answer(_related(call, related), seen_as=PARTNER_BELOW)


@shops.operation("PATCH", "/shops/<id:shop_id>", {200: SHOP}, Takes(body=ShopPatchSchema), refusals=("shop_unknown",))
def change_shop(call: Call, shop_id: str) -> Answer:
    """Gives a shop another name, other attributes or another organiser."""
    return Answer(service.change_shop(call.unit, shop_id, call.body))


@shops.operation(
    "POST",
    "/shops/<id:shop_id>/erase",
    {200: SHOP},
    Takes(is_idempotent=True),
    refusals=("shop_unknown", "payee_in_payout"),
)
def erase_shop(call: Call, shop_id: str) -> Answer:
    """Blanks what is personal, for ever; the place in the tree and the money stay."""
    return Answer(service.erase_shop(call.unit, shop_id))


@shops.operation(
    "GET",
    "/shops/<id:shop_id>/upline",
    {200: UPLINE},
    Takes(query=PageQuerySchema),
    refusals=("shop_unknown",),
)
def list_upline(call: Call, shop_id: str) -> Answer:
    """The chain above a shop, nearest first."""
    listing = call.listing(f"upline {shop_id}")
    after = listing.place(call.query["cursor"])
    rows, follows = service.upline(call.unit, shop_id, after, call.query["limit"])
    return Answer(listing.page([_related(call, row) for row in rows], follows))


@shops.operation(
    "GET",
    "/shops/<id:shop_id>/downline",
    {200: DOWNLINE},
    Takes(query=DownlineQuerySchema),
    refusals=("shop_unknown",),
)
def list_downline(call: Call, shop_id: str) -> Answer:
    """The tree below a shop, level by level; a partner sees it as deep as the policy looks."""
    levels = call.query["levels"]
    listing = call.listing(f"downline {shop_id} {levels}")
    after = listing.place(call.query["cursor"])
    if is_partner(call):
        seen = levels_below(call.policy) - distance_of(call, shop_id)
        levels = seen if levels is None else min(levels, seen)
        if levels == 0:
            return Answer(listing.page([], None))
    rows, follows = service.downline(
        call.unit, shop_id, levels, ListPart(after, call.query["limit"]), counts=not is_partner(call)
    )
    return Answer(listing.page([_related(call, row) for row in rows], follows))


@shops.operation(
    "GET", "/shops/<id:shop_id>/tree", {200: TREE}, Takes(query=TreeQuerySchema), refusals=("shop_unknown",)
)
def get_tree(call: Call, shop_id: str) -> Answer:
    """A shop with up to 2,000 shops of the nearest levels below it, at once; of a tree of any size."""
    levels, most = call.query["levels"], call.query["most"]
    top, rows, is_cut = service.nearest_below(call.unit, shop_id, levels, most)
    return Answer({"top": top, "data": rows, "is_cut": is_cut})


@shops.operation(
    "GET",
    "/shops/<id:shop_id>/changes",
    {200: STANDING_CHANGES},
    Takes(query=PageQuerySchema),
    refusals=("shop_unknown",),
)
def list_shop_changes(call: Call, shop_id: str) -> Answer:
    """The statuses and the sponsors that a shop has had, each with its reason, earliest first."""
    listing = call.listing(f"changes {shop_id}")
    after = listing.place(call.query["cursor"])
    rows, follows = service.standing_history(call.conn, call.program, shop_id, after, call.query["limit"])
    return Answer(listing.page([asdict(row) for row in rows], follows))


@shops.operation(
    "POST",
    "/shops/<id:shop_id>/move",
    {200: SHOP},
    Takes(body=MoveSchema, is_idempotent=True),
    refusals=(
        "shop_unknown",
        "sponsor_unknown",
        "sponsor_not_active",
        "move_too_early",
        "sponsor_is_self",
        "sponsor_cycle",
        "tree_too_deep",
    ),
)
def move_shop(call: Call, shop_id: str) -> Answer:
    """Puts a shop, with all below it, under another sponsor; orders paid before count with the old one."""
    view = service.move_shop(
        call.unit, call.policy, shop_id, Move(call.body["sponsor_id"], call.body["effective_at"], call.body["reason"])
    )
    return Answer(view)


@shops.operation(
    "POST",
    "/shops/<id:shop_id>/status",
    {200: SHOP},
    Takes(body=StatusSchema, is_idempotent=True),
    refusals=("shop_unknown", "before_joining"),
)
def set_status(call: Call, shop_id: str) -> Answer:
    """Activates, freezes or closes a shop."""
    body = call.body
    view = service.set_status(call.unit, shop_id, body["status"], body["effective_at"], body["reason"])
    return Answer(view)


@shops.operation(
    "PUT",
    "/shops/<id:shop_id>/rank",
    {200: SHOP},
    Takes(body=RankSchema, is_idempotent=True),
    refusals=("shop_unknown", "before_joining", "rank_unknown"),
)
def set_rank(call: Call, shop_id: str) -> Answer:
    """Sets a rank by hand, in the same history as those earned; null ends what was set."""
    body = call.body
    view = service.set_rank(call.unit, shop_id, body["rank"], body["effective_at"], body["reason"])
    return Answer(view)


@shops.operation(
    "GET",
    "/shops/<id:shop_id>/ranks",
    {200: RANK_CHANGES},
    Takes(query=PageQuerySchema),
    refusals=("shop_unknown",),
)
def list_ranks(call: Call, shop_id: str) -> Answer:
    """The history of a shop's rank with its reasons, earliest first."""
    must_be_own(call, shop_id)
    listing = call.listing(f"ranks {shop_id}")
    after = listing.place(call.query["cursor"])
    rows, follows = service.rank_history(call.conn, call.program, shop_id, after, call.query["limit"])
    return Answer(listing.page([asdict(row) for row in rows], follows))


def _related(call: Call, row: RelatedShop) -> dict[str, Any]:
    return asdict(row) | {"currency": call.program.currency}


def _own(call: Call) -> str:
    if call.actor.shop_id is None:
        raise TypeError("a partner's key is bound to a shop")
    return call.actor.shop_id


def _result(registered: Registered) -> dict[str, Any]:
    result: dict[str, Any] = {"id": registered.id, "status": registered.status}
    if registered.refusal is not None:
        result |= {"code": registered.refusal.code, "detail": render(registered.refusal.text, current_language())}
    return result


def _misshapen(raw: Any, problems: list[Problem]) -> dict[str, Any]:
    language = current_language()
    errors = [{"pointer": readable(problem.pointer), "detail": word(problem.detail, language)} for problem in problems]
    sent = raw.get("id") if isinstance(raw, Mapping) else None
    detail = render(Refusal("invalid").text, language)
    shop_id = sent[:255] if isinstance(sent, str) else None
    return {"id": shop_id, "status": "refused", "code": "invalid", "detail": detail, "errors": errors}
