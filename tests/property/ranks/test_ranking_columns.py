"""Figures over arrays, of many looks at once, are those that a reader of plan.md adds up for each look by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.ranking import sold, spans
from distrib.columns.ranking.back import LookSpan
from distrib.columns.ranking.figures import RankingFigures, ShopLooks
from distrib.columns.ranking.held import DatedRanks, RankColumns
from distrib.columns.ranking.links import SponsorLinks
from distrib.columns.ranking.persons import MergedPersons
from distrib.columns.tree import Integers
from distrib.services.simulations.ranking import BackColumns, GatheredFacts, SoldColumns

SHOPS = range(1, 9)
NEVER = 2**62
ALL_KNOWN = 10**6


class Order(NamedTuple):
    number: int
    seller: int
    settled_at: int
    minor: int
    buyer: int


class Back(NamedTuple):
    order: int
    seller: int
    minor: int
    occurred_at: int
    done_at: int
    looked_at: int


class Dated(NamedTuple):
    """A link to a sponsor, whose number is lower, 0 of a root; or a rank."""

    shop: int
    since: int
    seq: int
    value: int


class Merged(NamedTuple):
    customer: int
    merged_at: int
    into: int


class Look(NamedTuple):
    shop: int
    since: int
    until: int
    back: int
    tree_at: int


class Past:
    """A made past of eight shops."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.orders = [
            Order(number, draw.choice(SHOPS), draw.randrange(300), draw.randrange(1, 50), draw.randrange(-1, 4))
            for number in range(60)
        ]
        self.back = [self._back(draw, order) for order in self.orders for _ in range(draw.randrange(3))]
        self.links = [
            Dated(shop, draw.randrange(300) if turn else 0, shop * 10 + turn, draw.randrange(shop))
            for shop in SHOPS
            for turn in range(draw.randrange(1, 4))
        ]
        self.joined_at = [draw.randrange(200) for _ in SHOPS]
        self.ranks = [Dated(draw.choice(SHOPS), draw.randrange(300), seq, draw.randrange(-1, 3)) for seq in range(20)]
        self.merged = [Merged(draw.randrange(4), draw.randrange(300), draw.randrange(4)) for _ in range(3)]
        self.looks = [self._look(draw) for _ in range(40)]

    def _back(self, draw: random.Random, order: Order) -> Back:
        minor = draw.choice((order.minor, draw.randrange(order.minor + 1), -draw.randrange(1, 10)))
        return Back(
            order.number, order.seller, minor, draw.randrange(400), draw.choice((NEVER, draw.randrange(400))), 0
        )

    def _look(self, draw: random.Random) -> Look:
        instant = draw.randrange(300)
        until = instant + draw.choice((0, 0, 9))
        since, back = instant - draw.choice((10, 50, 1_000)), draw.choice((until, instant - 5, 999))
        return Look(draw.choice(SHOPS), since, until, back, instant)

    def left(self, order: Order, until: int, back: int) -> int:
        """What is left of an order."""
        rows = [row for row in self.back if row.order == order.number]
        return order.minor - sum(row.minor for row in rows if row.occurred_at <= (until if row.minor < 0 else back))

    def sold(self, shop: int, look: Look) -> list[tuple[Order, int]]:
        """What a shop sold in the span of a look, with what is left of each order."""
        orders = [
            order for order in self.orders if order.seller == shop and look.since <= order.settled_at <= look.until
        ]
        return [(order, self.left(order, look.until, look.back)) for order in orders]

    def sales(self, shop: int, look: Look) -> int:
        return sum(left for _, left in self.sold(shop, look))

    def count(self, shop: int, look: Look) -> int:
        return sum(left > 0 for _, left in self.sold(shop, look))

    def below(self, above: Iterable[int], look: Look) -> set[int]:
        """Who stood directly below at any time of a look."""
        return {shop for shop in SHOPS if {*held(self.links, shop, look)} & {*above}}

    def team(self, look: Look, levels: int) -> set[int]:
        team: set[int] = set()
        reached = {look.shop}
        for _ in range(levels):
            reached = self.below(reached, look)
            team |= reached
        return team

    def person(self, customer: int, instant: int) -> int:
        merges = [row for row in self.merged if row.customer == customer and row.merged_at <= instant]
        return merges[-1].into if merges else customer

    def customers(self, look: Look) -> int:
        bought = {order.buyer for order, left in self.sold(look.shop, look) if left > 0 and order.buyer >= 0}
        return len({self.person(buyer, look.back) for buyer in bought})


def held(rows: Sequence[Dated], shop: int, look: Look) -> list[int]:
    """What held of a shop at any time from the instant of a look's tree to its end."""
    own = sorted((row for row in rows if row.shop == shop), key=lambda row: (row.since, row.seq))
    by_then = [row for row in own if row.since <= look.tree_at]
    return [row.value for row in (*by_then[-1:], *(row for row in own if look.tree_at < row.since <= look.until))]


def column(rows: Sequence[tuple[int, ...]], place: int) -> Integers:
    return np.array([row[place] for row in rows], np.int64)


