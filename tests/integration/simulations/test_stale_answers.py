"""The same question is the same simulation where nothing came since: no event, and no fact of any other kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from distrib.services.compliance import cases
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.orders import inbox
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.simulations.running import simulate
from distrib.services.statements.pools import pay_pools
from distrib.store import customer_merges
from distrib.store.recorded import Recorded
from tests.integration.simulations.test_in_columns import decide
from tests.integration.simulations.test_simulations import DAY, SPAN, run_waiting
from tests.world.api import Api
from tests.world.documents import PAID, line, settled
from tests.world.world import World

THEN: dict[str, Any] = {
    "code": "then",
    "currency": "CNY",
    "ranks": [{"code": "member"}, {"code": "gold"}],
    "rules": [{"id": "r", "pay": "seller", "rate": {"member": "0.1", "gold": "0.2"}}],
    "pools": [{"id": "pool", "rate": "0.01", "weights": {"member": 1, "gold": 1}}],
}
NOW: dict[str, Any] = {
    **THEN,
    "code": "now",
    "rules": [
        {"id": "r", "pay": "seller", "rate": {"member": "0.05", "gold": "0.5"}},
        {
            "id": "new",
            "pay": "seller",
            "rate": "0.01",
            "group": "new",
            "where": {"customer": "new"},
        },
    ],
}


@pytest.fixture
def told(api: Api) -> Api:
    """Two orders of two customers."""
    world = api.world
    world.publish(THEN)
    world.join(("a", None), ("b", "a"))
    for place, customer in enumerate(("ann", "bob")):
        order = settled(
            f"s{place}",
            f"o{place}",
            "a",
            line(60_000),
            paid_at=PAID + place * DAY,
            customer_id=customer,
        )
        world.earn(order)
    return api


def asked(api: Api, **question: Any) -> dict[str, Any]:
    """Asks, and has a worker answer what was not answered before."""
    caller = api.caller()
    simulation = caller.post("/v1/simulations", SPAN | {"plan": NOW} | question)
    run_waiting(api.world)
    view: dict[str, Any] = caller.get(f"/v1/simulations/{simulation['id']}")
    assert view["status"] == "done"
    return view


def in_unit(do: Callable[[Unit], object]) -> Callable[[World], object]:
    """What somebody does in a transaction of its own."""

    def done(world: World) -> object:
        with world.container.begin() as conn:
            return do(Unit(conn, world.program, COMMAND_LINE, world.now()))

    return done


def a_case_decided(world: World) -> None:
    with world.container.begin() as conn:
        case = cases.open_case(Unit(conn, world.program, COMMAND_LINE, world.now()), "a", None, "a test")
    decide(world, case.case_no, "freeze")


FACTS: dict[str, Callable[[World], object]] = {
    "a pool is paid": in_unit(lambda unit: pay_pools(unit, 202603)),
    "a rank is given": lambda world: world.set_rank("a", "gold", PAID - DAY),
    "a status is set": lambda world: world.set_status("a", "frozen", PAID + DAY),
    "a shop moves": lambda world: world.move("b", None, PAID - DAY),
    "a shop joins": lambda world: world.join(("c", "a")),
    "customers are one": in_unit(
        lambda unit: customer_merges.insert_merge(
            unit.conn, unit.program_id, "bob", "ann", Recorded(unit.now, "a test")
        )
    ),
    "a case is decided": a_case_decided,
    "a plan is published": lambda world: world.publish({**THEN, "code": "later"}, datetime(2026, 12, 24, tzinfo=UTC)),
    "a month is evaluated": in_unit(lambda unit: evaluate_month(unit, 202603)),
}


@pytest.mark.parametrize("ranks", ["as_were", "replayed"])
@pytest.mark.parametrize("fact", FACTS)
def test_the_same_question_is_asked_anew_after_a_fact_that_is_no_event(told: Api, fact: str, ranks: str) -> None:
    first = asked(told, ranks=ranks)
    assert asked(told, ranks=ranks)["id"] == first["id"]
    FACTS[fact](told.world)
    later = asked(told, ranks=ranks)
    assert later["id"] != first["id"]
    assert asked(told, ranks=ranks)["id"] == later["id"]
    assert first["events_since"] == later["events_since"] == 0


def test_what_came_since_is_in_the_later_answer(told: Api) -> None:
    first = asked(told, ranks="replayed")["result"]
    told.world.set_rank("a", "gold", PAID - DAY)
    with told.world.container.begin() as conn:
        pay_pools(Unit(conn, told.world.program, COMMAND_LINE, told.world.now()), 202603)
    later = asked(told, ranks="replayed")
    assert later["before"]["as_it_was_minor"] == later["result"]["as_it_was"]["pools_minor"] > 0
    [before], [after] = first["candidates"], later["result"]["candidates"]
    assert after["earned_minor"] > before["earned_minor"]


def test_the_same_question_is_asked_anew_after_an_event_was_tried_again(
    api: Api,
) -> None:
    world = api.world
    world.join(("a", None))
    world.earn(settled("s1", "o1", "a", line(60_000), paid_at=PAID))
    assert world.outcome("s1") == ("failed", "no_plan")
    world.publish(THEN)
    first = asked(api)
    assert asked(api)["id"] == first["id"]
    with world.begin() as conn:
        inbox.retry_event(conn, world.program, "s1")
    world.drain()
    assert world.outcome("s1")[0] == "done"
    later = asked(api)
    assert later["id"] != first["id"]
    assert (first["result"]["orders"], later["result"]["orders"]) == (0, 1)


def test_one_that_began_before_a_fact_does_not_answer_a_question_after_it(
    told: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, caller = told.world, told.caller()
    begun = caller.post("/v1/simulations", SPAN | {"plan": NOW})
    asked_meanwhile: list[str] = []

    def interrupted(*words: Any) -> Any:
        if not asked_meanwhile:
            asked_meanwhile.append(caller.post("/v1/simulations", SPAN | {"plan": NOW})["id"])
            world.set_rank("a", "gold", PAID - DAY)
            asked_meanwhile.append(caller.post("/v1/simulations", SPAN | {"plan": NOW})["id"])
        return simulate(*words)

    monkeypatch.setattr("distrib.services.simulations.job.simulate", interrupted)
    run_waiting(world)
    same, other = asked_meanwhile
    assert same == begun["id"] != other
    assert caller.get(f"/v1/simulations/{other}")["status"] == "waiting"
