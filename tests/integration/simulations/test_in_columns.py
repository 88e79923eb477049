"""History in columns comes to the unit to what the engine of one order comes to, whatever the plan and the block."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from distrib.domain.plans.plan import Plan, compile_plan
from distrib.services.compliance import cases
from distrib.services.compliance.cases import CaseDecision
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.simulations import sources
from distrib.services.simulations.block_tallies import add_block
from distrib.services.simulations.blocks import KeptOrder, packed, unpacked
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.facts import PostgresFacts, TriedHistory
from distrib.services.simulations.figures import BlockFigures, OrderFigures
from distrib.services.simulations.histories import past_orders
from distrib.services.simulations.in_columns import ColumnCandidate
from distrib.services.simulations.replaying import SimulatedRanks
from distrib.services.simulations.running import PaidSpan, enter_history, left_to_engine
from distrib.services.simulations.sources import PlanNeeds, PostgresHistory
from distrib.services.simulations.tallies import Tally
from distrib.store.simulations.ranks import HeldRank
from tests.property.draws import RANKS, SKUS, plans
from tests.world.documents import PAID, cancelled, paid, refunded, settled
from tests.world.world import World, chain

DAY = timedelta(days=1)
SPAN = PaidSpan(PAID - 10 * DAY, PAID + 80 * DAY)
ORDERS = 70
HELD: dict[str, Any] = {
    "code": "held",
    "currency": "CNY",
    "tiers": 3,
    "hold_days": 3,
    "ranks": [{"code": "member"}, {"code": "gold"}, {"code": "old"}],
    "rules": [
        {"id": "r0", "pay": "seller", "rate": {"member": "0.10", "gold": "0.12"}},
        {"id": "r1", "pay": "upline", "tier": 1, "rate": "0.05"},
        {"id": "r2", "pay": "chain", "differential": True, "rate": {"member": "0.01", "gold": "0.02", "old": "0.03"}},
        {"id": "head", "pay": "leader", "rate": "0.01", "where": {"channel": ["community"]}},
    ],
}
SHOPS = ("a", "b", "c", "d", "e", "f", "x", "y")


def some_events(draw: random.Random) -> list[list[dict[str, Any]]]:
    """Orders of every kind with what befell them, as they came in three deliveries."""
    deliveries: list[list[dict[str, Any]]] = [[], [], []]
    for number in range(ORDERS):
        order_id, paid_at = f"o{number}", PAID + timedelta(hours=draw.randrange(24 * 60), minutes=number % 60)
        lines: list[dict[str, Any]] = [
            {
                "id": str(place),
                "sku": draw.choice((*SKUS, "Z")),
                "quantity": draw.randint(1, 3),
                "paid_minor": draw.choice((0, draw.randint(1, 200_000), draw.randint(1, 200_000))),
            }
            | ({"cost_minor": draw.randint(0, 50_000)} if draw.random() < 0.9 else {})
            | ({"list_minor": draw.randint(0, 300_000)} if draw.random() < 0.5 else {})
            | ({"entry": True} if draw.random() < 0.1 else {})
            for place in range(draw.randint(1, 4))
        ]
        more: dict[str, Any] = {"channel": draw.choice(("retail", "community")), "paid_at": paid_at}
        if draw.random() < 0.7:
            more["customer_id"] = draw.choice(("ann", "bob", *SHOPS))
        if draw.random() < 0.3:
            more |= {"leader_id": draw.choice(SHOPS), "opener_id": draw.choice(SHOPS)}
        seller = draw.choice((*SHOPS, *SHOPS, *SHOPS, None))
        occurred_at = paid_at + DAY * (draw.random() < 0.8)
        if draw.random() < 0.2:
            deliveries[0].append(paid(f"p{number}", order_id, seller, *lines, **more))
        deliveries[0].append(settled(f"s{number}", order_id, seller, *lines, **more, occurred_at=occurred_at))
        fate = draw.random()
        if fate < 0.4:
            for part in range(draw.randint(1, 2)):
                shares = {row["id"]: draw.randint(0, row["paid_minor"] // 2) for row in lines}
                taken = {line_id: minor for line_id, minor in shares.items() if minor} or None
                happened_at = occurred_at + draw.randrange(-1, 40) * DAY
                deliveries[1].append(refunded(f"r{number}-{part}", order_id, taken, happened_at))
        elif fate < 0.5:
            deliveries[1].append(cancelled(f"c{number}", order_id, occurred_at + 9 * DAY))
        if fate < 0.08:
            undone_at = (occurred_at + 50 * DAY).isoformat()
            undone = {"id": f"u{number}", "type": "refund.reversed", "refund_id": f"r{number}-0"}
            deliveries[2].append(undone | {"occurred_at": undone_at})
    return deliveries


@pytest.fixture(scope="module")
def seed() -> int:
    """Which history: another one each run, told where a test fails."""
    return random.SystemRandom().randrange(10**6)


@pytest.fixture
def told(world: World, seed: int) -> World:
    """A tree with ranks set by hand, of which some are no candidate's, and a case that took back what was indirect."""
    world.publish(HELD)
    world.join(*chain("a", "b", "c", "d", "e", "f"), *chain("x", "y"))
    world.set_rank("b", "gold", PAID - DAY)
    world.set_rank("d", "old", PAID + 10 * DAY)
    world.set_status("c", "frozen", PAID + 20 * DAY)
    with world.container.begin() as conn:
        case = cases.open_case(Unit(conn, world.program, COMMAND_LINE, world.container.now()), "y", None, "a test")
    decide(world, case.case_no, "freeze")
    for events in some_events(random.Random(seed)):
        world.post(*events)
        world.drain()
    decide(world, case.case_no, "reverse")
    world.earn(refunded("late", "o0", None, PAID + 79 * DAY))
    return world


