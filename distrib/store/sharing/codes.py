"""Finds shops by their invite code alone, whichever program they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from distrib.store.sql import execute

MOST_PROGRAMS = 8
"""Codes are drawn at random: nearly always one program has a code; this only bounds the answer."""
_NAME = "SELECT set_config('distrib.invite_code', %(code)s, true)"
_FIND = "SELECT program_id, shop_id FROM shops WHERE invite_code = %(code)s ORDER BY program_id LIMIT %(limit)s"
_IS_ERASED = """
SELECT EXISTS (SELECT 1 FROM shop_erasures e JOIN shops s USING (program_id, shop_no)
               WHERE s.program_id = %(program)s AND s.shop_id = %(shop_id)s)
"""


def shops_of_code(conn: Connection, code: str) -> Sequence[tuple[int, str]]:
    """Finds program and id of each shop with that code: row-level security shows these to a session that names it."""
    execute(conn, _NAME, {"code": code})
    return execute(conn, _FIND, {"code": code, "limit": MOST_PROGRAMS}).fetchall()


def is_erased(conn: Connection, program_id: int, shop_id: str) -> bool:
    """Whether what was personal of a shop has been blanked."""
    [(is_erased,)] = execute(conn, _IS_ERASED, {"program": program_id, "shop_id": shop_id})
    return bool(is_erased)
