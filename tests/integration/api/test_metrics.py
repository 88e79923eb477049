"""The figures of the service are for who has their key, or for the machine itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from distrib.app import create_app
from distrib.rates import Rates
from distrib.services.heartbeats import WORKER, JobRun, note_run
from distrib.settings import Settings
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.live import Client, live_service
from tests.world.world import chain, open_world
from workers.heartbeat import Heartbeat
from workers.jobs import drain
from workers.runtime import install

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


def figures(api: Api) -> dict[tuple[str, str], float]:
    """Every sample of an answer, by its name and the value of its label, those of how batches are spread left out."""
    told = api.nobody().call("GET", "/metrics", environ_overrides={"REMOTE_ADDR": "127.0.0.1"}).text
    samples = [sample for family in text_string_to_metric_families(told) for sample in family.samples]
    return {(sample.name, next(iter(sample.labels.values()), "")): sample.value for sample in samples}


def test_they_say_what_waits_what_failed_who_works_and_for_how_long(api: Api) -> None:
    world, container = api.world, api.world.container
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    unknown = settled("lost", "o-2", "nobody", line(1_000))
    world.post(settled("e", "o", "a", line(1_000)), unknown, refunded("r", "o", {"x": 9_999}))
    received = world.rows("SELECT min(received_at) AS at FROM events")[0].at
    api.stop_clock(received + timedelta(seconds=90))
    before = figures(api)
    assert before["distrib_oldest_undone_event_seconds", ""] == 90
    assert before["distrib_workers_alive", "worker"] == 0

    worker = Heartbeat(container, WORKER)
    install(container, worker)
    drain()
    worker.beat()
    install(container)
    with container.begin() as conn:
        note_run(conn, JobRun("seals", 60, 1_500, None), container.now())
    api.stop_clock(container.now())
    after = figures(api)
    assert (after["distrib_oldest_undone_event_seconds", ""], after["distrib_database_up", ""]) == (0, 1)
    assert (after["distrib_events_waiting", ""], after["distrib_events_failed", ""]) == (1, 1)
    assert after["distrib_workers_alive", "worker"] == 1
    assert after["distrib_batch_orders_total", ""] == 2
    assert after["distrib_batch_seconds_count", ""] == after["distrib_batch_seconds_bucket", "+Inf"] > 0
    assert after["distrib_periodic_job_seconds", "seals"] == 1.5
    assert after["distrib_periodic_job_late", "seals"] == 0
    assert after["distrib_payouts_waiting", "payout"] == 0
    with container.web_engine.connect():
        held = figures(api)
    assert (held["distrib_pool_connections_in_use", ""], after["distrib_pool_connections_in_use", ""]) == (1, 0)
    assert held["distrib_pool_connections_most", ""] == 24
