"""What plan.md says, read on its own and written down as plainly as possible: the yardstick of the random programs.

Fractions, dictionaries and loops, with no eye to speed. Nothing of ``distrib`` may enter, or the service would be
measured with its own rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from tests.acceptance.reference_figures import Buyer, Document, Key, Limits, Person, Seats, bounded, capped, shared_out
from tests.acceptance.reference_limits import rooms_for, unmet
from tests.acceptance.reference_order import compute
from tests.acceptance.reference_ranks import looks_of, promote, recruit_looks
from tests.acceptance.reference_world import Change, Refund, Row, Settled, Version, World, figure, when

CHAIN, COMPRESSION = 9, 8
PEOPLE = ("shop_id", "leader_id", "opener_id")
Looks = list[tuple[datetime, str]]


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
    return Seats(person(seller), tiers, leader, opener, is_own, is_shifted, _buyer(world, order))


def _buyer(world: World, order: Document) -> Buyer | None:
    """The customer's settled orders that were paid no later than this one, as known now and counted gross."""
    customer, paid_at = order.get("customer_id"), when(order["paid_at"])
    if customer is None:
        return None
    known = [when(other.order["paid_at"]) for other in world.orders.values() if other.is_of(customer)]
    earlier = [instant for instant in known if instant <= paid_at]
    return Buyer(len(earlier), paid_at - min(earlier) if earlier else None)


def process(world: World, events: Sequence[Document]) -> None:
    """Works on what was posted together with all that still waits: day by day, promotions at the end of each."""
    todo = [*world.open, *events]
    world.open = []
    days: dict[datetime, list[Document]] = {}
    for event in todo:
        days.setdefault(world.day_of(when(event["occurred_at"])), []).append(event)
    looks = recruit_looks(world)
    for day in sorted({*days, *looks}):
        looked_at = [*looks.get(day, []), *_process_day(world, days.get(day, []))]
        promote(world, sorted(set(looked_at)))


def _process_day(world: World, events: Sequence[Document]) -> Looks:
    """Works on a day's events, and on what waited for them; the looks that they cause."""
    looks: Looks = []
    later = [event for event in [*world.open, *events] if "order" not in event]
    world.open = [event for event in world.open if "order" in event]
    for event in events:
        if "order" in event:
            looks += _order(world, event)
    for event in sorted(later, key=_instant):
        looks += LATER[event["type"]](world, event)
    return looks


def _instant(event: Document) -> datetime:
    return when(event["occurred_at"])


def _end(world: World, event: Document, status: str, code: str | None = None) -> Looks:
    world.outcomes[event["id"]] = (status, code)
    if status == "waiting":
        world.open.append(event)
    return []


def _order(world: World, event: Document) -> Looks:
    """Paid or settled."""
    order = event["order"]
    known = world.orders.get(order["id"])
    if event["type"] == "order.paid":
        world.payments.setdefault(order["id"], []).append((event["id"], _instant(event)))
    if event["type"] == "order.paid" and any(
        failed > _instant(event) for failed in world.failures.get(order["id"], ())
    ):
        return _end(world, event, "done")
    if known is None or known.is_dropped:
        known = _anew(world, _first_look(world, event), known)
    elif known.order != order:
        return _end(world, event, "failed", "order_conflict")
    if known is None:
        return []
    if event["type"] == "order.paid":
        known.paid.append(when(event["occurred_at"]))
        return _end(world, event, "done")
    return _settle(world, event, known) if known.settled_at is None else _end(world, event, "done")


def _anew(world: World, fresh: Settled | None, dropped: Settled | None) -> Settled | None:
    """An order after its payment failed: content and snapshot are those of what came now; its refunds stay."""
    if fresh is None or dropped is None or dropped.order["lines"] != fresh.order["lines"]:
        return fresh
    fresh.refunds, fresh.exceeding, fresh.paid = dropped.refunds, dropped.exceeding, dropped.paid
    for change in dropped.changes:
        _change(world, fresh, change)
    return fresh


