"""Sessions of shop owners as they are asked for and answered."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN
from distrib.api.schemas.fields import Identifier, Instant, PlainText, Shape, Whole
from distrib.api.schemas.visible import Visible
from distrib.services.sharing.shop_sessions import (
    LEAST_SESSION_MINUTES,
    LINK_MINUTES,
    MOST_LINK_MINUTES,
    MOST_SESSION_MINUTES,
    SESSION_MINUTES,
)


class ShopSessionDraftSchema(Shape):
    """How long the link opens, and how long the session lasts that it opens."""

    link_minutes = Whole(low=1, high=MOST_LINK_MINUTES, load_default=LINK_MINUTES)
    session_minutes = Whole(low=LEAST_SESSION_MINUTES, high=MOST_SESSION_MINUTES, load_default=SESSION_MINUTES)


class ShopSessionSchema(Shape):
    """A link for the owner of one shop: it opens once."""

    id = PlainText(required=True, metadata={"description": "of the session, as what its owner does names it"})
    shop_id = Identifier(required=True)
    url = PlainText(high=2_000, required=True)
    expires_at = Instant(required=True, metadata={"description": "after it the link opens nothing"})
    session_minutes = Whole(low=1, required=True)


class EndedSessionsSchema(Shape):
    """How many links and sessions were ended."""

    ended = Whole(required=True)


# Who sees what: a link opens the shop, so that admins alone see it.
SHOP_SESSION = Visible(ShopSessionSchema, {ADMIN: ("id", "shop_id", "url", "expires_at", "session_minutes")})
ENDED_SESSIONS = Visible(EndedSessionsSchema, {ADMIN: ("ended",)})
