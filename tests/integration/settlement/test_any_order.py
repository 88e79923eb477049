"""The order in which facts arrive, how often, and in which batches changes nothing (plan.md, after the order of work).

Plans, trees, orders and refunds by lot; each example runs twice through the real drain, in two programs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distrib.domain.events import Order
from distrib.domain.plans.plan import Plan
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import standing
from distrib.services.programs import tenants
from distrib.services.programs.tenants import ProgramDraft
from tests.property.draws import RANKS, orders, plans
from tests.world.documents import PAID, refunded, settled
from tests.world.world import EARLY, World, chain

SHOPS = ("a", "b", "c", "d", "e")
_number = count()

Event = dict[str, Any]


def without_sales(plan: Plan) -> dict[str, Any]:
    """The document without conditions on sales, which look at what came before."""
    document = json.loads(json.dumps(plan.document))
    for rule in document["rules"]:
        if "min_personal_sales_minor" in rule.get("requires", {}):
            del rule["requires"]
    return {**document, "policy": "open", "hold_days": 7}


def event_of(order: Order, number: int, shop_id: str, people: dict[str, str]) -> Event:
    lines = [
        {key: getattr(line, key) for key in ("id", "sku", "quantity", "paid_minor", "list_minor", "cost_minor")}
        | {"entry": line.entry}
        for line in order.lines
    ]
    paid_at = PAID + timedelta(hours=7 * number)
    return settled(f"e{number}", f"o{number}", shop_id, *lines, **people, paid_at=paid_at)


def without_customers(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan without conditions on the customer: who is new is decided by what was worked on before (plan.md)."""
    for rule in plan["rules"]:
        where = rule.get("where") or {}
        for part in (where, where.get("not") or {}):
            part.pop("customer", None)
    return plan


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str], list[Event]]:
    """A plan, the ranks of the shops, and orders with refunds that fit."""
    ranks = {shop: draw(st.sampled_from(RANKS)) for shop in SHOPS}
    events: list[Event] = []
    for number in range(draw(st.integers(1, 4))):
        order = draw(orders())
        shop = st.sampled_from(SHOPS)
        people = {"customer_id": draw(st.sampled_from(("c", *SHOPS)))}
        people |= draw(st.fixed_dictionaries({}, optional={"leader_id": shop, "opener_id": shop}))
        events.append(event_of(order, number, draw(shop), people))
        left = {line.id: line.paid_minor for line in order.lines}
        for step in range(draw(st.integers(0, 2))):
            taken = {name: draw(st.integers(0, minor)) for name, minor in left.items()}
            left = {name: left[name] - minor for name, minor in taken.items()}
            amounts = {name: minor for name, minor in taken.items() if minor}
            if amounts:
                refunded_at = PAID + timedelta(days=3 * step + number + 2)
                events.append(refunded(f"r{number}-{step}", f"o{number}", amounts, refunded_at))
    return without_customers(without_sales(draw(plans()))), ranks, events


@st.composite
def deliveries(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The events in another order, some twice, some under a new id as well, cut into batches."""
    again = [
        event | {"id": f"again-{event['id']}"} for event in draw(st.lists(st.sampled_from(list(events)), max_size=2))
    ]
    twice = draw(st.lists(st.sampled_from(list(events)), max_size=3))
    once = list({event["id"]: event for event in again}.values())
    shuffled = draw(st.permutations([*events, *once, *twice]))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=3)))
    return [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


def digest(world: World, plan: dict[str, Any], ranks: dict[str, str], batches: Sequence[Sequence[Event]]) -> str:
    """Everything that stands in the end, by commission and by shop, in one digest."""
    container, now = world.container, world.container.now()
    with container.begin() as conn:
        name = f"story-{next(_number)}"
        program = tenants.create_program(
            conn, ProgramDraft(name, "CNY", "Asia/Shanghai", "open"), now, container.policies
        )
    story = World(container, program)
    story.publish(plan)
    story.join(*chain(*SHOPS))
    with container.begin() as conn:
        for shop, rank in ranks.items():
            standing.set_rank(Unit(conn, program, COMMAND_LINE, now), shop, rank, EARLY, "by lot")
    for batch in batches:
        if batch:
            story.post(*batch)
            story.drain()
    assert story.rows("SELECT 1 FROM event_outcomes WHERE program_id = :program AND status <> 'done'") == []
    rows = story.rows(
        "SELECT o.order_id, t.line_id, t.rule_id, t.tier, s.shop_id, max(t.base_minor), max(t.rate_ppm),"
        " sum(t.amount_minor) FILTER (WHERE t.kind = 'earned'),"
        " sum(CASE WHEN t.credit_account = t.shop_no THEN t.amount_minor ELSE -t.amount_minor END)"
        " FROM transfers t JOIN orders o ON o.program_id = t.program_id AND o.order_no = t.cause_no"
        " JOIN shops s ON s.program_id = t.program_id AND s.shop_no = t.shop_no"
        " WHERE t.program_id = :program GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
    )
    text = json.dumps([[tuple(row) for row in rows], sorted(story.earned().items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories(), st.data())
def test_permuting_duplicating_and_batching_events_anew_gives_the_same_digest(
    world: World, story: tuple[dict[str, Any], dict[str, str], list[Event]], data: st.DataObject
) -> None:
    plan, ranks, events = story
    delivered = data.draw(deliveries(events))
    assert digest(world, plan, ranks, [events]) == digest(world, plan, ranks, delivered)
