"""A close beside the drain: orders are settled while it is worked out, and what comes for its month is never lost."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.ledger import adjustments
from distrib.services.network import standing
from distrib.services.statements import closing, months
from distrib.store.statements import periods
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.processes import wait_until
from tests.world.world import World, chain

ANN, BEN, EVA = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance"), Actor("eva", "Eva", "admin")
MARCH, APRIL = 202603, 202604
APRIL_BEGINS = datetime(2026, 3, 31, 16, tzinfo=UTC)
NOW = datetime(2026, 8, 1, tzinfo=UTC)

Act = Callable[..., closing.ClosedView]


@pytest.fixture
def sold(world: World) -> World:
    """a and b each sold for 100.00 in March; held for 31 days."""
    world.publish({**SELLER_TEN_PERCENT, "hold_days": 31})
    world.join(*chain("a", "b"))
    world.earn(settled("e1", "o1", "a", line(10_000)), settled("e2", "o2", "b", line(10_000)))
    return world


def propose(world: World, actor: Actor = ANN) -> dict[str, Any]:
    return run(world, closing.propose_close, actor)


def confirm(world: World, actor: Actor = BEN) -> dict[str, Any]:
    return run(world, closing.confirm_close, actor)


def run(world: World, act: Act, actor: Actor) -> dict[str, Any]:
    """Proposes or confirms the close of March, however long it waits for a lock of the test's."""
    with world.container.begin() as conn:
        conn.execute(text("SET LOCAL lock_timeout = 0"))
        return asdict(act(Unit(conn, world.program, actor, NOW), MARCH))


@contextmanager
def held_at(world: World, owner: Engine, table: str, act: Act, actor: Actor) -> Iterator[Future[dict[str, Any]]]:
    """Runs a step of the close up to where it first reads that table; it goes on after the block."""
    waits = text("SELECT count(*) FROM pg_locks WHERE relation = CAST(:table AS regclass) AND NOT granted")
    with ThreadPoolExecutor(1) as pool:
        with owner.begin() as holder:
            holder.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            step = pool.submit(run, world, act, actor)
            wait_until(lambda: bool(holder.execute(waits, {"table": table}).scalar_one()), f"the step waits at {table}")
            yield step
            assert not step.done()
        step.exception(60)


def file(world: World, detail: str) -> bytes:
    with world.container.begin() as conn:
        return b"".join(months.export_csv(Unit(conn, world.program, COMMAND_LINE, NOW), MARCH, detail))


def counted_in(world: World) -> dict[str, int]:
    """The period in which each event's commission counts."""
    return dict(
        world.rows(
            "SELECT e.event_id, t.period FROM transfers t JOIN events e ON e.program_id = t.program_id"
            " AND e.order_no = t.cause_no AND e.event_no = t.event_no WHERE t.program_id = :program"
        )
    )


def refusal(act: Callable[[World], object], world: World) -> str:
    with pytest.raises(Refusal) as caught:
        act(world)
    return caught.value.code


def adjust(world: World, adjustment_id: str, amount_minor: int) -> None:
    """An adjustment of a's March, proposed and approved."""
    at = APRIL_BEGINS - timedelta(hours=1)
    draft = adjustments.AdjustmentDraft(adjustment_id, "a", amount_minor, "test")
    with world.container.begin() as conn:
        adjustments.propose_adjustment(Unit(conn, world.program, ANN, at), draft)
        adjustments.approve_adjustment(Unit(conn, world.program, BEN, at), adjustment_id)


def test_orders_of_other_months_settle_while_a_close_is_worked_out_which_then_closes(
    sold: World, owner: Engine
) -> None:
    proposed = propose(sold)
    with held_at(sold, owner, "withdrawals", closing.confirm_close, BEN) as step:
        sold.earn(settled("april", "o3", "a", line(3_000), occurred_at=APRIL_BEGINS))
        assert sold.outcome("april")[0] == "done"
    closed = step.result()
    assert (closed["status"], closed["digest"]) == ("closed", proposed["digest"])
    assert counted_in(sold) == {"e1": MARCH, "e2": MARCH, "april": APRIL}


