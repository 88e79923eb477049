"""What plain orders become in columns is to the byte what the state machine makes of them, in every table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.shops import ShopDraft
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from distrib.services.settlement.batch import Batch
from distrib.services.settlement.drain import FOR_EVER, State, drain_batch
from distrib.services.settlement.whole_refunds import refund_whole
from distrib.store.orders.queue import pending_events
from distrib.store.settlement.known_orders import known_orders
from tests.acceptance.random_events import START, draw_instant, draw_order, draw_refunds
from tests.acceptance.random_plans import RANKS, draw_limits, draw_plan
from tests.world.documents import PAID, SELLER_TEN_PERCENT, cancelled, line, paid, refunded, settled
from tests.world.world import World, chain

Rows = dict[str, list[Any]]

SHOPS = tuple(f"s{number}" for number in range(9))
_number = count()

_TABLES = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attidentity = '' AND a.attname <> ALL ('{posting_no,delivery_id,changed_by}')
  AND EXISTS (SELECT 1 FROM pg_attribute p WHERE p.attrelid = c.oid AND p.attname = 'program_id')
GROUP BY 1
"""
"""All columns of a program's tables but what is numbered anew on each try."""


def rows_of(conn: Connection, program_id: int) -> Rows:
    """Every row of the program as text, by table."""
    rows: Rows = {}
    for table, columns in conn.execute(text(_TABLES)).all():
        statement = f"SELECT ({columns})::text FROM {table} WHERE program_id = :program ORDER BY 1"
        rows[table] = list(conn.execute(text(statement), {"program": program_id}).scalars())
    return rows


def drained(world: World, *, in_columns: bool) -> tuple[Rows, int]:
    """Everything that is written of what waits, and how many orders of it had no past; nothing of it stays."""
    now = world.now()
    with world.container.worker_engine.connect() as conn, conn.begin() as transaction:
        orders = 0
        while (
            batch := drain_batch(
                Unit(conn, world.program, COMMAND_LINE, now), world.policies, 40, in_columns=in_columns
            )
        ).state is State.APPLIED:
            orders += batch.orders
        rows = rows_of(conn, world.program.program_id)
        transaction.rollback()
    return rows, orders


def assert_both_write_the_same(world: World) -> Rows:
    in_columns, orders = drained(world, in_columns=True)
    by_state_machine, same_orders = drained(world, in_columns=False)
    assert orders == same_orders
    assert in_columns == by_state_machine
    return in_columns


def another_program(world: World, currency: str = "CNY") -> World:
    """A program beside it, in the same database, with the clock stopped."""
    container, now = world.container, world.container.now()
    with container.begin() as conn:
        name = f"lot-{next(_number)}"
        program = tenants.create_program(
            conn, ProgramDraft(name, currency, "Asia/Shanghai", "open"), now, container.policies
        )
    return World(container, program, stopped_at=now)


def join_by_lot(world: World, random: Random) -> None:
    """Shops in trees, some of whom join late, move, are frozen or get a rank while orders are paid."""
    world.publish(draw_plan(random, "lot", random.random() < 0.3), START - timedelta(days=30))
    drafts = []
    for place, name in enumerate(SHOPS):
        joined_at = draw_instant(random) if random.random() < 0.2 else START - timedelta(days=60)
        sponsor = SHOPS[max(place - random.choice((1, 1, 2, 4)), 0)] if place and random.random() < 0.9 else None
        drafts.append(ShopDraft(id=name, sponsor_id=sponsor, joined_at=joined_at))
    world.register_all(drafts)
    for _ in range(random.randint(0, 3)):
        name, instant = random.choice(SHOPS), draw_instant(random, START, 50)
        change = random.choice(("status", "rank", "move"))
        try:
            if change == "status":
                world.set_status(name, random.choice(("frozen", "active")), instant)
            elif change == "rank":
                world.set_rank(name, random.choice(RANKS), instant)
            else:
                world.move(name, random.choice((None, *SHOPS)), instant)
        except Refusal:  # such as a shop below itself
            continue


def publish_more(world: World, random: Random) -> None:
    """Another version now and then, with what may not be plain."""
    for _ in range(random.choice((0, 0, 1, 2))):
        plan = draw_plan(random, "lot", False)
        if random.random() < 0.5:
            draw_limits(random, plan, random.random() < 0.3)
        world.publish(plan, draw_instant(random))


def whole_refund(random: Random, event: dict[str, Any]) -> dict[str, Any]:
    """A refund of all that was paid, named line by line now and then."""
    order, by_line = event["order"], None
    if random.random() < 0.4:
        by_line = {entry["id"]: entry["paid_minor"] for entry in order["lines"] if entry["paid_minor"]}
    refund_id = f"whole-{order['id']}"
    return refunded(refund_id, order["id"], by_line or None, draw_instant(random))


def events_by_lot(random: Random) -> Sequence[dict[str, Any]]:
    events = []
    for number in range(random.randint(1, 60)):
        event = draw_order(random, number, SHOPS, START - timedelta(days=1))
        if random.random() < 0.7:  # more of what is plain than the lot of the random programs has
            event["order"] = {k: v for k, v in event["order"].items() if k not in ("leader_id", "opener_id")}
            event["order"].setdefault("shop_id", random.choice(SHOPS))
        events += [event, *(draw_refunds(random, event) if random.random() < 0.2 else ())]
        if random.random() < 0.4:
            events.append(whole_refund(random, event))
        if random.random() < 0.05:
            events.append(event | {"id": f"again-{number}"})
    return random.sample(events, len(events))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_programs_by_lot_are_settled_in_columns_to_the_byte_as_by_the_state_machine(world: World, seed: int) -> None:
    random = Random(seed)
    program = another_program(world)
    join_by_lot(program, random)
    publish_more(program, random)
    events = events_by_lot(random)
    cut = random.randint(0, len(events))
    for part in (events[:cut], events[cut:]):
        if part:
            program.post(*part)
            assert_both_write_the_same(program)
            program.drain()


