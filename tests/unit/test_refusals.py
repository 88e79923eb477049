"""Every refusal that the code can make is of a known code, and fills the braces of its message and no others.

Of those that are classes the type checker knows it; here stand those that are named by their codes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import distrib
from distrib.api.http.codes import CODES, ROOMS
from distrib.domain.errors import NamedRefusal

ROOT = Path(distrib.__file__).parent


def refusals() -> Iterator[tuple[str, str, set[str]]]:
    """Where each refusal of a written code is made, the code, and the values that it is given."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal"):
                continue
            code = node.args[0] if node.args else None
            if isinstance(code, ast.Constant) and all(keyword.arg for keyword in node.keywords):
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                yield f"{path.relative_to(ROOT)}:{node.lineno}", str(code.value), given - {"problems"}


def test_every_refusal_is_of_a_known_code_and_fills_its_message() -> None:
    wrong = []
    for place, code, given in refusals():
        entry = CODES.get(code)
        asked = set() if entry is None else set(re.findall(r"{(\w+)", entry.message))
        of_order = None if entry is None or entry.of_order is None else entry.of_order
        if of_order is not None and "line" not in given:
            asked = set(re.findall(r"{(\w+)", of_order.message))
        if entry is None or asked - given:
            wrong.append((place, code, sorted(asked - given)))
    assert wrong == []


def test_the_table_of_codes_is_read_from_every_room_of_refusals() -> None:
    rooms = {ROOT.parent / f"{room.__name__.replace('.', '/')}.py" for room in ROOMS}
    assert rooms == set(ROOT.rglob("refusals.py"))


def test_a_refusal_that_has_a_class_is_made_by_it() -> None:
    classes = {value.code for room in ROOMS for value in vars(room).values() if is_class_of_refusal(value)}
    assert classes <= CODES.keys()
    assert [place for place, code, _ in refusals() if code in classes] == []


def is_class_of_refusal(value: object) -> TypeGuard[type[NamedRefusal]]:
    return isinstance(value, type) and issubclass(value, NamedRefusal) and value is not NamedRefusal
