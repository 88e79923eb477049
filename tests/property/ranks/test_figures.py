"""The figures ranks are decided by come out the same three ways: in columns, look by look, as read from the page.

Random trees with moves, orders with entry lines and own purchases, refunds and ranks by hand, worked on by the real
drain; each example is a program of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distrib.domain.plans.conditions import Metric
from distrib.domain.plans.plan import compile_plan
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.moves import Move, move_shop
from distrib.services.network.standing import set_rank
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.ranks.basis import ALL_REFUNDS
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import RankFigures, shops_at
from distrib.services.ranks.promotion import PromotionCheck, figures_of
from distrib.settings import Settings
from tests.world import databases
from tests.world.documents import line, refunded, settled
from tests.world.world import World, open_world

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 2, 1, tzinfo=ZONE).astimezone(UTC)
LAST = datetime(2026, 4, 1, tzinfo=ZONE).astimezone(UTC) - timedelta(microseconds=1)
MONTH = datetime(2026, 3, 1, tzinfo=ZONE).astimezone(UTC)
EARLY = FIRST - timedelta(days=30)
PLAN: dict[str, Any] = {
    "code": "p",
    "currency": "CNY",
    "tiers": 1,
    "self_purchase": "earn",
    "ranks": [{"code": "member"}, {"code": "owner"}, {"code": "manager"}],
    "rules": [
        {"id": "s", "pay": "seller", "rate": "0.10"},
        {"id": "u", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
WINDOWS = ("7d", "month", "ever")
METRICS = [
    *(
        Metric(name, 0, window)
        for name in (
            "personal_sales_minor",
            "personal_orders",
            "customers",
            "earned_minor",
            "direct_recruits",
            "active_recruits",
        )
        for window in WINDOWS
    ),
    *(Metric("team_sales_minor", levels, window) for levels in (1, 2, 3) for window in WINDOWS),
    *(Metric("active_recruits", 0, window, rank) for rank in ("member", "owner", "manager") for window in WINDOWS),
]
numbers = itertools.count(1)

hours = st.integers(0, 24 * 70)
amounts = st.integers(1, 5).map(lambda hundreds: hundreds * 100)


@dataclass
class Sale:
    """An order: who sold what to whom, and when; lines as (amount, entry); refunds as (line, hundreds)."""

    seller: int
    customer: str | None
    hour: int
    lines: list[tuple[int, bool]]
    refunds: list[tuple[int, int]] = field(default_factory=list)

    @property
    def instant(self) -> datetime:
        return FIRST + timedelta(hours=self.hour)

    def left(self) -> int:
        """What counts of it, net of its refunds."""
        if self.customer == f"s{self.seller}":
            return 0
        gone = dict.fromkeys(range(len(self.lines)), 0)
        for place, amount in self.refunds:
            gone[place] += amount
        return sum(paid - gone[place] for place, (paid, is_entry) in enumerate(self.lines) if not is_entry)


@dataclass
class Story:
    """What happened in a program."""

    sponsors: list[int | None]
    joined: list[int]
    moves: list[tuple[int, int, int | None]]
    sales: list[Sale]
    hands: list[tuple[int, int, str | None]]

    def sponsor(self, shop: int, instant: datetime) -> int | None:
        """Who stood above a shop."""
        above = self.sponsors[shop] if self.joined_at(shop) <= instant else None
        for hour, moved, sponsor in sorted(self.moves, key=lambda move: move[0]):
            if moved == shop and FIRST + timedelta(hours=hour) <= instant:
                above = sponsor
        return above

    def joined_at(self, shop: int) -> datetime:
        return EARLY + timedelta(hours=self.joined[shop])

    def below(self, shop: int, levels: int) -> set[int]:
        """Whoever stands within so many levels below at the last instant."""
        near = {other for other in range(len(self.sponsors)) if self.sponsor(other, LAST) == shop}
        return near.union(*(self.below(other, levels - 1) for other in near)) if levels > 1 else near

    def rank(self, shop: int) -> int:
        """What a shop holds at the last instant: set by hand alone."""
        held: str | None = None
        for hour, other, rank in sorted(self.hands, key=lambda hand: hand[0]):
            if other == shop and FIRST + timedelta(hours=hour) <= LAST:
                held = rank
        return ("member", "owner", "manager").index(held or "member")


def is_in(instant: datetime, window: str) -> bool:
    if window == "month":
        return MONTH <= instant <= LAST
    return instant <= LAST and (window == "ever" or instant > LAST - timedelta(days=int(window[:-1])))


def figure(story: Story, metric: Metric, shop: int) -> int:
    """The figure as docs/ranks.md says it."""
    name, levels, window, min_rank = metric
    if name == "direct_recruits":
        return sum(is_in(story.joined_at(other), window) for other in story.below(shop, 1))
    sellers = {shop} if levels == 0 and name != "active_recruits" else story.below(shop, max(levels, 1))
    sales = [sale for sale in story.sales if is_in(sale.instant, window) and sale.left() > 0]
    own = [sale for sale in sales if sale.seller in sellers]
    if name == "active_recruits":
        least = ("member", "owner", "manager").index(min_rank or "member")
        return len({sale.seller for sale in own if story.rank(sale.seller) >= least})
    if name == "customers":
        return len({sale.customer for sale in own if sale.customer is not None})
    if name == "personal_orders":
        return len(own)
    if name == "earned_minor":
        above = [sale for sale in sales if story.sponsor(sale.seller, sale.instant) == shop]
        return sum(sale.left() for sale in own) // 10 + sum(sale.left() for sale in above) // 20
    return sum(sale.left() for sale in own)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    count = draw(st.integers(2, 6))
    shops = st.integers(0, count - 1)
    sponsors = [draw(st.none() | st.integers(0, place - 1)) if place else None for place in range(count)]
    joined = [0, *(draw(st.integers(0, 24 * 25)) for _ in range(count - 1))]
    story = Story(sponsors, joined, [], [], [])
    for _ in range(draw(st.integers(0, 10))):
        lines = draw(st.lists(st.tuples(amounts, st.booleans() | st.just(False)), min_size=1, max_size=2))
        customer = draw(st.none() | st.sampled_from(["c1", "c2", *(f"s{place}" for place in range(count))]))
        sale = Sale(draw(shops), customer, draw(hours), lines)
        for place, (paid, _) in enumerate(lines):
            taken = draw(st.sampled_from([0, 0, 1, paid // 100]))
            if taken:
                sale.refunds.append((place, taken * 100))
        story.sales.append(sale)
    ranks = st.sampled_from([None, "member", "owner", "manager"])
    story.hands = draw(st.lists(st.tuples(hours, shops, ranks), max_size=3, unique_by=lambda hand: hand[0]))
    if count > 2:
        moved = draw(
            st.lists(
                st.tuples(hours, st.just(count - 1), st.none() | st.integers(0, count - 2)),
                max_size=2,
                unique_by=lambda move: move[0],
            )
        )
        story.moves = sorted(moved)
    return story


@pytest.fixture(scope="module")
def opened(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One database for all examples, each of which opens a program of its own."""
    with databases.fresh_database(desk, 1_000_000 + next(numbers)) as url:
        databases.empty_redis(desk.scratch_redis_url)
        directory = tmp_path_factory.mktemp("figures") / "var"
        given_settings = Settings(
            database_url=url, redis_url=desk.scratch_redis_url, var_dir=directory, key_pepper="the pepper of the tests"
        )
        world = open_world(given_settings, url, desk.scratch_redis_url)
        yield world
        world.container.close()


