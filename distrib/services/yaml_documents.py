"""Reads YAML (and so JSON) documents strictly: what YAML would decide silently is a problem.

Reads texts and files only: which files, and what documents mean, is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path

import yaml

from distrib.domain.document import below
from distrib.domain.errors import Problem, Refusal
from distrib.domain.refusals import TooLarge
from distrib.domain.texts import Text

MAX_CHARACTERS = 1_000_000
MAX_BYTES = 1_000_000
MAX_DEPTH = 50


_PLACE = re.compile(r"line ([0-9]+), column [0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})", re.ASCII)


class _Loader(yaml.SafeLoader):
    """The safe loader, refusing keys that stand twice, aliases, and depth without end.

    YAML 1.1 would make 90 of ``1:30``, 8 of ``010`` and an instant of a day. These stay the text that was written
    (as in YAML 1.2), so that whoever needs a number there says so, and a sku may be called ``007``.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_written(self, node: yaml.ScalarNode) -> str:
        """Constructs the text that stands there."""
        return str(self.construct_scalar(node))

    def construct_whole(self, node: yaml.ScalarNode) -> int | str:
        """Constructs a number written in plain decimal; else the text."""
        text = self.construct_written(node)
        return int(text) if _DECIMAL.fullmatch(text) else text

    def construct_broken(self, node: yaml.ScalarNode) -> float | str:
        """Constructs a number with a point; one to the base of 60 or with _ in it is text."""
        text = self.construct_written(node)
        return text if {":", "_"} & set(text) else float(super().construct_yaml_float(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = (key_node.tag, key_node.value) if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen:
                text = f"the key {key_node.value} stands twice"
                raise yaml.constructor.ConstructorError(None, None, text, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_written)
_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_written)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_broken)


def text_of(path: Path) -> str:
    """Reads the text of a document's file; a mark of UTF-8 in front is not part of it.

    Raises:
        Refusal: ``invalid``: it cannot be read, is not UTF-8, or larger than any document.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refusal("invalid", [Problem("", Text("is larger than {most:,} bytes", most=MAX_BYTES))])
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        words = Text("is not UTF-8: {reason} at byte {start}", reason=error.reason, start=error.start)
        raise Refusal("invalid", [Problem("", words)]) from error
    except OSError as error:
        raise Refusal("invalid", [Problem("", Text("cannot be read: {strerror}", strerror=error.strerror))]) from error


def in_file(name: str, refusal: Refusal) -> list[Problem]:
    """The problems of a document, its file's name in front of each pointer.

    >>> [problem.pointer for problem in in_file("a.yaml", Refusal("invalid", [Problem("", "x"), Problem("code", "x")]))]
    ['a.yaml', 'a.yaml: code']
    """
    return [
        Problem(f"{name}: {problem.pointer}" if problem.pointer else name, problem.detail)
        for problem in refusal.problems
    ]


def read_yaml(text: str) -> object:
    """Reads the one document in ``text``.

    Raises:
        Refusal: ``invalid`` with the line and column of what is wrong.
    """
    return read_with_lines(text)[0]


def read_with_lines(text: str) -> tuple[object, dict[str, int]]:
    r"""Reads the one document in ``text``, and the line of each path in it; paths as problems have them.

    Raises:
        Refusal: as ``read_yaml``.

    >>> read_with_lines("code: a\nrules:\n  - id: x\n")[1]
    {'': 1, 'code': 1, 'rules': 2, 'rules[0]': 3, 'rules[0].id': 3}
    """
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(limit=f"{MAX_CHARACTERS:,}")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, {}
            lines = {"": node.start_mark.line + 1, **dict(_lines("", node))}
            return loader.construct_document(node), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        words = Text("{problem}", "yaml", problem=error.problem or error.context)
        raise Refusal("invalid", [Problem(_place(error), words)]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise Refusal("invalid", [Problem("", Text("{problem}", "yaml", problem=str(error)[:200]))]) from error


def line_at(lines: Mapping[str, int], path: str) -> int | None:
    """Finds the line of a path, or of what it would stand in; of a place in an unreadable text, its own.

    >>> line_at({"": 1, "rules[0]": 3}, "rules[0].rate"), line_at({}, "code"), line_at({}, "line 7, column 2")
    (3, None, 7)
    """
    if place := _PLACE.fullmatch(path):
        return int(place[1])
    while path not in lines and path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path)


def _lines(path: str, node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = below(path, key.value if isinstance(key, yaml.ScalarNode) else key)
            yield inner, key.start_mark.line + 1
            yield from _lines(inner, value)
    elif isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            inner = f"{path}[{index}]"
            yield inner, entry.start_mark.line + 1
            yield from _lines(inner, entry)


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