def _first_look(world: World, event: Document) -> Settled | None:
    """The order with its snapshot; None where it waits or fails."""
    order = event["order"]
    if any(order.get(key) not in (None, *world.shops) for key in PEOPLE):
        _end(world, event, "waiting", "waits_for_shop")
        return None
    version = world.version_at(when(order["paid_at"]))
    if version is None or order["currency"] != version.plan["currency"]:
        _end(world, event, "failed", "no_plan" if version is None else "currency_mismatch")
        return None
    seats, left = (seat(world, order, version), [line["paid_minor"] for line in order["lines"]])
    limits = _limits(world, version, seats, order)
    try:
        posted = compute(version.plan, order, seats, left, limits)
    except KeyError:
        _end(world, event, "failed", "cost_missing")
        return None
    first = capped(version.plan, posted, sum(left), limits)
    failed = world.failures.setdefault(order["id"], [])
    known = Settled(order, None, version, seats, posted, first, dict(first), left, limits, failed)
    if event["type"] == "order.paid":
        world.orders[order["id"]] = known
    return known


def _settle(world: World, event: Document, known: Settled) -> Looks:
    """What was expected is earned, and what was taken back before is taken back."""
    settled_at, plan = when(event["occurred_at"]), known.version.plan
    counted_by = _counted_by(world, known.order, settled_at)
    rooms = rooms_for(plan, known.first, counted_by, world.counted)
    if rooms is None:
        return _end(world, event, "failed", "customer_missing")
    world.orders[known.order["id"]] = known
    known.settled_at, known.limits = settled_at, known.limits._replace(rooms=rooms)
    known.left = [line["paid_minor"] for line in known.order["lines"]]
    known.first = capped(plan, known.posted, sum(known.left), known.limits)
    known.standing = dict(known.first)
    for key, amount in known.standing.items():
        for of in counted_by:
            world.counted[plan["rules"][key.rule]["id"], key.shop, of] += amount
        world.rows.append(_row(known, settled_at, event, key, "earned", amount, settled_at))
    before, known.changes = known.changes, []
    for change in before:
        _change(world, known, change)
    _end(world, event, "done")
    return looks_of(world, known.seller, settled_at)


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


def _row(
    known: Settled, settled_at: datetime, event: Document, key: Key, kind: str, amount: int, occurred_at: datetime
) -> Row:
    plan, paid = known.version.plan, known.raised.get(key, known.posted[key])
    available_at = settled_at + timedelta(days=plan.get("hold_days", 7))
    line, rule = known.order["lines"][key.line]["id"], plan["rules"][key.rule]["id"]
    return Row(
        event["id"],
        known.order["id"],
        line,
        key.shop,
        rule,
        key.tier,
        kind,
        floor(paid.base),
        paid.rate,
        amount,
        known.version.number,
        occurred_at,
        available_at,
    )


def _refund(world: World, event: Document) -> Looks:
    refund, refunded_at = event["refund"], when(event["occurred_at"])
    known = world.orders.get(refund["order_id"])
    if known is None:
        return _end(world, event, "waiting", "waits_for_order")
    if refund["id"] in known.refunds:
        return _repeat(world, event, known.refunds[refund["id"]])
    taken = _taken(known, refund)
    for place, amount in taken.items():
        if place not in range(len(known.left)):
            return _end(world, event, "failed", "line_unknown")
        if amount > known.left[place]:
            known.exceeding.append(event)
            return _end(world, event, "failed", "refund_exceeds")
    known.refunds[refund["id"]] = Refund(refund, taken, refunded_at)
    return _change(world, known, Change(event, refunded_at, taken, _wholes(refund)))


