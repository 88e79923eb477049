"""Writes a shop's name, attributes and organiser, and blanks what is personal of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store.recorded import Recorded
from distrib.store.sql import execute

_DESCRIBE = """
UPDATE shops SET name = %(name)s, attributes = %(attributes)s WHERE program_id = %(program)s
AND shop_no = %(shop_no)s
"""
_ORGANISED = "UPDATE shops SET organiser_id = %(organiser_id)s WHERE program_id = %(program)s AND shop_no = %(shop_no)s"
_INSERT_ORGANISER = """
INSERT INTO shop_organisers (program_id, shop_no, effective_at, organiser_id, recorded_by) VALUES (%(program)s,
    %(shop_no)s, %(now)s, %(organiser_id)s, %(by)s)
"""
_ERASE = """
UPDATE shops SET name = NULL, attributes = NULL, identity_hash = NULL WHERE program_id = %(program)s
AND shop_no = %(shop_no)s
"""
_INSERT_ERASURE = """
INSERT INTO shop_erasures (program_id, shop_no, erased_at, erased_by) VALUES (%(program)s, %(shop_no)s, %(now)s, %(by)s)
ON CONFLICT DO NOTHING
"""


def describe_shop(conn: Connection, program_id: int, shop_no: int, name: str | None, attributes: str | None) -> None:
    """Writes a shop's name and attributes (JSON)."""
    execute(conn, _DESCRIBE, {"name": name, "attributes": attributes, "program": program_id, "shop_no": shop_no})


def set_organiser(
    conn: Connection, program_id: int, shop_no: int, organiser_id: str | None, recorded: Recorded
) -> None:
    """Writes who runs a shop from now on; None: nobody is named."""
    bound = {"program": program_id, "shop_no": shop_no, "organiser_id": organiser_id}
    execute(conn, _INSERT_ORGANISER, bound | {"now": recorded.instant, "by": recorded.by})
    execute(conn, _ORGANISED, bound)


def erase_shop(conn: Connection, program_id: int, shop_no: int, now: datetime, by: str) -> None:
    """Blanks what is personal on a shop's row, and records the erasure."""
    execute(conn, _ERASE, {"program": program_id, "shop_no": shop_no})
    execute(conn, _INSERT_ERASURE, {"program": program_id, "shop_no": shop_no, "now": now, "by": by})
