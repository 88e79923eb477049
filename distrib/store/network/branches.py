"""What every shop and all below it sold, as it was worked out last. How it is added up may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.copying import copy_into
from distrib.store.locks import BRANCHES
from distrib.store.runs_over_shops import RunsOverShops
from distrib.store.sql import execute, execute_as

BRANCH_RUNS = RunsOverShops("branch_runs", BRANCHES)
_LAST = "SELECT as_of, period, shops FROM branch_runs WHERE program_id = %(program)s"
_FORGET = "DELETE FROM branches WHERE program_id = %(program)s"
_DONE = """
INSERT INTO branch_runs (program_id, as_of, period, shops) VALUES (%(program)s, %(as_of)s, %(period)s, %(shops)s)
ON CONFLICT (program_id) DO UPDATE SET as_of = excluded.as_of, period = excluded.period, shops = excluded.shops
"""
# Each by its own key: the table may have been filled a moment ago, and no statistics know it.
_OF_SHOPS = """
SELECT b.shop_no, b.shops, b.sales_minor
FROM unnest(%(numbers)s::bigint[]) n (shop_no)
CROSS JOIN LATERAL (SELECT * FROM branches WHERE program_id = %(program)s AND shop_no = n.shop_no OFFSET 0) b
"""


class BranchRun(NamedTuple):
    """When the branches were added up, of which month, over how many shops."""

    as_of: datetime
    period: int
    shops: int


class BranchRow(NamedTuple):
    """A shop with how many stand from it down, itself included, and what they sold, in minor units."""

    shop_no: int
    shops: int
    sales_minor: int


def last_run(conn: Connection, program_id: int) -> BranchRun | None:
    """Reads when a program was added up; None: never."""
    return execute_as(conn, BranchRun, _LAST, {"program": program_id}).fetchone()


def replace_branches(conn: Connection, program_id: int, run: BranchRun, rows: Sequence[BranchRow]) -> None:
    """Writes the branches of a program in place of those before, by COPY."""
    execute(conn, _FORGET, {"program": program_id})
    with copy_into(conn, "branches", ("program_id", *BranchRow._fields)) as copy:
        for row in rows:
            copy.write_row((program_id, *row))
    execute(conn, _DONE, {"program": program_id, **run._asdict()})


def branches_of(conn: Connection, program_id: int, numbers: Sequence[int]) -> dict[int, BranchRow]:
    """Reads the branches of those shops, by number; who stands alone and sold nothing is left out."""
    rows = execute_as(conn, BranchRow, _OF_SHOPS, {"program": program_id, "numbers": list(numbers)}).fetchall()
    return {row.shop_no: row for row in rows}