def figures_of(past: Past, until: int = ALL_KNOWN, done_by: int = -1) -> RankingFigures:
    """The same past in arrays, by months of a hundred instants; of refunds those of before ``until`` are known."""
    gathered = GatheredFacts(BackColumns(*(column(past.back, place) for place in range(6))))
    for month in range(3):
        orders = [order for order in past.orders if order.settled_at // 100 == month]
        gathered.add_month(SoldColumns(*(column(orders, place) for place in range(5))))
    links = SponsorLinks(*(column(past.links, place) for place in range(4)))
    persons = MergedPersons(*(column(past.merged, place) for place in range(3)))
    facts = gathered.facts(links, np.array(SHOPS), np.array(past.joined_at), persons)
    nothing = np.zeros(len(past.ranks), np.int64)
    rows = RankColumns(*[*(column(past.ranks, place) for place in range(4)), nothing, nothing, nothing])
    ranks = DatedRanks(RankColumns.none())
    for start in range(0, len(past.ranks), 5):
        ranks.add(rows.among(np.arange(start, start + 5)))
    assert [part.tolist() for part in ranks.rows] == [part.tolist() for part in rows.in_order()]
    figures = RankingFigures(facts, ranks)
    figures.know(until, done_by)
    return figures


seeds = st.integers(0, 10**9)


@given(seeds, st.sampled_from(((7, sold.WIDEST), (1_000_000, 200))))
def test_figures_of_looks_are_those_of_each_look_by_itself(seed: int, bounds: tuple[int, int]) -> None:
    pairs_at_once, widest = bounds
    past = Past(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sold, "WIDEST", widest)  # a month of which more sold than keys tell apart is kept in parts
        figures, looks = figures_of(past), past.looks
    asked = ShopLooks(column(looks, 0), LookSpan(*(column(looks, place) for place in (1, 2, 3))), column(looks, 4))

    def team_sales(levels: int) -> Callable[[Look], int]:
        return lambda look: sum(past.sales(shop, look) for shop in past.team(look, levels))

    def active(ranks: set[int] | None) -> Callable[[Look], int]:
        def count(look: Look) -> int:
            recruits = past.below([look.shop], look)
            if ranks is not None:
                recruits = {shop for shop in recruits if {*held(past.ranks, shop, look)} & ranks}
            return sum(past.count(shop, look) > 0 for shop in recruits)

        return count

    def recruits(look: Look) -> int:
        return sum(look.since <= past.joined_at[shop - 1] <= look.until for shop in past.below([look.shop], look))

    expected: dict[tuple[str, int], Callable[[Look], int]] = {
        ("personal_sales_minor", 0): lambda look: past.sales(look.shop, look),
        ("personal_orders", 0): lambda look: past.count(look.shop, look),
        ("customers", 0): past.customers,
        ("direct_recruits", 0): recruits,
        ("active_recruits", 0): active(None),
        **{("team_sales_minor", levels): team_sales(levels) for levels in (1, 2, 3)},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spans, "MOST_AT_ONCE", pairs_at_once)
        for (name, levels), figure in expected.items():
            assert figures.figure(name, levels, asked, None).tolist() == [figure(look) for look in looks], name
    by_rank = figures.figure("active_recruits", 0, asked, np.array([1, 2]))
    assert by_rank.tolist() == [active({1, 2})(look) for look in looks]


@given(seeds)
def test_refunds_are_known_once_they_happened_or_were_done(seed: int) -> None:
    past = Past(seed)
    figures = figures_of(past, 150, 200)
    past.back = [row for row in past.back if row.occurred_at < 150 or row.done_at <= 200]
    looks = [Look(shop, 0, 300, back, 300) for shop in SHOPS for back in (NEVER, 120)]
    asked = ShopLooks(column(looks, 0), LookSpan(*(column(looks, place) for place in (1, 2, 3))), column(looks, 4))
    sales, counted = (figures.figure(name, 0, asked, None) for name in ("personal_sales_minor", "personal_orders"))
    assert sales.tolist() == [past.sales(look.shop, look) for look in looks]
    assert counted.tolist() == [past.count(look.shop, look) for look in looks]
    touched = {row.seller for row in past.back if row.minor > 0}
    assert {*figures.refunded().tolist()} == touched


@given(seeds)
def test_what_all_sold_in_a_span_is_net_of_all_that_came_back_whenever_that_was(seed: int) -> None:
    past = Past(seed)
    figures, since, until = figures_of(past), 50, 250
    sold, (sellers, buyers) = figures.sold(since, until), figures.buyers(since, until)
    for shop in SHOPS:
        look = Look(shop, since, until, NEVER, until)
        orders = [
            (order, order.minor - sum(row.minor for row in past.back if row.order == order.number))
            for order, _ in past.sold(shop, look)
        ]
        here = sold.sellers == shop
        assert sold.minor[here].sum() == sum(left for _, left in orders)
        assert sold.orders[here].sum() == sum(left > 0 for _, left in orders)
        bought = {past.person(order.buyer, until) for order, left in orders if left > 0 and order.buyer >= 0}
        assert buyers[sellers == shop].sum() == len(bought)
