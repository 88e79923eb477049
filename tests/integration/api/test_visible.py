"""Each role that may call an operation gets exactly the fields that its list names, of a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from flask import g
from werkzeug.test import TestResponse

from distrib.api.calls.backend import EXTENSION
from distrib.api.calls.desk import File, SeatedDesk
from distrib.api.calls.seeing import SEEN
from distrib.api.http.answers import to_json
from distrib.api.http.auth import COMPLIANCE, OPERATIONS, VIEWER, may_call
from distrib.api.schemas.funnel import FunnelSpanSchema
from distrib.api.schemas.visible import PARTNER_BELOW, ROLE_OF, Names
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.ledger import seals
from distrib.services.programs.limits import read_limits
from distrib.services.sharing.visits import SOURCES
from tests.world.api import Api, Caller
from tests.world.examples import ADMIN, FINANCE, JSON, PARTNER, Walk
from tests.world.world import chain

ORDERS, OTHER_ADMIN, PARTNER_ABOVE = "orders", "another admin", "partner of shop-1"
SEATS = (VIEWER, OPERATIONS, COMPLIANCE)
WAYS: Final = {PARTNER_ABOVE: PARTNER, OTHER_ADMIN: ADMIN}
"""As whom a caller of the walk sees, where it is not called so itself."""
OF_WHAT_WAS_DONE: Final = {"code", "detail", "errors"}
"""What an entry of a call with many lacks where it was not refused."""
MAY_BE_LEFT_OUT: Final = {
    "register_shops": OF_WHAT_WAS_DONE,
    "set_statuses": OF_WHAT_WAS_DONE,
    "bind_customers": OF_WHAT_WAS_DONE,
    "post_events": OF_WHAT_WAS_DONE,
    "record_payout_results": OF_WHAT_WAS_DONE,
    "retry_event": {"remark"},  # most have none
    "get_event": {"remark"},
    "list_events": {"remark"},
    "get_statements": {"sorted_as_of"},  # of rows by their ids
    "confirm_close": {"cut_off_at"},  # of a month that is closed
    "list_webhooks": {"pending"},  # what waits is shown of one
    "list_inbox": {"key"},  # of who may not read keys
    "get_funnel": {*SOURCES, *FunnelSpanSchema().fields} - {"starts_on", "visits", "sources", "as_of"},
    "export_subtree": {"name", "rank"},  # of a shop without
    "get_next_rank": {  # some of a threshold, others of several that must be met
        "parts",
        "condition",
        "window",
        "since",
        "levels",
        "min_rank",
        "have",
        "need",
        "unit",
        "currency",
    },
}
OF_ACCOUNTS: Final = "accounts"
"""Of a payee's, only what it has is named."""
OF_WHO_ASKED: Final = {"get_task"}
"""What nobody reads but who asked for it."""


