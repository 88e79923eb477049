"""Closing the books: two keys, in sequence, for ever; what comes late counts in the earliest open month."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit, period_bounds
from distrib.services.ledger import adjustments
from distrib.services.statements import closing, months
from distrib.store.ledger import books
from distrib.store.statements.months import FIGURES
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import EARLY, World, chain

ANN = Actor("ann", "Ann", "finance")
BEN = Actor("ben", "Ben", "finance")
EVA = Actor("eva", "Eva", "admin")
MARCH, APRIL = 202603, 202604
APRIL_BEGINS = datetime(2026, 3, 31, 16, tzinfo=UTC)
"""Midnight in Shanghai."""
NOW = datetime(2026, 8, 1, tzinfo=UTC)
PLAN = {**SELLER_TEN_PERCENT, "hold_days": 31}


@pytest.fixture
def sold(world: World) -> World:
    """a and b each sold for 100.00 in March; held for 31 days."""
    world.publish(PLAN)
    world.join(*chain("a", "b"))
    world.earn(settled("e1", "o1", "a", line(10_000)), settled("e2", "o2", "b", line(10_000)))
    return world


def propose(world: World, period: int = MARCH, actor: Actor = ANN, now: datetime = NOW) -> dict[str, Any]:
    with world.container.begin() as conn:
        return asdict(closing.propose_close(Unit(conn, world.program, actor, now), period))


def confirm(world: World, period: int = MARCH, actor: Actor = BEN, now: datetime = NOW) -> dict[str, Any]:
    with world.container.begin() as conn:
        return asdict(closing.confirm_close(Unit(conn, world.program, actor, now), period))


def close(world: World, period: int = MARCH) -> dict[str, Any]:
    """Closes a month by two keys."""
    propose(world, period)
    return confirm(world, period)


def refusal(act: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(Refusal) as caught:
        act(*args, **options)
    return caught.value.code


def file(world: World, period: int, detail: str = "shops") -> bytes:
    with world.container.begin() as conn:
        return b"".join(months.export_csv(Unit(conn, world.program, COMMAND_LINE, NOW), period, detail))


def statement(world: World, period: int) -> dict[str, Any]:
    with world.container.begin() as conn:
        return asdict(
            months.statement_totals_and_rows(Unit(conn, world.program, COMMAND_LINE, NOW), period, None, 500)[0]
        )


def figures(row: Mapping[str, Any]) -> dict[str, int]:
    return {name.removesuffix("_minor"): row[name] for name in FIGURES if row[name]}


def test_a_month_is_closed_by_two_keys_with_the_figures_and_digest_proposed(sold: World) -> None:
    proposed = propose(sold)
    assert (proposed["status"], proposed["count"], figures(proposed["totals"])) == (
        "proposed",
        2,
        {"earned": 2_000, "closing": 2_000, "held": 2_000, "orders": 2},
    )
    assert statement(sold, MARCH)["status"] == "open"
    closed = confirm(sold)
    assert (closed["status"], closed["digest"], closed["totals"]) == ("closed", proposed["digest"], proposed["totals"])
    assert (closed["proposed_by"], closed["confirmed_by"], closed["closed_at"]) == ("ann", "ben", NOW)
    assert closed["lines"]["count"] == 2
    shown = statement(sold, MARCH)
    assert (shown["status"], shown["digest"], shown["confirmed_by"]) == ("closed", closed["digest"], "ben")


def test_the_digest_is_that_of_the_file_and_so_is_that_of_the_lines(sold: World) -> None:
    before = hashlib.sha256(file(sold, MARCH)).hexdigest()
    closed = close(sold)
    assert closed["digest"] == before == hashlib.sha256(file(sold, MARCH)).hexdigest()
    assert closed["lines"]["digest"] == hashlib.sha256(file(sold, MARCH, "lines")).hexdigest()


def test_the_key_that_proposed_cannot_confirm_whatever_its_role(sold: World) -> None:
    assert refusal(confirm, sold) == "close_not_proposed"
    propose(sold, actor=EVA)
    assert refusal(confirm, sold, actor=EVA) == "same_key"
    assert confirm(sold, actor=ANN)["confirmed_by"] == "ann"
    assert refusal(confirm, sold, actor=EVA) == "same_key"


def test_a_second_person_who_proposes_the_same_finds_the_first_proposal_standing(sold: World) -> None:
    first = propose(sold)
    assert propose(sold, actor=BEN, now=NOW + timedelta(days=1)) == first
    assert confirm(sold)["proposed_by"] == "ann"


def test_confirmed_again_it_answers_the_same_and_proposed_again_it_is_refused(sold: World) -> None:
    closed = close(sold)
    assert confirm(sold, now=NOW + timedelta(days=3)) == closed
    assert refusal(propose, sold) == "period_closed"
    assert len(sold.rows("SELECT 1 FROM outbox WHERE program_id = :program AND type = 'statement.closed'")) == 1


def test_figures_that_changed_since_the_proposal_are_proposed_again(sold: World) -> None:
    first = propose(sold)
    sold.earn(refunded("r", "o1", None, occurred_at=APRIL_BEGINS - timedelta(seconds=1)))
    assert refusal(confirm, sold) == "close_changed"
    assert statement(sold, MARCH)["status"] == "open"
    second = propose(sold, actor=BEN)
    assert second["digest"] != first["digest"]
    assert confirm(sold, actor=ANN)["totals"]["closing_minor"] == 1_000


def test_a_month_closes_only_when_it_is_over_in_the_programs_time_zone(sold: World) -> None:
    assert refusal(propose, sold, now=APRIL_BEGINS - timedelta(microseconds=1)) == "period_not_over"
    assert propose(sold, now=APRIL_BEGINS)["status"] == "proposed"


def test_months_close_in_sequence_from_the_first_with_movement_on(sold: World) -> None:
    assert refusal(propose, sold, APRIL) == "close_in_sequence"
    close(sold)
    assert refusal(propose, sold, 202605) == "close_in_sequence"
    april = close(sold, APRIL)
    assert figures(april["totals"]) == {"opening": 2_000, "closing": 2_000, "available": 2_000}
    assert close(sold, 202605)["totals"] == april["totals"]


def test_accepted_events_that_are_pending_keep_a_month_open_and_others_do_not(sold: World) -> None:
    sold.post(settled("late", "o9", "a", line(100), occurred_at=APRIL_BEGINS))
    sold.post(refunded("orphan", "nowhere", None), settled("stranger", "o8", "nobody", line(100)))
    sold.drain()
    sold.post(settled("open", "o7", "a", line(100), occurred_at=APRIL_BEGINS - timedelta(microseconds=1)))
    with pytest.raises(Refusal) as caught:
        propose(sold)
    assert (caught.value.code, caught.value.params) == ("events_pending", {"events": 1})
    sold.drain()
    assert (sold.outcome("orphan")[0], sold.outcome("stranger")[0]) == ("waiting", "waiting")
    close(sold)


def test_what_arrives_late_counts_in_the_earliest_open_month_and_says_where_it_belongs(sold: World) -> None:
    close(sold)
    kept = file(sold, MARCH), file(sold, MARCH, "lines"), statement(sold, MARCH)
    sold.earn(
        settled("late", "o3", "a", line(5_000)),
        refunded("late refund", "o2", {"1": 1_000}, occurred_at=PAID + timedelta(days=2)),
        settled("timely", "o4", "b", line(3_000), occurred_at=APRIL_BEGINS),
    )
    assert (file(sold, MARCH), file(sold, MARCH, "lines"), statement(sold, MARCH)) == kept
    lines = {row["event_id"]: row for row in csv.DictReader(io.StringIO(file(sold, APRIL, "lines").decode()))}
    assert {name: (row["period"], row["belongs_to_period"]) for name, row in lines.items()} == {
        "late": ("2026-04", "2026-03"),
        "late refund": ("2026-04", "2026-03"),
        "timely": ("2026-04", ""),
    }
    assert lines["late"]["occurred_at"] == "2026-03-01T03:00:00Z"
    april = {row["shop_id"]: figures(row) for row in statement(sold, APRIL)["data"]}
    assert april["a"] == {"opening": 1_000, "earned": 500, "closing": 1_500, "available": 1_500, "orders": 1}


@pytest.mark.tampers
def test_a_closed_statement_stands_even_where_the_past_of_a_shop_is_rewritten(sold: World) -> None:
    close(sold)
    close(sold, APRIL)
    may = close(sold, 202605)
    kept = statement(sold, 202605)
    with sold.container.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, "
                "recorded_by) SELECT program_id, shop_no, :at, 'frozen', 'x', :at, 'x' FROM shops"
            ),
            {"at": APRIL_BEGINS},
        )
    assert statement(sold, 202605) == kept
    assert hashlib.sha256(file(sold, 202605)).hexdigest() == may["digest"]


def test_no_plan_takes_effect_inside_a_closed_month(sold: World) -> None:
    close(sold)
    later = {**PLAN, "code": "later"}
    assert refusal(sold.publish, later, APRIL_BEGINS - timedelta(microseconds=1)) == "effective_from_closed"
    assert refusal(sold.publish, later, EARLY - timedelta(days=400)) == "effective_from_closed"
    sold.publish(later, APRIL_BEGINS)


def test_the_database_itself_posts_nothing_into_a_closed_month_and_opens_none(sold: World) -> None:
    close(sold)
    statement = (
        "INSERT INTO transfers (program_id, cause_no, seq, debit_account, credit_account, amount_minor, kind,"
        " occurred_at, available_at, period) SELECT program_id, 999999, 1, -1, shop_no, 5, 'adjusted', :at, :at,"
        " :period FROM shops WHERE shop_id = 'a'"
    )
    for period in (MARCH, 202512):
        with pytest.raises(DBAPIError, match="closed"), sold.container.begin() as conn:
            conn.execute(text(statement), {"at": PAID, "period": period})
    with pytest.raises(DBAPIError, match="opened again"), sold.container.begin() as conn:
        conn.execute(text("UPDATE programs SET closed_through = 0"))
    for table in ("close_proposals", "closed_periods", "closed_statements"):
        with pytest.raises(DBAPIError, match="permission denied"), sold.container.begin() as conn:
            conn.execute(text(f"DELETE FROM {table}"))


def test_a_drain_and_a_close_at_once_lose_nothing_and_post_nothing_into_the_closed(world: World) -> None:
    world.publish(PLAN)
    world.join(("a", None))
    world.earn(settled("first", "first", "a", line(10_000)))
    world.post(*(settled(f"e{n}", f"o{n}", "a", line(1_000), occurred_at=APRIL_BEGINS) for n in range(200)))

    def closes() -> str:
        try:
            return str(close(world)["status"])
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(3) as pool:
        drains = [pool.submit(world.drainer.run), pool.submit(world.drainer.run)]
        closed = pool.submit(closes)
        assert (closed.result(60), sum(drain.result(60).events for drain in drains)) == ("closed", 200)
    world.drain()
    assert world.earned() == {"a": 1_000 + 200 * 100}
    periods = dict(world.rows("SELECT period, count(*) FROM transfers WHERE program_id = :program GROUP BY 1"))
    assert periods == {MARCH: 1, APRIL: 200}


def test_a_drain_that_meets_a_close_comes_back_later(sold: World) -> None:
    sold.post(settled("e9", "o9", "a", line(100)))
    with ThreadPoolExecutor(1) as pool:
        with sold.container.begin() as conn:
            books.hold_alone(conn, sold.program.program_id)
            assert pool.submit(sold.drainer.run, deadline_s=0.1).result(30).orders == 0
        assert pool.submit(sold.drainer.run).result(30).orders == 1


def test_the_message_of_a_close_says_what_was_closed(sold: World) -> None:
    closed = close(sold)
    [(payload,)] = sold.rows("SELECT payload FROM outbox WHERE program_id = :program AND type = 'statement.closed'")
    message = json.loads(payload)
    assert (message["period"], message["count"], message["digest"]) == ("2026-03", 2, closed["digest"])
    assert message["totals"] == closed["totals"]
    assert len(payload.encode()) < 20_000


def test_an_adjustment_of_a_month_is_in_its_statement_and_lines(sold: World) -> None:
    occurred_at = APRIL_BEGINS - timedelta(hours=1)
    draft = adjustments.AdjustmentDraft("adj", "a", -300, "double pay")
    with sold.container.begin() as conn:
        adjustments.propose_adjustment(Unit(conn, sold.program, ANN, occurred_at), draft)
        adjustments.approve_adjustment(Unit(conn, sold.program, BEN, occurred_at), "adj")
    closed = close(sold)
    assert closed["totals"]["adjusted_minor"] == -300
    lines = list(csv.DictReader(io.StringIO(file(sold, MARCH, "lines").decode())))
    assert [(row["kind"], row["amount_minor"], row["order_id"]) for row in lines if row["kind"] == "adjusted"] == [
        ("adjusted", "-300", "")
    ]


def test_every_closed_statement_is_rebuilt_from_the_transfers_and_payouts_alone(sold: World) -> None:
    sold.earn(
        settled("e3", "o3", "b", line(7_777), occurred_at=APRIL_BEGINS + timedelta(days=2)),
        refunded("r1", "o1", {"1": 3_333}, occurred_at=APRIL_BEGINS + timedelta(days=3)),
    )
    close(sold)
    sold.earn(refunded("r2", "o2", None, occurred_at=PAID + timedelta(days=9)))
    for period in (APRIL, 202605, 202606):
        close(sold, period)
    for period in (MARCH, APRIL, 202605, 202606):
        shown = {row["shop_id"]: row for row in statement(sold, period)["data"]}
        assert {shop: figures(row) for shop, row in shown.items()} == rebuilt(sold, period)


def rebuilt(world: World, period: int) -> dict[str, dict[str, int]]:
    """A month's figures in plain Python from the rows of the ledger; no freeze and no payout here."""
    end = period_bounds(period, world.program.zone)[1]
    amounts: dict[str, dict[str, int]] = {}
    causes: dict[tuple[str, str], set[int]] = {}
    for shop, kind, amount, counts_in, free_at, cause, event in world.rows(
        "SELECT s.shop_id, t.kind::text, CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor"
        " ELSE -t.amount_minor END, t.period, t.available_at, t.cause_no, t.event_no FROM transfers t"
        " JOIN shops s USING (program_id, shop_no) WHERE t.program_id = :program"
    ):
        if counts_in > period:
            continue
        row = amounts.setdefault(shop, {})
        row["closing"] = row.get("closing", 0) + amount
        state = "held" if free_at >= end else "available"
        row[state] = row.get(state, 0) + amount
        column = kind if counts_in == period else "opening"
        row[column] = row.get(column, 0) + amount
        if counts_in == period:
            counted = {"earned": ("orders", cause), "reversed": ("refunds", event)}[kind]
            causes.setdefault((shop, counted[0]), set()).add(counted[1])
            row[counted[0]] = len(causes[shop, counted[0]])
    cleaned = {shop: {name: figure for name, figure in row.items() if figure} for shop, row in amounts.items()}
    return {shop: row for shop, row in cleaned.items() if row}
