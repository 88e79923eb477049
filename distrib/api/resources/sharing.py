"""Posters and QR codes of a shop's invite link."""

from __future__ import annotations

import hashlib
import json
from functools import partial

from distrib.api.calls.bodies import PICTURE_BYTES
from distrib.api.calls.links import base_of_links
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import must_be_own
from distrib.api.http.answers import Answer, Drawing, shown
from distrib.api.http.words import say
from distrib.api.schemas.funnel import FUNNEL, FunnelQuerySchema
from distrib.api.schemas.sharing import (
    BACKGROUND,
    OWN,
    BackgroundDraftSchema,
    PosterQuerySchema,
    QrCodeQuerySchema,
)
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import NotFound
from distrib.domain.sharing import invite_link
from distrib.services.sharing import backgrounds
from distrib.services.sharing.backgrounds import Background
from distrib.services.sharing.funnel import read_funnel, span_view
from distrib.services.sharing.invitations import Invitation, check_claims, invitation_of
from distrib.services.sharing.posters import DESIGN, PosterLooks, draw_poster, draw_qr_code, show_price

sharing = Resource("sharing", "Sharing 邀请: posters 海报 and QR codes 二维码 of a shop's invite link")

PNG, SVG = "image/png", "image/svg+xml"


@sharing.operation(
    "GET",
    "/shops/<id:shop_id>/poster.png",
    {200: PNG, 304: None},
    Takes(query=PosterQuerySchema),
    refusals=("shop_unknown", "shop_not_inviting"),
)
def get_poster(call: Call, shop_id: str) -> Drawing:
    """A shop's share poster, 1080 × 1920: who invites into which program, the QR code of the invite link, the code.

    On wish in one of three designs, with a headline and an article with its price.
    """
    asked = call.query
    invitation, link = _invitation(call, shop_id)
    title, goods = asked["title"], asked["goods_name"]
    check_claims(call.backend.policies, call.program, {"?title": title, "?goods_name": goods})
    price_minor, language = asked["goods_price_minor"], asked["language"]
    price = None if price_minor is None else show_price(price_minor, call.program.currency, language)
    looks = PosterLooks(language, asked["design"], title, goods, price)
    background = _background(call) if asked["background"] == OWN else None
    image, digest = (b"", None) if background is None else (background.image, background.digest.hex())
    whole = looks._replace(background=image)
    draw = partial(draw_poster, invitation.program, invitation.inviter, invitation.code, link, whole)
    drawn_from = (language, looks.design, title, goods, price, digest)
    return Drawing(draw, PNG, _tag("poster", DESIGN, invitation.program, invitation.inviter, link, *drawn_from))


@sharing.operation(
    "PUT",
    "/program/poster-background",
    {200: BACKGROUND},
    Takes(body=BackgroundDraftSchema, most_bytes=PICTURE_BYTES),
)
def put_poster_background(call: Call) -> Answer:
    """Puts a picture behind the posters of the program, cut to their shape; the one before is gone."""
    return Answer(shown(backgrounds.set_background(call.unit, call.body["image"])))


@sharing.operation("GET", "/program/poster-background", {200: BACKGROUND}, refusals=("not_found",))
def get_poster_background(call: Call) -> Answer:
    """The size and digest of the picture behind the posters; 404 without one."""
    background = backgrounds.find_background(call.conn, call.program)
    if background is None:
        raise NotFound()
    return Answer(shown(backgrounds.background_view(background)))


@sharing.operation("DELETE", "/program/poster-background", {204: None})
def end_poster_background(call: Call) -> Answer:
    """Takes the picture away."""
    backgrounds.end_background(call.conn, call.program)
    return Answer(None, 204)


def _background(call: Call) -> Background:
    """The program's own picture; raises ``invalid`` without one."""
    background = backgrounds.find_background(call.conn, call.program)
    if background is None:
        raise Refusal("invalid", [Problem("?background", say("no_background"))])
    return background


@sharing.operation(
    "GET",
    "/shops/<id:shop_id>/qr.svg",
    {200: SVG, 304: None},
    Takes(query=QrCodeQuerySchema),
    refusals=("shop_unknown", "shop_not_inviting"),
)
def get_qr_code(call: Call, shop_id: str) -> Drawing:
    """The bare QR code of a shop's invite link."""
    _, link = _invitation(call, shop_id)
    scale = call.query["scale"]
    return Drawing(partial(draw_qr_code, link, scale), SVG, _tag("qr", DESIGN, link, scale))


@sharing.operation("GET", "/funnel", {200: FUNNEL}, Takes(query=FunnelQuerySchema), refusals=("shop_unknown",))
def get_funnel(call: Call) -> Answer:
    """From visits of invite links to repeat purchases, by day or month; of the program, or of one shop."""
    query = call.query
    spans = read_funnel(call.unit, query["shop_id"], query["grain"], query["from_day"], query["to_day"])
    return Answer({"data": [shown(span_view(call.program, span)) for span in spans]})


def _invitation(call: Call, shop_id: str) -> tuple[Invitation, str]:
    """Reads the invitation of a shop, and composes its link."""
    must_be_own(call, shop_id)
    invitation = invitation_of(call.unit, call.backend.policies, shop_id)
    return invitation, invite_link(base_of_links(call), invitation.code)


def _tag(*shown: object) -> str:
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]
