"""Programs by lot, through HTTP with real workers, must come out as the reference reads plan.md.

Each seed draws plans, a tree with moves, statuses and ranks by hand, orders and refunds; all is posted shuffled, in
batches by lot, with duplicates. ``RANDOM_PROGRAMS=100:400`` runs those seeds in place of the committed ones.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from distrib.services.audit.run import enter_snapshot, run_audit
from distrib.services.context import COMMAND_LINE, Unit
from tests.acceptance.comparing import check_events, check_rows
from tests.acceptance.random_events import START, draw_instant, draw_order, draw_refunds, show
from tests.acceptance.random_plans import RANKS, draw_limits, draw_plan
from tests.acceptance.random_words import KNOWN, instant_of, weave_events, weave_plan
from tests.acceptance.reference import process
from tests.acceptance.reference_world import Row, Shop, Version, World, when
from tests.world.live import Client, Live

COMMITTED = (*range(8), 499, 560)
GIVEN = os.environ.get("RANDOM_PROGRAMS")
SEEDS = range(*map(int, GIVEN.split(":"))) if GIVEN else COMMITTED
NAMES = ("s-1", "店 2", 's,"3', "S-1", "s+4", "%41", "s'5", "s;6", "s-07", "é", "s-10", "ж", "s&b", "#9")
ZONES = ("Asia/Shanghai", "America/New_York", "Pacific/Auckland", "UTC")


class Program:
    """One program by lot, in the service and in the reference alike."""

    def __init__(self, live: Live, seed: int) -> None:
        self.live, self.random = live, Random(seed)
        zone = self.random.choice(ZONES)
        self.program = live.open_program(f"lot-{seed}", time_zone=zone)
        self.client: Client = live.client(self.program)
        self.world = World(ZoneInfo(zone))
        self.has_promotions = self.random.random() < 0.5
        self.orders = 0
        self.lot = Random(f"limits of {seed}")
        """Of its own, so that what was drawn before there were limits stays what it was."""
        self.is_in_order = not self.has_promotions and self.lot.random() < 0.5
        self.wording = Random(f"words of {seed}")
        self.refunded: dict[str, str] = {}
        """The order of each refund."""
        self.words = [word for word in KNOWN if self.wording.random() < 0.6]

    def set_up(self) -> None:
        """Plans, shops, moves, statuses, ranks."""
        self._publish()
        self.names = list(NAMES[: self.random.randint(3, len(NAMES))])
        self.random.shuffle(self.names)
        late = [] if self.has_promotions else self.names[len(self.names) - self.random.randint(0, 2) :]
        late = [] if self.is_in_order else late
        drafts = [self._draft(place) for place in range(len(self.names))]
        self.late = [draft for draft in drafts if draft["id"] in late]
        self.register([draft for draft in drafts if draft["id"] not in late])
        self.change_people()

    def change_people(self) -> None:
        """Moves, statuses and ranks; orders that were worked on keep what they were worked on with."""
        for _ in range(self.random.randint(0, 4)):
            self._move()
        for _ in range(self.random.randint(0, 4)):
            self._set_status()
        for _ in range(self.random.randint(0, 4)):
            self._set_rank()

    def _publish(self) -> None:
        times = sorted({draw_instant(self.random, START, 40) for _ in range(self.random.randint(0, 2))})
        if self.random.random() < 0.8:
            times.insert(0, START - timedelta(days=30))
        for number, effective_from in enumerate(times, start=1):
            plan = draw_plan(self.random, "lot", self.has_promotions and (number == 1 or self.random.random() < 0.7))
            draw_limits(self.lot, plan, self.is_in_order)
            weave_plan(self.wording, plan, self.words, self.is_in_order)
            assert self.client.post("/v1/plans", plan)["version"] == number
            self.client.post(f"/v1/plans/lot/{number}/publish", {"effective_from": show(self.random, effective_from)})
            self.world.versions.append(Version(effective_from, number, plan))

    def _draft(self, place: int) -> dict[str, Any]:
        joined_at = START - timedelta(days=60) if self.random.random() < 0.7 else draw_instant(self.random)
        draft = {"id": self.names[place], "joined_at": show(self.random, joined_at)}
        if place and self.random.random() < 0.85:
            draft["sponsor_id"] = self.names[max(place - self.random.choice((1, 1, 2, 5)), 0)]
        return draft

    def register(self, drafts: Sequence[dict[str, Any]]) -> None:
        """Registers shops in any order."""
        if not drafts:
            return
        shuffled = self.random.sample(drafts, len(drafts))
        results = self.client.post("/v1/shops/batch", {"shops": shuffled})["results"]
        assert {result["status"] for result in results} == {"created"}, results
        for draft in drafts:
            joined_at = when(draft["joined_at"])
            self.world.shops[draft["id"]] = Shop(joined_at, [(joined_at, draft.get("sponsor_id"))])

    def _instant_after(self, instant: datetime) -> datetime:
        return draw_instant(self.random, max(instant, START), 50)

    def _move(self) -> None:
        name = self.random.choice(sorted(self.world.shops))
        shop = self.world.shops[name]
        instant = self._instant_after(shop.links[-1][0])
        open_shops = [name for name, shop in self.world.shops.items() if "closed" not in dict(shop.statuses).values()]
        sponsor = self.random.choice([None, *sorted(open_shops)])
        body = {"sponsor_id": sponsor, "effective_at": show(self.random, instant), "reason": "by lot"}
        answer = self.client.call("POST", f"/v1/shops/{quote(name)}/move", body)
        shop.links.append((instant, sponsor))
        if self._has_loop(instant):
            shop.links.pop()
            assert answer.status >= 400, answer.text
        else:
            assert answer.status < 300, answer.text

    def _has_loop(self, since: datetime) -> bool:
        """Whether somebody stands above themselves at any instant from ``at`` on."""
        links = [link for shop in self.world.shops.values() for link, _ in shop.links]
        for instant in sorted({since, *(link for link in links if link > since)}):
            for name in self.world.shops:
                above, steps = self.world.sponsor_at(name, instant), 0
                while above is not None and steps <= len(self.world.shops):
                    above, steps = self.world.sponsor_at(above, instant), steps + 1
                if above is not None:
                    return True
        return False

    def _set_status(self) -> None:
        name = self.random.choice(sorted(self.world.shops))
        instant = self._instant_after(self.world.shops[name].joined_at)
        status = self.random.choice(("frozen", "pending", "active", "frozen", "frozen" if self.late else "closed"))
        body = {"status": status, "effective_at": show(self.random, instant), "reason": "by lot"}
        self.client.post(f"/v1/shops/{quote(name)}/status", body)
        self.world.shops[name].statuses.append((instant, status))

    def _set_rank(self) -> None:
        name = self.random.choice(sorted(self.world.shops))
        instant = self._instant_after(self.world.shops[name].joined_at)
        if self.random.random() < 0.4 or self.world.version_at(instant) is None:
            instant = self.world.shops[name].joined_at
        rank = self.random.choice((*RANKS, None)) if self.world.versions else None
        body = {"rank": rank, "effective_at": show(self.random, instant), "reason": "by lot"}
        self.client.put(f"/v1/shops/{quote(name)}/rank", body)
        self.world.shops[name].hands.append((instant, rank))

    def post(self, events: list[dict[str, Any]]) -> None:
        """Posts shuffled, refunds of one order by their time; with promotions whole days, one after the other.

        Where sales and caps over orders decide, one event after the other.
        """
        if self.is_in_order:
            for event in self._shuffled(events):
                self._post_batch([event], [event])
                self.client.wait_for_events()
                process(self.world, [event])
            return
        for part in self._by_days(events) if self.has_promotions else [events]:
            shuffled = self._shuffled(part)
            at_once = len(shuffled) if self.has_promotions else self.random.randint(1, 25)
            for start in range(0, len(shuffled), at_once):
                self._post_batch(shuffled[start : start + at_once], shuffled[: start + at_once])
            self.client.wait_for_events()
            process(self.world, part)

    def _by_days(self, events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """The events in up to four parts, each of some whole days."""
        days = [self.world.day_of(when(event["occurred_at"])) for event in events]
        cuts = sorted(self.random.sample(sorted(set(days)), min(self.random.randint(0, 3), len(set(days)))))
        parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for day, event in zip(days, events, strict=True):
            parts[sum(cut <= day for cut in cuts)].append(event)
        return [parts[number] for number in sorted(parts)]

    def _post_batch(self, batch: list[dict[str, Any]], posted: list[dict[str, Any]]) -> None:
        """Posts a batch with some that were posted before, and one that says something else under a known id."""
        repeated = self.random.sample(posted, min(3, len(posted)))
        other = batch[0] | {"occurred_at": show(self.random, when(batch[0]["occurred_at"]) + timedelta(seconds=1))}
        answer = self.client.post("/v1/events", {"events": [*batch, *repeated, other]})
        counts = (answer["accepted"], answer["duplicate"], answer["refused"])
        assert counts == (len(batch), len(repeated), 1), answer
        assert answer["results"][-1]["code"] == "id_conflict"

    def _shuffled(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """By lot, but the refunds of one order stay in the order of their times.

        A refund's undoing stays there too, but for the last: that may come before what it undoes.
        """
        shuffled = self.random.sample(events, len(events))
        orders = self.refunded
        orders |= {event["refund"]["id"]: event["refund"]["order_id"] for event in events if "refund" in event}
        queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            if refund := _refund_of(event):
                queues[orders[refund]].append(event)
        for queue in queues.values():
            *_, before, last = [{}, *queue]
            if "refund_id" in last and _refund_of(before) == last["refund_id"] and self.wording.random() < 0.4:
                queue[-2:] = [last, before]
        return [queues[orders[refund]].pop(0) if (refund := _refund_of(event)) else event for event in shuffled]

    def draw_events(self, most: int, first: datetime) -> list[dict[str, Any]]:
        """Orders paid from an instant on, each followed by its refunds."""
        events: list[dict[str, Any]] = []
        for _ in range(self.random.randint(1, most)):
            self.orders += 1
            order = draw_order(self.random, self.orders, self.names, first)
            refunds = draw_refunds(self.random, order)
            events += weave_events(self.wording, order, refunds, self.words, self._may_be_paid(order, refunds))
        return events

    def _may_be_paid(self, order: dict[str, Any], refunds: Sequence[dict[str, Any]]) -> bool:
        """Not where the payment would decide what only the settlement can: rooms of caps, looks at promotions."""
        caps = [rule.get("cap", {}) for version in self.world.versions for rule in version.plan["rules"]]
        if any("per_month_minor" in cap or "per_customer_minor" in cap for cap in caps):
            return False
        return not self.has_promotions or all(instant_of(refund) > instant_of(order) for refund in refunds)

    def _draw_later_refund(self, number: int, event: dict[str, Any]) -> dict[str, Any]:
        order = event["order"]["id"] if "order" in event else event["refund"]["order_id"]
        refund: dict[str, Any] = {"id": f"later-{number}", "order_id": order}
        if self.random.random() < 0.3:
            refund["lines"] = [{"line_id": "0", "amount_minor": 10**12}]
        return refund

    def draw_more(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What comes later: the same under new ids, other content, whole refunds, too much."""
        instant = START + timedelta(days=200)
        more = []
        old = [event for event in events if event["type"] in ("order.settled", "order.refunded")]
        for number, event in enumerate(self.random.sample(old, min(8, len(old)))):
            instant += timedelta(minutes=1)
            again = event | {"id": f"again-{number}", "occurred_at": show(self.random, instant)}
            if "order" in event and self.random.random() < 0.5:
                paid_at = when(event["order"]["paid_at"]) - timedelta(days=1)
                again["order"] = event["order"] | {"paid_at": show(self.random, paid_at)}
            elif self.random.random() < 0.6:
                del again["order" if "order" in event else "refund"]
                again |= {"type": "order.refunded", "refund": self._draw_later_refund(number, event)}
            more.append(again)
        return more


