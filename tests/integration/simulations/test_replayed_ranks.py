"""Ranks replayed: the plan in force comes to every change of rank of the program, another plan to its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.simulations.checking import Checked, check_as_published, check_ranks
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.simulator import Simulator
from tests.world.api import Api
from tests.world.documents import line, refunded, settled
from tests.world.world import World

FIRST = datetime(2026, 1, 5, 2, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = PaidSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
SPAN = {"from": "2025-12-31T16:00:00Z", "to": "2026-04-30T16:00:00Z"}
_SALES = {"metric": "personal_sales_minor"}


def plan(code: str, *, gold_at: int = 20_000, top: int = 2, **more: Any) -> dict[str, Any]:
    """A plan of three ranks: gold by one's own sales of 30 days, kept by those of the month; top by active recruits."""
    return {
        "code": code,
        "currency": "CNY",
        "tiers": 1,
        "hold_days": 0,
        "ranks": [
            {"code": "member"},
            {
                "code": "gold",
                "promote": {**_SALES, "window": "30d", "at_least": gold_at},
                "keep": {**_SALES, "window": "month", "at_least": 5_000},
                "grace": 1,
            },
            {
                "code": "top",
                "promote": {
                    "all": [
                        {"metric": "active_recruits", "window": "month", "at_least": top, "min_rank": "gold"},
                        {"metric": "team_sales_minor", "levels": 1, "window": "ever", "at_least": 1},
                    ]
                },
            },
        ],
        "rules": [
            {"id": "own", "pay": "seller", "rate": {"member": "0.05", "gold": "0.10", "top": "0.10"}},
            {"id": "up", "pay": "upline", "tier": 1, "rate": {"member": "0.01", "gold": "0.02", "top": "0.04"}},
        ],
    } | more


@pytest.fixture
def ranked(api: Api) -> Api:
    """Five shops and four months: promotions, one without a basis, ranks that are not kept, one set by hand, a move."""
    world = api.world
    world.publish(plan("old"))
    world.join(("a", None), ("b", "a"), ("c", "a"), ("d", "b"), ("e", None), joined_at=FIRST - 3 * DAY)
    world.set_rank("e", "gold", FIRST + 40 * DAY)
    world.move("e", "a", FIRST + 20 * DAY)
    events = []
    for number in range(48):
        shop = "bcdbe"[number % 5]
        paid_at = FIRST + number * 2 * DAY + timedelta(hours=number % 7)
        minor = 9_000 + 411 * (number % 4) if number < 25 else 1_000
        events.append(settled(f"s{number}", f"o{number}", shop, line(minor), paid_at=paid_at))
        if number % 11 == 3:
            events.append(refunded(f"r{number}", f"o{number}", None, paid_at + 9 * DAY))
    events.sort(key=lambda event: event["occurred_at"])
    for month in (1, 2, 3, 4):
        world.post(*[event for event in events if event["occurred_at"].startswith(f"2026-0{month}")])
        world.drain()
        with world.container.begin() as conn:
            evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.now()), 202600 + month)
    return api


def check(world: World) -> Checked:
    """The ledger and all changes of rank against the plan in force."""
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        checked = check_as_published(conn, world.program, world.policies, ALL)
        unit = Unit(conn, world.program, COMMAND_LINE, world.now())
        check_ranks(unit, world.container.worker_engine.begin, world.policies, checked)
    return checked


def changes(rows: Sequence[Any]) -> int:
    """How often another rank held than before, of rows in their order by shop."""
    held = {}
    for row in sorted(rows, key=attrgetter("shop_no", "effective_at", "seq")):
        held[row.shop_no, row.effective_at] = row.rank
    return sum(
        rank != (before if other == shop_no else None)
        for ((other, _), before), ((shop_no, _), rank) in pairwise([((0, None), None), *held.items()])
    )


