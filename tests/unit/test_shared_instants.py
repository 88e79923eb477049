"""Rows of one settlement share its instants, and whatever does not look like one is not guessed at."""

from __future__ import annotations

import numpy as np
import pytest

from distrib.store.simulations.arrays import EARNED, TIER, WITHOUT_EVENT, shared_instants

UP = EARNED + TIER


def of(order_no: list[int], kinds: list[int], came: int) -> list[int]:
    shared: list[int] = shared_instants(np.array(order_no, np.int64), np.array(kinds, np.int64), came).tolist()
    return shared


def test_what_was_earned_has_the_instants_of_its_first_row_and_all_else_its_own() -> None:
    assert of([5, 5, 5, 5, 8, 9, 9], [EARNED, UP, WITHOUT_EVENT, TIER, 0, EARNED, UP], 5) == [0, 0, 1, 2, 3, 4, 4]
    assert of([], [], 0) == []


@pytest.mark.parametrize(
    ("kinds", "came"),
    [([EARNED, 0, UP], 2), ([EARNED, UP, UP], 0), ([EARNED, UP, UP], 2), ([0, 0, EARNED], 2)],
)
def test_what_no_settlement_does_is_told(kinds: list[int], came: int) -> None:
    with pytest.raises(ValueError, match="earned"):
        of([5, 5, 5], kinds, came)
