"""The arithmetic of the benchmarks: no timing decides here."""

import doctest

import pytest

from distrib.cli.bench import figures
from distrib.cli.bench.figures import Rounds, growth, ratio
from distrib.cli.bench.limits import rows
from distrib.cli.bench.limits.rows import added


def test_the_worked_examples_hold() -> None:
    for module in (figures, rows):
        assert doctest.testmod(module).failed == 0


def test_a_rate_is_that_of_the_median_round_so_one_slow_round_changes_nothing() -> None:
    assert Rounds(1_000, [2.0, 2.0, 2.0]).rate == Rounds(1_000, [2.0, 60.0, 2.0]).rate == 500.0


def test_a_ratio_is_the_median_of_neighbouring_rounds_so_a_machine_that_slows_down_changes_nothing() -> None:
    assert ratio(Rounds(100, [2.0, 20.0, 200.0]), Rounds(100, [1.0, 10.0, 100.0])) == 0.5


def test_a_single_disturbed_round_changes_no_ratio() -> None:
    assert ratio(Rounds(100, [2.0, 2.0, 50.0]), Rounds(100, [1.0, 1.0, 0.1])) == 0.5


def test_a_ratio_counts_what_was_done_on_either_side() -> None:
    assert ratio(Rounds(50, [1.0]), Rounds(100, [1.0])) == 0.5


def test_rounds_without_a_neighbour_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio(Rounds(100, [1.0, 1.0]), Rounds(100, [1.0]))


def test_two_rounds_have_their_middle_as_the_median() -> None:
    assert Rounds(90, [1.0, 2.0]).rate == 60.0


def test_without_rounds_there_is_no_rate() -> None:
    with pytest.raises(ValueError, match="no median"):
        _ = Rounds(10, []).rate


def test_memory_that_fell_did_not_grow() -> None:
    assert growth(100, 90) == 0.0
    assert growth(100, 125) == 0.25


def test_only_tables_that_grew_count_as_written() -> None:
    before = {"queue": 5, "orders": 5, "transfers": 0}
    after = {"queue": 0, "orders": 5, "transfers": 45, "settlements": 5}
    assert added(before, after) == {"transfers": 45, "settlements": 5}
