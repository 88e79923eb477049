"""The SQL that the store's modules hold, piece by piece, and which pieces were part of a statement that ran."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "distrib" / "store"
OWNERS = ("logins.py", "privileges.py", "staging.py")
"""What the owner of the tables does, and what stands in for COPY where workers do not bypass row-level security."""
LEAST_LETTERS = 12
"""A shorter piece stands in too many statements to say anything."""
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|WHERE|AND|ORDER BY|CASE WHEN|EXISTS)\b")
# The audit puts a part of the numbers in the place of ``IN %(page)s``.
_HOLES = re.compile(r"(?:\w+\.)?\w+ IN %\(page\)s|%\(\w*\{\w*\}\)[sb]|%\(\w+\)[sb]|\{+[^{}]*\}+|\$\d+(?:::[A-Z]+)?")


def pieces_of_store() -> dict[str, list[str]]:
    """The pieces of SQL by where they stand, as ``orders/views.py:12``; not what the owner of the tables does."""
    return {
        f"{path.relative_to(ROOT).as_posix()}:{line}": pieces
        for path in sorted(ROOT.rglob("*.py"))
        if "migrations" not in path.parts and path.name not in OWNERS
        for line, pieces in _literals(ast.parse(path.read_text("utf-8")))
    }


def pieces(sql: str) -> list[str]:
    """A statement without its parameters and what is put into it, white space as one blank.

    >>> pieces("SELECT max(seq) FROM t WHERE program_id = %(p)s AND {more} ORDER BY seq")
    ['SELECT max(seq) FROM t WHERE program_id =', 'ORDER BY seq']
    """
    parts = (" ".join(part.replace("%%", "%").split()) for part in _HOLES.split(sql))
    return [part for part in parts if sum(map(str.isalpha, part)) >= LEAST_LETTERS - 2]


def unseen(queries: Iterable[str]) -> dict[str, list[str]]:
    """The pieces of the store's SQL that are part of none of the statements."""
    ran = [" ".join(_HOLES.sub("\x00", query).replace("%%", "%").split()) for query in set(queries)]
    missing = {
        place: [piece for piece in parts if not any(piece in query for query in ran)]
        for place, parts in pieces_of_store().items()
    }
    return {place: parts for place, parts in missing.items() if parts}


def _literals(module: ast.Module) -> Iterator[tuple[int, list[str]]]:
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(module) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | docstrings:
            text = node.value
        else:
            continue
        # Rows that are copied in come without a plan.
        if _SQL.search(text) and "FROM STDIN" not in text and (parts := pieces(text)):
            yield node.lineno, parts
