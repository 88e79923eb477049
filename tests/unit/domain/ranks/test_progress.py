"""What a shop has of a condition and what it takes: a figure that is not known leaves open what hangs on it."""

from __future__ import annotations

from distrib.domain.plans.conditions import AllOf, AnyOf, AtLeast, Metric
from distrib.domain.ranks.progress import ALL, ANY, FIGURE, UNITS, RankProgress, progress_of

ORDERS = Metric("personal_orders", 0, "ever")
SALES = Metric("personal_sales_minor", 0, "month")


def test_a_threshold_is_met_from_its_figure_on() -> None:
    assert progress_of(AtLeast(ORDERS, 3), {ORDERS: 2}) == RankProgress(FIGURE, False, ORDERS, 2, 3)
    assert progress_of(AtLeast(ORDERS, 3), {ORDERS: 3}) == RankProgress(FIGURE, True, ORDERS, 3, 3)


def test_a_figure_that_is_not_known_is_neither_met_nor_missed() -> None:
    unknown = RankProgress(FIGURE, None, ORDERS, None, 3)
    assert progress_of(AtLeast(ORDERS, 3), {ORDERS: None}) == unknown
    assert progress_of(AtLeast(ORDERS, 3), {}) == unknown


def verdict(condition: type[AllOf] | type[AnyOf], orders: int | None, sales: int | None) -> bool | None:
    parts = (AtLeast(ORDERS, 3), AtLeast(SALES, 900))
    shown = progress_of(condition(parts), {ORDERS: orders, SALES: sales})
    assert shown.kind == (ALL if condition is AllOf else ANY)
    assert (shown.metric, shown.have, shown.need) == (None, None, None)
    assert [(part.metric, part.have, part.need) for part in shown.parts] == [(ORDERS, orders, 3), (SALES, sales, 900)]
    return shown.is_met


def test_all_is_missed_by_one_part_and_open_while_one_is_open() -> None:
    assert verdict(AllOf, 3, 900) is True
    assert verdict(AllOf, 3, 899) is False
    assert verdict(AllOf, None, 900) is None
    assert verdict(AllOf, None, 0) is False


def test_any_is_met_by_one_part_and_open_while_one_is_open() -> None:
    assert verdict(AnyOf, 0, 0) is False
    assert verdict(AnyOf, 0, 900) is True
    assert verdict(AnyOf, None, 0) is None
    assert verdict(AnyOf, None, 900) is True


def test_parts_keep_their_nesting() -> None:
    nested = AllOf((AtLeast(ORDERS, 1), AnyOf((AtLeast(SALES, 5), AtLeast(ORDERS, 9)))))
    shown = progress_of(nested, {ORDERS: 1, SALES: 5})
    assert (shown.is_met, shown.parts[1].kind, [part.is_met for part in shown.parts[1].parts]) == (
        True,
        ANY,
        [True, False],
    )


def test_each_figure_says_what_it_counts() -> None:
    assert {name: UNITS[name] for name in ("personal_orders", "customers", "active_recruits")} == {
        "personal_orders": "orders",
        "customers": "customers",
        "active_recruits": "shops",
    }
    assert [name for name, unit in UNITS.items() if unit == "minor"] == [
        "personal_sales_minor",
        "team_sales_minor",
        "earned_minor",
    ]
