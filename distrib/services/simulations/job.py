"""A simulation as a job: taken by one, told how far it is, kept whole or not at all. No SQL may enter.

It reads in one snapshot and writes in one transaction beside it, so one whose worker dies waits again and has left
nothing. How far it is, and that it was cancelled meanwhile, goes over short transactions of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.domain.policies.policy import Policy
from distrib.services.context import SERVICE, Unit
from distrib.services.programs.tenants import get_program
from distrib.services.simulations import blocks
from distrib.services.simulations.asking import DONE, FAILED, MOST_ATTEMPTS, question_of
from distrib.services.simulations.figures import BlockFigures
from distrib.services.simulations.refusals import SimulationGivenUp
from distrib.services.simulations.running import Begin, Watcher, enter_history, simulate
from distrib.services.simulations.seen import seen_by
from distrib.services.simulations.shop_sums import SummedShops
from distrib.store.simulations import history
from distrib.store.simulations import kept as rows
from distrib.store.simulations.kept import SimulationEnd, SimulationRow
from distrib.store.simulations.ranks import KeptRank, copy_ranks


class SimulationCancelled(Exception):
    """It was cancelled while it ran."""


class SimulationNumber(NamedTuple):
    """By which numbers the store knows a simulation: its program's, and its own in the program."""

    program_id: int
    number: int


def waiting_simulations(conn: Connection, limit: int) -> list[SimulationNumber]:
    """Lists simulations of all programs that have not ended."""
    return [SimulationNumber(*waiting) for waiting in rows.waiting(conn, limit)]


def read_simulation(conn: Connection, program_id: int, number: int) -> SimulationRow | None:
    """Reads a simulation by its number."""
    return rows.read_simulation(conn, program_id, number)


def run_simulation(
    begin: Begin,
    simulation: SimulationNumber,
    policies: Mapping[str, Policy],
    clock: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> bool:
    """Runs a simulation and keeps what it came to; False where another has it, or it has ended.

    Args:
        begin: opens a transaction under the worker's role; up to four are open at once.
        progress: is told of orders done, and of all there are.

    Raises:
        SimulationCancelled: it was cancelled meanwhile.
        SimulationGivenUp: it had been begun ``MOST_ATTEMPTS`` times.
    """
    program_id, number = simulation
    with begin() as writing:
        if not rows.take(writing, program_id, number):
            return False
        row = rows.read_simulation(writing, program_id, number)
        if row is None or row.outcome is not None:
            return False
        _begin_attempt(begin, row, clock())
        with begin() as reading:
            enter_history(reading)
            unit = Unit(reading, get_program(reading, program_id), SERVICE, clock())
            end = _run(unit, policies, row, begin, _keeping(writing, row, _noting(begin, row, progress)))
        if not rows.end(writing, program_id, number, end, clock()):
            raise SimulationCancelled
    return True


def _run(unit: Unit, policies: Mapping[str, Policy], row: SimulationRow, begin: Begin, watch: Watcher) -> SimulationEnd:
    conn, program_id = unit.conn, unit.program_id
    last, is_quiet = history.last_event(conn, program_id), history.is_quiet(conn, program_id)
    seen = seen_by(unit, policies, row.until)
    if is_quiet:
        with begin() as aside:
            rows.note_seen(aside, program_id, row.simulation_no, seen)
    result = simulate(unit, policies, question_of(conn, row), begin, watch)
    return SimulationEnd(DONE, last, is_quiet, rows.encoded(result), seen=seen)


def _keeping(writing: Connection, row: SimulationRow, note: Callable[[int, int], None]) -> Watcher:
    """Keeps what a simulation comes to while it runs."""
    program_id, number = row.program_id, row.simulation_no

    def keep(block_no: int, figures: BlockFigures) -> None:
        blocks.keep_block(writing, program_id, number, block_no, figures)

    def keep_shops(pages: Iterator[SummedShops]) -> None:
        blocks.keep_shops(writing, program_id, number, pages)

    def keep_ranks(ranks: Iterator[KeptRank]) -> None:
        copy_ranks(writing, program_id, number, ranks)

    return Watcher(keep, note, keep_shops, keep_ranks)


def _begin_attempt(begin: Begin, row: SimulationRow, now: datetime) -> None:
    """Counts this attempt in a transaction of its own, so that one that ends this process is counted too."""
    with begin() as aside:
        attempts = rows.begin_attempt(aside, row.program_id, row.simulation_no, now)
    if attempts is None:
        raise SimulationCancelled
    if attempts > MOST_ATTEMPTS:
        raise SimulationGivenUp()


def _noting(begin: Begin, row: SimulationRow, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Says how far a simulation is, and finds out whether it was cancelled."""

    def note(done: int, total: int) -> None:
        with begin() as aside:
            if not rows.note_progress(aside, row.program_id, row.simulation_no, done, total):
                raise SimulationCancelled
        progress(done, total)

    return note


def fail_simulation(conn: Connection, program_id: int, number: int, problem: str, now: datetime) -> None:
    """Records why a simulation failed."""
    rows.end(conn, program_id, number, SimulationEnd(FAILED, problem=problem), now)