def test_the_plan_in_force_replayed_comes_to_every_change_of_rank_and_to_what_was_paid(ranked: Api) -> None:
    world, admin = ranked.world, ranked.caller()
    before = world.rows("SELECT shop_no, effective_at, rank, cause, seq FROM shop_ranks WHERE program_id = :program")
    causes = {row.cause for row in before}
    assert causes >= {"promotion", "evaluation", "hand"}
    checked = check(world)
    assert (checked.differences, checked.shown) == (0, [])
    assert 0 < checked.ranks == changes(before)

    easier = plan("easier", gold_at=9_000, top=1)
    hard = plan("hard", gold_at=9_000_000)
    question = SPAN | {"plans": [plan("old"), easier, hard], "ranks": "replayed", "ranks_from": SPAN["from"]}
    asked = admin.post("/v1/simulations", question)
    Simulator(world.container.worker_engine.begin, world.policies, world.now).run_waiting()
    view = admin.get(f"/v1/simulations/{asked['id']}")
    assert (view["status"], view["problem"]) == ("done", None)
    same, more, less = view["result"]["candidates"]
    assert same["difference_minor"] == 0
    assert [row["difference_minor"] for row in same["by_rank"]] == [0] * len(same["by_rank"])
    assert more["cost_minor"] > same["cost_minor"] > less["cost_minor"]
    assert "top" in {row["rank"] for row in more["by_rank"]}
    orders = admin.get(f"/v1/simulations/{asked['id']}/orders?candidate=2&limit=500")["data"]
    for row in orders:
        assert sum(look["amount_minor"] for look in row["explanation"]) == row["now_minor"], row["order_id"]
    after = world.rows("SELECT shop_no, effective_at, rank, cause, seq FROM shop_ranks WHERE program_id = :program")
    assert after == before, "a simulation changes no rank of the program"

    earning = plan("earning")
    earning["ranks"][1] = {
        "code": "gold",
        "promote": {"metric": "earned_minor", "window": "month", "at_least": 5},
    }
    bad = admin.problem("POST", "/v1/simulations", SPAN | {"plan": earning, "ranks": "replayed"})
    assert [error["pointer"] for error in bad["errors"]] == ["ranks"]


def test_promotions_decided_in_another_order_than_they_hold_are_no_difference(world: World) -> None:
    """Recruits are known before a sale of the day before: what is promoted twice is promoted once in the replay."""
    ranks = [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "direct_recruits", "at_least": 2}},
        {"code": "top", "promote": {**_SALES, "window": "7d", "at_least": 20_000}},
    ]
    rules = [{"id": "own", "pay": "seller", "rate": "0.10"}]
    world.publish(plan("late", ranks=ranks, rules=rules, tiers=0))
    world.join(("a", None), joined_at=FIRST - DAY)
    world.join(("b", "a"), ("c", "a"), joined_at=FIRST + 2 * DAY)
    world.drain()
    world.earn(settled("s1", "o1", "a", line(60_000), paid_at=FIRST))
    rows = world.rows("SELECT rank FROM shop_ranks WHERE program_id = :program ORDER BY effective_at, seq")
    assert [row.rank for row in rows] == ["top", "owner", "top"]
    checked = check(world)
    assert (checked.differences, checked.shown, checked.ranks) == (0, [], 1)


def test_a_rank_that_the_plan_does_not_give_is_a_difference(ranked: Api, owner: Engine) -> None:
    world = ranked.world
    with owner.begin() as conn:
        conn.execute(text("ALTER TABLE shop_ranks DISABLE TRIGGER USER"))
        spoilt = text("UPDATE shop_ranks SET rank = 'top' WHERE cause = 'promotion' AND program_id = :program")
        assert conn.execute(spoilt, {"program": world.program.program_id}).rowcount
        conn.execute(text("ALTER TABLE shop_ranks ENABLE TRIGGER USER"))
    assert {row["what"] for row in check(world).shown} == {"missing", "extra"}
