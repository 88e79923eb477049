"""Simulations: what another plan would have paid on history, answered by a worker and kept."""

from __future__ import annotations

from distrib.api.calls.bodies import LIST_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.schemas.simulations import (
    SimulatedOrdersQuerySchema,
    SimulationDraftSchema,
)
from distrib.api.schemas.simulations_seen import SIMULATED_ORDERS, SIMULATION
from distrib.services.context import ListPart
from distrib.services.simulations import asking as service
from distrib.services.simulations.asking import Wish
from distrib.services.simulations.blocks import BlockPlace
from distrib.services.simulations.orders import OrdersQuery, list_orders

simulations = Resource("simulations", "What if 推演: any plan on all of history")


@simulations.operation(
    "POST",
    "/simulations",
    {202: SIMULATION},
    Takes(body=SimulationDraftSchema, is_idempotent=True, most_bytes=LIST_BYTES),
    refusals=("plan_invalid", "plan_unknown", "simulations_waiting"),
)
def start_simulation(call: Call) -> Answer:
    """Has a worker try plans on orders of history; the same question, where nothing came since, is the same one."""
    body = call.body
    plans = body["plans"] if body["plan"] is None else [body["plan"]]
    is_single = body["plans"] is None
    wish = Wish(plans, body["since"], body["until"], body["refunds"], body["ranks"], body["ranks_from"], is_single)
    view = service.start_simulation(call.unit, call.backend.policies, wish)
    return Answer(view, 202, {"Location": f"/v1/simulations/{view['id']}"})


@simulations.operation("GET", "/simulations/<id:simulation_id>", {200: SIMULATION}, refusals=("simulation_unknown",))
def get_simulation(call: Call, simulation_id: str) -> Answer:
    """One simulation: how far it is, then its result, and what came since."""
    return Answer(service.get_simulation(call.conn, call.program, simulation_id))


@simulations.operation(
    "DELETE", "/simulations/<id:simulation_id>", {204: None}, refusals=("simulation_unknown", "simulation_ended")
)
def cancel_simulation(call: Call, simulation_id: str) -> Answer:
    """Ends a simulation before it is done."""
    service.cancel_simulation(call.unit, simulation_id)
    return Answer(None, 204)


@simulations.operation(
    "GET",
    "/simulations/<id:simulation_id>/orders",
    {200: SIMULATED_ORDERS},
    Takes(query=SimulatedOrdersQuerySchema),
    refusals=("simulation_unknown", "simulation_not_done", "shop_unknown"),
)
def list_simulated_orders(call: Call, simulation_id: str) -> Answer:
    """The orders behind a figure: then and now, with the explanation under the candidate."""
    asked = {name: call.query[name] for name in ("rule", "shop_id", "reason", "candidate")}
    listing = call.listing(f"simulation {simulation_id} {asked}")
    after = listing.place(call.query["cursor"])
    place = None if after is None else BlockPlace(*after)
    query, part = OrdersQuery(simulation_id, **asked), ListPart(place, call.query["limit"])
    rows, follows = list_orders(call.conn, call.program, call.backend.policies, query, part)
    return Answer(listing.page(rows, follows))
