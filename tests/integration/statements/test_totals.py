"""The totals of an open month that are kept: whatever came after, they are the sum of all rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from distrib.services.context import COMMAND_LINE, Unit, period_bounds
from distrib.services.ledger.adjustments import AdjustmentDraft, approve_adjustment, propose_adjustment
from distrib.services.network.standing import set_status
from distrib.services.statements import totals as keeping
from distrib.store.ledger import accounts
from distrib.store.statements import months, totals
from tests.world.documents import PAID, line, refunded, settled
from tests.world.payouts import APPROVER, approve, make, payee, put, record
from tests.world.world import World, chain

PLAN: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "policy": "open",
    "tiers": 1,
    "hold_days": 10,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.20"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.10"},
    ],
}
SHOPS = ("a", "b", "c", "d")
PERIODS = (202602, 202603, 202604, 202605)
DAY = timedelta(days=1)


@pytest.fixture
def shops(world: World) -> World:
    """Four shops in a line, that can be paid."""
    world.publish(PLAN)
    world.join(*chain(*SHOPS))
    for place, shop in enumerate(SHOPS):
        put(world, shop, payee(f"11010119900307{place:04d}"))
    return world


def adjust(world: World, name: str, shop: str, amount_minor: int, now: datetime) -> None:
    """Corrects a balance by two keys."""
    draft = AdjustmentDraft(name, shop, amount_minor, "by hand")
    with world.container.begin() as conn:
        propose_adjustment(Unit(conn, world.program, COMMAND_LINE, now), draft)
        approve_adjustment(Unit(conn, world.program, APPROVER, now), name)


def freeze(world: World, shop: str, status: str, at: datetime) -> None:
    """Freezes a shop, or lets it go on."""
    with world.container.begin() as conn:
        set_status(Unit(conn, world.program, COMMAND_LINE, at), shop, status, at, "looked into")


def steps(world: World) -> list[Callable[[], object]]:
    """What happens to money: earned early and late, given back, adjusted, paid out or not, frozen."""
    april = datetime(2026, 4, 6, tzinfo=UTC)
    return [
        lambda: world.earn(settled("e1", "o1", "d", line(10_000)), settled("e2", "o2", "b", line(999))),
        lambda: world.earn(refunded("r1", "o1", None, PAID + 3 * DAY)),
        lambda: world.earn(settled("e3", "o3", "c", line(5_000), paid_at=april)),
        lambda: world.earn(settled("e4", "o4", "a", line(7_000))),
        lambda: adjust(world, "j1", "a", -1_400, april + DAY),
        lambda: adjust(world, "j2", "d", 50, april + DAY),
        lambda: freeze(world, "b", "frozen", april + 2 * DAY),
        lambda: make(world, "p1", april + 20 * DAY, shop_ids=("c",)),
        lambda: approve(world, "p1", april + 21 * DAY),
        lambda: record(world, "p1", [("c", "paid")], april + 22 * DAY),
        lambda: freeze(world, "b", "active", april + 23 * DAY),
        lambda: make(world, "p2", april + 24 * DAY, shop_ids=("b",)),
        lambda: approve(world, "p2", april + 24 * DAY),
        lambda: record(world, "p2", [("b", "failed")], april + 25 * DAY),
        lambda: world.earn(refunded("r3", "o3", {"1": 2_500}, april + 9 * DAY)),
    ]


def check(world: World, instants: list[datetime]) -> None:
    """Kept totals are the sums of all rows, of every month and as of every instant; and so are the own accounts."""
    number = world.program.program_id
    with world.container.begin() as conn:
        for period in PERIODS:
            _, end = period_bounds(period, world.program.zone)
            for at in {min(end, instant) for instant in instants}:
                kept = totals.read_totals(conn, number, period, at)
                if kept is not None:
                    assert kept == months.statement_totals(conn, number, period, at), (period, at)
        own = accounts.own_accounts(conn, number)
    figures = "expense", "clearing", "tax", "version"
    summed = world.rows("""
        SELECT COALESCE(-sum(earned_minor + reversed_minor + adjusted_minor), 0), COALESCE(sum(paid_minor), 0),
               COALESCE(sum(tax_minor), 0), COALESCE(sum(version), 0)
        FROM account_months WHERE program_id = :program""")
    assert asdict(own) == dict(zip(figures, map(int, summed[0]), strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_kept_totals_are_the_sum_of_all_rows_at_any_instant_whenever_they_were_kept(shops: World, seed: int) -> None:
    draw = random.Random(seed)
    instants = sorted(PAID + timedelta(hours=draw.randrange(24 * 90)) for _ in range(4))
    kept = 0
    for step in steps(shops):
        if draw.random() < 0.4:
            at = draw.choice([PAID - DAY, instants[0]])
            with shops.container.begin() as conn:
                kept += len(keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, at), always=True))
        step()
        check(shops, instants)
    assert kept > 3


def test_a_small_program_is_added_up_and_keeps_nothing(shops: World) -> None:
    shops.earn(settled("e1", "o1", "d", line(10_000)))
    with shops.container.begin() as conn:
        assert keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, PAID)) == []
        assert totals.read_totals(conn, shops.program.program_id, 202603, PAID) is None


def test_totals_are_kept_anew_once_enough_has_come_or_an_hour_has_gone(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LEAST_MONTHS", 1)
    monkeypatch.setattr(keeping, "MOST_TAIL", 3)

    def keep(at: datetime) -> list[int]:
        with shops.container.begin() as conn:
            return keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, at))

    now = PAID + DAY
    shops.earn(settled("e1", "o1", "d", line(10_000)))
    assert keep(now) == [202603]
    shops.earn(settled("e2", "o2", "a", line(10_000)))
    assert keep(now) == []
    shops.earn(settled("e3", "o3", "d", line(10_000)))
    assert keep(now) == [202603]
    assert keep(now + timedelta(minutes=59)) == []
    assert keep(now + timedelta(minutes=61)) == [202603]


def test_a_month_in_which_nothing_moved_is_kept_too(shops: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LEAST_MONTHS", 1)
    shops.earn(settled("e1", "o1", "d", line(10_000)))
    now = PAID + 100 * DAY
    with shops.container.begin() as conn:
        assert keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, now)) == [202603, 202606, 202605, 202604]
        assert keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, now)) == []
    check(shops, [now])


def test_a_program_that_has_grown_large_is_found_once_and_kept_from_then_on(shops: World) -> None:
    shops.earn(settled("e", "o", "d", line(1_000)))
    number = shops.program.program_id
    with shops.container.begin() as conn:
        months_had = conn.execute(
            text("SELECT count(*) FROM account_months WHERE program_id = :n"), {"n": number}
        ).scalar_one()
        assert keeping.programs_to_begin(conn, least=months_had + 1) == []
        assert keeping.programs_to_begin(conn, least=months_had) == [number]
        assert keeping.programs_kept(conn) == []
    with shops.container.begin() as conn:
        keeping.keep_due_totals(Unit(conn, shops.program, COMMAND_LINE, PAID), always=True)
    with shops.container.begin() as conn:
        assert keeping.programs_to_begin(conn, least=months_had) == []
        assert keeping.programs_kept(conn) == [number]
