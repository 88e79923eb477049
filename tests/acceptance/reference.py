"""What plan.md says, read on its own and written down as plainly as possible: the yardstick of the random programs.

Fractions, dictionaries and loops, with no eye to speed. Nothing of ``distrib`` may enter, or the service would be
measured with its own rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from tests.acceptance.reference_limits import rooms_for, unmet
from tests.acceptance.reference_order import Document, Key, Limits, Paid, Person, Seats, capped, compute

CHAIN, COMPRESSION = 9, 8
PEOPLE = ("shop_id", "leader_id", "opener_id")


@dataclass
class Shop:
    """A shop and everything that was ever said about it, each with its instant."""

    joined_at: datetime
    links: list[tuple[datetime, str | None]]
    statuses: list[tuple[datetime, str]] = field(default_factory=list)
    hands: list[tuple[datetime, str | None]] = field(default_factory=list)
    earned: list[tuple[datetime, str]] = field(default_factory=list)


class Version(NamedTuple):
    """A published plan."""

    effective_from: datetime
    number: int
    plan: Document


class Row(NamedTuple):
    """A commission or a reversal as it must be posted."""

    event: str
    order: str
    line: str
    shop: str
    rule: str
    tier: int
    kind: str
    base: int | None
    rate: Fraction | None
    amount: int
    version: int
    occurred_at: datetime
    available_at: datetime


@dataclass
class Settled:
    """An order that was worked on, with its snapshot."""

    order: Document
    settled_at: datetime
    version: Version
    seats: Seats
    posted: dict[Key, Paid]
    standing: dict[Key, int]
    left: list[int]
    limits: Limits
    refunds: dict[str, Any] = field(default_factory=dict)
    back: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def seller(self) -> str | None:
        """Who sold it."""
        return None if self.seats.seller is None else self.seats.seller.shop

    def counts(self, line: Document) -> bool:
        """Whether a line counts as a sale: no entry lines, no purchases from oneself, no order without a shop."""
        return self.seller is not None and not self.seats.is_own and not line.get("entry")

    def net_sales(self, until: datetime) -> int:
        """The sale less what was refunded until then."""
        sold = sum(line["paid_minor"] for line in self.order["lines"] if self.counts(line))
        return int(sold) - sum(amount for reversed_at, amount in self.back if reversed_at <= until)


@dataclass
class World:
    """One program: its plans and shops, its orders and rows, and what became of each event."""

    zone: tzinfo
    versions: list[Version] = field(default_factory=list)
    shops: dict[str, Shop] = field(default_factory=dict)
    orders: dict[str, Settled] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    outcomes: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    open: list[Document] = field(default_factory=list)
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """What was earned gross by rule id, shop and month, and by rule id, shop and customer."""

    def version_at(self, instant: datetime) -> Version | None:
        """The newest ``effective_from`` that is not after ``at`` wins."""
        known = [version for version in self.versions if version.effective_from <= instant]
        return max(known, key=lambda version: version.effective_from, default=None)

    def sponsor_at(self, shop: str, instant: datetime) -> str | None:
        """Who stood above a shop."""
        sponsor: str | None = _latest(self.shops[shop].links, instant)
        return sponsor

    def uplines_at(self, shop: str, instant: datetime) -> list[str]:
        """All above a shop, nearest first."""
        uplines: list[str] = []
        above = self.sponsor_at(shop, instant)
        while above is not None:
            uplines.append(above)
            above = self.sponsor_at(above, instant)
        return uplines

    def is_active(self, shop: str, instant: datetime) -> bool:
        """Whether a shop had joined and was active."""
        return instant >= self.shops[shop].joined_at and self.status(shop, instant) == "active"

    def status(self, shop: str, instant: datetime) -> str:
        """The status by the newest change not after the instant."""
        status: str | None = _latest(self.shops[shop].statuses, instant)
        return status or "active"

    def rank_at(self, shop: str, instant: datetime, plan: Document) -> str:
        """What was earned, and never less than what was set by hand."""
        codes = ranks_of(plan)
        known = self.shops[shop]
        held = [_latest(known.hands, instant), *(rank for since, rank in known.earned if since <= instant)]
        return max((rank for rank in held if rank is not None), key=codes.index, default=codes[0])

    def day_of(self, instant: datetime) -> datetime:
        """The start of the day of an instant, in the program's time zone."""
        return datetime.combine(instant.astimezone(self.zone).date(), time(), tzinfo=self.zone).astimezone(UTC)

    def next_day(self, instant: datetime) -> datetime:
        """The start of the day after."""
        tomorrow = instant.astimezone(self.zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), tzinfo=self.zone).astimezone(UTC)

    def period_of(self, instant: datetime) -> str:
        """The calendar month of an instant."""
        return instant.astimezone(self.zone).strftime("%Y-%m")


