"""What an event is about, and amounts as machines and people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from distrib.domain.amounts import show_amount
from distrib.domain.currencies import decimals_of, is_currency, major_text
from distrib.domain.events import Event, Order, OrderLine, Refund, RefundLine, group_of
from distrib.domain.periods import counting, next_period

AT = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = Order("o-1", "CNY", AT, (OrderLine("1", "A", 1, 70), OrderLine("2", "B", 2, 30)), group_id="g-1")


def test_an_event_is_about_one_order_whichever_way_it_names_it() -> None:
    named = [
        Event("e", "order.settled", AT, order=ORDER),
        Event("e", "order.refunded", AT, refund=Refund("r", "o-2")),
        Event("e", "order.cancelled", AT, order_id="o-3"),
        Event("e", "refund.reversed", AT, refund_id="r", order_id="o-4"),
    ]
    assert [event.about_order_id for event in named] == ["o-1", "o-2", "o-3", "o-4"]
    for nameless in (Event("e", "group.failed", AT, group_id="g-1"), Event("e", "refund.reversed", AT, refund_id="r")):
        with pytest.raises(ValueError, match=r"^the event names no order$"):
            assert nameless.about_order_id


def test_an_order_waits_for_its_group_in_the_channel_of_groups_alone() -> None:
    in_group = Order("o", "CNY", AT, (), channel="group_buy", group_id="g-1")
    assert [group_of(order) for order in (in_group, ORDER, Order("o", "CNY", AT, (), channel="group_buy"))] == [
        "g-1",
        None,
        None,
    ]
    assert ORDER.paid_minor == 100


@pytest.mark.parametrize(
    ("amount_minor", "currency", "major", "shown"),
    [
        (0, "CNY", "0.00", "0.00"),
        (-5, "CNY", "-0.05", "-0.05"),
        (123_456_789, "CNY", "1234567.89", "1,234,567.89"),
        (-1_200, "JPY", "-1200", "-1,200"),
        (1_005, "KWD", "1.005", "1.005"),
        (10_005, "CLF", "1.0005", "1.0005"),
    ],
)
def test_an_amount_has_all_the_decimals_of_its_currency(
    amount_minor: int, currency: str, major: str, shown: str
) -> None:
    assert (major_text(amount_minor, currency), show_amount(amount_minor, currency)) == (major, shown)


def test_no_amount_is_shown_as_nothing_and_only_codes_of_the_table_are_currencies() -> None:
    assert show_amount(None, "CNY") == ""
    assert [decimals_of(code) for code in ("CNY", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    codes: list[object] = ["CNY", "cny", "XYZ", 7, None]
    assert [is_currency(code) for code in codes] == [True, False, False, False, False]


def test_a_late_fact_counts_in_the_earliest_open_month_and_december_is_followed_by_january() -> None:
    assert [next_period(period) for period in (202601, 202611, 202612)] == [202602, 202612, 202701]
    assert [counting(period, 202603) for period in (202602, 202603, 202604)] == [
        (202604, 202602),
        (202604, 202603),
        (202604, None),
    ]


def test_lines_in_another_order_say_the_same_whichever_side_is_asked() -> None:
    lines = (OrderLine("1", "tea", 1, 100), OrderLine("2", "cup", 1, 200))
    order = Order("o", "CNY", datetime(2026, 3, 1, tzinfo=UTC), lines)
    turned = replace(order, lines=lines[::-1])
    assert order.has_content_of(turned)
    assert turned.has_content_of(order)
    parts = (RefundLine("1", 10), RefundLine("2", 20))
    refund = Refund("r", "o", parts)
    assert refund.has_content_of(replace(refund, lines=parts[::-1]))
    assert not refund.has_content_of(replace(refund, lines=(RefundLine("1", 20), RefundLine("2", 10))))


def test_a_refund_of_no_lines_is_not_one_of_all_that_is_left() -> None:
    assert not Refund("r", "o", None).has_content_of(Refund("r", "o", ()))
    assert not Refund("r", "o", ()).has_content_of(Refund("r", "o", None))


SETTLED = Event("e", "order.settled", AT, order=ORDER)
REFUNDED = Event("e", "order.refunded", AT, refund=Refund("r", "o-1", (RefundLine("1", 10), RefundLine("2", 20))))


def test_events_say_the_same_whose_lines_stand_in_another_order_and_nothing_else() -> None:
    turned = replace(SETTLED, order=replace(ORDER, lines=ORDER.lines[::-1]))
    back = replace(REFUNDED, refund=Refund("r", "o-1", (RefundLine("2", 20), RefundLine("1", 10))))
    for event, again in ((SETTLED, turned), (REFUNDED, back)):
        assert event.has_content_of(event)
        assert event.has_content_of(again)
        assert not event.has_content_of(replace(again, id="f"))
        assert not event.has_content_of(replace(again, type="order.paid"))
    assert not SETTLED.has_content_of(replace(turned, order=replace(ORDER, currency="USD")))
    assert not REFUNDED.has_content_of(replace(back, refund=Refund("r", "o-2", (RefundLine("1", 10),))))


def test_events_of_different_kinds_never_say_the_same() -> None:
    cancelled = Event("e", "order.cancelled", AT, order_id="o-1")
    kinds = (SETTLED, REFUNDED, cancelled)
    for event in kinds:
        assert [event.has_content_of(other) for other in kinds] == [event is other for other in kinds]
    assert cancelled.has_content_of(replace(cancelled))
