"""Monthly evaluations on real PostgreSQL: who keeps a rank, who loses it, and what is never touched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.standing import set_rank
from distrib.services.ranks.evaluation import evaluate_month
from distrib.store.ranks.evaluations import EvaluationRow
from tests.world.documents import line, refunded, settled
from tests.world.processes import wait_until
from tests.world.world import World, chain

SHANGHAI = ZoneInfo("Asia/Shanghai")
SALES = {"metric": "personal_sales_minor"}
KEEP = {**SALES, "window": "month", "at_least": 1_000}
RANKED: dict[str, Any] = {
    "code": "ranked",
    "currency": "CNY",
    "hold_days": 0,
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {**SALES, "window": "30d", "at_least": 10_000}},
        {"code": "manager", "promote": {**SALES, "window": "30d", "at_least": 50_000}, "keep": KEEP, "grace": 1},
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": {"member": "0.10", "owner": "0.20", "manager": "0.30"}}],
}


def instant_of(month: int, day: int, hour: int = 12) -> datetime:
    """An instant of 2026 in Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=SHANGHAI).astimezone(UTC)


def sale(order: str, shop: str, amount: int, when: datetime, **more: Any) -> dict[str, Any]:
    return settled(f"e-{order}", order, shop, line(amount), paid_at=when, **more)


def with_ranks(*ranks: dict[str, Any], **more: Any) -> dict[str, Any]:
    rules = [{"id": "s", "pay": "seller", "rate": "0.1"}]
    return {**RANKED, "ranks": [{"code": "member"}, *ranks], "rules": rules, **more}


def evaluate(world: World, period: int) -> EvaluationRow:
    with world.container.begin() as conn:
        return evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), period)[0]


def figures(row: EvaluationRow) -> tuple[int, int, int, int]:
    return row.promoted, row.lowered, row.taken_back, row.failing


def history(world: World, shop: str) -> list[tuple[str | None, datetime, str]]:
    rows = world.rows(
        "SELECT r.rank, r.effective_at, r.cause FROM shop_ranks r JOIN shops s USING (program_id, shop_no)"
        " WHERE program_id = :program AND s.shop_id = :shop ORDER BY r.effective_at, r.seq",
        shop=shop,
    )
    return [tuple(row) for row in rows]


def last_reason(world: World, shop: str) -> dict[str, Any]:
    rows = world.rows(
        "SELECT r.reason FROM shop_ranks r JOIN shops s USING (program_id, shop_no)"
        " WHERE program_id = :program AND s.shop_id = :shop ORDER BY r.seq DESC LIMIT 1",
        shop=shop,
    )
    reason: dict[str, Any] = json.loads(rows[0][0])
    return reason


def by_hand(world: World, shop: str, rank: str | None, when: datetime) -> None:
    with world.container.begin() as conn:
        set_rank(Unit(conn, world.program, COMMAND_LINE, world.container.now()), shop, rank, when, "by hand")


def test_keep_may_fail_as_often_as_grace_says_and_once_more_costs_one_rank(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("t", None))
    world.earn(
        sale("o1", "s", 50_000, instant_of(1, 10)),
        sale("t1", "t", 50_000, instant_of(1, 10)),
        sale("t2", "t", 1_000, instant_of(3, 2)),
    )
    assert figures(evaluate(world, 202601)) == (0, 0, 0, 0)
    assert figures(evaluate(world, 202602)) == (0, 0, 0, 2)
    assert figures(evaluate(world, 202603)) == (0, 1, 0, 1)
    assert history(world, "s") == [
        ("manager", instant_of(1, 11, 0), "promotion"),
        ("owner", instant_of(4, 1, 0), "evaluation"),
    ]
    assert last_reason(world, "s") == {
        "evaluation": "2026-03",
        "at": (instant_of(4, 1, 0) - timedelta(microseconds=1)).isoformat(),
        "from": "manager",
        "to": "owner",
        "code": "keep_failed",
        "keep": [{"metric": "personal_sales_minor", "window": "month", "at_least": 1_000, "figure": 0, "holds": False}],
        "failures": 2,
        "grace": 1,
    }
    world.earn(sale("o2", "s", 1_000, instant_of(4, 2)), sale("t3", "t", 1_000, instant_of(4, 2)))
    assert world.earned() == {"s": 5_000 + 200, "t": 5_000 + 300 + 300}


