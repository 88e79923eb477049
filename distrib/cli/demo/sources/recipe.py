"""What the demo invents, from one seed: shops, who referred them, whose buyers are whose, refunds.

docs/demo.md is the recipe in words; both say the same, and a change here changes every figure
of the demo. Nothing real is touched: no order, no amount, no day. No HTTP may enter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import GivenBack, Sale

SEED = 19970101

SHOP_PER_ORDER_PPM = 21_500  # chance of a customer to be a shop, for each order it ever made …
SHOP_AT_MOST_PPM = 500_000  # … up to this
JOINED_DAYS_BEFORE = (1, 90)  # a shop joined so long before the first order of the file
ROOT_PERCENT = 8  # shops that nobody referred
DIRECT_PERCENT = 3  # customers that belong to no shop
OWN_SHOP_PERCENT = 50  # orders that a shop owner places with the own shop; the others with the sponsor's

REFUND_PERCENT = 4  # of the orders that cost anything
FULL_PERCENT, TWICE_PERCENT = 50, 15  # of the refunds: all at once; a part and later the rest; the others: a part
PART_PERCENT = (10, 90)  # of the amount, where a part is given back
LATE_PERCENT = 25  # of the refunds come after the commission was available
SOON_HOURS = (2, 6 * 24)  # after settlement, within the hold
LATE_HOURS = (30 * 24, 119 * 24)


@dataclass(frozen=True, slots=True)
class Shop:
    """A customer made a shop; it keeps the customer's id, so that it is known when it buys from itself."""

    id: str
    sponsor_id: str | None
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Network:
    """The invented tree, in the order of joining, and the shop of every buyer that has one."""

    shops: Sequence[Shop]
    shop_of: Mapping[str, str]
    sponsor_of: Mapping[str, str | None]
    dice: Dice

    def seller(self, sale: Sale) -> str | None:
        """The shop that an order counts for; none for a customer that came directly."""
        own = sale.customer_id
        if own not in self.sponsor_of:
            return self.shop_of.get(own)
        if self.dice.below(100, "own shop", sale.order_id) < OWN_SHOP_PERCENT:
            return own
        return self.sponsor_of[own] or own


def invent_network(sales: Sequence[Sale], dice: Dice) -> Network:
    """Which customers are shops, who referred whom, which buyers are theirs.

    Args:
        sales: all of them, in the order of their times.
        dice: the seed.
    """
    orders = Counter(sale.customer_id for sale in sales)
    opening = sales[0].paid_at
    joined = sorted(
        (_joined_at(opening, customer, dice), customer)
        for customer, count in orders.items()
        if _is_shop(customer, count, dice)
    )
    shops = [Shop(shop, _sponsor(joined_at, joined, shop, dice), joined_at) for joined_at, shop in joined]
    sponsor_of = {shop.id: shop.sponsor_id for shop in shops}
    buyers = (customer for customer in orders if customer not in sponsor_of)
    return Network(shops, dict(_bind(buyers, shops, dice)), sponsor_of, dice)


def _joined_at(opening: datetime, customer: str, dice: Dice) -> datetime:
    """Some second before the first order of all: who earns what then never hangs on when shops were registered."""
    fewest, most = JOINED_DAYS_BEFORE
    latest = opening - timedelta(days=fewest)
    return latest - timedelta(seconds=dice.below((most - fewest) * 86_400, "joined", customer))


def _is_shop(customer: str, orders: int, dice: Dice) -> bool:
    """Who buys often is likelier to have a shop."""
    return dice.below(1_000_000, "shop", customer) < min(SHOP_AT_MOST_PPM, orders * SHOP_PER_ORDER_PPM)


def _sponsor(joined_at: datetime, joined: Sequence[tuple[datetime, str]], shop: str, dice: Dice) -> str | None:
    """One of those that joined before, the early ones likelier; none for a root."""
    before = bisect_left(joined, (joined_at, ""))
    if before == 0 or dice.below(100, "root", shop) < ROOT_PERCENT:
        return None
    _, sponsor = joined[dice.early(before, "sponsor", shop)]
    return sponsor


def _bind(buyers: Iterable[str], shops: Sequence[Shop], dice: Dice) -> Iterator[tuple[str, str]]:
    """Every other buyer belongs, for good, to one shop, the early ones likelier; a few to none."""
    for customer in buyers:
        if shops and dice.below(100, "direct", customer) >= DIRECT_PERCENT:
            yield customer, shops[dice.early(len(shops), "buyer", customer)].id


def invent_refunds(sales: Iterable[Sale], dice: Dice) -> Iterator[GivenBack]:
    """The refunds of sales of one line: some whole, some in part, some in two steps, some after payout time."""
    for sale in sales:
        if sale.paid_minor and dice.below(100, "refund", sale.order_id) < REFUND_PERCENT:
            yield from _refund(sale, dice)


def _refund(sale: Sale, dice: Dice) -> Iterator[GivenBack]:
    order, paid = sale.order_id, sale.paid_minor
    kind = dice.below(100, "refund kind", order)
    whole = kind < FULL_PERCENT or paid < 2
    first = paid if whole else max(1, paid * dice.between(*PART_PERCENT, "part", order) // 100)
    given_back_at = sale.settled_at + _delay(order, dice)
    yield GivenBack(f"{order}-r1", order, given_back_at, ((sale.lines[0].id, first),), takes_the_rest=whole)
    if not whole and kind < FULL_PERCENT + TWICE_PERCENT:
        later = given_back_at + timedelta(hours=dice.between(*SOON_HOURS, "second", order))
        yield GivenBack(f"{order}-r2", order, later, ((sale.lines[0].id, paid - first),), takes_the_rest=True)


def _delay(order: str, dice: Dice) -> timedelta:
    is_late = dice.below(100, "late", order) < LATE_PERCENT
    return timedelta(hours=dice.between(*(LATE_HOURS if is_late else SOON_HOURS), "delay", order))
