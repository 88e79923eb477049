"""Arranging registrations: sponsors before those they brought, loops by name."""

from distrib.domain.network.graph import Tree, arrange, node_link_of
from distrib.domain.network.graphml import graphml_of


def test_what_is_in_order_stays_in_order() -> None:
    sponsor_of = {"a": None, "b": "a", "x": "elsewhere", "c": "b"}
    assert arrange(sponsor_of) == (["a", "b", "x", "c"], [])


def test_sponsors_come_before_those_they_brought() -> None:
    order, loops = arrange({"d": "c", "c": "b", "b": "a", "a": None, "e": "d"})
    assert (order, loops) == (["a", "b", "c", "d", "e"], [])


def test_each_loop_is_named_from_its_smallest_id_upwards_and_comes_last() -> None:
    order, loops = arrange({"z": "x", "x": "y", "y": "z", "below": "y", "me": "me", "fine": "root", "root": None})
    assert loops == [("me",), ("x", "y", "z")]
    assert order[:2] == ["root", "fine"]
    assert set(order[2:]) == {"x", "y", "z", "below", "me"}


def test_a_chain_of_fifty_thousand_is_no_trouble() -> None:
    count = 50_000
    order, loops = arrange({f"s{n}": f"s{n - 1}" if n else None for n in reversed(range(count))})
    assert (order[0], order[-1], loops) == ("s0", f"s{count - 1}", [])


TREE = Tree({"a&b": {"name": 'x "y"', "level": 1}, "c": {"level": 2, "name": "\x00\U0001f600"}}, [("a&b", "c")])


def test_a_tree_is_written_as_graphml_line_by_line() -> None:
    assert list(graphml_of(TREE)) == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        '<key id="name" for="node" attr.name="name" attr.type="string"/>',
        '<key id="level" for="node" attr.name="level" attr.type="long"/>',
        '<graph edgedefault="directed">',
        '<node id="a&amp;b"><data key="name">x "y"</data><data key="level">1</data></node>',
        '<node id="c"><data key="level">2</data><data key="name">\ufffd\U0001f600</data></node>',
        '<edge source="a&amp;b" target="c"/>',
        "</graph></graphml>",
    ]


def test_a_tree_is_encoded_as_node_link() -> None:
    assert node_link_of(TREE) == {
        "directed": True,
        "multigraph": False,
        "graph": {},
        "nodes": [{"id": "a&b", **TREE.nodes["a&b"]}, {"id": "c", **TREE.nodes["c"]}],
        "edges": [{"source": "a&b", "target": "c"}],
    }