def test_a_month_that_keeps_the_rank_ends_the_row_of_failures(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)), sale("o2", "s", 1_000, instant_of(3, 31, 22)))
    assert [evaluate(world, period).failing for period in (202601, 202602, 202603, 202604)] == [0, 1, 0, 1]
    assert [rank for rank, _, _ in history(world, "s")] == ["manager"]


def test_a_month_is_evaluated_once_in_sequence_when_it_is_over_and_its_events_are_done(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None))
    world.post(sale("o1", "s", 50_000, instant_of(1, 10)))
    with pytest.raises(Refusal) as refused:
        evaluate(world, 202601)
    assert (refused.value.code, refused.value.params) == ("events_pending", {"events": 1})
    world.drain()
    first = evaluate(world, 202601)
    with world.container.begin() as conn:
        again, is_new = evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), 202601)
    assert (again, is_new) == (first, False)
    with pytest.raises(Refusal) as refused:
        evaluate(world, 202603)
    assert (refused.value.code, refused.value.params) == ("evaluation_in_sequence", {"next": "2026-02"})
    with world.container.begin() as conn, pytest.raises(Refusal) as refused:
        evaluate_month(Unit(conn, world.program, COMMAND_LINE, instant_of(3, 1, 0) - timedelta(microseconds=1)), 202602)
    assert refused.value.code == "period_not_over"
    assert evaluate(world, 202602).period == 202602


def test_two_evaluations_at_once_are_one(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)))
    evaluate(world, 202601)
    evaluate(world, 202602)
    rows: list[tuple[EvaluationRow, bool]] = []

    def run() -> None:
        with world.container.begin() as conn:
            rows.append(evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), 202603))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(is_new for _, is_new in rows) == [False, False, True]
    assert len({row for row, _ in rows}) == 1
    assert [rank for rank, _, _ in history(world, "s")] == ["manager", "owner"]


@contextmanager
def judging(world: World, owner: Engine, period: int) -> Iterator[Future[EvaluationRow]]:
    """Runs an evaluation up to where it has read the figures of all shops; it goes on after the block."""
    waits = text("SELECT count(*) FROM pg_locks WHERE relation = CAST('rank_failures' AS regclass) AND NOT granted")
    with ThreadPoolExecutor(1) as pool:
        with owner.begin() as holder:
            holder.execute(text("LOCK TABLE rank_failures IN ACCESS EXCLUSIVE MODE"))
            row = pool.submit(evaluate, world, period)
            wait_until(lambda: bool(holder.execute(waits).scalar_one()), "the evaluation waits")
            yield row
            assert not row.done()
        row.exception(60)


def earn_beside(world: World, *events: dict[str, Any]) -> None:
    """Posts and drains beside an evaluation; what would wait for it is left after a second."""
    world.post(*events)
    world.drainer.run(deadline_s=30)


def test_days_go_on_while_an_evaluation_judges_and_what_they_promote_stays(world: World, owner: Engine) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("t", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)))
    evaluate(world, 202601)
    evaluate(world, 202602)
    with judging(world, owner, 202603) as row:
        earn_beside(world, sale("t1", "t", 50_000, instant_of(4, 2)), sale("t2", "t", 1_000, instant_of(4, 3)))
        assert world.earned()["t"] == 5_000 + 300
    assert figures(row.result()) == (0, 1, 0, 1)
    assert history(world, "t") == [("manager", instant_of(4, 3, 0), "promotion")]
    assert [rank for rank, _, _ in history(world, "s")] == ["manager", "owner"]


