"""Where the queue was cut into batches decides nothing of what the events of an order come to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from distrib.domain.events import Event
from tests.unit.domain.orders.memory import DAY, LINES, PAID_AT, Life, event, money_back, order, refund, undone

REFUNDS = ("r-0", "r-1", "r-2", "r-3")


@st.composite
def happened(draw: st.DrawFn) -> list[Event]:
    """What happens to an order, day after day: payments that fail and come, refunds that may exceed, some undone."""
    events = [Event("p-0", "order.paid", PAID_AT, order=order())]
    coming, made = list(REFUNDS), list[str]()
    for day in range(1, draw(st.integers(2, 9))):
        kind = draw(st.sampled_from(["fail", "settle"] + ["refund"] * bool(coming) + ["undo"] * bool(made)))
        if kind == "refund":
            made.append(coming.pop(0))
            events.append(_refund(draw, made[-1], day))
        elif kind == "undo":
            events.append(undone(made.pop(draw(st.integers(0, len(made) - 1))), day))
        elif kind == "fail":
            events.append(Event(f"f-{day}", "order.payment_failed", PAID_AT + day * DAY, order_id="o"))
            events.append(Event(f"p-{day}", "order.paid", PAID_AT + day * DAY + DAY / 2, order=order()))
        else:
            events.append(Event(f"s-{day}", "order.settled", PAID_AT + day * DAY, order=order()))
    return events


def _refund(draw: st.DrawFn, name: str, day: int) -> Event:
    if draw(st.booleans()):
        return money_back(name, day, draw(st.integers(1, 15_000)), "lines")
    amounts = [(line.id, draw(st.integers(1, line.paid_minor))) for line in LINES[: draw(st.integers(1, 2))]]
    return refund(name, day, *amounts)


def lived(batches: Sequence[Sequence[Event]]) -> Life:
    """The order after all batches, each worked on until nothing of it is pending."""
    life = Life()
    for batch in batches:
        life.tell(*batch)
    return life


def standing(life: Life) -> object:
    """What is left of each line, and what each refund took and from when it counts."""
    account = life.state.account
    return account and (account.left_minor, account.refunds)


FAILS = Event("f-3", "order.payment_failed", PAID_AT + 3 * DAY, order_id="o")
AGAIN = Event("p-3", "order.paid", PAID_AT + 3 * DAY + DAY / 2, order=order())
PAID_FIRST = Event("p-0", "order.paid", PAID_AT, order=order())
MOST, REST = refund("r-0", 1, ("1", 8_000)), refund("r-1", 4, ("1", 9_000))


@given(happened(), st.sets(st.integers(1, 20)))
@example([PAID_FIRST, MOST, FAILS, AGAIN, REST], {2})
@example(
    [
        event("order.settled", 0, order=order()),
        refund("r-0", 1, ("1", 8_000)),
        refund("r-1", 2, ("1", 9_000)),
        undone("r-0", 3),
        refund("r-2", 4, ("1", 9_000)),
    ],
    set(),
)
def test_events_in_the_order_of_time_come_to_the_same_however_they_are_cut_into_batches(
    events: list[Event], cuts: set[int]
) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    batches = [events[start:end] for start, end in pairwise(bounds)]
    whole, one_by_one = lived(batches), lived([[one] for one in events])
    assert whole.statuses == one_by_one.statuses
    assert whole.posted() == one_by_one.posted()
    assert whole.expected() == one_by_one.expected()
    assert standing(whole) == standing(one_by_one)