def _refund_of(event: dict[str, Any]) -> str | None:
    """The refund that is made or undone."""
    name: str | None = event["refund"]["id"] if "refund" in event else event.get("refund_id")
    return name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_program_by_lot_comes_out_as_the_reference_reads_the_plan_language(live: Live, seed: int) -> None:
    program = Program(live, seed)
    program.set_up()
    events = program.draw_events(30, START - timedelta(days=1))
    program.post(events)
    _check(program)
    program.register(program.late)
    if program.late:
        program.client.wait_for_events()
        process(program.world, [])
    if not program.has_promotions:
        program.change_people()
    later = START + timedelta(days=210 if program.has_promotions else 0)
    program.post([*program.draw_more(events), *program.draw_events(10, later)])
    _check(program)


def _check(program: Program) -> None:
    client, world = program.client, program.world
    check_events(client, world)
    check_rows(client, world)
    _check_statements(program)
    _check_balances(program)
    for order in program.random.sample(sorted(world.orders), min(6, len(world.orders))):
        explained = client.get(f"/v1/orders/{order}/explanation")
        assert explained["agrees"] is True
        assert explained["differences"] == []
        _check_looks(explained, world, order)
    with program.live.container.begin() as conn:
        enter_snapshot(conn)
        audit = run_audit(
            Unit(conn, program.program, COMMAND_LINE, program.live.container.now()), program.live.container.policies
        )
    assert [(check.name, check.rows) for check in audit.checks if not check.ok] == []