def decide(world: World, case_no: int, decision: str) -> None:
    since = PAID - DAY if decision == "freeze" else None
    now = world.container.now()
    with world.container.begin() as conn:
        cases.decide_case(
            Unit(conn, world.program, COMMAND_LINE, now), case_no, CaseDecision(decision, since, "Han", "a test")
        )


@st.composite
def candidates(draw: st.DrawFn) -> Plan:
    """Any plan: with caps of every kind, limits, holds, channels, ranks renamed, and now and then another currency."""
    document: dict[str, Any] = json.loads(json.dumps(draw(plans()).document))
    document["hold_days"] = draw(st.integers(0, 40))
    document["rank_map"] = {"old": draw(st.sampled_from(RANKS))} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        document["order_cap"] = draw(st.sampled_from(("0", "0.05", "0.2")))
    if draw(st.integers(0, 9)) == 0:
        document["currency"] = "USD"
    for rule in document["rules"]:
        where = rule["where"] or {}
        if draw(st.booleans()):
            rule["where"] = {name: asked for name, asked in where.items() if name == "sku"}
        if draw(st.integers(0, 3)) == 0:
            rule["where"] = {**(rule["where"] or {}), "channel": ["community"]}
        kind = draw(st.sampled_from((None, None, None, "per_month_minor", "per_customer_minor")))
        if kind is not None:
            rule["cap"] = {**rule.get("cap", {}), kind: draw(st.integers(0, 30_000))}
        if draw(st.integers(0, 2)) and "min_personal_sales_minor" in rule.get("requires", {}):
            del rule["requires"]
    return compile_plan(document)


@dataclass(frozen=True)
class Asked:
    """Two candidates and how they are tried."""

    plans: tuple[Plan, ...]
    with_refunds: bool
    ranks: dict[int, list[tuple[int, str | None]]] | None


asked = st.builds(
    Asked,
    st.tuples(candidates(), candidates()),
    st.booleans(),
    st.none()
    | st.dictionaries(
        st.integers(1, 8), st.lists(st.tuples(st.integers(-5, 70), st.none() | st.sampled_from(RANKS)), max_size=4)
    ),
)