def _latest(history: Sequence[tuple[datetime, Any]], instant: datetime) -> Any:
    """What was said last of what held by then; of one instant, what was said later."""
    held = [(when, place, value) for place, (when, value) in enumerate(history) if when <= instant]
    return max(held, key=lambda entry: entry[:2])[2] if held else None


def ranks_of(plan: Document) -> list[str]:
    """The codes, lowest first."""
    return [rank["code"] for rank in plan.get("ranks", [{"code": "member"}])]


def seat(world: World, order: Document, version: Version) -> Seats:
    """The snapshot: the people of an order as they stood when it was paid."""
    paid_at, plan = when(order["paid_at"]), version.plan

    def person(shop: str | None) -> Person | None:
        return (
            None if shop is None else Person(shop, world.rank_at(shop, paid_at, plan), world.is_active(shop, paid_at))
        )

    seller = order.get("shop_id")
    chain = [] if seller is None else world.uplines_at(seller, paid_at)[:CHAIN]
    is_own = seller is not None and order.get("customer_id") == seller
    first, above = seller, chain
    is_shifted = is_own and plan.get("self_purchase") == "shift"
    if is_shifted:
        first, above = (chain[0] if chain else None), chain[1:]
    if plan.get("inactive_upline") == "compress":
        above = [shop for shop in above[:COMPRESSION] if world.is_active(shop, paid_at)]
    tiers = [person(shop) for shop in [first, *above]][: plan.get("tiers", 1) + 1]
    leader, opener = person(order.get("leader_id")), person(order.get("opener_id"))
    return Seats(person(seller), tiers, leader, opener, is_own, is_shifted)


def when(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text)


def process(world: World, events: Sequence[Document]) -> None:
    """Works on what was posted together with all that still waits: day by day, promotions at the end of each."""
    todo = [*world.open, *events]
    world.open = []
    days: dict[datetime, list[Document]] = {}
    for event in todo:
        days.setdefault(world.day_of(when(event["occurred_at"])), []).append(event)
    looks = _recruit_looks(world)
    for day in sorted({*days, *looks}):
        looked_at = [*looks.get(day, []), *_process_day(world, days.get(day, []))]
        _promote(world, sorted(set(looked_at)))


def _process_day(world: World, events: Sequence[Document]) -> list[tuple[datetime, str]]:
    """Works on a day's events, and on what waited for them; the looks that they cause."""
    looks: list[tuple[datetime, str]] = []
    refunds = [event for event in [*world.open, *events] if "refund" in event]
    world.open = [event for event in world.open if "refund" not in event]
    for event in events:
        if "order" in event:
            looks += _settle(world, event)
    for event in sorted(refunds, key=lambda event: when(event["occurred_at"])):
        looks += _refund(world, event)
    return looks


def _end(world: World, event: Document, status: str, code: str | None = None) -> list[tuple[datetime, str]]:
    world.outcomes[event["id"]] = (status, code)
    if status == "waiting":
        world.open.append(event)
    return []


