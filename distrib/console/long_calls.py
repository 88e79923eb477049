"""Calls that may take long: made at once in a program where they do not, else by a worker, as a task to be left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distrib.console.frame import Done, Visit
from distrib.domain.texts import Text
from distrib.services.statements.totals import is_large


def takes_long(visit: Visit) -> bool:
    """Whether the program is so large that what goes over all of it takes longer than somebody waits for a page."""
    return is_large(visit.desk.conn, visit.desk.program)


def make_or_start(visit: Visit, name: str, done: Done, path: Mapping[str, str], body: Any = None) -> Done:
    """Makes a call and goes on to ``done``; in a large program a worker makes it, and the reader goes to its task."""
    if takes_long(visit):
        return start(visit, name, path, body=body)
    visit.desk.call(name, path, {}, body)
    return done


def start(
    visit: Visit, name: str, path: Mapping[str, str], query: Mapping[str, str] | None = None, body: Any = None
) -> Done:
    """Has a worker make a call, and goes to its task."""
    wish = {"operation": name, "path": dict(path), "query": query or {}, "body": body}
    task = visit.call("start_task", body=wish | {"language": visit.reader.language})
    words = Text("A worker does it. You may go on meanwhile: the foot of each page says how far it is.")
    return Done(visit.url("task", task_id=task["id"]), words)
