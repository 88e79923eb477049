"""A part of the busy day: shop owners come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distrib.services.sharing.shop_sessions import end_session, open_link, session_of

if TYPE_CHECKING:
    from tests.world.platform_day import PlatformDay


def let_owners_in(day: PlatformDay) -> None:
    """Links that are opened, sessions that are looked at, and their ends."""
    path = f"/v1/shops/{day.shop(20)}/session"
    link = day.good("POST", path)["url"].rpartition("/s/")[2]
    session, _ = _in_web(day, open_link, link)
    _in_web(day, session_of, session)
    _in_web(day, end_session, session)
    day.good("POST", f"{path}/end")


def _in_web(day: PlatformDay, use: Callable[..., Any], token: str) -> Any:
    """What a service of sessions answers, in a transaction of the web."""
    world = day.api.world
    with world.container.web_engine.begin() as conn:
        return use(conn, token, world.pepper, world.now())
