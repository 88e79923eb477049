"""Finds shops by their invite code alone, whichever program they belong to; keeps the picture behind posters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.database import driver, rows_as

MOST_PROGRAMS = 8
"""Codes are drawn at random: nearly always one program has a code; this only bounds the answer."""
_NAME = "SELECT set_config('distrib.invite_code', %s, true)"
_FIND = "SELECT program_id, shop_id FROM shops WHERE invite_code = %s ORDER BY program_id LIMIT %s"
_IS_ERASED = """
SELECT EXISTS (SELECT 1 FROM shop_erasures e JOIN shops s USING (program_id, shop_no)
               WHERE s.program_id = %s AND s.shop_id = %s)
"""

_BACKGROUND = "SELECT image, digest, set_at FROM poster_backgrounds WHERE program_id = %s"
_PUT_BACKGROUND = """
INSERT INTO poster_backgrounds (program_id, image, digest, set_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (program_id) DO UPDATE SET image = EXCLUDED.image, digest = EXCLUDED.digest, set_at = EXCLUDED.set_at
"""


def shops_of_code(conn: Connection, code: str) -> Sequence[tuple[int, str]]:
    """Finds program and id of each shop with that code: row-level security shows these to a session that names it."""
    connection = driver(conn)
    connection.execute(_NAME, (code,))
    shops: Sequence[tuple[int, str]] = connection.execute(_FIND, (code, MOST_PROGRAMS)).fetchall()
    return shops


def is_erased(conn: Connection, program_id: int, shop_id: str) -> bool:
    """Whether what was personal of a shop has been blanked."""
    [(is_erased,)] = driver(conn).execute(_IS_ERASED, (program_id, shop_id))
    return bool(is_erased)


class Background(NamedTuple):
    """The picture behind a program's posters: JPEG, its SHA-256, since when."""

    image: bytes
    digest: bytes
    set_at: datetime


def find_background(conn: Connection, program_id: int) -> Background | None:
    """Reads the picture behind a program's posters; None where it has none."""
    cursor = driver(conn).cursor(row_factory=rows_as(Background), binary=True)
    return cursor.execute(_BACKGROUND, (program_id,)).fetchone()


def put_background(conn: Connection, program_id: int, background: Background) -> None:
    """Puts a picture in the place of the one before."""
    driver(conn).execute(_PUT_BACKGROUND, (program_id, *background))


def end_background(conn: Connection, program_id: int) -> None:
    """Takes the picture away, where there is one."""
    driver(conn).execute("DELETE FROM poster_backgrounds WHERE program_id = %s", (program_id,))
