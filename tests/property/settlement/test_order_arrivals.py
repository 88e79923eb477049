"""The money of an order depends on what happened, never on the order in which it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.simulations.checking import check_as_published
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.settings import Settings
from tests.world.documents import PAID, SELLER_TEN_PERCENT, cancelled, decided, line, paid, refunded, settled
from tests.world.world import World, chain, open_world

DAY = timedelta(days=1)
NOW = datetime(2026, 7, 1, tzinfo=UTC)
LINES = (line(10_001), line(4_999, "2"), line(0, "3"))
PLAN: dict[str, Any] = {
    **SELLER_TEN_PERCENT,
    "code": "two-level",
    "tiers": 1,
    "hold_days": 7,
    "order_cap": "0.13",
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
NUMBERS = count(1)


@dataclass(frozen=True)
class Facts:
    """What happens to one order: which events there are, and what becomes of its group."""

    is_paid: bool
    is_settled: bool
    refunds: tuple[bool, bool]
    is_cancelled: bool
    group: bool | None
    has_group: bool

    def events_of(self, name: str) -> list[dict[str, Any]]:
        """The events, under ids that contain ``name``."""
        group = {"channel": "group_buy", "group_id": f"g-{name}"} if self.has_group else {}
        events = []
        if self.is_paid:
            events.append(paid(f"p-{name}", f"o-{name}", "b", *LINES, **group))
        if self.is_settled:
            events.append(settled(f"s-{name}", f"o-{name}", "b", *LINES, occurred_at=PAID + 5 * DAY, **group))
        if self.refunds[0]:
            events.append(refunded(f"r-{name}", f"o-{name}", {"1": 3_000}, PAID + DAY))
        if self.refunds[1]:
            events.append(refunded(f"q-{name}", f"o-{name}", {"1": 2_001, "2": 777}, PAID + 40 * DAY))
        if self.is_cancelled:
            events.append(cancelled(f"c-{name}", f"o-{name}", PAID + 50 * DAY))
        if self.has_group and self.group is not None:
            events.append(decided(f"g-{name}", f"g-{name}", self.group, PAID + 35 * DAY))
        return events


FACTS = st.builds(
    Facts,
    st.booleans(),
    st.booleans(),
    st.tuples(st.booleans(), st.booleans()),
    st.booleans(),
    st.sampled_from([True, True, False, None]),
    st.booleans(),
)


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A program with two shops and a plan whose order cap binds."""
    opened = open_world(settings, database_url, redis_url)
    opened.publish(PLAN)
    opened.join(*chain("a", "b"))
    yield opened
    opened.container.close()


def tell(world: World, events: Sequence[dict[str, Any]], pauses: int) -> None:
    """Posts events one after the other; the bits of ``pauses`` say after which of them the workers had time."""
    for place, event in enumerate(events):
        world.post(event)
        if pauses >> place & 1:
            world.drain()
    world.drain()


_EARNED = """
SELECT s.shop_id, line_id, rule_id, tier, base_minor, rate_ppm, amount_minor, occurred_at, available_at, period
FROM transfers t JOIN shops s USING (program_id, shop_no) JOIN orders o ON o.order_no = t.cause_no
WHERE t.program_id = :program AND order_id = :order AND kind = 'earned'
"""
_STANDING = """
SELECT s.shop_id, line_id, rule_id, sum(CASE WHEN credit_account = t.shop_no THEN amount_minor ELSE -amount_minor END)
FROM transfers t JOIN shops s USING (program_id, shop_no) JOIN orders o ON o.order_no = t.cause_no
WHERE t.program_id = :program AND order_id = :order GROUP BY 1, 2, 3
"""
_EXPECTED = """
SELECT s.shop_id, line_id, rule_id, sum(amount_minor) FROM expected_changes x
JOIN shops s USING (program_id, shop_no) JOIN orders o USING (program_id, order_no)
WHERE x.program_id = :program AND order_id = :order GROUP BY 1, 2, 3
"""


def outcome(world: World, facts: Facts, name: str) -> dict[str, Any]:
    """All that must not depend on the order in which the facts were told."""
    order = f"o-{name}"
    standing = Counter({row[:3]: int(row[3]) for row in world.rows(_STANDING, order=order) if row[3]})
    expected = Counter({row[:3]: int(row[3]) for row in world.rows(_EXPECTED, order=order) if row[3]})
    statuses = {event["id"][0]: world.outcome(event["id"])[0] for event in facts.events_of(name)}
    earned = sorted(map(tuple, world.rows(_EARNED, order=order)))
    # A cancel that comes first leaves nothing to be earned, one that comes later takes all back: the same money.
    return {"standing": standing, "expected": expected, "statuses": statuses} | (
        {} if facts.is_cancelled else {"earned": earned}
    )


def test_every_order_of_arrival_gives_the_same_money_and_the_same_statuses(world: World) -> None:
    @hypothesis_settings(max_examples=40)
    @given(FACTS, st.data())
    def any_two_arrivals(facts: Facts, data: st.DataObject) -> None:
        arrivals = []
        for _ in range(2):
            name = str(next(NUMBERS))
            events = facts.events_of(name)
            order = data.draw(st.permutations(range(len(events))))
            tell(world, [events[place] for place in order], data.draw(st.integers(0, 2 ** len(events) - 1)))
            arrivals.append(outcome(world, facts, name))
        assert arrivals[0] == arrivals[1]
        may_earn = facts.is_settled and not facts.is_cancelled and (facts.group is True or not facts.has_group)
        assert bool(arrivals[0]["standing"]) == may_earn

    any_two_arrivals()
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, NOW), world.container.policies)
    assert [check for check in result.checks if not check.ok] == []
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        checked = check_as_published(conn, world.program, world.policies, PaidSpan(PAID - DAY, NOW))
    assert (checked.orders > 0, checked.shown) == (True, [])
