"""What PostgreSQL did for each statement of the store: its plan with figures, as ``auto_explain`` tells the client."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic
from sqlalchemy import Connection, Engine, event, text

STORE = "/distrib/store/"
CARRIERS = ("copying", "gathered", "pulling", "sql")
"""Modules of the store that run what others hand them."""
LARGE = 10_000
"""Rows from which on a table is one of size."""
WHOLE = 10
"""A statement that reads one row in so many of such a table grows with it."""
WRONG_BY = 100
_SETTINGS = {
    "log_min_duration": "0",
    "log_analyze": "on",
    "log_timing": "off",
    "log_format": "json",
    "log_level": "notice",
    "log_nested_statements": "on",
    "log_parameter_max_length": "0",
}
_ORIGIN = re.compile(r"/\* (\S+) \*/")
_EARLY_ENDS = frozenset({"Limit"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """One statement that ran: by which function of the store, its text, and its plan with what it read."""

    origin: str
    query: str
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a plan: ``reads`` a table whole, or ``estimates`` wrong by a hundred."""

    origin: str
    kind: str
    subject: str
    figures: str


class _NamingCursor(psycopg.Cursor[Any]):
    """Puts before each statement the function of the store that runs it, as a comment: a plan comes when it is over."""

    def execute(self, query: Any, *rest: Any, **options: Any) -> Self:
        return super().execute(_named(query), *rest, **options)

    def executemany(self, query: Any, *rest: Any, **options: Any) -> None:
        super().executemany(_named(query), *rest, **options)

    def copy(self, statement: Any, *rest: Any, **options: Any) -> Any:
        return super().copy(_named(statement), *rest, **options)


class _NamingServerCursor(psycopg.ServerCursor[Any]):
    """The same for cursors of the server."""

    def execute(self, query: Any, *rest: Any, **options: Any) -> Self:
        return super().execute(_named(query), *rest, **options)


@dataclass(slots=True)
class Recorder:
    """Keeps the plans of all statements on the engines that it listens to."""

    messages: list[str] = field(default_factory=list)

    def listen(self, engine: Engine) -> None:
        """Has every connection of the engine tell its plans; before any is open."""
        event.listen(engine, "connect", self._connected, insert=True)  # before the connection takes its role

    def explanations(self) -> Iterator[Explanation]:
        """The plans so far."""
        for message in self.messages:
            document = json.loads(message[message.index("{") :])
            comment = _ORIGIN.search(document["Query Text"])
            origin = comment[1] if comment else f"trigger: {document['Query Text'].strip()[:60]}"
            yield Explanation(origin, document["Query Text"], document["Plan"])

    def _connected(self, connection: psycopg.Connection[Any], _record: object) -> None:
        autocommit = connection.autocommit
        connection.autocommit = True
        connection.execute("LOAD 'auto_explain'")
        for name, value in _SETTINGS.items():
            connection.execute(f"SET auto_explain.{name} = '{value}'")
        connection.autocommit = autocommit
        connection.cursor_factory = _NamingCursor
        connection.server_cursor_factory = _NamingServerCursor
        connection.add_notice_handler(self._noticed)

    def _noticed(self, diagnostic: Diagnostic) -> None:
        message = diagnostic.message_primary or ""
        if message.startswith("duration:"):
            self.messages.append(message)


def _named(query: Any) -> Any:
    origin = origin_of_call()
    if origin is None:
        return query
    if isinstance(query, str):
        return f"/* {origin} */ {query}"
    if isinstance(query, bytes):
        return f"/* {origin} */ ".encode() + query
    return sql.SQL("/* {} */ ").format(sql.SQL(origin)) + query


def origin_of_call() -> str | None:
    """The function of the store that is running, innermost, as ``orders/views.order_page``; None where none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename.replace("\\", "/")
        module = path.partition(STORE)[2].removesuffix(".py")
        if module and module not in CARRIERS:
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return None


def sizes_of(conn: Connection) -> dict[str, int]:
    """How many rows each table has, by its statistics."""
    statement = text("SELECT relname, reltuples::bigint FROM pg_class WHERE relkind IN ('r', 'm')")
    return {row.relname: row.reltuples for row in conn.execute(statement)}


def findings_of(explanation: Explanation, sizes: Mapping[str, int]) -> list[Finding]:
    """What is wrong with one plan, given the rows of each table."""
    found: list[Finding] = []
    _look(explanation.origin, explanation.plan, sizes, False, found)
    return found


def _look(
    origin: str, node: Mapping[str, Any], sizes: Mapping[str, int], may_end_early: bool, into: list[Finding]
) -> None:
    loops = node.get("Actual Loops", 0)
    if loops:
        table = node.get("Relation Name")
        size = sizes.get(table or "", 0)
        rows_read = round(loops * sum(node.get(name, 0) for name in _READ))
        if size >= LARGE and rows_read * WHOLE >= size and "Scan" in node["Node Type"]:
            way = node.get("Index Name", "whole")
            into.append(Finding(origin, "reads", f"{table}", f"{node['Node Type']} {way}: {rows_read} of {size}"))
        _look_at_estimate(origin, node, may_end_early, into)
    early = may_end_early or node["Node Type"] in _EARLY_ENDS or node.get("Join Type") in ("Semi", "Anti")
    early = early or node["Node Type"] == "Merge Join"
    for child in node.get("Plans", ()):
        _look(origin, child, sizes, early or child.get("Parent Relationship") in ("SubPlan", "InitPlan"), into)


_READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")


def _look_at_estimate(origin: str, node: Mapping[str, Any], may_end_early: bool, into: list[Finding]) -> None:
    if node["Node Type"] in ("BitmapAnd", "BitmapOr"):  # always report 0 rows (PostgreSQL 18 manual, Using EXPLAIN)
        return
    planned, actual, loops = node["Plan Rows"], node["Actual Rows"], node["Actual Loops"]
    under = actual >= WRONG_BY * max(planned, 1) and actual * loops >= 1_000
    over = planned >= WRONG_BY * max(actual, 1) and planned >= LARGE and not may_end_early
    if under or over:
        subject = node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name") or node["Node Type"]
        figures = f"{node['Node Type']}: {planned} planned, {actual:.0f} came, {loops} times"
        into.append(Finding(origin, "estimates", subject, figures))
