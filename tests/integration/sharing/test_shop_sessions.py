"""Sessions of shop owners: a link opens once and in time, its session acts for one shop, and ends when it must."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from distrib.domain.errors import Refusal
from distrib.services.context import Actor, Program, Unit
from distrib.services.payouts.withdrawal_messages import WithdrawalView
from distrib.services.payouts.withdrawals import WithdrawalDraft, approve_withdrawal, request_withdrawal
from distrib.services.sharing.shop_sessions import KEPT, end_session, open_link, session_of
from distrib.store.database import WEB_ROLE, enter_program, open_engine
from distrib.transactions import in_transaction
from tests.world.api import Api
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops
from tests.world.world import chain

PATH = "/v1/shops/own/session"
MINUTE = timedelta(minutes=1)


class Owners:
    """Opens links as the page behind them does: under the web role, a transaction each."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.begin = api.world.container.web_engine.begin
        self.pepper = api.world.pepper
        self.now = api.world.container.now()
        api.stop_clock(self.now)

    def link(self, **body: Any) -> str:
        """The token of a link that an admin asks for."""
        made = self.api.caller().post(PATH, body)
        return str(made["url"]).rpartition("/s/")[2]

    def open(self, token: str, now: datetime | None = None) -> tuple[str, datetime]:
        """What opening a link answers."""
        return in_transaction(self.begin, lambda conn: open_link(conn, token, self.pepper, now or self.now))

    def session(self, token: str, now: datetime | None = None) -> tuple[Program, Actor]:
        """Whose session a token is."""
        return in_transaction(self.begin, lambda conn: session_of(conn, token, self.pepper, now or self.now))

    def is_over(self, token: str, now: datetime | None = None) -> bool:
        """Whether neither a link nor a session stands behind a token."""
        codes = []
        for use in (self.open, self.session):
            try:
                use(token, now)
            except Refusal as refusal:
                codes.append(refusal.code)
        return codes == ["session_over", "session_over"]


@pytest.fixture
def owners(api: Api) -> Owners:
    """A chain above > own > below, and links for ``own``."""
    api.world.join(*chain("above", "own", "below"))
    return Owners(api)


def test_a_link_opens_once_and_its_session_is_the_shops(owners: Owners) -> None:
    api, link = owners.api, owners.link()
    session, lasts_until = owners.open(link)
    assert lasts_until == owners.now + timedelta(hours=12)
    program, actor = owners.session(session)
    assert (program.code, actor.role, actor.shop_id, actor.scopes) == (api.world.program.code, "partner", "own", None)
    assert owners.is_over(link)
    assert owners.session(session, lasts_until - MINUTE) == (program, actor)
    assert owners.is_over(session, lasts_until)
    assert owners.session(owners.open(owners.link())[0])[1].person == actor.person


def test_how_long_a_link_opens_and_a_session_lasts_may_be_asked_for_within_bounds(owners: Owners) -> None:
    admin = owners.api.caller()
    made = admin.post(PATH, {"link_minutes": 2, "session_minutes": 5})
    assert datetime.fromisoformat(made["expires_at"]) == owners.now + 2 * MINUTE
    assert (made["shop_id"], made["session_minutes"]) == ("own", 5)
    token = made["url"].rpartition("/s/")[2]
    assert owners.is_over(token, owners.now + 2 * MINUTE)
    assert owners.open(token, owners.now + MINUTE)[1] == owners.now + 6 * MINUTE
    problem = admin.problem("POST", PATH, {"link_minutes": 61, "session_minutes": 4, "shop_id": "x"})
    assert {entry["pointer"] for entry in problem["errors"]} == {"/link_minutes", "/session_minutes", "/shop_id"}


def test_what_never_was_a_link_is_over_as_one_that_was_used(owners: Owners) -> None:
    link = owners.link()
    session, _ = owners.open(link)
    other = owners.link()
    mixed = f"{other[:36]}{link[36:]}"
    for token in (
        "",
        "x",
        link,
        "sl_" + session[3:],
        "ss_" + other[3:],
        mixed,
        "dk" + session[2:],
        "喆" * 80,
        session + "\n",
    ):
        assert owners.is_over(token), token
    assert not owners.is_over(session)


