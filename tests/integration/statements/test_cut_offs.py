"""A month of which facts go on coming in can be closed: it is cut off, and what comes later counts in the next."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.statements import closing, months
from tests.world.api import Api
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World

ANN, BEN = Actor("ann", "Ann", "finance"), Actor("ben", "Ben", "finance")
MARCH, APRIL = 202603, 202604
APRIL_BEGINS = datetime(2026, 3, 31, 16, tzinfo=UTC)
CUT_OFF = APRIL_BEGINS + timedelta(days=3)
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def sold(world: World) -> World:
    """Shop a sold for 100.00 in March, which was received before the cut-off."""
    world.stopped_at = CUT_OFF - timedelta(days=1)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.earn(settled("e1", "o1", "a", line(10_000)))
    world.stopped_at = CUT_OFF + timedelta(hours=1)
    return world


def propose(world: World, cut_off_at: datetime | None = CUT_OFF, actor: Actor = ANN) -> dict[str, Any]:
    with world.container.begin() as conn:
        return asdict(closing.propose_close(Unit(conn, world.program, actor, NOW), MARCH, cut_off_at))


def confirm(world: World) -> dict[str, Any]:
    with world.container.begin() as conn:
        return asdict(closing.confirm_close(Unit(conn, world.program, BEN, NOW), MARCH))


def earned_in(world: World, period: int) -> int:
    with world.container.begin() as conn:
        view = months.statement_totals_and_rows(Unit(conn, world.program, COMMAND_LINE, NOW), period, None, 500)[0]
    totals = view.totals or {}
    return totals["earned_minor"] + totals["reversed_minor"]


def late(number: int) -> dict[str, Any]:
    """A sale of March that comes when March is over."""
    return settled(f"late-{number}", f"late-{number}", "a", line(1_000))


def test_facts_that_go_on_coming_in_keep_a_month_open_until_it_is_cut_off(sold: World) -> None:
    sold.post(late(1))
    with pytest.raises(Refusal) as caught:
        propose(sold, None)
    assert caught.value.code == "events_pending"
    proposed = propose(sold)
    assert (proposed["cut_off_at"], proposed["totals"]["earned_minor"]) == (CUT_OFF, 1_000)
    sold.drain()
    sold.post(late(2))
    closed = confirm(sold)
    assert (closed["digest"], closed["totals"]["earned_minor"]) == (proposed["digest"], 1_000)
    sold.drain()
    assert (earned_in(sold, MARCH), earned_in(sold, APRIL)) == (1_000, 200)


def test_what_comes_after_the_cut_off_is_marked_with_the_month_it_belongs_to(sold: World) -> None:
    propose(sold)
    sold.earn(late(1), refunded("r1", "o1", {"1": 1_000}, PAID + timedelta(days=4)))
    rows = sold.rows(
        "SELECT period, belongs_to_period, count(*) FROM transfers WHERE program_id = :program"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [(MARCH, None, 1), (APRIL, MARCH, 2)]


def test_what_was_received_before_the_cut_off_is_waited_for(sold: World) -> None:
    sold.stopped_at = CUT_OFF - timedelta(seconds=1)
    sold.post(late(1))
    with pytest.raises(Refusal) as caught:
        propose(sold)
    assert caught.value.code == "events_pending"
    sold.drain()
    assert propose(sold)["totals"]["earned_minor"] == 1_100


def test_a_proposal_keeps_its_cut_off_and_a_later_one_may_take_another(sold: World) -> None:
    first = propose(sold)
    assert propose(sold, None, BEN) == first
    sold.post(late(1))
    assert propose(sold, CUT_OFF + timedelta(minutes=1), BEN)["cut_off_at"] == CUT_OFF + timedelta(minutes=1)
    sold.drain()
    assert earned_in(sold, MARCH) == 1_000, "once cut off, a month stays so"


@pytest.mark.parametrize("instant", [APRIL_BEGINS - timedelta(seconds=1), NOW + timedelta(seconds=1)])
def test_a_cut_off_lies_between_the_end_of_the_month_and_now(sold: World, instant: datetime) -> None:
    with pytest.raises(Refusal) as caught:
        propose(sold, instant)
    assert [problem.pointer for problem in caught.value.problems] == ["/cut_off_at"]


def test_over_http_the_proposal_takes_it_and_without_it_is_what_it_was(sold: World, api: Api) -> None:
    sold.post(late(1))
    finance = api.caller("finance")
    path = "/v1/statements/2026-03/close"
    assert finance.refused("POST", path) == (409, "events_pending")
    assert finance.refused("POST", path, {"cut_off_at": "soon"}) == (422, "invalid")
    assert finance.post(path, {"cut_off_at": CUT_OFF.isoformat()})["cut_off_at"] == "2026-04-03T16:00:00Z"
    assert finance.post(path)["cut_off_at"] == "2026-04-03T16:00:00Z"