def test_what_comes_for_the_month_between_its_figures_and_its_flip_is_in_it_or_the_close_is_refused(
    sold: World, owner: Engine
) -> None:
    propose(sold)
    with held_at(sold, owner, "withdrawals", closing.confirm_close, BEN) as step:
        sold.earn(settled("late", "o3", "a", line(3_000)))
        assert sold.outcome("late")[0] == "done"
    refused = step.exception()
    assert isinstance(refused, Refusal)
    assert refused.code == "close_changed"
    again = propose(sold, EVA)
    closed = confirm(sold)
    assert closed["totals"]["earned_minor"] == again["totals"]["earned_minor"] == 2_300
    assert (closed["lines"]["count"], counted_in(sold)["late"]) == (3, MARCH)


def test_what_changes_the_lines_alone_between_figures_and_flip_is_in_the_lines_that_are_closed(
    sold: World, owner: Engine
) -> None:
    proposed = propose(sold)
    with held_at(sold, owner, "withdrawals", closing.confirm_close, BEN) as step:
        adjust(sold, "up", 500)
        adjust(sold, "down", -500)
    closed = step.result()
    assert (closed["digest"], closed["lines"]["count"]) == (proposed["digest"], 4)
    assert closed["lines"]["digest"] == hashlib.sha256(file(sold, "lines")).hexdigest()


def test_orders_settle_while_a_proposal_is_worked_out_and_its_confirmation_misses_none(
    sold: World, owner: Engine
) -> None:
    with held_at(sold, owner, "payout_lines", closing.propose_close, ANN) as step:
        sold.earn(settled("late", "o3", "a", line(3_000)))
    assert step.result()["totals"]["orders"] == 3
    closed = confirm(sold)
    assert (closed["totals"]["orders"], closed["totals"]["earned_minor"]) == (3, 2_300)
    assert closed["digest"] == hashlib.sha256(file(sold, "shops")).hexdigest()


def test_where_facts_of_the_month_never_cease_it_closes_with_the_books_held(
    sold: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = propose(sold)
    monkeypatch.setattr(closing, "BESIDE_ATTEMPTS", 0)
    assert confirm(sold)["digest"] == proposed["digest"] == hashlib.sha256(file(sold, "shops")).hexdigest()


def test_what_was_proposed_is_kept_and_not_worked_out_again(sold: World) -> None:
    proposed = propose(sold)
    assert propose(sold, EVA) == proposed
    sold.earn(settled("april", "o3", "a", line(3_000), occurred_at=APRIL_BEGINS))
    assert propose(sold, EVA) == proposed
    assert confirm(sold)["digest"] == proposed["digest"]
    numbers = sold.rows("SELECT DISTINCT figures_no FROM closed_statements WHERE program_id = :program")
    assert len(numbers) == 1
    [(kept,)] = sold.rows("SELECT figures_no FROM closed_periods WHERE program_id = :program")
    assert numbers == [(kept,)]


def test_figures_proposed_and_never_confirmed_are_no_part_of_the_closed_month(sold: World) -> None:
    propose(sold)
    sold.earn(settled("late", "o3", "a", line(3_000)))
    propose(sold, EVA)
    closed = confirm(sold)
    rows = list(csv.DictReader(io.StringIO(file(sold, "shops").decode())))
    assert [(row["shop_id"], row["earned_minor"]) for row in rows] == [("a", "1300"), ("b", "1000")]
    with sold.container.begin() as conn:
        view, _ = months.statement_totals_and_rows(Unit(conn, sold.program, COMMAND_LINE, NOW), MARCH, None, 500)
    assert [row.shop_id for row in view.data] == ["a", "b"]
    assert view.totals == closed["totals"]


def test_a_freeze_dated_back_into_the_month_after_its_proposal_changes_the_close(sold: World) -> None:
    adjust(sold, "bonus", 700)
    propose(sold)
    at = APRIL_BEGINS - timedelta(minutes=1)
    with sold.container.begin() as conn:
        standing.set_status(Unit(conn, sold.program, COMMAND_LINE, NOW), "a", "frozen", at, "test")
    assert refusal(confirm, sold) == "close_changed"
    assert propose(sold, EVA)["totals"]["available_minor"] == 0


def test_a_mark_covers_what_is_being_posted_and_holds_up_nobody_after(sold: World) -> None:
    propose(sold)
    with sold.container.begin() as conn:
        [(after,)] = conn.execute(text("SELECT max(posting_no) FROM transfers")).all()
        assert periods.posted_since(conn, sold.program.program_id, MARCH, after) == 0
        assert periods.posted_since(conn, sold.program.program_id, MARCH, after - 1) > 0
        assert periods.posted_since(conn, sold.program.program_id, MARCH - 1, 0) == 0
