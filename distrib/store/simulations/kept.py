"""Simulations that wait or have ended, their plans, results and blocks of orders. No rule may enter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from distrib.store.arrays import numbers_array
from distrib.store.copying import Integers
from distrib.store.locks import SIMULATIONS
from distrib.store.sql import execute, execute_as, execute_many, value


class NewBlock(NamedTuple):
    """A block to be kept, of orders or (numbered below 0) of shops: its content, packed, and what orders in it have."""

    block_no: int
    content: bytes
    shops: Integers = np.zeros(0, np.int64)
    rules: Sequence[str] = ()
    reasons: Sequence[str] = ()


class SimulationRow(NamedTuple):
    """One simulation as it stands; ``outcome`` is None until it has ended, ``result`` and ``problem`` are JSON."""

    program_id: int
    simulation_no: int
    simulation_id: str
    since: datetime
    until: datetime
    refunds: str
    ranks: str
    ranks_from: datetime | None
    digest: bytes
    key_id: str
    asked_at: datetime
    attempts: int
    begun_at: datetime | None
    orders_done: int
    orders_total: int | None
    outcome: str | None
    last_event_no: int | None
    is_quiet: bool | None
    result: str | None
    problem: str | None
    ended_at: datetime | None
    seen: str | None


class CandidateRow(NamedTuple):
    """A candidate: its code, the version where one was named, and its document as canonical JSON."""

    place: int
    code: str
    version: int | None
    document: str
    digest: bytes


class KeptQuestion(NamedTuple):
    """A question as it is kept."""

    simulation_id: str
    since: datetime
    until: datetime
    refunds: str
    ranks: str
    ranks_from: datetime | None
    digest: bytes
    key_id: str
    person: str


class SimulationEnd(NamedTuple):
    """How a simulation ended: ``done``, ``failed`` or ``cancelled``; result and problem as JSON, what else it saw."""

    outcome: str
    last_event_no: int | None = None
    is_quiet: bool | None = None
    result: str | None = None
    problem: str | None = None
    seen: str | None = None


class BlockRow(NamedTuple):
    """Orders of a simulation, compressed."""

    block_no: int
    content: bytes


class WantedBlocks(NamedTuple):
    """Blocks in which all of these are; what is None does not matter."""

    shop_no: int | None = None
    rule: str | None = None
    reason: str | None = None


_ROWS: Final = """
SELECT s.program_id, s.simulation_no, s.simulation_id, s.since, s.until, s.refunds, s.ranks, s.ranks_from, s.digest,
       s.key_id, s.asked_at, COALESCE(e.attempts, w.attempts, 0) AS attempts,
       COALESCE(e.begun_at, w.begun_at) AS begun_at, COALESCE(w.orders_done, 0) AS orders_done, w.orders_total,
       e.outcome, e.last_event_no, e.is_quiet, e.result, e.problem, e.ended_at, COALESCE(e.seen, w.seen) AS seen
FROM simulations s
LEFT JOIN waiting_simulations w ON w.program_id = s.program_id AND w.simulation_no = s.simulation_no
LEFT JOIN simulation_ends e ON e.program_id = s.program_id AND e.simulation_no = s.simulation_no
WHERE s.program_id = %(program)s AND {which}
"""
_OF_ID: Final = _ROWS.format(which="s.simulation_id = %(id)s")
_OF_NO: Final = _ROWS.format(which="s.simulation_no = %(no)s")
_OF_DIGEST: Final = (
    _ROWS.format(which="s.digest = %(digest)s AND s.simulation_no < %(before)s")
    + " AND (e.outcome IS NULL OR e.outcome = 'done') ORDER BY s.simulation_no DESC LIMIT 1"
)
_OF_DONE: Final = (
    _ROWS.format(which="s.digest = %(digest)s AND s.simulation_no < %(before)s")
    + " AND e.outcome = 'done' ORDER BY s.simulation_no DESC LIMIT 1"
)
_OF_PLAN: Final = """
SELECT s.simulation_no, p.place FROM simulation_plans p
JOIN simulations s ON s.program_id = p.program_id AND s.simulation_no = p.simulation_no
JOIN simulation_ends e ON e.program_id = p.program_id AND e.simulation_no = p.simulation_no
WHERE p.program_id = %(program)s AND p.digest = %(digest)s AND e.outcome = 'done'
ORDER BY p.simulation_no DESC LIMIT 1
"""
_PLANS: Final = """
SELECT place, code, version, document, digest FROM simulation_plans
WHERE program_id = %(program)s AND simulation_no = %(no)s ORDER BY place
"""
_INSERT: Final = """
WITH asked AS (
    INSERT INTO simulations (program_id, simulation_id, since, until, refunds, ranks, ranks_from, digest, key_id,
                             person, asked_at)
    VALUES (%(program)s, %(simulation_id)s, %(since)s, %(until)s, %(refunds)s, %(ranks)s, %(ranks_from)s, %(digest)s,
            %(key_id)s, %(person)s, %(now)s)
    RETURNING program_id, simulation_no)
