"""A bounded tree as GraphML, line by line, so that memory does not grow with the file.

networkx builds such a document whole, at some eight kilobytes a shop; what it reads back is the same.
Source of the form: http://graphml.graphdrawing.org/specification.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr  # nosec B406  # writes, reads nothing

from distrib.domain.network.graph import Tree

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TYPES = {str: "string", int: "long"}


def graphml_of(tree: Tree) -> Iterator[str]:
    r"""Encodes the tree as lines of GraphML; characters that XML cannot hold are shown as U+FFFD.

    >>> lines = list(graphml_of(Tree({"x": {"name": "a\x01<b>"}}, [])))
    >>> lines[4]
    '<node id="x"><data key="name">a\ufffd&lt;b&gt;</data></node>'
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    for name, kind in _keys(tree).items():
        yield f'<key id="{name}" for="node" attr.name="{name}" attr.type="{kind}"/>'
    yield '<graph edgedefault="directed">'
    for shop_id, attributes in tree.nodes.items():
        values = "".join(f'<data key="{name}">{escape(_in_xml(value))}</data>' for name, value in attributes.items())
        yield f"<node id={quoteattr(_in_xml(shop_id))}>{values}</node>"
    for sponsor, shop in tree.edges:
        yield f"<edge source={quoteattr(_in_xml(sponsor))} target={quoteattr(_in_xml(shop))}/>"
    yield "</graph></graphml>"


def _keys(tree: Tree) -> dict[str, str]:
    """Lists every attribute of any shop with its GraphML type."""
    return {name: _TYPES[type(value)] for attributes in tree.nodes.values() for name, value in attributes.items()}


def _in_xml(value: str | int) -> str:
    return _NOT_XML.sub("\ufffd", value) if isinstance(value, str) else str(value)
