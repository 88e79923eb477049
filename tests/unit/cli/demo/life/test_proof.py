"""The proof of the demo finds every minor unit that files and batches do not explain."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.demo.life.proof import (
    FIGURES,
    MOVES,
    MonthFiles,
    Proved,
    came_late,
    moves_of_lines,
    prove,
    shop_rows,
    totals_of_all,
    unexplained,
    whole_gap,
)

NOTHING = dict.fromkeys(FIGURES, 0)
EARNED = NOTHING | {"earned_minor": 500, "closing_minor": 500, "held_minor": 200, "available_minor": 300}
PAID = NOTHING | {
    "opening_minor": 500,
    "reversed_minor": -400,
    "adjusted_minor": 50,
    "paid_minor": 270,
    "tax_minor": 30,
    "closing_minor": -150,
    "available_minor": -150,
}
LINES = [("s", "earned", 450, ""), ("s", "pool", 50, "")]
LATER_LINES = [("s", "reversed", -400, "2026-01"), ("s", "adjusted", 50, "")]
BATCH = {"2026-02": {"s": {"paid_minor": 270, "tax_minor": 30}}}


def shops_file(*rows: tuple[str, dict[str, int]]) -> bytes:
    names = ["program", "shop_id", *FIGURES]
    lines = [",".join(["p", shop, *(str(row[name]) for name in FIGURES)]) for shop, row in rows]
    return "\n".join([",".join(names), *lines, ""]).encode()


def lines_file(rows: list[tuple[str, str, int, str]]) -> bytes:
    lines = [f"{shop},{kind},{amount},{belongs}" for shop, kind, amount, belongs in rows]
    return "\n".join(["shop_id,kind,amount_minor,belongs_to_period", *lines, ""]).encode()


def month(period: str, row: dict[str, int], lines: list[tuple[str, str, int, str]], digest: str | None) -> MonthFiles:
    return MonthFiles(period, shops_file(("s", row)), lines_file(lines), digest)


def proved(january: dict[str, int] = EARNED, february: dict[str, int] = PAID) -> list[Proved]:
    digest = hashlib.sha256(shops_file(("s", EARNED))).hexdigest()
    files = [month("2026-01", january, LINES, digest), month("2026-02", february, LATER_LINES, None)]
    return prove(files, BATCH)


def test_books_that_are_right_leave_nothing_unexplained() -> None:
    programs = proved()
    assert [row.unexplained_minor for row in programs] == [0, 0]
    assert [row.is_closed for row in programs] == [True, False]
    assert all(row.digest_holds for row in programs)
    assert whole_gap(programs) == 0
    assert totals_of_all(programs)["closing_minor"] == -150


@pytest.mark.parametrize("name", FIGURES)
@given(by=st.integers(-1_000, 1_000).filter(bool))
def test_whatever_figure_of_a_month_is_wrong_is_noticed(name: str, by: int) -> None:
    wrong = proved(february=PAID | {name: PAID[name] + by})
    assert wrong[1].unexplained_minor >= abs(by)


def test_a_closed_file_that_changed_no_longer_has_its_digest() -> None:
    assert not proved(january=EARNED | {"held_minor": 201})[0].digest_holds


def test_a_shop_that_vanished_with_its_money_is_noticed() -> None:
    assert unexplained({"s": EARNED}, {}, {}) == 500


def test_a_line_of_a_shop_without_a_row_is_noticed() -> None:
    assert unexplained({}, {}, {"s": {"earned_minor": 7}}) == 7


def test_two_errors_that_cancel_out_over_shops_are_both_noticed() -> None:
    more, less = (EARNED | {"opening_minor": by, "closing_minor": 500 + by, "held_minor": 200 + by} for by in (9, -9))
    moved = {"a": {"earned_minor": 500}, "b": {"earned_minor": 500}}
    assert unexplained({}, {"a": more, "b": less}, moved) == 18


def test_pools_count_as_earned_and_nothing_else_moves_by_lines() -> None:
    assert moves_of_lines(lines_file(LINES)) == {"s": Counter(earned_minor=500)}
    assert set(MOVES) - {"paid_minor", "tax_minor"} == {"earned_minor", "reversed_minor", "adjusted_minor"}


def test_what_came_late_is_told_from_what_did_not() -> None:
    assert came_late(lines_file(LATER_LINES)) == (2, 1, -400)


def test_the_rows_of_a_file_are_read_as_they_stand() -> None:
    assert shop_rows(shops_file(("s", PAID))) == {"s": PAID}