def test_a_promotion_that_a_late_sale_brings_while_an_evaluation_judges_is_judged_too(
    world: World, owner: Engine
) -> None:
    owners = {"code": "owner", "promote": {**SALES, "window": "30d", "at_least": 10_000}, "keep": KEEP}
    world.publish(with_ranks(owners, {"code": "manager", "promote": {**SALES, "window": "30d", "at_least": 50_000}}))
    world.join(("s", None), ("t", None))
    world.earn(*(sale(f"{shop}1", shop, 10_000, instant_of(1, 10)) for shop in "st"))
    evaluate(world, 202601)
    with judging(world, owner, 202602) as row:
        earn_beside(world, sale("s2", "s", 50_000, instant_of(2, 20)))
        assert [rank for rank, _, _ in history(world, "s")] == ["owner", "manager"]
    assert figures(row.result()) == (0, 1, 0, 1)
    assert [rank for rank, _, _ in history(world, "s")] == ["owner", "manager"]
    assert [rank for rank, _, _ in history(world, "t")] == ["owner", "member"]


def test_a_promotion_whose_basis_was_refunded_is_taken_back_and_one_that_still_holds_stays(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("t", None), ("u", None))
    world.earn(
        *(sale(f"{shop}1", shop, 50_000, instant_of(1, 10)) for shop in "stu"),
        refunded("rs", "s1", None, instant_of(1, 20)),
        refunded("rt", "t1", {"1": 45_000}, instant_of(2, 3)),
        sale("t2", "t", 10_000, instant_of(1, 30)),
    )
    assert figures(evaluate(world, 202601)) == (0, 0, 2, 0)
    assert history(world, "s") == [
        ("manager", instant_of(1, 11, 0), "promotion"),
        ("member", instant_of(2, 1, 0), "evaluation"),
    ]
    assert last_reason(world, "s")["code"] == "basis_refunded"
    assert last_reason(world, "s")["taken_back"] == [
        {
            "at": (instant_of(1, 10) + timedelta(hours=1)).isoformat(),
            "to": "manager",
            "conditions": [
                {"metric": "personal_sales_minor", "window": "30d", "at_least": 50_000, "figure": 0, "holds": False}
            ],
        }
    ]
    assert history(world, "t")[-1] == ("owner", instant_of(2, 1, 0), "evaluation")
    assert [rank for rank, _, _ in history(world, "u")] == ["manager"]


def test_a_promotion_that_an_evaluation_has_seen_is_not_looked_at_again(world: World) -> None:
    world.publish(with_ranks({"code": "owner", "promote": {**SALES, "at_least": 10_000}}))
    world.join(("s", None))
    world.earn(sale("o1", "s", 10_000, instant_of(1, 10)))
    assert figures(evaluate(world, 202601)) == (0, 0, 0, 0)
    world.earn(refunded("r", "o1", None, instant_of(2, 3)))
    assert figures(evaluate(world, 202602)) == (0, 0, 0, 0)
    assert [rank for rank, _, _ in history(world, "s")] == ["owner"]


def test_a_rank_by_hand_is_a_floor_to_evaluations_until_it_is_cleared(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("h", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)))
    by_hand(world, "s", "manager", instant_of(1, 5))
    by_hand(world, "h", "manager", instant_of(1, 5))
    for period in (202601, 202602, 202603, 202604):
        evaluate(world, period)
    assert history(world, "h") == [("manager", instant_of(1, 5), "hand")]
    assert history(world, "s")[-2:] == [
        ("owner", instant_of(4, 1, 0), "evaluation"),
        ("manager", instant_of(4, 1, 0), "floor"),
    ]
    by_hand(world, "s", None, instant_of(5, 3))
    assert history(world, "s")[-1] == ("owner", instant_of(5, 3), "restored")