TWO_LEVELS = {
    **SELLER_TEN_PERCENT,
    "tiers": 2,
    "hold_days": 7,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "piece", "pay": "seller", "group": "piece", "amount_minor": 7},
        {"id": "upline-1", "pay": "upline", "tier": 1, "rate": "0.05", "of": {"rule": "seller"}},
        {"id": "upline-2", "pay": "upline", "tier": 2, "slabs": [{"from_minor": 0, "rate": "0.01"}]},
    ],
}


def test_the_orders_of_the_benchmark_are_plain(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c", "d"))
    world.stopped_at = world.now()
    world.post(*[settled(f"e{n}", f"o{n}", "bcd"[n % 3], line(1_000 + n), line(0, "2")) for n in range(30)])
    rows = assert_both_write_the_same(world)
    assert (len(rows["settlements"]), len(rows["event_outcomes"])) == (30, 30)
    assert len(rows["transfers"]) > 60


HISTORIES = {
    "paid before": [paid("p", "o", "a", line(100))],
    "cancelled before": [cancelled("c", "o")],
    "refunded before": [refunded("r", "o", None)],
    "settled before": [settled("s", "o", "a", line(100))],
    "tried before, in vain": [settled("s", "o", "a", line(100), currency="USD")],
    "settled twice at once": [],
}


@pytest.mark.parametrize("history", HISTORIES)
def test_an_order_with_a_past_goes_on_from_it(world: World, history: str) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.stopped_at = world.now()
    before = HISTORIES[history]
    if before:
        world.post(*before)
        world.drain()
    else:
        world.post(settled("e0", "o", "a", line(500)))
    world.post(settled("e", "o", "a", line(100)))
    rows = assert_both_write_the_same(world)
    assert len(rows["settlements"]) <= 1


def test_only_what_has_a_past_is_known(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    world.post(settled("e1", "o1", "a", line(100)), paid("e2", "o2", "a", line(100)), cancelled("e3", "o3"))
    world.drain()
    world.post(settled("e4", "o4", "a", line(100)))
    numbers = dict(world.rows("SELECT order_id, order_no FROM orders WHERE program_id = :program"))
    with world.begin() as conn:
        known = known_orders(conn, world.program.program_id, np.array(sorted(numbers.values())))
        assert len(pending_events(conn, world.program.program_id, list(numbers.values()))) >= 1
    assert {numbers["o1"], numbers["o2"]} <= known
    assert numbers["o4"] not in known


@pytest.mark.tampers
def test_a_fact_of_a_closed_month_counts_in_the_next_and_says_where_it_belongs(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c"))
    world.stopped_at = world.now()
    with world.begin() as conn:
        conn.execute(text("UPDATE programs SET closed_through = 202603"))
    world.post(
        settled("e1", "o1", "c", line(1_000)), settled("e2", "o2", "c", line(10), paid_at=PAID + timedelta(days=40))
    )
    rows = assert_both_write_the_same(world)
    assert sum("202604,202603" in row for row in rows["transfers"]) > 0


def test_refunds_of_whole_orders_are_given_back_in_columns_and_no_others(world: World) -> None:
    world.publish(TWO_LEVELS)
    world.join(*chain("a", "b", "c"))
    world.stopped_at = world.now()
    lines = line(1_000), line(500, "2", entry=True), line(0, "3")
    names = "whole", "by line", "part", "unknown line", "other line", "before", "cancelled", "spread"
    world.post(*[settled(f"e-{name}", name, "c", *lines) for name in names])
    world.post(refunded("b", "before", {"1": 1}), cancelled("x", "cancelled"))
    world.drain()
    spread = refunded("r9", "spread", None)
    spread["refund"] |= {"amount_minor": 1_500, "spread": "lines"}
    world.post(
        refunded("r1", "whole", None),
        refunded("r2", "by line", {"1": 1_000, "2": 500}),
        refunded("r4", "part", {"1": 1_000, "2": 499}),
        refunded("r5", "unknown line", {"1": 1_000, "2": 500, "9": 1}),
        refunded("r6", "other line", {"1": 1_000}),
        refunded("r7", "before", None),
        refunded("r8", "cancelled", None),
        spread,
    )
    assert {event_id for event_id, in_columns in given_back(world).items() if in_columns} == {"r1", "r2"}
    rows = assert_both_write_the_same(world)
    assert sum("reversed" in row for row in rows["transfers"]) > 12


def given_back(world: World) -> dict[str, bool]:
    """The open events by id, and whether each is a refund that is worked on in columns."""
    program_id = world.program.program_id
    ids = dict(world.rows("SELECT event_no, event_id FROM events WHERE program_id = :program"))
    with world.begin() as conn:
        numbers = [row[0] for row in world.rows("SELECT order_no FROM queue WHERE program_id = :program")]
        pending = pending_events(conn, program_id, numbers)
        left = {
            row.event_no
            for row in refund_whole(
                conn, Batch(Unit(conn, world.program, COMMAND_LINE, world.now())), pending, FOR_EVER
            )
        }
    return {ids[row.event_no]: row.event_no not in left for row in pending}
