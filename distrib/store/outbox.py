"""What is told to others, written in the transaction of what it tells of.

Webhooks are delivered from these rows; a row never changes. Addresses, attempts and secrets must not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text


class Message(NamedTuple):
    """A fact for the outside: its type, when it happened, and its data as JSON."""

    type: str
    occurred_at: datetime
    payload: str


_INSERT = """
INSERT INTO outbox (program_id, type, occurred_at, payload)
SELECT :program, * FROM unnest(CAST(:types AS text[]), CAST(:times AS timestamptz[]), CAST(:payloads AS text[]))
"""


def insert_messages(conn: Connection, program_id: int, messages: Sequence[Message]) -> None:
    """Adds the messages, in their order."""
    if not messages:
        return
    columns = zip(*messages, strict=True)
    names = ("types", "times", "payloads")
    conn.execute(text(_INSERT), {"program": program_id} | dict(zip(names, map(list, columns), strict=True)))
