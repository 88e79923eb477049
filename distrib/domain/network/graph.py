"""The referral tree as a graph, for a bounded number of shops: arranges registrations, names their loops."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import networkx as nx

NOBODY = -1
_UNSEEN, _ON_PATH, _PLACED, _STUCK = range(4)


class Arrangement(NamedTuple):
    """Ids in an order in which sponsors stand before those they brought, and the loops among them.

    ``order`` holds every id, those of loops and below them last. A loop starts with its smallest
    id and goes up from sponsor to sponsor.
    """

    order: list[str]
    loops: list[tuple[str, ...]]


def arrange(sponsor_of: Mapping[str, str | None]) -> Arrangement:
    """Arranges ids so that sponsors stand before their recruits, in the given order wherever that is right.

    Args:
        sponsor_of: per id its sponsor's id, or None. Sponsors that are no key are left aside.

    >>> arrange({"c": "b", "b": "a", "a": None})
    Arrangement(order=['a', 'b', 'c'], loops=[])
    >>> arrange({"x": "y", "y": "x", "z": None})
    Arrangement(order=['z', 'y', 'x'], loops=[('x', 'y')])
    """
    names = list(sponsor_of)
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    order, stuck = arrange_places([places.get(sponsor, NOBODY) for sponsor in sponsor_of.values()])
    arranged = [names[place] for place in (*order, *stuck)]
    stuck_below = {name: sponsor for name in map(names.__getitem__, stuck) if (sponsor := sponsor_of[name])}
    return Arrangement(arranged, name_loops(stuck_below))


def arrange_places(sponsor_of: Sequence[int]) -> tuple[array[int], array[int]]:
    """Arranges the places 0, 1, … with sponsors before their recruits; answers apart those in loops or below them.

    Works on numbers alone, so that a million shops take some megabytes.

    Args:
        sponsor_of: per place that of its sponsor, or ``NOBODY``.
    """
    order, stuck = array("q"), array("q")
    state = bytearray(len(sponsor_of))
    for start in range(len(sponsor_of)):
        path, place = [], start
        while place != NOBODY and state[place] == _UNSEEN:
            state[place] = _ON_PATH
            path.append(place)
            place = sponsor_of[place]
        is_fine = place == NOBODY or state[place] == _PLACED
        for place in reversed(path):
            state[place] = _PLACED if is_fine else _STUCK
        (order if is_fine else stuck).extend(reversed(path))
    return order, stuck


def name_loops(sponsor_of: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Lists the loops among shops that stand in one or below one, each from its smallest id upwards."""
    import networkx as nx  # noqa: PLC0415 - a fifth of a second, and most processes never come here

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((sponsor, shop) for shop, sponsor in sponsor_of.items())
    loops = [sorted(loop) for loop in nx.strongly_connected_components(graph) if _is_loop(graph, loop)]
    return sorted(_upwards(loop[0], sponsor_of) for loop in loops)


def _is_loop(graph: nx.DiGraph[str], component: set[str]) -> bool:
    return len(component) > 1 or graph.has_edge(*tuple(component) * 2)


def _upwards(first: str, sponsor_of: Mapping[str, str]) -> tuple[str, ...]:
    """Lists the members of a loop in the order in which each names the next as its sponsor."""
    path = [first]
    while (above := sponsor_of[path[-1]]) != first:
        path.append(above)
    return tuple(path)


class Tree(NamedTuple):
    """A bounded tree for export: the attributes of each shop by id, and edges from sponsor to shop."""

    nodes: Mapping[str, Mapping[str, str | int]]
    edges: Sequence[tuple[str, str]]


def node_link_of(tree: Tree) -> dict[str, Any]:
    """Encodes the tree as node-link JSON.

    >>> node_link_of(Tree({"a": {"level": 1}, "b": {"level": 2}}, [("a", "b")]))["edges"]
    [{'source': 'a', 'target': 'b'}]
    """
    import networkx as nx  # noqa: PLC0415 - as above

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(tree.nodes.items())
    graph.add_edges_from(tree.edges)
    document: dict[str, Any] = nx.node_link_data(graph)
    return document