class WatchedWalk(Walk):
    """The walk on which whatever is read is read by every role that may, by people who sign in too."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self.seen: list[tuple[str, str, int, Any]] = []
        self.reads: set[str] = set()
        self.routes = api.app.url_map.bind("localhost")

    def call(self, who: str, operation: str, route: str) -> Any:
        """One call of the walk, and the same as others."""
        before = len(self.answered)
        last = super().call(who, operation, route)
        if operation in SEEN:
            for answer in self.answered[before:]:
                self._note(WAYS.get(who, who), operation, answer.status, answer.body)
        method, path = route.split(" ")
        if operation in SEEN and method == "GET":
            self.reads.add(operation)
            for other in self.callers.keys() - {who}:
                self.try_as(other, operation, method, path)
            for seat in SEATS:
                self._read_seated(seat, operation, path)
        return last

    def try_as(self, who: str, operation: str, method: str, path: str, body: Any = None) -> TestResponse:
        """One call as somebody; what is refused shows nothing."""
        answer = self.callers[who].call(method, path, body)
        if answer.mimetype == JSON and answer.status_code < 300:
            way = WAYS.get(who, who)
            if operation == "get_shop" and path == "/v1/shops/shop-7" and who == PARTNER_ABOVE:
                way = PARTNER_BELOW
            self._note(way, operation, answer.status_code, json.loads(answer.text))
        return answer

    def _open(self) -> None:
        self.callers |= {ORDERS: self.api.caller(ORDERS), OTHER_ADMIN: self.api.caller(ADMIN, owner="lin")}
        super()._open()
        self.callers[PARTNER_ABOVE] = self.api.caller(PARTNER, "shop-1")

    def _read_seated(self, seat: str, operation: str, route: str) -> None:
        """One read as somebody who sits in that role; what is refused shows nothing."""
        path, _, query = route.partition("?")
        parts = dict(part.split("=") for part in query.split("&") if part)
        with suppress(Refusal):
            body = read_as(self.api, seat, operation, self.routes.match(path, method="GET")[1], parts)
            self._note(seat, operation, 200, body)

    def _note(self, way: str, operation: str, status: int, body: Any) -> None:
        self.seen.append((way, operation, status, body))


def test_each_role_gets_exactly_the_fields_that_its_list_names(api: Api) -> None:
    walk = WatchedWalk(api)
    walk.go()
    walk.try_as(PARTNER, "get_next_rank", "GET", "/v1/shops/shop-7/next-rank")
    for who in (OTHER_ADMIN, FINANCE, PARTNER):
        _change_the_payee(walk, who)
        _register(walk, who)
        _ask(walk, who)
        _withdraw(walk, who)
    for who in (ADMIN, FINANCE, ORDERS, PARTNER):
        _rotate(walk, who)
    _decide_what_waits(walk)
    _read_the_seal(walk)
    met = {(way, operation) for way, operation, _, _ in walk.seen}
    every_list = list(lists_of_all())
    read_by_all = walk.reads - OF_WHO_ASKED
    assert met >= {(way, operation) for way, operation, _ in every_list if operation in read_by_all}
    lists_met = {(operation, id(SEEN[operation][status][way])) for way, operation, status, _ in walk.seen}
    assert lists_met == {(operation, id(names)) for _, operation, names in every_list}
    wrong = {
        (way, operation, status): found
        for way, operation, status, body in walk.seen
        if (found := list(unlike(body, SEEN[operation][status][way], MAY_BE_LEFT_OUT.get(operation, set()))))
    }
    assert wrong == {}


def test_a_file_of_a_subtree_shows_a_partner_no_more_than_the_list_names(api: Api) -> None:
    api.world.join(*chain("own", "below"))
    callers = (api.caller(ADMIN), api.caller(PARTNER, "own"))
    whole, own = (caller.call("GET", "/v1/shops/own/subtree?format=graphml").text for caller in callers)
    assert 'key="status"' in whole
    assert 'key="level"' in own
    assert "status" not in own


def read_as(api: Api, role: str, operation: str, path: Mapping[str, str], query: Mapping[str, str]) -> Any:
    """What the console gets of an operation for somebody who sits in that role, as JSON."""
    container = api.world.container
    with container.begin() as conn, api.app.test_request_context():
        g.request_id = "of-a-test"
        unit = Unit(conn, api.world.program, Actor("seat", role, role), container.now())
        desk = SeatedDesk(api.app.extensions[EXTENSION], unit, read_limits(conn, api.world.program.program_id))
        answer = desk.call(operation, path, query)
        assert not isinstance(answer, File)
        return json.loads(to_json(answer))


def lists_of_all() -> Iterator[tuple[str, str, Names]]:
    """Every list by the way of seeing and by the operation, of those who may call it."""
    for operation, by_status in SEEN.items():
        for by_way in by_status.values():
            for way, names in by_way.items():
                if may_call(ROLE_OF.get(way, way), operation):
                    yield way, operation, names


def unlike(body: Any, names: Names | None, may_lack: set[str], within: str = "") -> Iterator[str]:
    """Where an answer has a field that the list does not name, or lacks one that it names."""
    if names is None or body is None:
        return
    if isinstance(body, list):
        for entry in body:
            yield from unlike(entry, names, may_lack, within)
        return
    assert isinstance(body, dict), within
    yield from (f"{within}{name} is in no list" for name in body.keys() - names.keys())
    if not within.endswith(f"{OF_ACCOUNTS}."):
        yield from (f"{within}{name} is missing" for name in names.keys() - body.keys() - may_lack)
    for name in body.keys() & names.keys():
        yield from unlike(body[name], names[name], may_lack, f"{within}{name}.")


def _change_the_payee(walk: WatchedWalk, who: str) -> None:
    """Two payees that wait: both are read, one is approved and one cancelled, where the caller may."""
    path = "/v1/shops/shop-7/payee"
    for ends in ("approve", "cancel"):
        walk.callers[ADMIN].put(path, walk.requests["put_payee"] | {"name": f"{ends} by {who}"})
        walk.try_as(who, "get_payee", "GET", path)
        walk.try_as(who, f"{ends}_payee", "POST", f"{path}/{ends}")


def _register(walk: WatchedWalk, who: str) -> None:
    walk.try_as(who, "register_shop", "POST", "/v1/shops", {"id": f"by-{who[:5]}", "sponsor_id": "shop-7"})
    batch = [{"id": f"too-{who[:5]}", "sponsor_id": "shop-7"}, {"id": 7}, {"id": "x", "sponsor_id": "nobody"}]
    walk.try_as(who, "register_shops", "POST", "/v1/shops/batch", {"shops": batch})


def _ask(walk: WatchedWalk, who: str) -> None:
    question = f"about-{who[:5]}"
    walk.callers[PARTNER].post("/v1/questions", walk.requests["ask_question"] | {"id": question})
    walk.try_as(who, "answer_question", "POST", f"/v1/questions/{question}/answer", {"answer": "So."})
    walk.try_as(who, "close_question", "POST", f"/v1/questions/{question}/close")


def _withdraw(walk: WatchedWalk, who: str) -> None:
    """Withdrawals of the shop, one for each way in which they go on."""
    walk.try_as(who, "request_withdrawal", "POST", "/v1/withdrawals", _wish(f"own-{who[:5]}"))
    walk.try_as(who, "cancel_withdrawal", "POST", f"/v1/withdrawals/own-{who[:5]}/cancel")
    for way in ("approve", "refuse"):
        wish = _wish(f"{way}-{who[:5]}")
        walk.callers[PARTNER].post("/v1/withdrawals", wish)
        body = {"reason": "no"} if way == "refuse" else None
        walk.try_as(who, f"{way}_withdrawal", "POST", f"/v1/withdrawals/{wish['id']}/{way}", body)
        walk.callers[PARTNER].call("POST", f"/v1/withdrawals/{wish['id']}/cancel")


def _decide_what_waits(walk: WatchedWalk) -> None:
    """A webhook and settings that wait, twice: approved by another person, and cancelled. A key that waits."""
    webhook = {"id": "waits", "url": "https://hooks.example.com/0", "events": ["commission.earned"]}
    walk.callers[ADMIN].post("/v1/webhooks", webhook)
    walk.callers[ADMIN].patch("/v1/program", {"payee_hold_days": 30})
    for number, ends in enumerate(("approve", "cancel"), start=1):
        walk.callers[ADMIN].patch("/v1/webhooks/waits", {"url": f"https://hooks.example.com/{number}"})
        walk.callers[ADMIN].patch("/v1/program", {"payee_hold_days": 30 - number})
        walk.call(ADMIN, "get_webhook", "GET /v1/webhooks/waits")
        walk.call(ADMIN, "get_program", "GET /v1/program")
        walk.try_as(FINANCE, f"{ends}_webhook_change", "POST", f"/v1/webhooks/waits/{ends}")
        walk.try_as(FINANCE, f"{ends}_program_change", "POST", f"/v1/program/{ends}")
    key = walk.callers[ADMIN].post("/v1/keys", {"role": FINANCE, "name": "second"})
    walk.try_as(OTHER_ADMIN, "approve_key", "POST", f"/v1/keys/{key['id']}/approve")


def _read_the_seal(walk: WatchedWalk) -> None:
    world = walk.api.world
    with world.begin() as conn:
        seals.seal_now(Unit(conn, world.program, COMMAND_LINE, world.now()))
    walk.call(ADMIN, "list_seals", "GET /v1/ledger/seals")
    walk.call(ADMIN, "get_seal", "GET /v1/ledger/seals/1")


def _wish(withdrawal_id: str) -> dict[str, Any]:
    return {"id": withdrawal_id, "shop_id": "shop-7", "amount_minor": 100}


def _rotate(walk: WatchedWalk, who: str) -> None:
    caller = walk.callers[who]
    path = f"/v1/keys/{caller.key_id}/rotate"
    key = json.loads(walk.try_as(who, "rotate_key", "POST", path).text)["key"]
    walk.callers[who] = Caller(caller.client, key)
    walk.try_as(who, "finish_rotation", "POST", f"{path}/finish")
