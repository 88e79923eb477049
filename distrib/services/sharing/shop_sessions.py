"""Sessions of shop owners: a link for one shop that opens once, and what it opens.

The platform knows who its shop owners are; it asks for a link and sends the owner there. Who opens the link acts as a
partner's key of that shop does, and with no more. A link reads ``sl_<session id>_<secret>``, the session that it opened
``ss_<session id>_<secret>``; kept is a keyed hash of the one that counts. Nothing of HTTP, no cookie may enter.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.network.refusals import ShopUnknown
from distrib.services.context import Actor, Program, Unit
from distrib.services.pepper import Pepper
from distrib.services.programs.tenants import get_program
from distrib.services.sharing.refusals import SessionOver, ShopGone
from distrib.store.database import enter_program
from distrib.store.network import shops
from distrib.store.network.shops import ShopRow
from distrib.store.sharing import codes
from distrib.store.sharing import shop_sessions as store
from distrib.store.sharing.shop_sessions import SessionRow

LINK_MINUTES: Final = 10
MOST_LINK_MINUTES: Final = 60
SESSION_MINUTES: Final = 12 * 60
LEAST_SESSION_MINUTES: Final = 5
MOST_SESSION_MINUTES: Final = 7 * 24 * 60
KEPT: Final = timedelta(days=30)
"""How long it can be seen whose link it was, after it is over."""
CLOSED, ERASED = "closed", "erased"
_LINK, _SESSION = "sl", "ss"
_TOKEN = re.compile(r"(sl|ss)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class ShopLink:
    """A link as it was made: the only time its token is seen.

    Args:
        opens_until: after this instant the link opens nothing.
        session_minutes: how long the session lasts that it opens.
    """

    id: str
    shop_id: str
    token: str
    opens_until: datetime
    session_minutes: int


def create_link(
    unit: Unit,
    shop_id: str,
    pepper: Pepper,
    *,
    link_minutes: int = LINK_MINUTES,
    session_minutes: int = SESSION_MINUTES,
) -> ShopLink:
    """Makes a link that opens a session of a shop, once.

    Raises:
        Refusal: ``shop_unknown``, or ``shop_gone`` where it is closed or erased.
    """
    row = _shop(unit, shop_id)
    state = _end_state(unit.conn, unit.program, row)
    if state is not None:
        raise ShopGone(id=shop_id, state=state)
    session_id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    opens_until = unit.now + timedelta(minutes=link_minutes)
    hashed = pepper.hash(_content(_LINK, session_id, secret))
    made = (hashed, session_minutes, unit.now, unit.actor.key_id, None, opens_until)
    store.insert_session(unit.conn, SessionRow(unit.program_id, session_id, row.shop_no, *made))
    store.clear_sessions(unit.conn, unit.program_id, unit.now - KEPT)
    return ShopLink(session_id, shop_id, _token(_LINK, session_id, secret), opens_until, session_minutes)


def link_of(conn: Connection, token: str, pepper: Pepper, now: datetime) -> tuple[Program, str | None]:
    """Looks whose link a token is without opening it: the program, which is entered, and the name of the shop.

    Raises:
        Refusal: ``session_over`` as ``open_link`` does.
    """
    _, program, shop = _live(conn, token, _LINK, pepper, now)
    return program, shop.name


def open_link(conn: Connection, token: str, pepper: Pepper, now: datetime) -> tuple[str, datetime]:
    """Opens a link: answers the token of its session, and until when that lasts. A second time it opens nothing.

    Raises:
        Refusal: ``session_over``, alike for what never was a link and for one that was used, ended or has run out, and
            for a shop that is closed or erased.
    """
    row, _, _ = _live(conn, token, _LINK, pepper, now)
    secret, over_at = secrets.token_urlsafe(32), now + timedelta(minutes=row.session_minutes)
    if not store.open_session(conn, row, pepper.hash(_content(_SESSION, row.session_id, secret)), now, over_at):
        raise SessionOver()
    return _token(_SESSION, row.session_id, secret), over_at


def session_of(conn: Connection, token: str, pepper: Pepper, now: datetime) -> tuple[Program, Actor]:
    """Finds whose session a token is, and enters its program: the actor may what a partner's key of the shop may.

    Raises:
        Refusal: ``session_over`` as ``open_link`` does.
    """
    row, program, shop = _live(conn, token, _SESSION, pepper, now)
    return program, _actor(row, shop)


def end_session(conn: Connection, token: str, pepper: Pepper, now: datetime) -> None:
    """Ends the session of a token, as who signs out does; what is over already stays so."""
    try:
        row, _, shop = _live(conn, token, _SESSION, pepper, now)
    except Refusal:
        return
    store.end_session(conn, row, _actor(row, shop).key_id, now)


def end_sessions(unit: Unit, shop_id: str) -> int:
    """Ends all links and sessions of a shop, and counts those that were not over.

    Raises:
        Refusal: ``shop_unknown``.
    """
    row = _shop(unit, shop_id)
    return store.end_sessions(unit.conn, unit.program_id, row.shop_no, unit.actor.key_id, unit.now)


def _live(
    conn: Connection, token: str, kind: str, pepper: Pepper, now: datetime
) -> tuple[SessionRow, Program, ShopRow]:
    """Finds the row of a token that still counts, its program, which is entered, and its shop; or ``session_over``."""
    match = _TOKEN.fullmatch(token)
    session_id, secret = (match[2], match[3]) if match else ("0" * 32, "")
    row = store.find_session(conn, session_id)
    is_good = pepper.made(row.secret_hmac if row else _NOBODY, _content(kind, session_id, secret))
    if match is None or match[1] != kind or row is None or not is_good or row.over_at <= now:
        raise SessionOver()
    enter_program(conn, row.program_id)
    program = get_program(conn, row.program_id)
    shop = shops.show_many(conn, row.program_id, [row.shop_no], now)[row.shop_no]
    if _end_state(conn, program, shop) is not None:
        raise SessionOver()
    return row, program, shop


def _actor(row: SessionRow, shop: ShopRow) -> Actor:
    """Who acts in a session: the shop itself, by whatever link. A slash is in no owner's name: none is taken for it."""
    person = f"shop/{shop.shop_id}"
    return Actor(f"session-{row.session_id}", shop.shop_id, "partner", shop.shop_no, shop.shop_id, person)


def _shop(unit: Unit, shop_id: str) -> ShopRow:
    row = shops.show(unit.conn, unit.program_id, shop_id, unit.now) if is_identifier(shop_id) else None
    if row is None:
        raise ShopUnknown(id=shop_id)
    return row


def _end_state(conn: Connection, program: Program, shop: ShopRow) -> str | None:
    """What has become of a shop that nobody may act for any more; None for every other."""
    if codes.is_erased(conn, program.program_id, shop.shop_id):
        return ERASED
    return CLOSED if shop.status == CLOSED else None


def _token(kind: str, session_id: str, secret: str) -> str:
    return f"{kind}_{session_id}_{secret}"


def _content(kind: str, session_id: str, secret: str) -> bytes:
    """What is hashed of a secret; the link's and the session's differ whatever their text."""
    return f"{kind}\0{session_id}\0{secret}".encode()
