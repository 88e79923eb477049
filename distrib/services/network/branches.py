"""What every shop and all below it sold in the month that runs: added up by the workers, read with the shops of a page.

A branch may be half of a million shops, so that nothing is added up while somebody waits. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Connection

from distrib.columns.structure import plant, sums_below
from distrib.services.context import Program, Unit, format_period, period_bounds
from distrib.store.network import branches as store
from distrib.store.network.branches import BranchRow, BranchRun
from distrib.store.ranks import columns
from distrib.store.runs_over_shops import RunPace

MANY_SHOPS: Final = 20_000
OFTEN: Final = timedelta(minutes=15)
"""How old the sums may be of a program of up to ``MANY_SHOPS`` shops."""
SLOWLY: Final = timedelta(hours=3)
"""And of a larger one, whose shops and sales are all read for it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A shop and all below it: how many, and what they sold in the month, in minor units, as of an instant."""

    shops: int
    sales_minor: int
    period: str
    as_of: datetime


def programs_due(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the programs that are to be added up again, the longest due first."""
    return store.BRANCH_RUNS.programs_due(conn, now, RunPace(OFTEN, SLOWLY, MANY_SHOPS), limit)


def keep_branches(unit: Unit) -> bool:
    """Adds up the branches of a program's shops as they stand now; False where somebody else does."""
    if not store.BRANCH_RUNS.try_lock(unit.conn, unit.program_id):
        return False
    columns.allow_long_reads(unit.conn)
    numbers, sponsors, _ = columns.tree_at(unit.conn, unit.program_id, unit.now)
    period = unit.period
    start, _ = period_bounds(period, unit.program.zone)
    read = columns.sales(unit.conn, unit.program_id, [start], unit.now)
    forest = plant(numbers, sponsors)
    persons = sums_below(forest, np.ones(forest.numbers.size, np.int64))
    sales_minor = sums_below(forest, forest.by_shop(read.sellers, read.sales[0]))
    places = np.flatnonzero((persons > 1) | (sales_minor != 0))
    rows = [
        BranchRow(*row)
        for row in zip(
            forest.numbers[places].tolist(), persons[places].tolist(), sales_minor[places].tolist(), strict=True
        )
    ]
    store.replace_branches(unit.conn, unit.program_id, BranchRun(unit.now, period, forest.numbers.size), rows)
    return True


def branches_of(conn: Connection, program: Program, numbers: Sequence[int]) -> dict[int, Branch]:
    """Reads the branches of those shops, by number, as they were added up last; none before that was done."""
    run = store.last_run(conn, program.program_id) if numbers else None
    if run is None:
        return {}
    rows = store.branches_of(conn, program.program_id, numbers)
    alone = BranchRow(0, 1, 0)
    period = format_period(run.period)
    known = {number: rows.get(number, alone) for number in numbers}
    return {number: Branch(row.shops, row.sales_minor, period, run.as_of) for number, row in known.items()}
