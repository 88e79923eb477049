"""A program whose calls hang holds its share of the service and no more: others are answered meanwhile."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from distrib.api.calls.shares import Shares
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders import inbox
from distrib.services.orders.codec import decode_event
from distrib.settings import Settings
from distrib.store.database import enter_program
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import Answer, Client, live_service
from tests.world.processes import wait_until
from tests.world.world import open_world

PRESENT = 64  # eight under way, and seven waiting for each
CALLERS = PRESENT + 10


def test_while_one_program_hangs_another_is_answered_and_what_is_too_many_is_refused_at_once(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    world = open_world(replace(settings, lock_timeout_ms=60_000, statement_timeout_ms=60_000), database_url, redis_url)
    container = world.container
    with live_service(container) as live, ThreadPoolExecutor(CALLERS) as threads:
        stuck = live.client(world.program, "orders")
        program = live.open_program("other")
        admin, orders = live.client(program), live.client(program, "orders")
        admin.post("/v1/plans", SELLER_TEN_PERCENT)
        stuck.get("/v1/events")
        with container.worker_engine.connect() as conn:  # the order of an uncommitted post: others of it wait
            enter_program(conn, world.program.program_id)
            held = decode_event(settled("evt", "o-1", None, line(100)), container.now())
            assert held is not None
            inbox.accept_events(Unit(conn, world.program, COMMAND_LINE, container.now()), [held])
            waiting = [threads.submit(_post, stuck, number) for number in range(CALLERS)]
            wait_until(lambda: sum(call.done() for call in waiting) >= CALLERS - PRESENT, "what is too many is refused")
            for number in range(20):
                assert (
                    orders.call("POST", "/v1/events", settled(f"e-{number}", f"o-{number}", None, line(1))).status
                    == 202
                )
                assert orders.call("GET", f"/v1/events/e-{number}").status == 200
            wait_until(lambda: sum(call.done() for call in waiting) >= CALLERS - 8, "who waits in vain is refused")
            hanging = [call for call in waiting if not call.done()]
            assert hanging, "its calls hang while the other program is served"
            conn.rollback()
        answers = [call.result() for call in waiting]
    container.close()
    assert {answer.status for answer in answers} == {202, 503}
    assert {_code(answer) for answer in answers if answer.status == 503} == {"program_busy"}
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status == 503} == {"1"}
    assert all(call.result().status == 202 for call in hanging)


def _post(client: Client, number: int) -> Answer:
    return client.call("POST", "/v1/events", settled(f"evt-{number}", "o-1", None, line(100)))


def _code(answer: Answer) -> Any:
    return json.loads(answer.text)["code"]


def test_turns_are_taken_one_after_the_other_and_given_back() -> None:
    shares = Shares(at_once=1, patience_s=60, waiting_each=1)
    with ThreadPoolExecutor(1) as threads:
        with shares.turn(1), shares.turn(2):
            second: Future[str] = threads.submit(_take, shares)
            wait_until(lambda: shares._calls[1].present == 2, "the second waits")
            with pytest.raises(Refusal, match="under way"), shares.turn(1):
                pass
            assert not second.done()
        assert second.result(60) == "taken"
    assert shares._calls == {}


def _take(shares: Shares) -> str:
    with shares.turn(1):
        return "taken"


def test_who_waits_in_vain_is_refused_and_leaves_nothing_behind() -> None:
    shares = Shares(at_once=1, patience_s=0)
    with shares.turn(1):
        with pytest.raises(Refusal) as refused, shares.turn(1):
            pass
        assert refused.value.code == "program_busy"
        assert shares._calls[1].present == 1
    with pytest.raises(ValueError, match="a mistake"), shares.turn(1):
        raise ValueError("a mistake")
    assert shares._calls == {}


def test_where_there_is_no_bound_none_is_kept() -> None:
    shares = Shares(at_once=0)
    with shares.turn(1), shares.turn(1), shares.turn(1):
        assert shares._calls == {}
