"""The picture behind a program's posters. What a picture may be is decided elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute, execute_as

_BACKGROUND = "SELECT image, digest, set_at FROM poster_backgrounds WHERE program_id = %(program)s"
_PUT_BACKGROUND = """
INSERT INTO poster_backgrounds (program_id, image, digest, set_at) VALUES (%(program)s, %(image)s, %(digest)s,
    %(set_at)s)
ON CONFLICT (program_id) DO UPDATE SET image = EXCLUDED.image, digest = EXCLUDED.digest, set_at = EXCLUDED.set_at
"""


class Background(NamedTuple):
    """The picture behind a program's posters: JPEG, its SHA-256, since when."""

    image: bytes
    digest: bytes
    set_at: datetime


def find_background(conn: Connection, program_id: int) -> Background | None:
    """Reads the picture behind a program's posters; None where it has none."""
    return execute_as(conn, Background, _BACKGROUND, {"program": program_id}, binary=True).fetchone()


def put_background(conn: Connection, program_id: int, background: Background) -> None:
    """Puts a picture in the place of the one before."""
    execute(conn, _PUT_BACKGROUND, {"program": program_id, **background._asdict()})


def end_background(conn: Connection, program_id: int) -> None:
    """Takes the picture away, where there is one."""
    execute(conn, "DELETE FROM poster_backgrounds WHERE program_id = %(program)s", {"program": program_id})
