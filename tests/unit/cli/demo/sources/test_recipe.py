"""The recipe invents a tree that could have grown, and refunds that fit their orders; from the seed alone."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import Sale, SaleLine
from distrib.cli.demo.sources import recipe

START = datetime(1997, 1, 1, 12, tzinfo=UTC)


def sales(customers: int = 400, orders_each: int = 5) -> list[Sale]:
    made = []
    for number in range(customers * orders_each):
        paid_at = START + timedelta(minutes=37 * number)
        line = SaleLine("1", "CD", 1, 100 + number % 5000)
        made.append(Sale(f"o-{number}", f"c-{number % customers}", paid_at, paid_at + timedelta(hours=30), (line,)))
    return made


SALES = sales()
NETWORK = recipe.invent_network(SALES, Dice(7))
REFUNDS = list(recipe.invent_refunds(SALES, Dice(7)))


def test_the_same_seed_invents_the_same() -> None:
    again = recipe.invent_network(sales(), Dice(7))
    assert (again.shops, again.shop_of) == (NETWORK.shops, NETWORK.shop_of)
    assert [again.seller(sale) for sale in SALES] == [NETWORK.seller(sale) for sale in SALES]
    assert list(recipe.invent_refunds(sales(), Dice(7))) == REFUNDS


def test_another_seed_invents_another_tree() -> None:
    assert recipe.invent_network(SALES, Dice(8)).shops != NETWORK.shops


def test_what_is_drawn_for_one_customer_does_not_depend_on_the_others() -> None:
    fewer = recipe.invent_refunds(SALES[::2], Dice(7))
    kept = {sale.order_id for sale in SALES[::2]}
    assert list(fewer) == [refund for refund in REFUNDS if refund.order_id in kept]


def test_a_sponsor_joined_before_those_it_brought() -> None:
    joined = {shop.id: shop.joined_at for shop in NETWORK.shops}
    for shop in NETWORK.shops:
        assert shop.sponsor_id is None or joined[shop.sponsor_id] < shop.joined_at
    assert 0 < sum(shop.sponsor_id is None for shop in NETWORK.shops) < len(NETWORK.shops)


def test_every_shop_had_joined_before_the_first_order() -> None:
    assert all(timedelta(days=1) <= START - shop.joined_at <= timedelta(days=90) for shop in NETWORK.shops)


def test_a_few_buyers_belong_to_no_shop() -> None:
    direct = sum(NETWORK.seller(sale) is None for sale in SALES)
    assert 0 < direct < len(SALES) // 10


def test_a_shop_buys_from_itself_or_from_its_sponsor_and_others_always_at_one_shop() -> None:
    shops_of: dict[str, set[str | None]] = {}
    for sale in SALES:
        shops_of.setdefault(sale.customer_id, set()).add(NETWORK.seller(sale))
    for customer, sellers in shops_of.items():
        if customer in NETWORK.sponsor_of:
            assert sellers <= {customer, NETWORK.sponsor_of[customer]}
        else:
            assert len(sellers) == 1


def test_refunds_never_add_up_to_more_than_was_paid_and_come_after_settlement() -> None:
    by_id = {sale.order_id: sale for sale in SALES}
    given_back = Counter[str]()
    for refund in REFUNDS:
        given_back[refund.order_id] += refund.amount_minor
        assert refund.amount_minor > 0
        assert refund.given_back_at > by_id[refund.order_id].settled_at
    assert all(amount <= by_id[order].paid_minor for order, amount in given_back.items())


def test_some_refunds_are_whole_some_in_part_some_in_two_steps_some_late() -> None:
    by_id = {sale.order_id: sale for sale in SALES}
    steps = Counter(refund.order_id for refund in REFUNDS)
    whole = [refund for refund in REFUNDS if refund.takes_the_rest and steps[refund.order_id] == 1]
    parts = [refund for refund in REFUNDS if not refund.takes_the_rest and steps[refund.order_id] == 1]
    late = [
        refund for refund in REFUNDS if refund.given_back_at - by_id[refund.order_id].settled_at > timedelta(days=14)
    ]
    assert whole
    assert parts
    assert late
    assert 2 in steps.values()


def test_an_order_of_one_cent_is_refunded_whole_or_not_at_all() -> None:
    cents = [replace(sale, lines=(SaleLine("1", "CD", 1, 1),)) for sale in SALES]
    assert all(refund.takes_the_rest and refund.amount_minor == 1 for refund in recipe.invent_refunds(cents, Dice(7)))


def test_a_free_order_is_never_refunded() -> None:
    free = [replace(sale, lines=(SaleLine("1", "CD", 1, 0),)) for sale in SALES]
    assert not list(recipe.invent_refunds(free, Dice(7)))


@given(st.integers(0, 2**63), st.integers(1, 10**6), st.text(max_size=8))
def test_a_draw_stays_below_its_bound(seed: int, bound: int, about: str) -> None:
    dice = Dice(seed)
    assert 0 <= dice.below(bound, about) < bound
    assert 0 <= dice.early(bound, about) < bound
    assert 5 <= dice.between(5, 5 + bound, about) <= 5 + bound


def test_the_draws_are_the_same_everywhere() -> None:
    assert [Dice(19970101).below(1000, "refund", order) for order in ("a", "b", "c")] == [187, 327, 267]
