"""The drain on real PostgreSQL: what events become, whatever comes twice, late or broken."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, paid, refunded, settled
from tests.world.world import EARLY, World, chain

TWO_LEVELS = {
    **SELLER_TEN_PERCENT,
    "code": "two-level",
    "tiers": 2,
    "hold_days": 7,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05"},
        {"id": "upline-2", "pay": "upline", "tier": 2, "rate": "0.02"},
    ],
}


def test_an_order_pays_the_seller_and_those_above(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c", "d"))
    assert world.earn(settled("e1", "o1", "d", line(10_000), line(5_000, "2"))) == {"d": 1_500, "c": 750, "b": 300}


def test_the_same_event_twice_pays_once(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    event = settled("e1", "o1", "s", line(10_000))
    assert [answer.status for answer in world.post(event, event)] == ["accepted", "duplicate"]
    world.drain()
    assert [answer.status for answer in world.post(event)] == ["duplicate"]
    assert world.earn() == {"s": 1_000}


def test_an_event_id_with_other_content_is_a_conflict(world: World) -> None:
    world.post(settled("e1", "o1", "s", line(10_000)))
    answers = world.post(settled("e1", "o1", "s", line(20_000)))
    assert [(answer.status, answer.refusal and answer.refusal.code) for answer in answers] == [
        ("refused", "id_conflict")
    ]


def test_times_are_compared_as_instants_and_null_as_absent(world: World) -> None:
    event = settled("e1", "o1", "s", line(10_000))
    world.post(event)
    same = {**event, "occurred_at": "2026-03-01T11:00:00+08:00"}
    same["order"] = {**event["order"], "customer_id": None, "channel": "retail"}
    assert [answer.status for answer in world.post(same)] == ["duplicate"]


def test_the_same_order_under_two_event_ids_pays_once(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    assert world.earn(settled("e1", "o1", "s", line(10_000)), settled("e2", "o1", "s", line(10_000))) == {"s": 1_000}
    assert {world.outcome("e1"), world.outcome("e2")} == {("done", None), ("done", "already_settled")}
    world.earn(settled("e3", "o1", "s", line(9_999)))
    assert world.outcome("e3") == ("failed", "order_conflict")
    assert world.earned() == {"s": 1_000}


def test_a_refund_before_its_order_waits_and_then_counts(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    assert world.earn(refunded("r1", "o1", {"1": 4_000})) == {}
    assert world.outcome("r1") == ("waiting", "waits_for_order")
    assert world.earn(settled("e1", "o1", "s", line(10_000))) == {"s": 600}
    assert world.outcome("r1") == ("done", None)


def test_an_order_of_an_unknown_shop_waits_until_the_shop_comes(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    assert world.earn(settled("e1", "o1", "s", line(10_000)), refunded("r1", "o1", {"1": 5_000})) == {}
    assert world.outcome("e1") == ("waiting", "waits_for_shop")
    world.join(("t", None))
    assert world.outcome("e1") == ("waiting", "waits_for_shop")
    world.join(("s", None))
    assert world.outcome("e1")[0] == "pending"
    assert world.drainer.run().events == 2
    assert world.earned() == {"s": 500}


def test_an_order_without_a_shop_is_kept_and_pays_nobody(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    assert world.earn(settled("e1", "o1", None, line(10_000))) == {}
    assert world.outcome("e1") == ("done", "no_shop")
    world.earn(refunded("r1", "o1", None))
    assert world.outcome("r1") == ("done", None)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (refunded("bad", "o1", {"1": 10_001}), "refund_exceeds"),
        (refunded("bad", "o1", {"9": 1}), "line_unknown"),
        (settled("bad", "o2", "s", line(1), currency="USD"), "currency_mismatch"),
        (settled("bad", "o2", "s", line(1), paid_at=EARLY - timedelta(days=1)), "no_plan"),
    ],
)
def test_what_cannot_be_worked_on_is_parked_and_others_go_on(world: World, event: dict[str, object], code: str) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    good = settled("good", "o3", "s", line(10_000))
    assert world.earn(settled("e1", "o1", "s", line(10_000)), event, good) == {"s": 2_000}
    assert world.outcome("bad") == ("failed", code)
    assert world.outcome("good") == ("done", None)


def test_refunds_take_back_exactly_whatever_the_steps(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c"))
    for order, steps in {"o1": [333, 334, 332], "o2": [999], "o3": [1] * 9 + [990]}.items():
        world.earn(settled(f"e-{order}", order, "c", line(999)))
        for number, amount in enumerate(steps):
            world.earn(refunded(f"r-{order}-{number}", order, {"1": amount}))
    assert world.earned() == {"a": 0, "b": 0, "c": 0}
    assert world.earn(settled("e4", "o4", "c", line(999)), refunded("r4", "o4", None)) == {"a": 0, "b": 0, "c": 0}


def test_a_refund_of_a_free_order_takes_what_that_earned_once_and_says_nothing_left_only_then(world: World) -> None:
    world.publish({**SELLER_TEN_PERCENT, "rules": [{"id": "gift", "pay": "seller", "amount_minor": 88}]})
    world.join(("s", None))
    assert world.earn(settled("e1", "o1", "s", line(0))) == {"s": 88}
    assert world.earn(refunded("r1", "o1", None)) == {"s": 0}
    assert world.earn(refunded("r2", "o1", None)) == {"s": 0}
    assert [world.outcome(event) for event in ("r1", "r2")] == [("done", None), ("done", "nothing_left")]
    assert world.earn(paid("p2", "o2", "s", line(0)), refunded("r3", "o2", None)) == {"s": 0}
    assert world.outcome("r3") == ("done", None)


def test_the_same_refund_under_another_event_id_takes_nothing_more(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    first = refunded("r1", "o1", {"1": 4_000}, refund_id="refund-1")
    again = refunded("r2", "o1", {"1": 4_000}, refund_id="refund-1")
    other = refunded("r3", "o1", {"1": 4_001}, refund_id="refund-1")
    assert world.earn(settled("e1", "o1", "s", line(10_000)), first, again, other) == {"s": 600}
    outcomes = [world.outcome(event) for event in ("r1", "r2", "r3")]
    assert outcomes == [("done", None), ("done", "already_refunded"), ("failed", "refund_conflict")]


def test_running_totals_are_what_the_transfers_add_up_to(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c"))
    april = PAID + timedelta(days=40)
    world.earn(
        settled("e1", "o1", "c", line(10_000)),
        settled("e2", "o2", "b", line(3_000)),
        refunded("r1", "o1", {"1": 5_000}, april),
    )
    months = world.rows(
        "SELECT s.shop_id, m.period, m.earned_minor, m.reversed_minor, m.orders, m.refunds FROM account_months m"
        " JOIN shops s ON s.program_id = m.program_id AND s.shop_no = m.account_no"
        " WHERE m.program_id = :program ORDER BY 1, 2"
    )
    assert [tuple(row) for row in months] == [
        ("a", 202603, 350, 0, 2, 0),
        ("a", 202604, 0, -100, 0, 1),
        ("b", 202603, 800, 0, 2, 0),
        ("b", 202604, 0, -250, 0, 1),
        ("c", 202603, 1_000, 0, 1, 0),
        ("c", 202604, 0, -500, 0, 1),
    ]


def test_a_poison_order_is_found_and_parked_while_its_batch_goes_on(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    world.post(*[settled(f"e{n}", f"o{n}", "s", line(1_000)) for n in range(20)])
    with world.container.worker_engine.begin() as conn:
        conn.execute(text("RESET ROLE"))
        conn.execute(text("ALTER TABLE events DISABLE TRIGGER only_grows"))
        conn.execute(text("UPDATE events SET payload = '{\"broken\"' WHERE event_id = 'e7'"))
        conn.execute(text("ALTER TABLE events ENABLE TRIGGER only_grows"))
        conn.execute(text("SET ROLE distrib_worker"))
    tally = world.drain()
    assert (tally.parked, world.earned()) == (1, {"s": 1_900})
    assert world.outcome("e7") == ("failed", "poison")


def test_twenty_copies_of_each_event_from_four_drains_have_one_effect(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c"))
    events = [settled(f"e{n}", f"o{n}", "c", line(1_000)) for n in range(50)]
    events += [refunded(f"r{n}", f"o{n}", {"1": 500}) for n in range(50)]

    def post_and_drain() -> None:
        for _ in range(5):
            world.post(*events)
            world.drainer.run()

    threads = [threading.Thread(target=post_and_drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.drain()
    assert world.earned() == {"c": 50 * 50, "b": 50 * 25, "a": 50 * 10}


RANKED = {
    **SELLER_TEN_PERCENT,
    "code": "ranked",
    "tiers": 3,
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 10_000}},
        {"code": "manager", "promote": {"metric": "team_sales_minor", "levels": 2, "at_least": 30_000}},
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": {"member": "0.10", "owner": "0.20", "manager": "0.30"}}],
}


def test_a_promotion_takes_effect_the_next_day_for_orders_paid_from_then_on(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None))
    morning = datetime(2026, 3, 2, 1, tzinfo=UTC)
    same_day = morning + timedelta(hours=2)
    next_day = datetime(2026, 3, 2, 16, tzinfo=UTC)  # midnight in Shanghai
    world.post(
        settled("e3", "o3", "s", line(1_000), paid_at=next_day),
        settled("e2", "o2", "s", line(1_000), paid_at=same_day),
        settled("e1", "o1", "s", line(10_000), paid_at=morning),
    )
    assert world.earn() == {"s": 1_000 + 100 + 200}
    history = world.rows("SELECT rank, effective_at, cause FROM shop_ranks WHERE program_id = :program")
    assert [tuple(row) for row in history] == [("owner", next_day, "promotion")]


def test_sales_outside_the_window_and_refunded_sales_do_not_promote(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None), ("t", None))
    world.earn(
        settled("e1", "o1", "s", line(9_000), paid_at=PAID),
        settled("e2", "o2", "s", line(9_000), paid_at=PAID + timedelta(days=31)),
        settled("e3", "o3", "t", line(9_000), paid_at=PAID),
        refunded("r3", "o3", {"1": 1_000}, PAID + timedelta(days=1)),
        settled("e4", "o4", "t", line(1_500), paid_at=PAID + timedelta(days=2)),
    )
    assert world.rows("SELECT rank FROM shop_ranks WHERE program_id = :program") == []


def test_team_sales_within_the_levels_promote_and_deeper_ones_do_not(world: World) -> None:
    world.publish(RANKED)
    world.join(*chain("top", "a", "b", "c"))
    world.earn(settled("e1", "o1", "c", line(40_000)))
    ranks = world.rows(
        "SELECT s.shop_id, r.rank FROM shop_ranks r JOIN shops s USING (program_id, shop_no) ORDER BY 1, r.seq"
    )
    assert [tuple(row) for row in ranks] == [("a", "manager"), ("b", "manager"), ("c", "owner")]


def test_ranks_do_not_depend_on_the_order_in_which_a_day_is_posted(world: World) -> None:
    world.publish(RANKED)
    world.join(("s", None))
    late = settled("e2", "o2", "s", line(5_000), paid_at=PAID + timedelta(hours=2))
    early = settled("e1", "o1", "s", line(5_000), paid_at=PAID)
    world.earn(late)
    world.earn(early)
    assert len(world.rows("SELECT 1 FROM shop_ranks WHERE program_id = :program AND rank = 'owner'")) == 1


def test_a_late_look_is_held_against_the_rank_of_its_own_time(world: World) -> None:
    world.publish(RANKED)
    world.join(*chain("s", "t"))
    later = PAID + timedelta(days=60)
    world.earn(settled("e1", "o1", "s", line(10_000), paid_at=later))
    world.earn(settled("e2", "o2", "t", line(30_000), paid_at=PAID))
    world.earn(settled("e3", "o3", "s", line(1_000), paid_at=later + timedelta(days=5)))
    history = world.rows(
        "SELECT r.rank, r.effective_at FROM shop_ranks r JOIN shops s USING (program_id, shop_no)"
        " WHERE s.shop_id = 's' ORDER BY r.effective_at, r.seq"
    )
    assert [row.rank for row in history] == ["manager", "owner", "manager"]
    assert world.rows("SELECT rank FROM shops WHERE shop_id = 's'")[0][0] == "manager"
    assert world.earned()["s"] == 1_000 + 300


def test_heavy_orders_make_smaller_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distrib.store.orders.queue._BATCH_BYTES", 100_000)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    lines = [line(100, str(number)) for number in range(1_000)]
    world.post(*[settled(f"e{number}", f"o{number}", "s", *lines) for number in range(4)])
    assert world.drain().batches == 2
    assert world.earned() == {"s": 4 * 1_000 * 10}


def test_a_group_buy_order_waits_for_its_group(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    order = settled("e1", "o1", "s", line(10_000), channel="group_buy", group_id="g-1")
    assert world.earn(order, settled("e2", "o2", "s", line(10_000), channel="group_buy")) == {"s": 1_000}
    assert world.outcome("e1") == ("waiting", "waits_for_group")