INSERT INTO waiting_simulations (program_id, simulation_no) SELECT program_id, simulation_no FROM asked
RETURNING simulation_no
"""
_INSERT_PLAN: Final = """
INSERT INTO simulation_plans (program_id, simulation_no, place, code, version, document, digest)
VALUES (%(program)s, %(no)s, %(place)s, %(code)s, %(version)s, %(document)s, %(digest)s)
"""
_HOLD: Final = f"SELECT pg_advisory_xact_lock({SIMULATIONS}, %(program)s)"
# While another connection reads history, nothing may be said on this one for minutes.
_WAIT_LONG: Final = "SET LOCAL idle_in_transaction_session_timeout = '60min'"
_TAKE: Final = f"SELECT pg_try_advisory_xact_lock({SIMULATIONS}, hashtext(%(program)s::text || '#' || %(no)s::text))"
_COUNT: Final = "SELECT count(*) FROM waiting_simulations WHERE program_id = %(program)s"
_WAITING: Final = (
    "SELECT program_id, simulation_no FROM waiting_simulations ORDER BY attempts, simulation_no LIMIT %(limit)s"
)
_BEGIN: Final = """
UPDATE waiting_simulations SET attempts = attempts + 1, begun_at = %(now)s, orders_done = 0, seen = NULL
WHERE program_id = %(program)s AND simulation_no = %(no)s RETURNING attempts
"""
_PROGRESS: Final = """
UPDATE waiting_simulations SET orders_done = %(done)s, orders_total = %(total)s
WHERE program_id = %(program)s AND simulation_no = %(no)s
"""
_NOTE_SEEN: Final = """
UPDATE waiting_simulations SET seen = %(seen)s WHERE program_id = %(program)s AND simulation_no = %(no)s
"""
_END: Final = """
WITH gone AS (DELETE FROM waiting_simulations WHERE program_id = %(program)s AND simulation_no = %(no)s
              RETURNING program_id, simulation_no, attempts, begun_at)
INSERT INTO simulation_ends (program_id, simulation_no, outcome, last_event_no, is_quiet, result, problem, attempts,
                             begun_at, ended_at, seen)
SELECT program_id, simulation_no, %(outcome)s::text, %(last_event_no)s::bigint, %(is_quiet)s::boolean, %(result)s::text,
       %(problem)s::text, attempts, begun_at, %(now)s::timestamptz, %(seen)s::text FROM gone
