"""Who is new and who returns: the word alone, within a number of orders, within days, and both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.domain.plans.customer_conditions import CustomerCondition, customer_condition
from distrib.domain.plans.plan import compile_plan

NOW = datetime(2026, 3, 31, tzinfo=UTC)
TEN_DAYS = timedelta(days=10)
INSTANT = timedelta(microseconds=1)


def is_new(asked: Any, earlier: int, first: timedelta | None) -> bool:
    """Whether that is new, and never returning at once."""
    standing = {"is": asked} if isinstance(asked, str) else asked
    first_paid_at = None if first is None else NOW - first
    answers = [
        customer_condition({**standing, "is": word}).is_met(earlier, first_paid_at, NOW)
        for word in ("new", "returning")
    ]
    assert answers[0] is not answers[1]
    return answers[0]


BOTH = {"within_orders": 2, "within_days": 10}


@pytest.mark.parametrize(
    ("asked", "earlier", "first", "expected"),
    [
        ("new", 0, None, True),
        ("new", 1, timedelta(0), False),
        ({"within_orders": 2}, 1, TEN_DAYS * 99, True),
        ({"within_orders": 2}, 2, timedelta(0), False),
        ({"within_orders": 2}, 3, timedelta(0), False),
        ({"within_days": 10}, 7, TEN_DAYS - INSTANT, True),
        ({"within_days": 10}, 1, TEN_DAYS, False),
        ({"within_days": 10}, 1, TEN_DAYS + INSTANT, False),
        ({"within_days": 10}, 0, None, True),
        (BOTH, 1, TEN_DAYS - INSTANT, True),
        (BOTH, 2, TEN_DAYS - INSTANT, False),
        (BOTH, 1, TEN_DAYS, False),
        (BOTH, 0, None, True),
    ],
)
def test_new_is_who_has_no_earlier_order_or_is_within_every_bound(
    asked: Any, earlier: int, first: timedelta | None, expected: bool
) -> None:
    assert is_new(asked, earlier, first) is expected


def test_the_word_alone_and_a_first_order_mean_the_same() -> None:
    alike = [customer_condition(asked) for asked in ("new", {"is": "new"}, {"is": "new", "within_orders": 1})]
    assert set(alike) == {CustomerCondition("new", 1, None)}
    assert not alike[0].is_bounded
    bounded = [{"is": "new", "within_orders": 2}, {"is": "new", "within_days": 1}]
    assert all(customer_condition(asked).is_bounded for asked in bounded)


def test_a_plan_knows_how_many_earlier_orders_decide_what_it_asks() -> None:
    def most(*asked: Any) -> tuple[int, int]:
        rules = [
            {"id": f"r{n}", "pay": "seller", "rate": "0.1", "group": f"{n}", "where": where}
            for n, where in enumerate(asked)
        ]
        book = compile_plan({"code": "p", "currency": "CNY", "rules": rules}).book
        return book.earlier_orders, len(book.on_customers)

    assert most({"sku": ["A"]}) == (0, 0)
    assert most({"customer": "new"}, {"customer": {"is": "new"}}) == (1, 1)
    assert most({"customer": {"is": "new", "within_days": 9}}) == (1, 1)
    assert most({"customer": "new"}, {"not": {"customer": {"is": "new", "within_orders": 5}}}) == (5, 2)
