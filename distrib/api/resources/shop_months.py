"""Figures 经营指标: a shop's month, the share of shops that stay active, a subtree as a graph."""

from __future__ import annotations

from dataclasses import asdict

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import distance_of, is_partner, levels_below, must_be_own
from distrib.api.http.answers import Answer, Stream
from distrib.api.schemas.shop_months import (
    METRICS,
    RETENTION,
    SUBTREE,
    SUBTREE_NODE,
    MetricsQuerySchema,
    SubtreeQuerySchema,
)
from distrib.api.schemas.visible import pick
from distrib.domain.network.graph import Tree
from distrib.services.context import format_period
from distrib.services.network import shop_months as service
from distrib.services.network import subtrees
from distrib.services.network.retention import retention

shop_months = Resource("metrics", "Figures 经营指标 of shops and of the program")

GRAPHML = "application/graphml+xml"


@shop_months.operation(
    "GET",
    "/shops/<id:shop_id>/metrics",
    {200: METRICS},
    Takes(query=MetricsQuerySchema),
    refusals=("shop_unknown",),
)
def get_metrics(call: Call, shop_id: str) -> Answer:
    """A shop's month: sales, customers, repeat and referral figures; of the month that runs as they stand."""
    must_be_own(call, shop_id)
    levels = levels_below(call.policy) if is_partner(call) else service.TEAM_LEVELS
    month = service.shop_month(call.unit, shop_id, call.query["period"], levels)
    return Answer(asdict(month) | {"period": format_period(month.period)})


@shop_months.operation("GET", "/program/retention", {200: RETENTION})
def show_retention(call: Call) -> Answer:
    """The share of shops still active 1, 3, 6 and 12 months after the month they joined in, and as of when."""
    return Answer(asdict(retention(call.unit)))


@shop_months.operation(
    "GET",
    "/shops/<id:shop_id>/subtree",
    {200: (SUBTREE, GRAPHML)},
    Takes(query=SubtreeQuerySchema),
    refusals=("shop_unknown", "subtree_too_large"),
)
def export_subtree(call: Call, shop_id: str) -> Answer | Stream:
    """A shop and all below it as node-link JSON or GraphML; a partner sees as deep as the policy looks."""
    levels = call.query["levels"]
    if is_partner(call):
        seen = levels_below(call.policy) - distance_of(call, shop_id)
        levels = seen if levels is None else min(levels, seen)
    tree = _seen_of(call, subtrees.read_subtree(call.unit, shop_id, levels))
    if call.query["format"] == "json":
        return Answer(subtrees.as_node_link(tree))
    return Stream(lambda _conn: subtrees.as_graphml(tree), GRAPHML, "subtree.graphml")


def _seen_of(call: Call, tree: Tree) -> Tree:
    """The tree with what the caller sees of each shop: a file is written of it, too."""
    names = SUBTREE_NODE.names[call.actor.role]
    return tree._replace(nodes={shop_id: pick(node, names) for shop_id, node in tree.nodes.items()})
