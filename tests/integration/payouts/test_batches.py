"""Payouts: money is reserved once, sent once, taken back without being forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from distrib.domain.errors import Refusal
from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.ledger import adjustments
from distrib.services.network import standing
from distrib.services.payouts import batches
from distrib.services.statements import closing
from distrib.store.database import open_engine
from tests.world.documents import PAID, refunded
from tests.world.payouts import APPROVER, approve, balance, earn, make, open_shops, pay, payee, put, record
from tests.world.world import World

NOW = datetime(2026, 4, 2, 4, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
IN_MAY = datetime(2026, 5, 2, tzinfo=UTC)


def amounts(made: dict[str, object]) -> dict[str, int]:
    """What a batch reserves, by shop."""
    lines = made["lines"]
    assert isinstance(lines, list)
    return {row["shop_id"]: row["amount_minor"] for row in lines}


def is_sound(world: World) -> bool:
    """Whether the audit finds nothing."""
    with world.container.begin() as conn:
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, LATER), world.container.policies)
    assert result.ok, [check for check in result.checks if not check.ok]
    return True


def test_a_batch_has_one_line_a_shop_and_reserves_the_money_at_once(world: World) -> None:
    open_shops(world, "a", "b", "c")
    earn(world, "a", 1_000, PAID)
    earn(world, "a", 500, PAID + timedelta(days=1))
    earn(world, "b", 700, PAID)
    made = make(world, "march", NOW)
    assert amounts(made) == {"a": 1_500, "b": 700}
    assert (made["status"], made["count"], made["amount_minor"]) == ("proposed", 2, 2_200)
    assert balance(world, "a", NOW) == {"held": 0, "reserved": 1_500, "available": 0, "paid": 0}
    assert amounts(make(world, "again", NOW)) == {}


def test_what_is_paid_leaves_and_what_fails_comes_back_for_the_next_batch(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    make(world, "march", NOW)
    approve(world, "march", NOW)
    settled = record(world, "march", [("a", "paid"), ("b", "failed")], LATER)
    assert [result.outcome for result in settled] == ["recorded", "recorded"]
    assert balance(world, "a", LATER) == {"held": 0, "reserved": 0, "available": 0, "paid": 1_000}
    assert balance(world, "b", LATER) == {"held": 0, "reserved": 0, "available": 700, "paid": 0}
    with world.container.begin() as conn:
        assert (
            batches.payout_view(Unit(conn, world.program, COMMAND_LINE, LATER), "march", 0, 9)[0].batch.status
            == "settled"
        )
    assert amounts(make(world, "retry", LATER)) == {"b": 700}
    assert is_sound(world)


def test_a_result_settles_a_line_once_whatever_is_said_again(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "march", NOW)
    approve(world, "march", NOW)
    results = record(world, "march", [("a", "paid"), ("a", "paid"), ("a", "failed"), ("x", "paid")], LATER)
    codes = [row.refusal.code if row.refusal else row.outcome for row in results]
    assert codes == ["recorded", "unchanged", "result_conflict", "line_unknown_in_payout"]
    results = record(world, "march", [("a", "paid"), ("a", "failed")], LATER)
    assert [row.outcome for row in results] == ["unchanged", "refused"]
    assert balance(world, "a", LATER)["paid"] == 1_000
    [(transfers,)] = world.rows("SELECT count(*) FROM transfers WHERE kind = 'paid'")
    [(messages,)] = world.rows("SELECT count(*) FROM outbox WHERE type = 'payout.settled'")
    assert (transfers, messages) == (1, 1)
    assert is_sound(world)


def test_two_batches_at_once_never_reserve_the_same_money(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: make(world, f"batch-{number}", NOW), range(8)))
    lines = [line for batch in made for line in batch["lines"]]
    assert sorted((row["shop_id"], row["amount_minor"]) for row in lines) == [("a", 1_000), ("b", 700)]


def test_a_batch_whose_clock_was_read_before_it_had_to_wait_for_another_reserves_nothing_twice(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    make(world, "first", NOW + timedelta(milliseconds=2), up_to=NOW)
    assert amounts(make(world, "waited", NOW, up_to=NOW)) == {}
    assert is_sound(world)


def test_what_is_decided_after_it_had_to_wait_counts_no_earlier_than_the_batch(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    made = make(world, "march", NOW + timedelta(milliseconds=2), up_to=NOW)
    approve(world, "march", NOW)
    record(world, "march", [("a", "paid")], NOW)
    [(decided, recorded)] = world.rows("SELECT decided_at, recorded_at FROM payout_decisions, payout_results")
    assert made["created_at"] == decided == recorded


def test_the_same_result_twice_at_once_pays_once(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "march", NOW)
    approve(world, "march", NOW)
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: record(world, "march", [("a", "paid")], LATER), range(4)))
    assert sorted(row.outcome for results in batches for row in results) == ["recorded", *["unchanged"] * 3]
    assert balance(world, "a", LATER) == {"held": 0, "reserved": 0, "available": 0, "paid": 1_000}
    assert is_sound(world)


def test_a_batch_made_twice_is_one_and_with_other_content_a_conflict(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    assert make(world, "march", NOW) == make(world, "march", LATER, up_to=NOW)
    with pytest.raises(Refusal) as caught:
        make(world, "march", LATER, up_to=NOW, min_minor=1)
    assert caught.value.code == "id_conflict"


def test_approval_takes_another_key_and_no_cancelled_batch(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "march", NOW)
    with pytest.raises(Refusal, match="second person"):
        approve(world, "march", NOW, actor=COMMAND_LINE)
    with pytest.raises(Refusal) as caught:
        record(world, "march", [("a", "paid")], NOW)
    assert caught.value.code == "payout_not_approved"
    with world.container.begin() as conn:
        batches.cancel_payout(Unit(conn, world.program, COMMAND_LINE, NOW), "march")
        batches.cancel_payout(Unit(conn, world.program, APPROVER, LATER), "march")
    assert balance(world, "a", NOW)["available"] == 1_000
    for refused in (lambda: approve(world, "march", NOW), lambda: record(world, "march", [("a", "paid")], NOW)):
        with pytest.raises(Refusal) as caught:
            refused()
        assert caught.value.code == "payout_cancelled"


def test_an_approved_batch_is_not_cancelled_and_approving_again_changes_nothing(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "march", NOW)
    approve(world, "march", NOW)
    approve(world, "march", LATER)
    with world.container.begin() as conn, pytest.raises(Refusal) as caught:
        batches.cancel_payout(Unit(conn, world.program, COMMAND_LINE, NOW), "march")
    assert caught.value.code == "payout_approved"


def test_a_refund_after_payout_leaves_a_debt_that_later_earnings_fill_first(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID, "o1")
    pay(world, "march", NOW)
    world.earn(refunded("r1", "o1", None, LATER))
    assert balance(world, "a", LATER) == {"held": 0, "reserved": 0, "available": -1_000, "paid": 1_000}
    earn(world, "a", 400, LATER)
    assert amounts(make(world, "april", LATER + timedelta(hours=1))) == {}
    earn(world, "a", 900, LATER + timedelta(hours=2))
    assert amounts(make(world, "may", LATER + timedelta(hours=3))) == {"a": 300}
    assert is_sound(world)


def test_a_refund_while_money_is_reserved_makes_what_is_available_negative(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID, "o1")
    make(world, "march", NOW)
    world.earn(refunded("r1", "o1", {"1": 4_000}, NOW))
    assert balance(world, "a", NOW) == {"held": 0, "reserved": 1_000, "available": -400, "paid": 0}


def test_a_batch_of_the_past_takes_only_what_was_free_then_and_is_still_there(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    pay(world, "march", NOW)
    earn(world, "a", 500, LATER)
    assert amounts(make(world, "past", LATER + timedelta(days=1), up_to=NOW)) == {}
    assert amounts(make(world, "present", LATER + timedelta(days=1))) == {"a": 500}


def test_a_batch_of_the_past_never_reserves_what_an_adjustment_took_since(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    draft = adjustments.AdjustmentDraft("less", "a", -100, "a box was broken")
    with world.container.begin() as conn:
        adjustments.propose_adjustment(Unit(conn, world.program, COMMAND_LINE, LATER), draft)
        adjustments.approve_adjustment(Unit(conn, world.program, APPROVER, LATER), "less")
    assert amounts(make(world, "past", LATER + timedelta(days=1), up_to=NOW)) == {"a": 900}


HISTORY = (
    "payouts",
    "payout_decisions",
    "payout_lines",
    "payout_results",
    "payout_returns",
    "payout_refusals",
    "payee_versions",
    "withdrawals",
    "withdrawal_decisions",
    "withdrawal_lines",
)


@pytest.mark.parametrize("table", [*HISTORY, "payee_keys"])
def test_what_was_decided_and_paid_cannot_be_changed(world: World, database_url: str, table: str) -> None:
    engine = open_engine(database_url, None)
    change = text(f"UPDATE {table} SET program_id = program_id")
    for acting in (world.container.worker_engine, world.container.web_engine):
        with acting.connect() as conn, pytest.raises(ProgrammingError, match="permission denied"):
            conn.execute(change)
    with engine.connect() as conn:
        flags = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = :name"
        assert tuple(conn.execute(text(flags), {"name": table}).one()) == (True, True)
        if table in HISTORY:
            with pytest.raises(IntegrityError, match="only grows"):
                conn.execute(change)
    engine.dispose()


def test_held_money_waits_also_where_up_to_lies_ahead(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, NOW)
    assert amounts(make(world, "before", NOW, up_to=NOW - timedelta(seconds=1))) == {}
    earn(world, "a", 500, NOW + timedelta(hours=1))
    assert amounts(make(world, "ahead", NOW, up_to=NOW + timedelta(days=365))) == {"a": 1_000}


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_shop_that_is_frozen_or_closed_gets_no_line_and_is_named(world: World, status: str) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    with world.container.begin() as conn:
        standing.set_status(
            Unit(conn, world.program, COMMAND_LINE, NOW), "a", status, PAID + timedelta(days=1), "looked at"
        )
    made = make(world, "march", NOW)
    named = {"shop_id": "a", "code": f"shop_{status}", "amount_minor": 1_000}
    assert (amounts(made), made["refused"]) == ({}, [named])
    assert balance(world, "a", NOW) == {"held": 1_000, "reserved": 0, "available": 0, "paid": 0}


def test_a_shop_without_payee_is_named_and_paid_once_it_has_one(world: World) -> None:
    open_shops(world, "a")
    world.join(("b", None))
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 700, PAID)
    made = make(world, "march", NOW, min_minor=100)
    assert amounts(made) == {"a": 1_000}
    assert made["refused"] == [{"shop_id": "b", "code": "payee_missing", "amount_minor": 700}]
    put(world, "b", payee("320101198001011234"))
    assert amounts(make(world, "next", NOW)) == {"b": 700}


def test_shops_below_the_least_amount_get_no_line_and_are_named(world: World) -> None:
    open_shops(world, "a", "b")
    earn(world, "a", 1_000, PAID)
    earn(world, "b", 999, PAID)
    made = make(world, "march", NOW, min_minor=1_000)
    assert amounts(made) == {"a": 1_000}
    assert made["refused"] == [{"shop_id": "b", "code": "below_minimum", "amount_minor": 999}]


def test_amounts_beyond_the_channels_limits_are_named_and_stay_available(world: World) -> None:
    open_shops(world, "a", "b", "c", "d")
    for shop, amount in (("a", 20_000), ("b", 20_001), ("c", 9), ("d", 500)):
        earn(world, shop, amount, PAID)
    for place, shop in enumerate("abc"):
        put(world, shop, payee(f"22010119900307{place:04d}", wechat_openid=f"o-{shop}"))
    made = make(world, "march", NOW, channel="wechat")
    assert amounts(made) == {"a": 20_000}
    assert {row["shop_id"]: row["code"] for row in made["refused"]} == {
        "b": "above_channel_maximum",
        "c": "below_channel_minimum",
        "d": "account_missing",
    }
    assert balance(world, "b", NOW)["available"] == 20_001


def test_a_company_may_get_more_by_alipay_than_a_person(world: World) -> None:
    open_shops(world, "a", "b")
    for shop, kind in (("a", "person"), ("b", "company")):
        earn(world, shop, 5_000_001, PAID)
        put(world, shop, payee(f"{shop}-1", kind, alipay_login=f"{shop}@example.com"))
    made = make(world, "march", NOW, channel="alipay")
    assert amounts(made) == {"b": 5_000_001}


def test_what_is_paid_in_a_month_that_was_closed_meanwhile_counts_in_the_next(world: World) -> None:
    open_shops(world, "a")
    earn(world, "a", 1_000, PAID)
    make(world, "march", NOW)
    approve(world, "march", NOW)
    for period in (202603, 202604):
        with world.container.begin() as conn:
            closing.propose_close(Unit(conn, world.program, COMMAND_LINE, IN_MAY), period)
        with world.container.begin() as conn:
            closing.confirm_close(Unit(conn, world.program, APPROVER, IN_MAY), period)
    record(world, "march", [("a", "paid")], NOW)
    [(period, occurred_at)] = world.rows("SELECT period, occurred_at FROM transfers WHERE kind = 'paid'")
    assert (period, occurred_at) == (202605, datetime(2026, 4, 30, 16, tzinfo=UTC))
