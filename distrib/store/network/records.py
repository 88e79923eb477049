"""Writes a shop's name, attributes and organiser, and blanks what is personal of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from distrib.store.sql import execute

_DESCRIBE = "UPDATE shops SET name = %s, attributes = %s WHERE program_id = %s AND shop_no = %s"
_ORGANISED = "UPDATE shops SET organiser_id = %s WHERE program_id = %s AND shop_no = %s"
_INSERT_ORGANISER = """
INSERT INTO shop_organisers (program_id, shop_no, effective_at, organiser_id, recorded_by) VALUES (%s, %s, %s, %s, %s)
"""
_ERASE = "UPDATE shops SET name = NULL, attributes = NULL, identity_hash = NULL WHERE program_id = %s AND shop_no = %s"
_INSERT_ERASURE = """
INSERT INTO shop_erasures (program_id, shop_no, erased_at, erased_by) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


def describe_shop(conn: Connection, program_id: int, shop_no: int, name: str | None, attributes: str | None) -> None:
    """Writes a shop's name and attributes (JSON)."""
    execute(conn, _DESCRIBE, (name, attributes, program_id, shop_no))


def set_organiser(
    conn: Connection, program_id: int, shop_no: int, organiser_id: str | None, now: datetime, by: str
) -> None:
    """Writes who runs a shop from now on; None: nobody is named."""
    execute(conn, _INSERT_ORGANISER, (program_id, shop_no, now, organiser_id, by))
    execute(conn, _ORGANISED, (organiser_id, program_id, shop_no))


def erase_shop(conn: Connection, program_id: int, shop_no: int, now: datetime, by: str) -> None:
    """Blanks what is personal on a shop's row, and records the erasure."""
    execute(conn, _ERASE, (program_id, shop_no))
    execute(conn, _INSERT_ERASURE, (program_id, shop_no, now, by))
