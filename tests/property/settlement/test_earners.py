"""What a plan remembers of people who stand alike never shows in an amount: a plan that has forgotten pays the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.events import Order
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.plans.rules import Remembered
from distrib.domain.settlement.commission import Person, Snapshot, settle, walk
from tests.property.draws import RANKS, earlier_orders, orders, plans, snapshots

FLAGS = ("is_self_purchase", "entry_pays_seller", "self_purchase_pays_uplines")


@st.composite
def alike(draw: st.DrawFn, first: Snapshot) -> Snapshot:
    """Other shops that stand as the first ones did, or nearly so."""
    assert first.seller is not None
    numbers = draw(st.permutations(range(100, 112)))
    everyone = [first.seller, *first.uplines, first.leader, first.opener]
    moved = [
        None if person is None else person._replace(shop_no=no) for person, no in zip(everyone, numbers, strict=False)
    ]
    seller, *uplines, leader, opener = moved
    other = first._replace(
        seller=seller, uplines=tuple(person for person in uplines if person is not None), leader=leader, opener=opener
    )
    return draw(st.just(other) | nearly(other))


@st.composite
def nearly(draw: st.DrawFn, like: Snapshot) -> Snapshot:
    """The same people but for one thing that may decide."""
    flag = draw(st.sampled_from(FLAGS))
    person = Person(draw(st.integers(0, 99)), draw(st.sampled_from(RANKS)), draw(st.booleans()))
    place = draw(st.integers(0, len(like.uplines)))
    changes: list[dict[str, object]] = [
        {flag: not getattr(like, flag)},
        {"max_tiers": draw(st.integers(0, 3))},
        {"seller": person},
        {"uplines": (*like.uplines[:place], person, *like.uplines[place + 1 :])},
        {"uplines": like.uplines[:place]},
        {"leader": draw(st.none() | st.just(person))},
        {"opener": draw(st.none() | st.just(person))},
        {"earlier_orders": draw(earlier_orders())},
    ]
    return like._replace(**draw(st.sampled_from(changes)))  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Plan, list[tuple[Order, Snapshot]]]:
    first = draw(snapshots())
    people = [first, *draw(st.lists(alike(first), min_size=1, max_size=4))]
    return draw(plans()), [(draw(orders()), snapshot) for snapshot in people]


@given(histories())
def test_a_plan_pays_an_order_the_same_whatever_orders_it_has_paid_before(
    history: tuple[Plan, list[tuple[Order, Snapshot]]],
) -> None:
    plan, sold = history
    for order, snapshot in sold:
        assert settle(plan, order, snapshot) == settle(compile_plan(plan.document), order, snapshot)


@given(histories())
def test_the_walk_that_remembers_pays_as_the_one_that_explains(
    history: tuple[Plan, list[tuple[Order, Snapshot]]],
) -> None:
    plan, sold = history
    for order, snapshot in sold:
        assert walk(plan, order, snapshot) == walk(plan, order, snapshot, note=lambda *looked_at: None)


def test_what_is_remembered_is_bounded_and_begins_anew() -> None:
    remembered = Remembered()
    for number in range(10_000):
        remembered.keep(remembered.known(number), "kind", number)
    assert remembered.known(9_999) == {"kind": 9_999}
    assert sum(remembered.known(number) != {} for number in range(10_000)) <= 4_096
