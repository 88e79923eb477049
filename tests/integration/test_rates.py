"""Calls are counted without Redis, added up with it, and never wait for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from distrib import rates as module
from distrib.rates import Rate, Rates

TEN = Rate("key", 10)


def stopped() -> float:
    return 1_000_000_000.0


def used(rates: Rates, caller: str = "a") -> int:
    return TEN.most - rates.look(TEN, caller).left


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """An empty Redis."""
    with closing(Redis.from_url(redis_url)) as client:
        yield client


def test_what_processes_count_is_added_up_through_redis(redis: Redis) -> None:
    here, there, elsewhere = Rates(redis, "s", stopped), Rates(redis, "s", stopped), Rates(redis, "other", stopped)
    for rates, calls in ((here, 4), (there, 6), (elsewhere, 1)):
        for _ in range(calls):
            assert not rates.take(TEN, "a").is_over
    assert [used(here), used(there)] == [4, 6]
    assert here.exchange()
    assert there.exchange()
    assert elsewhere.exchange()
    assert [used(here), used(there), used(elsewhere)] == [4, 10, 1]
    assert there.take(TEN, "a").is_over
    here.take(TEN, "a")
    assert here.exchange()
    assert here.take(TEN, "a").is_over
    assert not here.take(TEN, "b").is_over
    assert [redis.ttl(name) > 0 for name in redis.keys("s:*")] == [True]


def test_many_callers_go_in_several_exchanges_and_each_asks_for_the_next(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_EXCHANGED", 2)
    rates = Rates(redis, "s", stopped)
    asked: list[bool] = []
    for caller in "abc":
        rates.take(TEN, caller)
    rates.wants_exchange = lambda: asked.append(True)
    assert rates.exchange()
    assert asked == [True]
    assert rates.exchange()
    assert asked == [True]
    other = Rates(redis, "s", stopped)
    for caller in "abc":
        other.take(TEN, caller)
    while other._unshared:
        assert other.exchange()
    assert [used(other, caller) for caller in "abc"] == [2, 2, 2]


def test_a_redis_that_hangs_is_tried_once_and_no_call_waits_for_it() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        client = Redis(port=deaf.getsockname()[1], socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
        with closing(client):
            rates = Rates(client, "s", stopped)
            for _ in range(9):
                rates.take(TEN, "a")
            assert not rates.exchange()
            deaf.close()
            assert not rates.exchange(), "left alone for a while"
            assert rates.take(TEN, "a").left == 0
            assert rates.take(TEN, "a").is_over, "each process goes on with what it counts itself"


def test_what_redis_did_not_take_is_given_to_it_later(redis: Redis) -> None:
    nowhere = Redis(port=1, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
    with closing(nowhere):
        rates = Rates(nowhere, "s", stopped)
        for _ in range(3):
            rates.take(TEN, "a")
        assert not rates.exchange()
        rates._redis, rates._away_until = redis, 0.0
        assert rates.exchange()
    other = Rates(redis, "s", stopped)
    other.take(TEN, "a")
    assert other.exchange()
    assert used(other) == 4


def test_a_window_ends_and_the_callers_that_came_first_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_COUNTERS", 2)
    at = [stopped()]
    rates = Rates(None, "s", lambda: at[0])
    for _ in range(10):
        rates.take(TEN, "a")
    refused = rates.take(TEN, "a")
    assert refused.is_over
    at[0] += refused.ends_in_s - 1
    assert rates.take(TEN, "a").is_over
    at[0] += 1
    assert rates.take(TEN, "a").left == 9
    rates.take(TEN, "b")
    rates.take(TEN, "c")
    assert [used(rates, caller) for caller in "cb"] == [1, 1]
    assert used(rates, "a") == 0
