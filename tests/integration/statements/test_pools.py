"""Pools: paid once a month among those active at its last instant, by weight, from a base worked out exactly."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.network import standing
from distrib.services.statements import closing, months, pools
from distrib.services.statements.pools import PaidPool
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import EARLY, World

ANN, BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
MARCH, APRIL = 202603, 202604
MARCH_BEGINS = datetime(2026, 2, 28, 16, tzinfo=UTC)
APRIL_BEGINS = datetime(2026, 3, 31, 16, tzinfo=UTC)
NOW = datetime(2026, 8, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
PLAN: dict[str, Any] = {
    "code": "pooled",
    "currency": "CNY",
    "policy": "open",
    "hold_days": 7,
    "ranks": [{"code": "member"}, {"code": "silver"}, {"code": "gold"}],
    "rules": [{"id": "seller", "pay": "seller", "rate": "0"}],
    "pools": [{"id": "leaders", "rate": "0.10", "weights": {"silver": 1, "gold": 2}}],
}


@pytest.fixture
def ranked(world: World) -> World:
    """Gold g, silver s and t, member m."""
    world.publish(PLAN)
    world.join(("g", None), ("s", None), ("t", None), ("m", None))
    for shop, rank in (("g", "gold"), ("s", "silver"), ("t", "silver")):
        rank_of(world, shop, rank)
    return world


def rank_of(world: World, shop: str, rank: str, effective_at: datetime = EARLY) -> None:
    with world.container.begin() as conn:
        standing.set_rank(Unit(conn, world.program, COMMAND_LINE, NOW), shop, rank, effective_at, "test")


def status_of(world: World, shop: str, status: str, effective_at: datetime) -> None:
    with world.container.begin() as conn:
        standing.set_status(Unit(conn, world.program, COMMAND_LINE, NOW), shop, status, effective_at, "test")


def pay(world: World, month: int = MARCH, now: datetime = NOW) -> list[PaidPool]:
    with world.container.begin() as conn:
        return pools.pay_pools(Unit(conn, world.program, COMMAND_LINE, now), month)


def close(world: World, period: int = MARCH) -> dict[str, Any]:
    with world.container.begin() as conn:
        proposed = closing.propose_close(Unit(conn, world.program, ANN, NOW), period)
    with world.container.begin() as conn:
        closed = closing.confirm_close(Unit(conn, world.program, BEN, NOW), period)
    assert closed.totals == proposed.totals
    return asdict(closed)


def lines(world: World, period: int) -> list[dict[str, str]]:
    with world.container.begin() as conn:
        file = b"".join(months.export_csv(Unit(conn, world.program, COMMAND_LINE, NOW), period, "lines")).decode()
    return list(csv.DictReader(io.StringIO(file)))


def test_a_pool_is_shared_by_weight_and_dated_the_months_last_instant(ranked: World) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_000)), settled("e2", "o2", None, line(7)))
    [paid] = pay(ranked)
    payment = paid.payment
    assert (paid.is_new, payment.base_minor, payment.amount_minor, payment.holders, payment.weight) == (
        True,
        10_007,
        1_000,
        3,
        4,
    )
    assert ranked.earned() == {"g": 500, "s": 250, "t": 250}
    first = lines(ranked, MARCH)[0]
    assert {name: first[name] for name in ("kind", "rule", "base_minor", "rate", "amount_minor", "plan_version")} == {
        "kind": "pool",
        "rule": "leaders",
        "base_minor": "10007",
        "rate": "0.1",
        "amount_minor": "500",
        "plan_version": "pooled@1",
    }
    assert first["occurred_at"] == first["available_at"] == "2026-03-31T15:59:59.999999Z"
    with ranked.container.begin() as conn:
        view, _ = months.statement_totals_and_rows(Unit(conn, ranked.program, COMMAND_LINE, NOW), MARCH, None, 10)
    assert [(view.totals or {})[name] for name in ("earned_minor", "available_minor", "orders")] == [1_000, 1_000, 0]


def test_a_pool_is_paid_once(ranked: World) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_000)))
    [first] = pay(ranked)
    ranked.earn(settled("e2", "o2", "m", line(10_000)))
    [second] = pay(ranked)
    assert (second.is_new, second.payment) == (False, first.payment)
    assert sum(ranked.earned().values()) == 1_000


def test_only_what_settled_in_the_month_counts_less_what_was_refunded_in_it(ranked: World) -> None:
    ranked.earn(
        settled("feb", "feb", "m", line(5_000), paid_at=EARLY, occurred_at=MARCH_BEGINS - TICK),
        settled("first", "first", "m", line(1_000), paid_at=EARLY, occurred_at=MARCH_BEGINS),
        settled("last", "last", "m", line(2_000), occurred_at=APRIL_BEGINS - TICK),
        settled("apr", "apr", "m", line(9_000), occurred_at=APRIL_BEGINS),
        refunded("r1", "feb", {"1": 400}, occurred_at=MARCH_BEGINS),
        refunded("r2", "last", {"1": 600}, occurred_at=APRIL_BEGINS),
    )
    assert [shared.payment.base_minor for shared in pay(ranked)] == [1_000 + 2_000 - 400]
    assert [shared.payment.base_minor for shared in pay(ranked, APRIL)] == [9_000 - 600]


def test_a_month_that_gave_back_more_than_it_sold_has_nothing_to_share(ranked: World) -> None:
    ranked.earn(
        settled("feb", "feb", "m", line(5_000), paid_at=EARLY, occurred_at=MARCH_BEGINS - TICK),
        refunded("r1", "feb", None, occurred_at=MARCH_BEGINS),
    )
    [paid] = pay(ranked)
    assert (paid.payment.base_minor, paid.payment.amount_minor, ranked.earned()) == (0, 0, {})


def test_who_takes_part_is_who_was_active_and_held_the_rank_at_the_last_instant(ranked: World) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_000)))
    status_of(ranked, "g", "frozen", APRIL_BEGINS - TICK)
    status_of(ranked, "s", "closed", APRIL_BEGINS)
    rank_of(ranked, "m", "gold", APRIL_BEGINS - TICK)
    rank_of(ranked, "t", "member", APRIL_BEGINS)
    ranked.join(("late", None), joined_at=APRIL_BEGINS)
    rank_of(ranked, "late", "gold", APRIL_BEGINS)
    pay(ranked)
    assert ranked.earned() == {"s": 250, "t": 250, "m": 500}


def test_the_plan_is_the_one_in_force_at_the_last_instant(ranked: World) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_000)))
    other = {**PLAN, "pools": [{"id": "all", "rate": "0.01", "weights": {"member": 1}}]}
    ranked.publish(other, APRIL_BEGINS)
    assert [shared.payment.pool_id for shared in pay(ranked)] == ["leaders"]
    ranked.earn(settled("e2", "o2", "m", line(10_000), occurred_at=APRIL_BEGINS))
    assert [(shared.payment.pool_id, shared.payment.amount_minor) for shared in pay(ranked, APRIL)] == [("all", 100)]


@pytest.mark.parametrize(("base", "left"), [("list", 1_000 + 300 - 900), ("margin", 600 + 100 - 540)])
def test_a_base_other_than_paid_gives_back_in_exact_proportion(ranked: World, base: str, left: int) -> None:
    ranked.publish({**PLAN, "code": base, "base": base}, PAID - timedelta(hours=1))
    sold = [
        line(900, "1", list_minor=1_000, cost_minor=300),
        line(300, "2", cost_minor=200),
        line(0, "3", cost_minor=50),
    ]
    ranked.earn(settled("e1", "o1", "m", *sold))
    ranked.earn(refunded("r1", "o1", {"1": 300}), refunded("r2", "o1", {"1": 300}), refunded("r3", "o1", {"1": 210}))
    [paid] = pay(ranked)
    assert paid.payment.base_minor == left


def test_a_pool_is_paid_when_the_month_is_over_and_its_events_are_through(ranked: World) -> None:
    ranked.post(settled("e1", "o1", "m", line(10_000)))
    for now, code in ((APRIL_BEGINS - TICK, "period_not_over"), (NOW, "events_pending")):
        with pytest.raises(Refusal) as caught:
            pay(ranked, now=now)
        assert caught.value.code == code
    ranked.drain()
    assert pay(ranked, now=APRIL_BEGINS)[0].is_new


def test_a_close_pays_what_no_command_has_paid_and_proposes_it_so(ranked: World) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_000)))
    with ranked.container.begin() as conn:
        proposed = asdict(closing.propose_close(Unit(conn, ranked.program, ANN, NOW), MARCH))
    assert (proposed["totals"]["earned_minor"], ranked.earned()) == (1_000, {})
    assert close(ranked)["totals"]["earned_minor"] == 1_000
    assert ranked.earned() == {"g": 500, "s": 250, "t": 250}
    assert [shared.is_new for shared in pay(ranked)] == [False]
    assert close(ranked, APRIL)["totals"]["closing_minor"] == 1_000


def test_a_plan_without_pools_and_a_month_without_plan_pay_nothing(world: World) -> None:
    assert pay(world) == []
    world.publish({name: value for name, value in PLAN.items() if name != "pools"})
    assert pay(world) == []


def test_a_pool_without_anyone_to_share_it_is_fixed_at_nothing(world: World) -> None:
    world.publish(PLAN)
    world.join(("m", None))
    world.earn(settled("e1", "o1", "m", line(10_000)))
    [paid] = pay(world)
    assert (paid.payment.base_minor, paid.payment.amount_minor, paid.payment.holders) == (10_000, 0, 0)
    rank_of(world, "m", "gold")
    assert [shared.is_new for shared in pay(world)] == [False]


def test_the_published_case_adds_up_to_the_unit(world: World) -> None:
    case = json.loads((Path(__file__).parents[2] / "cases" / "pool-by-weight.json").read_text("utf-8"))
    world.publish(case["plan"])
    world.join(*((shop, sponsor) for shop, sponsor in case["shops"]))
    for shop, rank in case["ranks"].items():
        rank_of(world, shop, rank)
    order = case["orders"][0]
    world.earn(settled("e1", order["id"], order["shop_id"], *order["lines"]))
    pay(world)
    assert world.earned() == case["expect"]


def test_many_holders_are_paid_page_by_page_as_if_at_once(ranked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked.earn(settled("e1", "o1", "m", line(10_003)))
    monkeypatch.setattr(pools, "HOLDERS_CHUNK", 1)
    pay(ranked)
    assert ranked.earned() == {"g": 500, "s": 250, "t": 250}
