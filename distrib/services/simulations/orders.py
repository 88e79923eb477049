"""The orders behind a figure of a simulation: then and now, with why each would pay what under a candidate.

Amounts are those that were kept; the explanation is worked out again by the engine of the ledger, on what had come back
when the simulation saw the order. No SQL may enter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.network.refusals import ShopUnknown
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.policy import Policy
from distrib.domain.settlement.explanation import Look
from distrib.domain.texts import Text
from distrib.services.context import ListPart, Program
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.simulations.as_seen import ExplainedOrder, KeptOutcome, applied_at, explained
from distrib.services.simulations.asking import DONE, find_simulation
from distrib.services.simulations.blocks import BlockPlace, KeptOrder, orders_from
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.facts import PostgresFacts, TriedHistory
from distrib.services.simulations.histories import failed_by_number, orders_by_number
from distrib.services.simulations.refusals import SimulationNotDone
from distrib.services.simulations.replaying import SimulatedRanks
from distrib.services.simulations.running import KNOWN, REPLAYED
from distrib.services.simulations.tallies import AS_IT_WAS
from distrib.store.audit.runs import ids_of_orders
from distrib.store.network import shops
from distrib.store.pages.transfers import number_of_shop
from distrib.store.simulations import kept as rows
from distrib.store.simulations import ranks as rank_rows
from distrib.store.simulations.history import PaidSpan
from distrib.store.simulations.kept import SimulationRow, WantedBlocks

_FIRST = BlockPlace(0, 0)


@dataclass(frozen=True, slots=True)
class AmountOfShop:
    """What a shop has of an order by a rule, net of what came back."""

    rule: str
    shop_id: str | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LookOfShop:
    """A line, a rule and a person looked at under the candidate, and what came of it."""

    line_id: str
    rule: str
    tier: int
    shop_id: str | None
    rank: str | None
    base_minor: int
    rate: str | None
    amount_before_cap_minor: int
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """An order as a simulation saw it, then and now, with why it would pay what.

    ``settled_at`` is None of one whose settlement failed; ``refunded_since_minor`` came back after the simulation.
    """

    order_id: str
    channel: str
    shop_id: str | None
    paid_at: datetime
    settled_at: datetime | None
    paid_minor: int
    left_minor: int
    refunded_since_minor: int
    then_minor: int
    now_minor: int
    difference_minor: int
    then: list[AmountOfShop]
    now: list[AmountOfShop]
    reasons: list[str]
    explanation: list[LookOfShop]


class OrdersQuery(NamedTuple):
    """Which orders of which simulation: in which a shop has something by a rule, or with a reason; which candidate."""

    simulation_id: str
    rule: str | None = None
    shop_id: str | None = None
    reason: str | None = None
    candidate: int = 1


class _ShownCandidate(NamedTuple):
    """The candidate under which orders of a simulation are shown: of which, its place from 1 on, and its plan."""

    row: SimulationRow
    place: int
    plan: Plan


def list_orders(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    query: OrdersQuery,
    part: ListPart[BlockPlace],
) -> tuple[list[SimulatedOrder], BlockPlace | None]:
    """Lists the orders of a simulation behind a figure, and where the next page begins.

    Raises:
        Refusal: ``simulation_unknown``, ``simulation_not_done``, ``shop_unknown``, or ``invalid`` where it has no such
            candidate.
    """
    row = find_simulation(conn, program, query.simulation_id)
    if row.outcome != DONE:
        raise SimulationNotDone(id=query.simulation_id)
    plans = [compile_plan(json.loads(kept.document)) for kept in rows.plans_of(conn, row.program_id, row.simulation_no)]
    place = query.candidate
    if place > len(plans):
        raise Refusal("invalid", [Problem("?candidate", Text("must be from 1 to {most}", most=len(plans)))])
    wanted = WantedBlocks(_shop_no(conn, program, query.shop_id), query.rule, query.reason)
    fitting = orders_from(conn, row.program_id, row.simulation_no, part.after or _FIRST, wanted)
    page, follows = _page(fitting, part.limit)
    return _shown(conn, program, policies, _ShownCandidate(row, place, plans[place - 1]), page), follows


def every_order(
    conn: Connection, program: Program, row: SimulationRow, at_once: int
) -> Iterator[tuple[list[KeptOrder], Mapping[int, str], Mapping[int, str]]]:
    """Yields all orders of a simulation, some at a time, each page with the ids of its orders and shops."""
    after: BlockPlace | None = _FIRST
    while after is not None:
        page, after = _page(orders_from(conn, row.program_id, row.simulation_no, after, WantedBlocks()), at_once)
        yield page, ids_of_orders(conn, row.program_id, [known.order_no for known in page]), _shop_ids(conn, row, page)


def _page(fitting: Iterator[tuple[BlockPlace, KeptOrder]], limit: int) -> tuple[list[KeptOrder], BlockPlace | None]:
    page: list[KeptOrder] = []
    last: BlockPlace | None = None
    for place, order in fitting:
        if len(page) == limit:
            return page, last
        page.append(order)
        last = place
    return page, None


def _shop_no(conn: Connection, program: Program, shop_id: str | None) -> int | None:
    if shop_id is None:
        return None
    number = number_of_shop(conn, program.program_id, shop_id)
    if number is None:
        raise ShopUnknown(id=shop_id)
    return number


def _shown(
    conn: Connection,
    program: Program,
    policies: Mapping[str, Policy],
    shown: _ShownCandidate,
    page: Sequence[KeptOrder],
) -> list[SimulatedOrder]:
    row, place, plan = shown
    published = TermsBook(program, load_timeline(conn, program), policies)
    span = PaidSpan(row.since, row.until)
    with_refunds = row.refunds == KNOWN
    read = partial(rank_rows.kept_ranks_of, conn, row.program_id, row.simulation_no, place)
    ranks = SimulatedRanks(plan, read) if row.ranks == REPLAYED else None
    facts = PostgresFacts(conn, program)
    tried = TriedHistory(facts, program, policies, span, published, with_refunds, with_rooms=False)
    candidate = CandidatePlan(tried, plan, "shown", ranks)
    numbers = [known.order_no for known in page]
    past = {known.order_no: known for known in orders_by_number(conn, program, numbers)}
    missing = [number for number in numbers if number not in past]
    past |= {known.order_no: known for known in failed_by_number(conn, program, published, candidate.terms, missing)}
    orders = [past[known.order_no] for known in page if known.order_no in past]
    kept = {known.order_no: known for known in page}
    simulated = candidate.simulate(orders)
    applied = applied_at(conn, row.program_id, orders)
    looked_at = [
        explained(row, applied, past_order, outcome.settlement, _kept_outcome(kept[past_order.order_no], place))
        for past_order, outcome in zip(orders, simulated, strict=True)
    ]
    ids = _shop_ids(conn, row, page, [look.shop_no for of_order in looked_at for look in of_order.looks])
    return [_order(of_order, kept[of_order.past.order_no], place, ids) for of_order in looked_at]


def _kept_outcome(kept: KeptOrder, place: int) -> KeptOutcome:
    return KeptOutcome(sum(minor for side, _, _, minor in kept.amounts if side == place), kept.rooms.get(place, ()))


def _order(looked_at: ExplainedOrder, kept: KeptOrder, place: int, ids: Mapping[int, str]) -> SimulatedOrder:
    past, looks, refunded_since_minor = looked_at
    seller = past.snapshot.seller
    then = [amount for amount in kept.amounts if amount[0] == AS_IT_WAS]
    now = [amount for amount in kept.amounts if amount[0] == place]
    then_minor, now_minor = (sum(amount[3] for amount in amounts) for amounts in (then, now))
    return SimulatedOrder(
        order_id=past.order.id,
        channel=past.order.channel,
        shop_id=None if seller is None else ids.get(seller.shop_no),
        paid_at=past.order.paid_at,
        settled_at=None if past.has_failed else past.settled_at,
        paid_minor=past.order.paid_minor,
        left_minor=past.left_minor,
        refunded_since_minor=refunded_since_minor,
        then_minor=then_minor,
        now_minor=now_minor,
        difference_minor=now_minor - then_minor,
        then=[AmountOfShop(rule, ids.get(shop_no), minor) for _, rule, shop_no, minor in then],
        now=[AmountOfShop(rule, ids.get(shop_no), minor) for _, rule, shop_no, minor in now],
        reasons=kept.reasons.get(place, []),
        explanation=[_look(look, ids) for look in looks],
    )


def _look(look: Look, ids: Mapping[int, str]) -> LookOfShop:
    return LookOfShop(
        line_id=look.line_id,
        rule=look.rule_id,
        tier=look.tier,
        shop_id=None if look.shop_no is None else ids.get(look.shop_no),
        rank=look.rank,
        base_minor=look.base_minor,
        rate=look.rate,
        amount_before_cap_minor=look.amount_before_cap_minor,
        amount_minor=look.amount_minor,
        reason=look.reason,
    )


def _shop_ids(
    conn: Connection, row: SimulationRow, page: Sequence[KeptOrder], more: Sequence[int | None] = ()
) -> Mapping[int, str]:
    numbers = {shop_no for known in page for _, _, shop_no, _ in known.amounts}
    numbers |= {shop_no for shop_no in more if shop_no is not None}
    return shops.ids_of(conn, row.program_id, numbers)