def _settle(world: World, event: Document) -> list[tuple[datetime, str]]:
    order, settled_at = event["order"], when(event["occurred_at"])
    known = world.orders.get(order["id"])
    if known is not None:
        return _end(world, event, *(("done", None) if known.order == order else ("failed", "order_conflict")))
    if any(order.get(key) not in (None, *world.shops) for key in PEOPLE):
        return _end(world, event, "waiting", "waits_for_shop")
    version = world.version_at(when(order["paid_at"]))
    if version is None:
        return _end(world, event, "failed", "no_plan")
    if order["currency"] != version.plan["currency"]:
        return _end(world, event, "failed", "currency_mismatch")
    seats, left = seat(world, order, version), [line["paid_minor"] for line in order["lines"]]
    limits, counted_by = _limits(world, version, seats, order), _counted_by(world, order, settled_at)
    try:
        posted = compute(version.plan, order, seats, left, limits)
    except KeyError:
        return _end(world, event, "failed", "cost_missing")
    rooms = rooms_for(version.plan, capped(version.plan, posted, sum(left)), counted_by, world.counted)
    if rooms is None:
        return _end(world, event, "failed", "customer_missing")
    limits = limits._replace(rooms=rooms)
    standing = capped(version.plan, posted, sum(left), limits)
    world.orders[order["id"]] = Settled(order, settled_at, version, seats, posted, dict(standing), left, limits)
    for key, amount in standing.items():
        for of in counted_by:
            world.counted[version.plan["rules"][key.rule]["id"], key.shop, of] += amount
        world.rows.append(_row(world.orders[order["id"]], event, key, "earned", amount, settled_at))
    _end(world, event, "done")
    return _looks(world, order.get("shop_id"), settled_at)


def _limits(world: World, version: Version, seats: Seats, order: Document) -> Limits:
    """Who lacks the sales that rules require, as known now."""

    def sold(shop: str, days: int | None) -> int:
        leaf = {"metric": "personal_sales_minor", "window": "ever" if days is None else f"{days}d"}
        return figure(world, leaf, shop, when(order["paid_at"]))

    return Limits(unmet(version.plan, seats, sold))


def _counted_by(world: World, order: Document, instant: datetime) -> list[str]:
    """What a commission is counted under: its month, and its customer where there is one."""
    customer = order.get("customer_id")
    return [f"month {world.period_of(instant)}"] + ([] if customer is None else [f"customer {customer}"])


def _row(settled: Settled, event: Document, key: Key, kind: str, amount: int, occurred_at: datetime) -> Row:
    plan, paid = settled.version.plan, settled.posted[key]
    available_at = settled.settled_at + timedelta(days=plan.get("hold_days", 7))
    line, rule = settled.order["lines"][key.line]["id"], plan["rules"][key.rule]["id"]
    return Row(
        event["id"],
        settled.order["id"],
        line,
        key.shop,
        rule,
        key.tier,
        kind,
        floor(paid.base),
        paid.rate,
        amount,
        settled.version.number,
        occurred_at,
        available_at,
    )


def _refund(world: World, event: Document) -> list[tuple[datetime, str]]:
    refund, refunded_at = event["refund"], when(event["occurred_at"])
    settled = world.orders.get(refund["order_id"])
    if settled is None:
        return _end(world, event, "waiting", "waits_for_order")
    if refund["id"] in settled.refunds:
        is_same = settled.refunds[refund["id"]] == refund
        return _end(world, event, *(("done", None) if is_same else ("failed", "refund_conflict")))
    ids = [line["id"] for line in settled.order["lines"]]
    taken = dict(enumerate(settled.left))
    if refund.get("lines") is not None:
        taken = {}
        for line in refund["lines"]:
            if line["line_id"] not in ids:
                return _end(world, event, "failed", "line_unknown")
            taken[ids.index(line["line_id"])] = line["amount_minor"]
            if line["amount_minor"] > settled.left[ids.index(line["line_id"])]:
                return _end(world, event, "failed", "refund_exceeds")
    settled.refunds[refund["id"]] = refund
    for place, amount in taken.items():
        settled.left[place] -= amount
        if settled.counts(settled.order["lines"][place]):
            settled.back.append((refunded_at, amount))
    _reverse(world, settled, event, refunded_at)
    _end(world, event, "done")
    return _looks(world, settled.seller, refunded_at)


