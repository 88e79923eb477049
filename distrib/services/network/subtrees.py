"""Exports a shop and all below it as a graph for other tools, without money: node-link JSON and GraphML."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import islice

from distrib.domain.network.graph import Tree, node_link_of
from distrib.domain.network.graphml import graphml_of
from distrib.domain.network.refusals import SubtreeTooLarge
from distrib.services.context import ListPart, Unit
from distrib.services.network.views import RelatedShop, ShopView, downline, get_shop
from distrib.store.network import tree as network
from distrib.store.network.tree import Downline

MOST_SHOPS = 100_000
"""A tree is held whole while it is written; larger ones are read level by level."""
_LINES_A_CHUNK = 1_000


def read_subtree(unit: Unit, shop_id: str, levels: int | None) -> Tree:
    """Reads the tree from a shop down as it stands now.

    Args:
        shop_id: the top.
        levels: how many levels below it; None goes all the way, 0 is the shop alone.

    Raises:
        Refusal: ``shop_unknown`` or ``subtree_too_large``.
    """
    top = get_shop(unit, shop_id)
    rows: list[RelatedShop] = []
    if levels != 0:
        deep = network.DEEPEST if levels is None else levels
        if network.is_larger(unit.conn, unit.program_id, Downline(top.shop_no, unit.now, deep), MOST_SHOPS):
            raise SubtreeTooLarge(most=MOST_SHOPS)
        rows, _ = downline(unit, shop_id, levels, ListPart(None, MOST_SHOPS))
    nodes = {row.id: _node(row, row.distance) for row in rows}
    edges = [(row.sponsor_id, row.id) for row in rows if row.sponsor_id is not None]
    return Tree({top.id: _node(top, 0)} | nodes, edges)


def as_node_link(tree: Tree) -> dict[str, object]:
    """Encodes the tree as node-link JSON (networkx's form)."""
    return node_link_of(tree)


def as_graphml(tree: Tree) -> Iterator[bytes]:
    """Encodes the tree as GraphML, in chunks of bytes."""
    lines = graphml_of(tree)
    while chunk := "\n".join(islice(lines, _LINES_A_CHUNK)):
        yield f"{chunk}\n".encode()


def _node(shop: RelatedShop | ShopView, distance: int) -> dict[str, str | int]:
    """Lists the attributes of a shop's node; those it lacks are left out, for GraphML knows no null."""
    joined_at = shop.joined_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    attributes: dict[str, str | int | None] = {
        "name": shop.name,
        "level": shop.level,
        "distance": distance,
        "rank": shop.rank,
        "joined_at": joined_at,
        "status": shop.status,
    }
    return {name: value for name, value in attributes.items() if value is not None}
