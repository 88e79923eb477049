"""Who calls too often, guesses keys or has too much waiting is refused for a while, and nobody else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from distrib.api.calls.backend import EXTENSION, Backend
from distrib.app import create_app
from distrib.domain.errors import Refusal
from distrib.rates import Rates
from distrib.settings import Settings
from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import live_service
from tests.world.world import World, chain, open_world

NOON = 1_000_000_000.0
BAD_KEY = "dk_0123456789abcdef_" + "x" * 43
HERE, THERE = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """What rates and the backlog go by."""
    return Clock()


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str, clock: Clock) -> Iterator[World]:
    """A world whose keys have 4 calls a minute, addresses 3, bad keys 2, on a clock that stands."""
    few = replace(settings, calls_per_key=4, calls_per_address=3, bad_keys_per_address=2)
    opened = open_world(few, database_url, redis_url)
    opened.container.rates = Rates(None, "tests", clock)
    yield opened
    opened.container.close()


@pytest.fixture
def api(world: World, clock: Clock) -> Api:
    """The API on that world."""
    made = Api(create_app(world.container), world)
    backend_of(made).backlog.clock = clock
    backend_of(made).gate.clock = clock
    return made


def backend_of(api: Api) -> Backend:
    backend = api.app.extensions[EXTENSION]
    assert isinstance(backend, Backend)
    return backend


def event(number: int) -> dict[str, Any]:
    return settled(f"evt-{number}", f"o-{number}", "shop", line(1_000))


def statuses(caller: Caller, calls: int, place: dict[str, str], path: str = "/v1/program") -> list[int]:
    return [caller.call("GET", path, environ_overrides=place).status_code for _ in range(calls)]


def test_a_key_that_calls_too_often_is_refused_until_its_window_ends_and_no_other_key_is(
    api: Api, clock: Clock
) -> None:
    often, other = api.caller(), api.caller()
    first = often.call("GET", "/v1/program", environ_overrides=HERE)
    assert first.headers["RateLimit-Policy"] == '"address";q=3;w=60', "the key was not known when it came"
    counted = often.call("GET", "/v1/program", environ_overrides=HERE)
    assert counted.headers["RateLimit-Policy"] == '"key";q=4;w=60'
    assert counted.headers["RateLimit"].startswith('"key";r=3;t=')
    assert statuses(often, 4, HERE) == [200, 200, 200, 429]
    refused = often.call("GET", "/v1/program", environ_overrides=HERE)
    problem = json.loads(refused.text)
    assert (problem["status"], problem["code"]) == (429, "too_many_requests")
    wait = int(refused.headers["Retry-After"])
    assert refused.headers["RateLimit"] == f'"key";r=0;t={wait}'
    assert 1 <= wait <= 60
    assert f"{wait} s" in problem["detail"]
    assert statuses(other, 1, HERE) == [200]
    clock.at += wait
    assert statuses(often, 1, HERE) == [200]


def test_whoever_runs_the_service_sets_limits_by_program_and_by_key(
    api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(api.world.container.settings, monkeypatch)
    limited, free = api.caller(), api.caller()
    key_id = str(limited.key).split("_")[1]
    assert run("key", "limit", key_id, "--calls-per-minute", 1).exit_code == 0
    assert run("program", "limits", "--calls-per-minute", 6, "--waiting-mib", 2).exit_code == 0
    shown = json.loads(run("program", "limits", "--json").stdout)
    assert shown == {
        "program": "test",
        "calls_per_minute": 6,
        "waiting_orders": None,
        "waiting_bytes": 2 * 2**20,
        "by_key": {key_id: 1},
    }
    assert statuses(limited, 3, HERE) == [200, 200, 429], "the first call counts for its address"
    assert statuses(free, 8, HERE) == [200] * 7 + [429]
    assert run("program", "limits", "--calls-per-minute", 0).exit_code == 0
    assert run("key", "limit", key_id, "--calls-per-minute", 0).exit_code == 0
    clock.at += 60
    assert statuses(free, 1, HERE) == [200], "takes over what is set now"
    assert free.call("GET", "/v1/program").headers["RateLimit-Policy"] == '"key";q=4;w=60'
    unknown = run("key", "limit", "f" * 16, "--calls-per-minute", 1).exception
    assert isinstance(unknown, Refusal)
    assert unknown.code == "not_found"


def test_an_address_without_a_known_key_has_a_limit_of_its_own(api: Api) -> None:
    nobody = api.nobody()
    assert statuses(nobody, 4, HERE) == [401, 401, 401, 429]
    assert statuses(nobody, 1, HERE, "/docs") == [429]
    assert statuses(nobody, 1, THERE) == [401]
    assert statuses(nobody, 5, HERE, "/healthz") == [200] * 5, "who watches over the service is not counted"


def test_who_guesses_keys_is_refused_before_the_key_is_looked_up_and_good_keys_seen_before_are_not(
    api: Api, clock: Clock
) -> None:
    known, new = api.caller(), api.caller()
    guesser = Caller(api.app.test_client(), BAD_KEY)
    assert statuses(known, 1, HERE) == [200]
    assert statuses(guesser, 2, HERE) == [401, 401]
    refused = guesser.call("GET", "/v1/program", environ_overrides=HERE)
    assert (refused.status_code, json.loads(refused.text)["code"]) == (429, "too_many_bad_keys")
    assert statuses(new, 1, HERE) == [429], "not looked up, so nobody knows that it is good"
    assert statuses(known, 2, HERE) == [200, 200]
    assert statuses(new, 1, THERE) == [200]
    clock.at += int(refused.headers["Retry-After"])
    assert statuses(guesser, 1, HERE) == [401]


def test_a_key_that_ends_is_forgotten_and_counts_as_a_bad_one(api: Api) -> None:
    admin, ended = api.caller(), api.caller()
    assert statuses(ended, 1, HERE) == [200]
    assert admin.call("DELETE", f"/v1/keys/{str(ended.key).split('_')[1]}", environ_overrides=THERE).status_code == 204
    assert statuses(ended, 3, HERE) == [401, 401, 429]


def test_behind_a_proxy_the_address_is_the_one_that_it_names(
    settings: Settings, database_url: str, redis_url: str, clock: Clock
) -> None:
    behind = open_world(replace(settings, calls_per_address=1, trusted_proxies="10.0.0.0/8"), database_url, redis_url)
    behind.container.rates = Rates(None, "tests", clock)
    nobody = Api(create_app(behind.container), behind).nobody()
    called = [
        nobody.call(
            "GET",
            "/v1/program",
            headers={"X-Forwarded-For": f"203.0.113.{number}, {address}, 10.0.0.2"},
            environ_overrides={"REMOTE_ADDR": peer},
        ).status_code
        for number, (peer, address) in enumerate(
            [
                ("10.0.0.1", "198.51.100.1"),
                ("10.0.0.1", "198.51.100.1"),
                ("10.0.0.1", "198.51.100.2"),
                ("192.0.2.1", "198.51.100.3"),
                ("192.0.2.1", "198.51.100.4"),
            ]
        )
    ]
    behind.container.close()
    assert called == [401, 429, 401, 401, 429], "what others than the proxies say counts for nothing"


def test_over_http_a_post_counts_once_and_its_answer_says_how_many_are_left(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    world = open_world(replace(settings, calls_per_key=50), database_url, redis_url)
    with live_service(world.container) as live:
        orders = live.client(world.program, "orders")
        orders.get("/v1/events")
        fields = [orders.call("POST", "/v1/events", event(number)).headers["RateLimit"] for number in range(4)]
    world.container.close()
    left = [int(field.removeprefix('"key";r=').partition(";")[0]) for field in fields]
    assert left[0] == 49
    assert all(before - after == 1 or after == 49 for before, after in pairwise(left)), "unless a window ended between"


def test_past_its_backlog_a_program_is_refused_events_and_no_other_is(
    settings: Settings, database_url: str, redis_url: str, clock: Clock
) -> None:
    world = open_world(replace(settings, waiting_orders=3), database_url, redis_url)
    api = Api(create_app(world.container), world)
    backend_of(api).backlog.clock = clock
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("shop"))
    orders, others = api.caller("orders"), api.caller("orders", program=api.other_program())
    orders.post("/v1/events", {"events": [event(1), event(2)]})
    orders.post("/v1/events", event(3))
    problem = orders.problem("POST", "/v1/events", event(4))
    assert (problem["status"], problem["code"]) == (503, "backlog_full")
    assert orders.call("POST", "/v1/events", event(4)).headers["Retry-After"] == "1"
    assert orders.get("/v1/events/evt-3")["status"] == "pending", "nothing but posts of events is refused"
    others.post("/v1/events", event(4))
    world.drain()
    assert orders.refused("POST", "/v1/events", event(4)) == (503, "backlog_full"), "not counted again yet"
    clock.at += 1
    orders.post("/v1/events", event(4))
    world.container.close()


def test_a_backlog_is_bounded_by_its_weight_too(api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(api.world.container.settings, monkeypatch)
    assert run("program", "limits", "--waiting-mib", 1).exit_code == 0
    orders = api.caller("orders")
    lines = [line(1_000, str(number), category="c" * 250) for number in range(1_000)]
    heavy = [settled(f"evt-{number}", f"o-{number}", "shop", *lines) for number in range(4)]
    orders.post("/v1/events", {"events": heavy})
    clock.at += 1
    assert orders.refused("POST", "/v1/events", event(9)) == (503, "backlog_full")
