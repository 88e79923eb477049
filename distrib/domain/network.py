"""The referral tree as a graph, for bounded work: orders what is to be registered and names its loops.

The only module that may import networkx. Nothing that reads or writes shops may enter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import networkx as nx

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Arrangement(NamedTuple):
    """Ids in an order in which sponsors stand before those they brought, and the loops among them.

    ``order`` holds every id, those of loops and below them last. A loop starts with its smallest
    id and goes up from sponsor to sponsor.
    """

    order: list[str]
    loops: list[tuple[str, ...]]


def arrange(sponsor_of: Mapping[str, str | None]) -> Arrangement:
    """Puts sponsors before those they brought; keeps the given order wherever it already is right.

    Args:
        sponsor_of: per id its sponsor's id, or None. Sponsors that are no key are left aside.

    >>> arrange({"c": "b", "b": "a", "a": None})
    Arrangement(order=['a', 'b', 'c'], loops=[])
    >>> arrange({"x": "y", "y": "x", "z": None})
    Arrangement(order=['z', 'x', 'y'], loops=[('x', 'y')])
    """
    ready: list[str] = []
    seen: set[str] = set()
    late: dict[str, str] = {}
    for shop_id, sponsor_id in sponsor_of.items():
        if sponsor_id is None or sponsor_id in seen or sponsor_id not in sponsor_of:
            ready.append(shop_id)
            seen.add(shop_id)
        else:
            late[shop_id] = sponsor_id
    if not late:
        return Arrangement(ready, [])
    return _arrange_late(ready, late)


def _arrange_late(ready: list[str], late: Mapping[str, str]) -> Arrangement:
    """Orders those that came before their sponsors, by levels below what is ready."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(late)
    graph.add_edges_from((sponsor, shop) for shop, sponsor in late.items() if sponsor in late)
    loops = [_turned(loop) for loop in nx.strongly_connected_components(graph) if _is_loop(graph, loop)]
    bad: set[str] = {shop for loop in loops for shop in loop}
    for loop in loops:
        bad |= nx.descendants(graph, loop[0])
    good = graph.subgraph(shop for shop in late if shop not in bad)
    ordered = [shop for generation in nx.topological_generations(good) for shop in generation]
    named = [_upwards(loop, late) for loop in loops]
    return Arrangement(ready + ordered + [shop for shop in late if shop in bad], sorted(named))


def _is_loop(graph: nx.DiGraph[str], component: set[str]) -> bool:
    return len(component) > 1 or graph.has_edge(*tuple(component) * 2)


def _turned(component: set[str]) -> tuple[str, ...]:
    return tuple(sorted(component))


def _upwards(loop: tuple[str, ...], sponsor_of: Mapping[str, str]) -> tuple[str, ...]:
    """The members of a loop in the order in which each names the next as its sponsor."""
    path = [loop[0]]
    while (above := sponsor_of[path[-1]]) != loop[0]:
        path.append(above)
    return tuple(path)


class Tree(NamedTuple):
    """A bounded tree for other tools: what is told of each shop by id, and edges from sponsor to shop."""

    nodes: Mapping[str, Mapping[str, str | int]]
    edges: Sequence[tuple[str, str]]


def node_link_of(tree: Tree) -> dict[str, Any]:
    """The tree as node-link JSON.

    >>> node_link_of(Tree({"a": {"level": 1}, "b": {"level": 2}}, [("a", "b")]))["edges"]
    [{'source': 'a', 'target': 'b'}]
    """
    found: dict[str, Any] = nx.node_link_data(_graph(tree, str), edges="edges")
    return found


def graphml_of(tree: Tree) -> Iterator[str]:
    r"""The tree as lines of GraphML; characters that XML cannot hold are shown as U+FFFD.

    >>> any("a\ufffdb" in line for line in graphml_of(Tree({"x": {"name": "a\x01b"}}, [])))
    True
    """
    return iter(nx.generate_graphml(_graph(tree, _in_xml)))


def _graph(tree: Tree, shown: Callable[[str], str]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for shop_id, told in tree.nodes.items():
        values = {name: shown(value) if isinstance(value, str) else value for name, value in told.items()}
        graph.add_node(shown(shop_id), **values)
    graph.add_edges_from((shown(sponsor), shown(shop)) for sponsor, shop in tree.edges)
    return graph


def _in_xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