"""
_INSERT_BLOCK: Final = """
INSERT INTO simulation_blocks (program_id, simulation_no, block_no, shops, rules, reasons, content)
VALUES (%(program)s, %(no)s, %(block)s, %(shops)b, %(rules)s::text[], %(reasons)s::text[], %(content)s)
"""
_BLOCK: Final = """
SELECT block_no, content FROM simulation_blocks
WHERE program_id = %(program)s AND simulation_no = %(no)s AND block_no >= %(since)s{which}
ORDER BY block_no LIMIT 1
"""
_CONTENT: Final = """
SELECT content FROM simulation_blocks
WHERE program_id = %(program)s AND simulation_no = %(no)s AND block_no = %(block)s
"""
_FITS: Final = {
    "shop_no": " AND %(shop_no)s = ANY(shops)",
    "rule": " AND %(rule)s = ANY(rules)",
    "reason": " AND %(reason)s = ANY(reasons)",
}


def hold_program(conn: Connection, program_id: int) -> None:
    """Keeps other questions of a program waiting until the transaction ends, so that the same one is asked once."""
    execute(conn, _HOLD, {"program": program_id})


def insert_simulation(
    conn: Connection, program_id: int, asked: KeptQuestion, plans: Sequence[CandidateRow], now: datetime
) -> int:
    """Writes a simulation that waits for a worker, and returns its number."""
    number = value(conn, int, _INSERT, {"program": program_id, "now": now, **asked._asdict()})
    execute_many(conn, _INSERT_PLAN, [{"program": program_id, "no": number, **plan._asdict()} for plan in plans])
    return number


def find_simulation(conn: Connection, program_id: int, simulation_id: str) -> SimulationRow | None:
    """Reads the simulation of that id."""
    return _row(conn, _OF_ID, {"program": program_id, "id": simulation_id})


def read_simulation(conn: Connection, program_id: int, number: int) -> SimulationRow | None:
    """Reads the simulation of that number."""
    return _row(conn, _OF_NO, {"program": program_id, "no": number})


def newest_of_question(conn: Connection, program_id: int, digest: bytes, before: int) -> SimulationRow | None:
    """Reads the newest simulation of a question below a number that waits or is done."""
    return _row(conn, _OF_DIGEST, {"program": program_id, "digest": digest, "before": before})


def newest_done(conn: Connection, program_id: int, digest: bytes, before: int) -> SimulationRow | None:
    """Reads the newest simulation of a question below a number that is done."""
    return _row(conn, _OF_DONE, {"program": program_id, "digest": digest, "before": before})


def newest_of_plan(conn: Connection, program_id: int, digest: bytes) -> tuple[int, int] | None:
    """The number of the newest simulation that is done of a document, and its place there."""
    row = execute(conn, _OF_PLAN, {"program": program_id, "digest": digest}).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


def plans_of(conn: Connection, program_id: int, number: int) -> list[CandidateRow]:
    """Reads the candidates of a simulation, in their order."""
    return execute_as(conn, CandidateRow, _PLANS, {"program": program_id, "no": number}).fetchall()


def count_waiting(conn: Connection, program_id: int) -> int:
    """Counts the simulations of a program that have not ended."""
    row = execute(conn, _COUNT, {"program": program_id}).fetchone()
    return 0 if row is None else int(row[0])


def waiting(conn: Connection, limit: int) -> list[tuple[int, int]]:
    """Lists simulations of all programs that have not ended, those begun least first: program and number."""
    return [(row[0], row[1]) for row in execute(conn, _WAITING, {"limit": limit}).fetchall()]


def take(conn: Connection, program_id: int, number: int) -> bool:
    """Takes a simulation for this transaction alone; False where another has it."""
    execute(conn, _WAIT_LONG)
    row = execute(conn, _TAKE, {"program": str(program_id), "no": str(number)}).fetchone()
    return row is not None and bool(row[0])


def begin_attempt(conn: Connection, program_id: int, number: int, now: datetime) -> int | None:
    """Notes that somebody begins, and answers the how manieth time it is; None of one that has ended."""
    row = execute(conn, _BEGIN, {"program": program_id, "no": number, "now": now}).fetchone()
    return None if row is None else int(row[0])


def note_progress(conn: Connection, program_id: int, number: int, done: int, total: int) -> bool:
    """Notes how many orders are through; False of one that has ended."""
    bound = {"program": program_id, "no": number, "done": done, "total": total}
    return execute(conn, _PROGRESS, bound).rowcount == 1


def note_seen(conn: Connection, program_id: int, number: int, seen: str) -> None:
    """Notes what a simulation that runs has seen."""
    execute(conn, _NOTE_SEEN, {"program": program_id, "no": number, "seen": seen})


def end(conn: Connection, program_id: int, number: int, how: SimulationEnd, now: datetime) -> bool:
    """Writes how a simulation ended; False where it had ended before."""
    return execute(conn, _END, {"program": program_id, "no": number, "now": now, **how._asdict()}).rowcount == 1


def insert_block(conn: Connection, program_id: int, number: int, block: NewBlock) -> None:
    """Writes a block of a simulation with what is in it."""
    bound = {"program": program_id, "no": number, "block": block.block_no, "content": block.content}
    lists = {"shops": numbers_array(block.shops), "rules": list(block.rules), "reasons": list(block.reasons)}
    execute(conn, _INSERT_BLOCK, bound | lists)


def next_block(conn: Connection, program_id: int, number: int, since: int, wanted: WantedBlocks) -> BlockRow | None:
    """Reads the first block from a number on in which what is wanted is; None where there is no more."""
    asked: dict[str, object] = {name: asked for name, asked in wanted._asdict().items() if asked is not None}
    statement = _BLOCK.format(which="".join(_FITS[name] for name in asked))
    return execute_as(
        conn, BlockRow, statement, {"program": program_id, "no": number, "since": since, **asked}
    ).fetchone()


def block_content(conn: Connection, program_id: int, number: int, block_no: int) -> bytes | None:
    """Reads the content of one block; None where there is none."""
    bound = {"program": program_id, "no": number, "block": block_no}
    row = execute(conn, _CONTENT, bound).fetchone()
    return None if row is None else bytes(row[0])


def encoded(document: object) -> str:
    """A result or problem as it is kept."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)


def _row(conn: Connection, statement: str, bound: dict[str, object]) -> SimulationRow | None:
    return execute_as(conn, SimulationRow, statement, bound).fetchone()
