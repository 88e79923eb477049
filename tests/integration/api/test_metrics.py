"""The figures of the service are for who has their key, or for the machine itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from distrib.app import create_app
from distrib.rates import Rates
from distrib.settings import Settings
from tests.world.api import Api, Caller
from tests.world.live import Client, live_service
from tests.world.world import open_world

KEY = "kF3v9-Qm2xW7p_Zt4bR8"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", ""])
def test_without_a_key_they_are_for_this_machine(api: Api, address: str) -> None:
    answer = api.nobody().call("GET", "/metrics", environ_overrides={"REMOTE_ADDR": address})
    assert (answer.status_code, "distrib_requests_total" in answer.text) == (200, True)


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "nowhere"])
def test_without_a_key_nobody_else_gets_them(api: Api, address: str) -> None:
    refused = api.nobody().refused("GET", "/metrics", environ_overrides={"REMOTE_ADDR": address})
    assert refused == (403, "metrics_closed")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_a_proxy_on_this_machine_forwards_is_not_this_machine(api: Api, header: str) -> None:
    assert api.nobody().refused("GET", "/metrics", headers={header: "127.0.0.1"}) == (403, "metrics_closed")


def test_with_a_key_they_are_for_who_presents_it_wherever_that_is(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    world = open_world(replace(settings, metrics_key=KEY, bad_keys_per_address=2), database_url, redis_url)
    world.container.rates = Rates(None, "tests", lambda: 1_000_000_000.0)  # where no window ends meanwhile
    api = Api(create_app(world.container), world)
    far = {"REMOTE_ADDR": "192.0.2.1"}
    reader, guesser = Caller(api.app.test_client(), KEY), Caller(api.app.test_client(), f"{KEY}x")
    assert reader.call("GET", "/metrics", environ_overrides=far).status_code == 200
    assert api.nobody().refused("GET", "/metrics") == (401, "unauthorized"), "also from this machine"
    assert api.caller().refused("GET", "/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.2"})[0] == 401
    guesses = [guesser.refused("GET", "/metrics", environ_overrides=far) for _ in range(3)]
    assert guesses == [(401, "unauthorized")] * 2 + [(429, "too_many_bad_keys")]
    assert reader.call("GET", "/metrics", environ_overrides=far).status_code == 200
    world.container.close()


def test_a_live_service_takes_the_key_from_its_settings(settings: Settings, database_url: str, redis_url: str) -> None:
    world = open_world(replace(settings, metrics_key=KEY), database_url, redis_url)
    with live_service(world.container) as live:
        assert Client(live.port, "none").call("GET", "/metrics").status == 401
        assert "distrib_requests_total" in Client(live.port, KEY).call("GET", "/metrics").text
    world.container.close()