def _repeat(world: World, event: Document, known: Refund) -> Looks:
    """A refund id that is known: the same again is nothing; after it was undone nobody can tell what is meant."""
    if known.said != event["refund"]:
        return _end(world, event, "failed", "refund_conflict")
    if known.undone_at is not None and _instant(event) > known.undone_at:
        return _end(world, event, "failed", "refund_undone")
    return _end(world, event, "done")


def _wholes(refund: Document) -> int:
    return int(refund.get("lines") is None and refund.get("amount_minor") is None)


def _taken(known: Settled, refund: Document) -> dict[int, int]:
    """What a refund takes by line: what it names, a share by what is left, nothing, or all; -1: a line unknown."""
    left = dict(enumerate(known.left))
    if refund.get("lines") is not None:
        places = {line["id"]: place for place, line in enumerate(known.order["lines"])}
        return {places.get(line["line_id"], -1): line["amount_minor"] for line in refund["lines"]}
    if refund.get("amount_minor") is None:
        return left
    if refund["spread"] == "none":
        return {}
    if refund["amount_minor"] > sum(left.values()):
        return {0: int(refund["amount_minor"])}
    weights = {place: Fraction(amount) for place, amount in left.items()}
    return shared_out(refund["amount_minor"], weights, lambda place: place)


def _undo(world: World, event: Document) -> Looks:
    """A refund undone: what it took stands again, no earlier than it was taken; what exceeded is tried again."""
    named = [
        known.refunds[event["refund_id"]]
        for order, known in world.orders.items()
        if event["refund_id"] in known.refunds and event.get("order_id", order) == order
    ]
    if not named:
        return _end(world, event, "waiting", "waits_for_refund")
    [refund] = named
    if refund.undone_at is not None:
        return _end(world, event, "done")
    refund.undone_at = _instant(event)
    instant = max(when(event["occurred_at"]), refund.counts_from)
    given = {place: -amount for place, amount in refund.taken.items()}
    known = world.orders[refund.said["order_id"]]
    looks = _change(world, known, Change(event, instant, given, -_wholes(refund.said)))
    again, known.exceeding = known.exceeding, []
    return looks + [look for failed in sorted(again, key=_instant) for look in _refund(world, failed)]


def _fail_payment(world: World, event: Document) -> Looks:
    """What was expected is dropped, known or not, unless a later payment stands or the order is settled."""
    world.failures.setdefault(event["order_id"], []).append(_instant(event))
    paid = world.payments.get(event["order_id"], [])
    world.payments_over |= {name for name, instant in paid if instant < _instant(event)}
    waiting, world.open = world.open, []
    for other in waiting:
        is_over = other["type"] == "order.paid" and other["order"]["id"] == event["order_id"]
        is_over = is_over and _instant(other) < _instant(event)
        _end(world, other, *(("done", None) if is_over else world.outcomes[other["id"]]))
    return _end(world, event, "done")


LATER = {"order.refunded": _refund, "refund.reversed": _undo, "order.payment_failed": _fail_payment}


def _change(world: World, known: Settled, change: Change) -> Looks:
    """Works the order out again on what is left now; the differences count no earlier than what was earned."""
    if known.settled_at is not None:
        change = change._replace(instant=max(change.instant, known.settled_at))
    known.changes.append(change)
    for place, amount in change.taken.items():
        known.left[place] -= amount
    plan, is_untouched = (known.version.plan, sum(change.wholes for change in known.changes) == 0)
    again = compute(plan, known.order | {"is_untouched": is_untouched}, known.seats, known.left, known.limits)
    stand = bounded(capped(plan, again, sum(known.left), known.limits), known.first)
    if known.settled_at is not None:
        for key in {**known.standing, **stand}:
            difference = stand.get(key, 0) - known.standing.get(key, 0)
            if key not in known.first:
                known.raised.setdefault(key, again[key])
            if difference:
                row = _row(known, known.settled_at, change.event, key, "reversed", difference, change.instant)
                world.rows.append(row)
    known.standing = stand
    _end(world, change.event, "done")
    return looks_of(world, known.seller, change.instant)
