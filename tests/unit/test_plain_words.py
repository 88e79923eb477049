"""The names in the code are the trade's words or Python's, and each class name stands for one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for room in ("distrib", "workers") for path in (ROOT / room).rglob("*.py"))

RETIRED = frozenset(
    [
        "told",
        "untold",
        "heed",
        "heeds",
        "heeded",
        "news",
        "someone",
        "house",
        "houses",
        "spoken",
        "some",
        "one",
        "ones",
        "work",
        "works",
        "worked",
    ]
)
"""No part of a name: ``is_told`` and ``work_out`` have one each; ``worker`` and ``network`` have none."""
ALONE = frozenset({"found", "at", "one"})
"""No whole name: what was found, and at which instant, has a name of its own."""


def parts_of(name: str) -> list[str]:
    """The words of a name, in small letters.

    >>> parts_of("_PaidLine"), parts_of("told_late")
    (['paid', 'line'], ['told', 'late'])
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


def is_retired(name: str) -> bool:
    """Whether a name has a retired word as a part, or is one that says nothing alone."""
    parts = parts_of(name)
    return not RETIRED.isdisjoint(parts) or "_".join(parts) in ALONE


def names_of(node: ast.AST) -> Iterator[str]:
    """The names that a node defines: of functions, classes, parameters, locals, attributes, aliases."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.alias(asname=str(name)):
            yield name


def retired_names(text: str) -> list[str]:
    """The retired names that a module defines, each with its line."""
    nodes = (node for node in ast.walk(ast.parse(text)) if not isinstance(node, ast.Module))
    return [f"{getattr(node, 'lineno', 0)}: {name}" for node in nodes for name in names_of(node) if is_retired(name)]


def classes_of(text: str) -> Iterator[str]:
    """The classes that a module defines at its top; marshmallow's ``Meta`` stands inside of others."""
    return (node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("class ToldEvent: ...", ["1: ToldEvent"]),
        ("def work_out(at: int, *, is_told: bool) -> None: ...", ["1: work_out", "1: at", "1: is_told"]),
        ("found = [row for row in rows]", ["1: found"]),
        ("rows = [one for one in some]", ["1: one"]),
        ("self.house = house", ["1: house"]),
        ("import house as house_of_cards", ["1: house_of_cards"]),
        ("with open(path) as spoken: ...", ["1: spoken"]),
        ("row = connection.execute(text).scalar_one()", []),
        ("def found_rows(paid_at: int, worker: str, network: str, at_least: int) -> None: ...", []),
    ],
)
def test_retired_names_are_seen_where_they_are_defined(text: str, names: list[str]) -> None:
    assert retired_names(text) == names


def test_no_name_in_the_code_has_a_retired_word() -> None:
    names = {
        path: retired
        for path in (file.relative_to(ROOT).as_posix() for file in FILES)
        if (retired := retired_names((ROOT / path).read_text("utf-8")))
    }
    assert names == {}


def test_no_two_modules_share_a_class_name() -> None:
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for name in classes_of(file.read_text("utf-8")):
            modules[name].append(file.relative_to(ROOT).as_posix())
    shared = {name: paths for name, paths in modules.items() if len(paths) > 1}
    assert shared == {}
