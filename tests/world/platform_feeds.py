"""A part of the busy day: shop owners come in, invite links are visited, the funnel is worked out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.views import shop_names
from distrib.services.people import accounts, seats
from distrib.services.people.accounts import PersonDraft, SignIn
from distrib.services.people.password_links import use_link
from distrib.services.people.subjects import bind_subject, person_of_subject, unbind_subject
from distrib.services.sharing.shop_sessions import end_session, open_link, session_of
from workers.funnels import keep_funnels
from workers.visits import forget_past_visitors

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


def visit_links(day: PlatformDay) -> None:
    """Visits of an invite link, the funnel of the program and of a shop, and the day's visitors forgotten."""
    container, shop = day.api.world.container, day.shop(20)
    code = day.admin.get(f"/v1/shops/{shop}")["invite_code"]
    phone = {"User-Agent": "Mozilla/5.0 (iPhone)"}
    for _ in range(2):
        day.good("GET", f"/r/{code}?s=wechat", headers=phone)
    keep_funnels(container)
    day.good("GET", "/v1/funnel?from=2024-02-01&to=2024-03-01")
    day.good("GET", "/v1/funnel?from=2024-01-01&to=2024-03-01&by=month")
    day.good("GET", f"/v1/funnel?from=2024-01-01&to=2024-03-01&by=month&shop_id={shop}")
    forget_past_visitors(container)


def _in_web(day: PlatformDay, use: Callable[..., Any], token: str) -> Any:
    """What a service of sessions answers, in a transaction of the web."""
    world = day.api.world
    with world.container.web_engine.begin() as conn:
        return use(conn, token, world.pepper, world.now())


def sign_people_in(day: PlatformDay) -> None:
    """A person from the first sign-in to the last: seats, sessions, passwords, likings, and the end of all."""
    world = day.api.world
    login, password, other = "day", "a long password here", "another long password"
    with world.container.begin() as conn:
        made = accounts.make_person(conn, PersonDraft(login, "Day", password, must_change=False), world.now())
        seats.give_seat(Unit(conn, world.program, COMMAND_LINE, world.now()), made, "admin")
    with world.container.web_engine.begin() as conn:
        person = accounts.check_password(conn, login, password)
        token = accounts.begin_session(conn, person, SignIn("a phone"), world.pepper, world.now())
        second = accounts.begin_session(conn, person, SignIn("a desk"), world.pepper, world.now())
    later = world.now() + timedelta(minutes=2)
    with world.container.web_engine.begin() as conn:
        signed_in = accounts.session_of(conn, token, world.pepper, later)
        gone = accounts.session_of(conn, second, world.pepper, later)
        assert signed_in is not None
        assert gone is not None
        (seat,) = seats.seats_of(conn, person, later)
        accounts.sessions_of(conn, signed_in, later)
        accounts.end_session(conn, signed_in, gone.session_id, later)
        accounts.set_language(conn, signed_in, "zh")
        accounts.set_preference(conn, person, "orders", {"columns": ["id"]})
        accounts.change_password(conn, signed_in, password, other, later)
        seats.take_seat(conn, seat, later)
        seats.list_seated(conn, world.program)
        shop_names(conn, world.program, ["s-1"])
    with world.container.begin() as conn:
        bind_subject(conn, login, "https://id.example.com", "day-1", later)
    with world.container.web_engine.begin() as conn:
        person_of_subject(conn, "https://id.example.com", "day-1")
    with world.container.begin() as conn:
        unbind_subject(conn, login, "https://id.example.com", later)
        accounts.give_password(conn, login, password, later)
        accounts.end_person(conn, login, later)
    seat_id = day.good("POST", "/v1/people", {"login": "night", "role": "viewer"})["id"]
    link = day.good("POST", f"/v1/people/{seat_id}/password-link")["url"].rpartition("/")[2]
    with world.container.web_engine.begin() as conn:
        use_link(conn, link, password, world.pepper, world.now())