def candidates_of(conn: Connection, world: World, question: Asked, name: str) -> list[CandidatePlan]:
    program, policies = world.program, world.policies
    published = TermsBook(program, load_timeline(conn, program), policies)
    tried = TriedHistory(PostgresFacts(conn, program), program, policies, SPAN, published, question.with_refunds)

    def read(shops: Sequence[int]) -> list[HeldRank]:
        held = question.ranks or {}
        return [
            HeldRank(shop, PAID + day * DAY, rank)
            for shop in sorted(shops)
            for day, rank in sorted(held.get(shop, ()), key=lambda row: row[0])
        ]

    return [
        CandidatePlan(tried, plan, f"{name}{place}", None if question.ranks is None else SimulatedRanks(plan, read))
        for place, plan in enumerate(question.plans)
    ]


def kept(figures: BlockFigures) -> list[KeptOrder]:
    """What is kept of a block, as it is read again."""
    content = packed(figures)
    return [] if content is None else unpacked(content)


def figures_of(tally: Tally) -> dict[str, Any]:
    """All that a tally has come to."""
    orders = tally.orders, tally.failed_orders, tally.paid_minor, tally.refunded_minor
    shops = [(page.shop_no.tolist(), page.sums_minor.tolist()) for page in tally.shops.pages()]
    return {"orders": orders, "sides": tally.sides, "shops": shops}


def one_by_one(conn: Connection, world: World, question: Asked) -> tuple[Tally, list[OrderFigures]]:
    """The orders by the engine of one order alone."""
    tally = Tally(world.program, question.plans, with_refunds=question.with_refunds)
    known = candidates_of(conn, world, question, "one")
    figures: list[OrderFigures] = []
    in_time = any(candidate.needs_time for candidate in known)
    for orders in past_orders(conn, world.program, SPAN, in_time=in_time):
        figures += tally.add(orders, [candidate.simulate(orders) for candidate in known])
    return tally, figures


def in_columns(conn: Connection, world: World, question: Asked, cut: int) -> tuple[Tally, Tally, list[KeptOrder]]:
    """The orders in blocks: those up to a cut and those after it in tallies of their own, added up."""
    first, second = (Tally(world.program, question.plans, with_refunds=question.with_refunds) for _ in range(2))
    known = candidates_of(conn, world, question, "block")
    columns = [ColumnCandidate(candidate, first.calendar) for candidate in known]
    source = PostgresHistory(conn, world.program, SPAN, PlanNeeds.of(question.plans))
    orders: list[KeptOrder] = []
    for number, block in enumerate(source.blocks(in_time=any(candidate.needs_time for candidate in known))):
        outcomes = [candidate.run(block) for candidate in columns]
        tally = first if number < cut else second
        orders += kept(add_block(tally, block, outcomes, left_to_engine(source, block, known, outcomes))())
    first.add_sums(second)
    return first, second, orders


@pytest.mark.parametrize("block_orders", [9, 4_000])
def test_a_block_of_history_comes_to_what_its_orders_come_to_one_by_one(
    told: World, seed: int, monkeypatch: pytest.MonkeyPatch, block_orders: int
) -> None:
    monkeypatch.setattr(sources, "BLOCK_ORDERS", block_orders)

    @settings(max_examples=15)
    @given(asked, st.integers(0, 8))
    def holds(question: Asked, cut: int) -> None:
        with told.container.worker_engine.begin() as conn:
            enter_history(conn)
            tally, figures = one_by_one(conn, told, question)
            added, _, orders = in_columns(conn, told, question, cut)
        assert figures_of(added) == figures_of(tally), seed
        assert orders == kept(BlockFigures.of_orders(figures)), seed

    holds()


def test_the_history_has_what_may_befall_orders(told: World, seed: int) -> None:
    with told.container.worker_engine.begin() as conn:
        enter_history(conn)
        source = PostgresHistory(conn, told.program, SPAN, PlanNeeds.of(()))
        [block] = source.blocks(in_time=False)
    assert block.past.needs_engine.any(), seed
    assert block.refunds.order.size > ORDERS // 4, seed
    assert not block.posted.is_earned.all(), seed
    assert (block.past.order_no[1:] > block.past.order_no[:-1]).all()