def _check_looks(explained: dict[str, Any], world: World, order: str) -> None:
    settled = world.orders[order]
    shown: Counter[tuple[str, str, int, str]] = Counter()
    for look in explained["looks"]:
        assert look["amount_minor"] == look["posted_minor"]
        if look["amount_minor"]:
            assert look["reason"] in ("paid", "order_cap", "rule_cap")
            shown[look["line_id"], look["rule"], look["tier"], look["shop_id"]] += look["amount_minor"]
    expected: Counter[tuple[str, str, int, str]] = Counter()
    stands = settled.settled_at is not None or settled.is_expected
    for key, amount in settled.standing.items() if stands else ():
        line, rule = settled.order["lines"][key.line]["id"], settled.version.plan["rules"][key.rule]["id"]
        expected[line, rule, key.tier, key.shop] += amount
    assert +shown == +expected


def _check_statements(program: Program) -> None:
    world = program.world
    for period in sorted({world.period_of(row.occurred_at) for row in world.rows}):
        end = _end_of(world, period)
        shown = {row["shop_id"]: row for row in _csv(program.client, period, "shops")}
        for shop in world.shops:
            row = shown.pop(shop, {})
            expected = _statement(world, shop, period, end)
            assert {key: int(row.get(key, 0)) for key in expected} == expected, (shop, period)
        assert shown == {}
        lines = Counter(
            (row["event_id"], row["line_id"], row["shop_id"], row["rule"], row["kind"], int(row["amount_minor"]))
            for row in _csv(program.client, period, "lines")
        )
        rows = [row for row in world.rows if world.period_of(row.occurred_at) == period]
        assert lines == Counter((row.event, row.line, row.shop, row.rule, row.kind, row.amount) for row in rows)


