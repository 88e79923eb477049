"""What plan.md says of people and time, read on its own: who stood where when, and what a metric was.

Part of ``reference``; the arithmetic of an order must not enter, nor anything of ``distrib``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from fractions import Fraction
from typing import Any, NamedTuple

from tests.acceptance.reference_figures import Document, Key, Limits, Paid, Seats


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
class Refund:
    """A refund that was worked on: what it said, what it took of each line, and from when until when it stands."""

    said: Document
    taken: dict[int, int]
    counts_from: datetime
    undone_at: datetime | None = None


class Change(NamedTuple):
    """What an event took of an order's lines, less than 0 where a refund was undone; ``wholes``: 1 for all of it."""

    event: Document
    instant: datetime
    taken: dict[int, int]
    wholes: int


@dataclass
class Settled:
    """An order that was worked on, with its snapshot; its figures are expected as long as ``settled_at`` is None."""

    order: Document
    settled_at: datetime | None
    version: Version
    seats: Seats
    posted: dict[Key, Paid]
    first: dict[Key, int]
    standing: dict[Key, int]
    left: list[int]
    limits: Limits
    failed: list[datetime]
    """When its payments failed; ``paid``: when they came."""
    raised: dict[Key, Paid] = field(default_factory=dict)
    """Of what, where nothing was earned at first: as it stood when a refund let a line take up what a cap denied it."""
    refunds: dict[str, Refund] = field(default_factory=dict)
    exceeding: list[Document] = field(default_factory=list)
    """Refunds of more than was left."""
    changes: list[Change] = field(default_factory=list)
    paid: list[datetime] = field(default_factory=list)

    @property
    def seller(self) -> str | None:
        """Who sold it."""
        return None if self.seats.seller is None else self.seats.seller.shop

    @property
    def is_expected(self) -> bool:
        """Whether a payment stands, and the settlement has not come."""
        return self.settled_at is None and not self.is_dropped

    @property
    def is_dropped(self) -> bool:
        """Whether all that was paid failed before the settlement came."""
        return self.settled_at is None and bool(self.failed) and max(self.paid) < max(self.failed)

    def is_of(self, customer: str) -> bool:
        """Whether it is a settled order of a customer."""
        return self.settled_at is not None and self.order.get("customer_id") == customer

    def counts(self, line: Document) -> bool:
        """Whether a line counts as a sale: no entry lines, no purchases from oneself, no order without a shop."""
        return self.seller is not None and not self.seats.is_own and not line.get("entry")

    def net_sales(self, until: datetime) -> int:
        """The sale less what was refunded until then."""
        places = [place for place, line in enumerate(self.order["lines"]) if self.counts(line)]
        gone = [change.taken for change in self.changes if change.instant <= until]
        sold = sum(self.order["lines"][place]["paid_minor"] for place in places)
        return int(sold) - sum(taken.get(place, 0) for taken in gone for place in places)


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
    failures: dict[str, list[datetime]] = field(default_factory=dict)
    """By order, when its payments failed."""
    payments: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    """By order, its payments."""
    payments_over: set[str] = field(default_factory=set)
    """Payments that failed later: where they could not be worked on, what comes first decides what became of them."""
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


def when(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text)


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
        if settled.settled_at is not None and settled.seller in sellers and is_in(settled.settled_at)
    ]
    return sum(net > 0 for net in sales) if leaf["metric"] == "personal_orders" else sum(sales)
