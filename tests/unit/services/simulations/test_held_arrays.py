"""Ranks in arrays are those that are read row by row: of every order, of one instant, and of all shops at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distrib.columns.commissions.chunk import NOBODY
from distrib.domain.plans.plan import compile_plan
from distrib.services.simulations.held_arrays import GivenRanks, RanksInArrays
from distrib.services.simulations.replaying import SimulatedRanks
from distrib.store.copying import microseconds
from distrib.store.simulations.ranks import HeldRank

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
CODES = ("member", "gold", "gone")
PLAN = compile_plan(
    {
        "code": "p",
        "currency": "CNY",
        "ranks": [{"code": "member"}, {"code": "gold"}],
        "rules": [{"id": "own", "pay": "seller", "rate": "0.1"}],
    }
)


@given(st.integers(0, 10**9))
def test_both_know_the_same_ranks(seed: int) -> None:
    draw = random.Random(seed)

    def instant() -> datetime:
        return FIRST + timedelta(hours=draw.randrange(9))

    held = [
        HeldRank(shop, since, draw.choice((*CODES, None)))
        for shop in (2, 3, 5)
        for since in sorted(instant() for _ in range(draw.randrange(4)))
    ]

    def read(shops: Sequence[int]) -> list[HeldRank]:
        return [row for row in held if row.shop_no in shops]

    numbers = {code: number for number, code in enumerate(CODES)} | {None: -1}
    given_ranks = GivenRanks(
        np.array([row.shop_no for row in held], np.int64),
        np.array(microseconds([row.effective_at for row in held]), np.int64),
        np.array([numbers[row.rank] for row in held], np.int64),
        CODES,
    )
    rows, arrays = SimulatedRanks(PLAN, read), RanksInArrays(PLAN, given_ranks)
    rows.load([1, 2, 3, 5])
    asked = [(shop, instant()) for shop in (1, 2, 3, 5) for _ in range(3)]
    assert [rows.rank_of(*pair) for pair in asked] == [arrays.rank_of(*pair) for pair in asked]
    people = np.array([[draw.choice((NOBODY, 1, 2, 3, 5)) for _ in range(6)] for _ in range(4)], np.int64)
    paid_at = np.array(microseconds([instant() for _ in range(6)]), np.int64)
    by_rows, by_arrays = rows.of_columns(people, paid_at), arrays.of_columns(people, paid_at)
    assert by_rows[people != NOBODY].tolist() == by_arrays[people != NOBODY].tolist()