def _statement(world: World, shop: str, period: str, end: datetime) -> dict[str, int]:
    rows = [row for row in world.rows if row.shop == shop and world.period_of(row.occurred_at) <= period]
    month = [row for row in rows if world.period_of(row.occurred_at) == period]
    closing = sum(row.amount for row in rows)
    held, available = _split(world, shop, rows, end - timedelta(microseconds=1))
    sums = {kind: sum(row.amount for row in month if row.kind == kind) for kind in ("earned", "reversed")}
    return {
        "opening_minor": closing - sum(sums.values()),
        "earned_minor": sums["earned"],
        "reversed_minor": sums["reversed"],
        "adjusted_minor": 0,
        "paid_minor": 0,
        "tax_minor": 0,
        "closing_minor": closing,
        "held_minor": held,
        "reserved_minor": 0,
        "available_minor": available,
        "orders": len({row.order for row in month if row.kind == "earned"}),
        "refunds": len({row.event for row in month if row.kind == "reversed"}),
    }


def _split(world: World, shop: str, rows: Sequence[Row], instant: datetime) -> tuple[int, int]:
    """Held and available at an instant; what is free of a frozen or closed shop is held, its debt stays a debt."""
    held = sum(row.amount for row in rows if row.available_at > instant)
    free = sum(row.amount for row in rows) - held
    if free > 0 and world.status(shop, instant) in ("frozen", "closed"):
        return held + free, 0
    return held, free


def _end_of(world: World, period: str) -> datetime:
    year, month = map(int, period.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=world.zone)


def _csv(client: Client, period: str, detail: str) -> list[dict[str, str]]:
    answer = client.call("GET", f"/v1/statements/{period}/export?format=csv&detail={detail}")
    assert answer.status == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def _check_balances(program: Program) -> None:
    for shop in program.world.shops:
        balance = program.client.get(f"/v1/shops/{quote(shop)}/balance")
        rows = [row for row in program.world.rows if row.shop == shop]
        expected = _split(program.world, shop, rows, when(balance["as_of"]))
        assert (balance["held_minor"], balance["available_minor"]) == expected
        assert balance["expected_minor"] == _expected(program.world, shop)


def _expected(world: World, shop: str) -> int:
    """What a shop is to earn of orders that were paid and are not settled."""
    orders = [order for order in world.orders.values() if order.is_expected]
    return sum(amount for order in orders for key, amount in order.standing.items() if key.shop == shop)