def test_of_two_who_open_a_link_at_once_one_does(owners: Owners) -> None:
    link, begin = owners.link(), owners.begin
    with begin() as first:
        open_link(first, link, owners.pepper, owners.now)
        with begin() as second:
            second.execute(text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                open_link(second, link, owners.pepper, owners.now)
    assert owners.is_over(link)


def test_the_url_begins_with_the_public_address_or_as_it_was_reached(owners: Owners) -> None:
    answer = owners.api.caller().call("POST", PATH, base_url="http://fx.test:8443")
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["url"].startswith("http://fx.test:8443/s/sl_")
    refused = owners.api.caller().call("POST", PATH, headers={"Host": "a b<c>"})
    assert refused.status_code == 400


def test_all_of_a_shop_end_when_it_is_asked_for_and_no_other_shops(owners: Owners) -> None:
    session, unopened = owners.open(owners.link())[0], owners.link()
    below = owners.api.caller().post("/v1/shops/below/session")["url"].rpartition("/s/")[2]
    assert owners.api.caller().post(f"{PATH}/end") == {"ended": 2}
    assert owners.api.caller().post(f"{PATH}/end") == {"ended": 0}
    assert owners.is_over(session)
    assert owners.is_over(unopened)
    assert not owners.is_over(below)


def test_an_owner_who_signs_out_ends_that_session_alone(owners: Owners) -> None:
    first, second = (owners.open(owners.link())[0] for _ in range(2))
    for _ in range(2):
        with owners.begin() as conn:
            end_session(conn, first, owners.pepper, owners.now)
    assert owners.is_over(first)
    assert not owners.is_over(second)


@pytest.mark.parametrize(
    ("path", "body", "state"),
    [("status", {"status": "closed", "reason": "r"}, "closed"), ("erase", None, "erased")],
)
def test_a_shop_that_is_closed_or_erased_has_no_session_and_gets_no_link(
    owners: Owners, path: str, body: Any, state: str
) -> None:
    session, unopened = owners.open(owners.link())[0], owners.link()
    admin = owners.api.caller()
    admin.post(f"/v1/shops/own/{path}", body)
    assert owners.is_over(session)
    assert owners.is_over(unopened)
    problem = admin.problem("POST", PATH)
    assert (problem["status"], problem["code"], state in problem["detail"]) == (409, "shop_gone", True)
    if path == "status":
        admin.post("/v1/shops/own/status", {"status": "active", "reason": "r"})
        assert owners.is_over(session)  # it ended with the closing, and stays so


def test_who_may_ask_for_links_may_do_nothing_else_with_that_scope(owners: Owners) -> None:
    api = owners.api
    narrow = api.caller(scopes=("sessions",))
    assert narrow.post(PATH)["id"]
    assert narrow.refused("GET", "/v1/shops/own") == (403, "scope_missing")
    assert api.caller(scopes=("read", "shops"), name="shops").refused("POST", PATH) == (403, "scope_missing")
    for role, shop in (("finance", None), ("orders", None), ("partner", "own")):
        assert api.caller(role, shop).refused("POST", PATH) == (403, "forbidden")
        assert api.caller(role, shop).refused("POST", f"{PATH}/end") == (403, "forbidden")
    stranger = api.caller(program=api.other_program())
    for path in (PATH, f"{PATH}/end"):
        assert stranger.refused("POST", path) == (404, "shop_unknown")
        assert api.caller().refused("POST", path.replace("own", "nobody")) == (404, "shop_unknown")


def test_the_link_is_in_the_trail_and_its_secret_nowhere(owners: Owners, owner: Engine) -> None:
    made = owners.api.caller().post(PATH)
    _, _, secret = made["url"].rpartition("/s/")[2].split("_", 2)
    [row] = owners.api.caller().get("/v1/trail?operation=create_shop_session")["data"]
    assert (row["subject"], row["shop_id"], row["after"]["id"]) == ("own", "own", made["id"])
    with owner.begin() as conn:
        kept = conn.execute(text("SELECT t::text FROM shop_sessions t UNION ALL SELECT t::text FROM trail t")).scalars()
        assert not [line for line in kept if secret in line or secret.encode().hex() in line]


def test_the_owner_asks_for_money_by_a_session_as_by_a_key_and_cannot_approve_it(api: Api) -> None:
    open_shops(api.world, "own")
    earn(api.world, "own", 10_000, PAID)
    rules = {"least_minor": 100, "most_minor": None, "per_day": None, "per_month": None, "fee_minor": None}
    api.caller().patch("/v1/program", {"withdrawals": rules})
    owners = Owners(api)
    session, _ = owners.open(owners.link())

    def ask(conn: Connection) -> WithdrawalView:
        program, actor = session_of(conn, session, owners.pepper, owners.now)
        return request_withdrawal(Unit(conn, program, actor, owners.now), WithdrawalDraft("w", "own", 500))[0]

    def approve(conn: Connection) -> None:
        program, actor = session_of(conn, session, owners.pepper, owners.now)
        approve_withdrawal(Unit(conn, program, actor, owners.now), "w")

    assert in_transaction(owners.begin, ask).requested_by.startswith("session-")
    with pytest.raises(Refusal, match="second person"):
        in_transaction(owners.begin, approve)
    assert api.caller("partner", "own").get("/v1/withdrawals/w")["status"] == "requested"
    assert api.caller("finance").post("/v1/withdrawals/w/approve")["status"] == "approved"


def test_what_has_been_over_for_long_goes_when_the_next_link_is_made(owners: Owners, owner: Engine) -> None:
    old, session = owners.link(), owners.open(owners.link(session_minutes=7 * 24 * 60))[0]
    owners.api.stop_clock(owners.now + KEPT + timedelta(days=1))
    owners.link()
    with owner.begin() as conn:
        kept = set(conn.execute(text("SELECT session_id FROM shop_sessions")).scalars())
    assert (old.split("_")[1] in kept, session.split("_")[1] in kept, len(kept)) == (False, True, 2)


def test_the_web_role_sees_the_session_it_names_and_no_other(owners: Owners, database_url: str) -> None:
    first, _ = (owners.link().split("_")[1] for _ in range(2))
    engine = open_engine(database_url, WEB_ROLE)
    ids = text("SELECT session_id FROM shop_sessions")
    with engine.begin() as conn:
        assert conn.execute(ids).all() == []
        conn.execute(text("SELECT set_config('distrib.session_id', :name, true)"), {"name": first})
        assert conn.execute(ids).scalars().all() == [first]
        assert conn.execute(text("UPDATE shop_sessions SET over_at = now()")).rowcount == 0
    with engine.begin() as conn:
        enter_program(conn, owners.api.world.program.program_id)
        assert len(conn.execute(ids).all()) == 2
    engine.dispose()