def _reverse(world: World, settled: Settled, event: Document, reversed_at: datetime) -> None:
    """Works the order out again on what is left; the differences are reversals, and nothing rises."""
    plan = settled.version.plan
    again = compute(plan, settled.order | {"is_untouched": False}, settled.seats, settled.left, settled.limits)
    paid = sum(line["paid_minor"] for line in settled.order["lines"])
    first = capped(plan, settled.posted, paid, settled.limits)
    stand = capped(plan, again, sum(settled.left), settled.limits)
    for key, before in settled.standing.items():
        after = min(stand.get(key, 0), first[key])
        if after != before:
            world.rows.append(_row(settled, event, key, "reversed", after - before, reversed_at))
        settled.standing[key] = after


# Promotions


def _levels(world: World) -> int:
    leaves = [leaf for version in world.versions for rank in version.plan.get("ranks", ()) for leaf in _leaves(rank)]
    return max((leaf.get("levels", 0) for leaf in leaves), default=0)


def _leaves(condition: Document) -> Iterator[Document]:
    if "promote" in condition:
        condition = condition["promote"]
    for part in [*condition.get("all", []), *condition.get("any", [])]:
        yield from _leaves(part)
    if "metric" in condition:
        yield condition


def _looks(world: World, shop: str | None, instant: datetime) -> list[tuple[datetime, str]]:
    """The seller, and those above within the levels that a metric reads."""
    if shop is None:
        return []
    return [(instant, who) for who in [shop, *world.uplines_at(shop, instant)[: _levels(world)]]]


def _recruit_looks(world: World) -> dict[datetime, list[tuple[datetime, str]]]:
    looks: dict[datetime, list[tuple[datetime, str]]] = {}
    for shop in world.shops.values():
        for joined_at, sponsor in shop.links:
            if sponsor is not None:
                looks.setdefault(world.day_of(joined_at), []).append((joined_at, sponsor))
    return looks


def _promote(world: World, looks: Sequence[tuple[datetime, str]]) -> None:
    """A shop rises as far as its conditions carry it, from the start of the next day."""
    for instant, shop in looks:
        version = world.version_at(instant)
        if version is None:
            continue
        codes = ranks_of(version.plan)
        earned = world.shops[shop].earned
        now = max((codes.index(rank) for _, rank in earned), default=0)
        for index in range(len(codes) - 1, now, -1):
            promote = version.plan.get("ranks", [{}])[index].get("promote")
            if promote is not None and _holds(world, promote, shop, instant):
                earned.append((world.next_day(instant), codes[index]))
                break


def _holds(world: World, condition: Document, shop: str, instant: datetime) -> bool:
    if "all" in condition:
        return all(_holds(world, part, shop, instant) for part in condition["all"])
    if "any" in condition:
        return any(_holds(world, part, shop, instant) for part in condition["any"])
    return figure(world, condition, shop, instant) >= int(condition["at_least"])


def figure(world: World, leaf: Document, shop: str, as_of: datetime) -> int:
    """What a metric of a shop is at an instant, of what happened in its window."""

    def is_in(instant: datetime) -> bool:
        window = leaf.get("window", "ever")
        if instant > as_of or window == "ever":
            return instant <= as_of
        if window == "month":
            return world.period_of(instant) == world.period_of(as_of)
        return instant > as_of - timedelta(hours=24 * int(window.removesuffix("d")))

    if leaf["metric"] == "direct_recruits":
        recruits = [name for name in world.shops if as_of >= world.shops[name].joined_at]
        return sum(world.sponsor_at(name, as_of) == shop and is_in(world.shops[name].joined_at) for name in recruits)
    sellers = {shop}
    if leaf["metric"] == "team_sales_minor":
        sellers = {name for name in world.shops if shop in world.uplines_at(name, as_of)[: leaf["levels"]]}
    sales = [
        settled.net_sales(as_of)
        for settled in world.orders.values()
        if settled.seller in sellers and is_in(settled.settled_at)
    ]
    return sum(net > 0 for net in sales) if leaf["metric"] == "personal_orders" else sum(sales)
