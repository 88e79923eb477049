"""Sessions of shop owners: the platform asks for a link for one shop, and ends what it opened."""

from __future__ import annotations

from distrib.api.calls.links import base_of_links
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.schemas.shop_sessions import ENDED_SESSIONS, SHOP_SESSION, ShopSessionDraftSchema
from distrib.domain.sharing import session_link
from distrib.services.sharing import shop_sessions as service

shop_sessions = Resource("shop_sessions", "Sessions of shop owners 店主登录: links that open once")


@shop_sessions.operation(
    "POST",
    "/shops/<id:shop_id>/session",
    {201: SHOP_SESSION},
    Takes(body=ShopSessionDraftSchema, needs_body=False),
    refusals=("shop_unknown", "shop_gone"),
)
def create_shop_session(call: Call, shop_id: str) -> Answer:
    """A link by which the owner of a shop comes in, once; it stands in this answer and nowhere else."""
    base = base_of_links(call)
    link = service.create_link(call.unit, shop_id, call.backend.pepper, **call.body)
    view = {
        "id": link.id,
        "shop_id": link.shop_id,
        "url": session_link(base, link.token),
        "expires_at": link.opens_until,
        "session_minutes": link.session_minutes,
    }
    return Answer(view, 201)


@shop_sessions.operation("POST", "/shops/<id:shop_id>/session/end", {200: ENDED_SESSIONS}, refusals=("shop_unknown",))
def end_shop_sessions(call: Call, shop_id: str) -> Answer:
    """Ends all links and sessions of a shop."""
    return Answer({"ended": service.end_sessions(call.unit, shop_id)})