def play(base: World, story: Story) -> World:
    """The story, worked on by the service."""
    container = base.container
    with container.begin() as conn:
        code = f"lot-{next(numbers)}"
        program = tenants.create_program(
            conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    world = World(container, program)
    world.publish(PLAN)
    for place, sponsor in enumerate(story.sponsors):
        named = None if sponsor is None else f"s{sponsor}"
        world.join((f"s{place}", named), joined_at=story.joined_at(place))
    with container.begin() as conn:
        policy = container.policies["open"]
        for hour, shop, above in story.moves:
            to = None if above is None else f"s{above}"
            moved_at, now = FIRST + timedelta(hours=hour), container.now()
            move_shop(Unit(conn, program, COMMAND_LINE, now), policy, f"s{shop}", Move(to, moved_at, "moved"))
        for hour, shop, rank in story.hands:
            ranked_at = FIRST + timedelta(hours=hour)
            set_rank(Unit(conn, program, COMMAND_LINE, container.now()), f"s{shop}", rank, ranked_at, "by hand")
    events = []
    for number, sale in enumerate(story.sales):
        lines = [line(paid, str(place), entry=is_entry) for place, (paid, is_entry) in enumerate(sale.lines)]
        more = {} if sale.customer is None else {"customer_id": sale.customer}
        times = {"paid_at": sale.instant, "occurred_at": sale.instant}
        events.append(settled(f"e{number}", f"o{number}", f"s{sale.seller}", *lines, **times, **more))
        for part, (place, amount) in enumerate(sale.refunds):
            later = sale.instant + timedelta(days=40)
            events.append(refunded(f"r{number}-{part}", f"o{number}", {str(place): amount}, later))
    if events:
        world.post(*events)
        world.drain()
    return world


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(story=stories())
def test_columns_looks_and_the_page_agree_on_every_figure_of_every_shop(opened: World, story: Story) -> None:
    world, plan = play(opened, story), compile_plan(PLAN)
    with world.container.begin() as conn:
        assert world.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status <> 'done'") == []
        rows = world.rows("SELECT shop_no, shop_id FROM shops WHERE program_id = :program ORDER BY shop_no")
        facts = StoredRanks(conn, world.program.program_id)
        shops = shops_at(facts, LAST)
        assert shops.numbers.tolist() == [row.shop_no for row in rows]
        ladder = ladder_of(load_timeline(conn, world.program))
        columns = RankFigures(facts, world.program, ladder, shops, LAST).read(plan, METRICS)
        asked = [PromotionCheck(row.shop_no, LAST, LAST, ALL_REFUNDS) for row in rows]
        looks = {metric: figures_of(facts, world.program, plan, metric, asked) for metric in METRICS}
    expected = {metric: [figure(story, metric, int(row.shop_id[1:])) for row in rows] for metric in METRICS}
    assert looks == expected
    assert {metric: column.tolist() for metric, column in columns.items()} == expected
