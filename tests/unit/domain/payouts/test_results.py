"""What may be said of a payout's line: once paid or failed, once returned, on days that there can be."""

from __future__ import annotations

from datetime import date

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.payouts.results import DayBounds, LineHistory, Saying, decide_result, repeats

APPROVED, TODAY = date(2026, 4, 2), date(2026, 5, 9)
BOUNDS = DayBounds(APPROVED, date(2026, 4, 1), TODAY)
PAID = Saying("paid", date(2026, 4, 20), "W1", "r")
FAILED = Saying("failed", None, None, "closed")
RETURNED = Saying("returned", date(2026, 5, 1), "R1", "gone")
NEW, SETTLED, LOST = LineHistory(), LineHistory(PAID), LineHistory(FAILED)
BACK = LineHistory(PAID, RETURNED)


def decided_of(saying: Saying, history: LineHistory, bounds: DayBounds) -> str:
    """What becomes of what is said: the word of it, or the code of the refusal."""
    outcome = decide_result(saying, history, bounds, "s")
    return outcome.code if isinstance(outcome, Refusal) else outcome


@pytest.mark.parametrize(
    ("saying", "history", "decided"),
    [
        (Saying("paid"), NEW, "recorded"),
        (Saying("failed"), NEW, "recorded"),
        (Saying("returned"), NEW, "line_not_paid"),
        (Saying("returned"), LOST, "line_not_paid"),
        (Saying("returned"), SETTLED, "recorded"),
        (Saying("paid"), SETTLED, "unchanged"),
        (PAID, SETTLED, "unchanged"),
        (Saying("failed"), SETTLED, "result_conflict"),
        (Saying("paid"), LOST, "result_conflict"),
        (Saying("failed"), LOST, "unchanged"),
        (Saying("paid"), BACK, "unchanged"),
        (Saying("paid", reference="W2"), BACK, "result_conflict"),
        (Saying("returned"), BACK, "unchanged"),
        (RETURNED, BACK, "unchanged"),
        (Saying("returned", date(2026, 5, 2)), BACK, "result_conflict"),
    ],
)
def test_a_line_settles_once_and_comes_back_once(saying: Saying, history: LineHistory, decided: str) -> None:
    assert decided_of(saying, history, BOUNDS) == decided


@pytest.mark.parametrize(
    ("day", "decided"),
    [
        (date(2026, 4, 1), "paid_on_before_approval"),
        (APPROVED, "recorded"),
        (TODAY, "recorded"),
        (date(2026, 5, 10), "paid_on_in_future"),
    ],
)
def test_a_payment_lies_between_the_approval_and_today(day: date, decided: str) -> None:
    assert decided_of(Saying("paid", day), NEW, BOUNDS) == decided


@pytest.mark.parametrize(
    ("day", "decided"),
    [
        (date(2026, 4, 1), "paid_on_before_approval"),
        (date(2026, 4, 19), "paid_on_before_payment"),
        (date(2026, 4, 20), "recorded"),
        (TODAY, "recorded"),
        (date(2026, 5, 10), "paid_on_in_future"),
    ],
)
def test_a_return_lies_between_the_payment_and_today(day: date, decided: str) -> None:
    assert decided_of(Saying("returned", day), SETTLED, BOUNDS) == decided


def test_no_day_lies_in_a_closed_period() -> None:
    closed = BOUNDS._replace(open_from=date(2026, 5, 1))
    assert decided_of(Saying("paid", date(2026, 4, 30)), NEW, closed) == "paid_on_closed"
    assert decided_of(Saying("paid", date(2026, 5, 1)), NEW, closed) == "recorded"
    assert decided_of(Saying("returned", date(2026, 4, 30)), SETTLED, closed) == "paid_on_closed"


def test_what_is_known_already_is_not_held_against_the_days() -> None:
    closed = BOUNDS._replace(open_from=date(2026, 5, 1))
    assert decided_of(PAID, SETTLED, closed) == "unchanged"


def test_the_first_day_there_can_be_is_the_latest_of_approval_opening_and_payment() -> None:
    assert BOUNDS.first(NEW) == APPROVED
    assert BOUNDS.first(SETTLED) == date(2026, 4, 20)
    assert BOUNDS.first(LOST) == APPROVED
    assert BOUNDS._replace(open_from=date(2026, 5, 1)).first(SETTLED) == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("shorter", "other"),
    [
        (PAID._replace(day=None), PAID._replace(day=date(2026, 1, 1))),
        (PAID._replace(reference=None), PAID._replace(reference="other")),
        (PAID._replace(reason=None), PAID._replace(reason="other")),
    ],
)
def test_a_repetition_may_leave_out_each_part_and_change_none(shorter: Saying, other: Saying) -> None:
    assert repeats(shorter, PAID)
    assert not repeats(other, PAID)
    assert not repeats(PAID, shorter)
    assert not repeats(Saying("failed"), PAID)