def test_an_evaluation_looks_at_promotions_too_and_a_shop_that_rises_is_not_lowered(world: World) -> None:
    recent = {"metric": "direct_recruits", "window": "month", "at_least": 2}
    keep = {"metric": "personal_orders", "window": "month", "at_least": 1}
    world.publish(with_ranks({"code": "owner", "promote": {**SALES, "at_least": 1_000}, "keep": keep}))
    world.join(("s", None))
    world.earn(sale("o1", "s", 1_000, instant_of(1, 10)))
    evaluate(world, 202601)
    owner = {"code": "owner", "promote": {**SALES, "at_least": 1_000}, "keep": keep}
    world.join(("a", "s"), ("b", "s"), joined_at=instant_of(2, 9))
    world.drain()
    world.publish(with_ranks(owner, {"code": "manager", "promote": recent}), instant_of(2, 20))
    assert figures(evaluate(world, 202602)) == (1, 0, 0, 0)
    assert history(world, "s")[-1] == ("manager", instant_of(3, 1, 0), "promotion")
    assert last_reason(world, "s")["evaluation"] == "2026-02"


def test_a_promotion_of_the_last_day_is_not_asked_to_keep_the_rank_before(world: World) -> None:
    keep = {"metric": "customers", "window": "month", "at_least": 1}
    world.publish(
        with_ranks(
            {"code": "owner", "promote": {**SALES, "at_least": 1_000}, "keep": keep},
            {"code": "manager", "promote": {**SALES, "at_least": 5_000}},
        )
    )
    world.join(("s", None))
    world.earn(
        sale("o1", "s", 1_000, instant_of(1, 10), customer_id="c"), sale("o2", "s", 5_000, instant_of(2, 28, 20))
    )
    evaluate(world, 202601)
    assert figures(evaluate(world, 202602)) == (0, 0, 0, 0)
    assert [rank for rank, _, _ in history(world, "s")] == ["owner", "manager"]


def test_own_purchases_and_entry_lines_keep_no_rank(world: World) -> None:
    keep = {
        "any": [
            {**KEEP, "at_least": 1},
            {"metric": "customers", "window": "month", "at_least": 1},
            {"metric": "earned_minor", "window": "month", "at_least": 1},
        ]
    }
    world.publish(with_ranks({"code": "owner", "promote": {**SALES, "at_least": 10_000}, "keep": keep}))
    world.join(("s", None), ("t", None))
    world.earn(
        *(sale(f"{shop}1", shop, 10_000, instant_of(1, 10)) for shop in "st"),
        sale("own", "s", 5_000, instant_of(2, 10), customer_id="s"),
        settled("e-entry", "entry", "s", line(5_000, entry=True), paid_at=instant_of(2, 11), customer_id="c"),
        settled("e-mixed", "mixed", "t", line(5_000, entry=True), line(10, "2"), paid_at=instant_of(2, 11)),
    )
    evaluate(world, 202601)
    assert figures(evaluate(world, 202602)) == (0, 1, 0, 1)
    assert [rank for rank, _, _ in history(world, "s")] == ["owner", "member"]
    assert [rank for rank, _, _ in history(world, "t")] == ["owner"]


def test_ranks_are_mapped_when_a_version_drops_one_and_keep_counts_on(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("h", None))
    world.earn(sale("o1", "s", 50_000, instant_of(1, 10)))
    by_hand(world, "h", "manager", instant_of(1, 5))
    evaluate(world, 202601)
    evaluate(world, 202602)
    director = {"code": "director", "keep": KEEP, "grace": 1}
    world.publish(with_ranks({"code": "owner"}, director, rank_map={"manager": "director"}), instant_of(3, 10))
    assert history(world, "s")[1:] == [("director", instant_of(3, 10), "plan")]
    assert last_reason(world, "s") == {"rank_map": {"manager": "director"}}
    assert history(world, "h") == [("manager", instant_of(1, 5), "hand"), ("director", instant_of(3, 10), "plan")]
    assert figures(evaluate(world, 202603)) == (0, 1, 0, 1)
    assert history(world, "s")[2:] == [("owner", instant_of(4, 1, 0), "evaluation")]
    by_hand(world, "h", None, instant_of(4, 2))
    assert history(world, "h")[2:] == [(None, instant_of(4, 2), "hand")]


def test_a_month_without_a_plan_is_evaluated_to_nothing(world: World) -> None:
    world.join(*chain("a", "b"))
    row = evaluate(world, 202601)
    assert (row.version_no, row.shops, figures(row)) == (None, 0, (0, 0, 0, 0))
