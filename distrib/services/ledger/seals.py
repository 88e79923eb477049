"""Sealing the ledger: each day's transfers under one digest that takes in the digest of the day before.

Who changes, removes or slips in a sealed transfer breaks every seal from there on; who keeps a digest elsewhere can
prove it. The canonical form is described in docs/ledger.md, so that anybody can recompute it. No SQL may enter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.refusals import NotFound
from distrib.services.context import Program, Unit
from distrib.services.steps import Steps, conducted, step
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.ledger import seals as rows
from distrib.store.ledger.seals import SealedTransfer, SealRow

FORM = "distrib-seal-1"
BEFORE_ALL = -1
_SEALS_CHUNK = 500
_PART_TRANSFERS = 20_000
_MOST_PARTS = 10_000


class _Content:
    """Encodes the lines of one seal one by one, and computes their count, sum and digest."""

    def __init__(self, program: Program, seal_no: int, previous: bytes | None, after: int, through: int) -> None:
        self.transfers = self.total_minor = 0
        self._hash = hashlib.sha256()
        self.head = _line([FORM, program.code, seal_no, None if previous is None else previous.hex(), after, through])
        self._hash.update(self.head)

    def add(self, transfer: SealedTransfer) -> bytes:
        """Adds one transfer and returns its line."""
        line = f"{transfer.line}\n".encode()
        self.transfers += 1
        self.total_minor += transfer.amount_minor
        self._hash.update(line)
        return line

    def close(self) -> bytes:
        """Adds the last line, with count and sum, and returns it."""
        line = _line([self.transfers, self.total_minor])
        self._hash.update(line)
        return line

    def digest(self) -> bytes:
        """The SHA-256 of all lines so far."""
        return self._hash.digest()


@dataclass(frozen=True, slots=True)
class SealView:
    """A seal as it is shown, digests in hex."""

    seal_no: int
    digest: str
    previous_digest: str | None
    after_posting: int
    through_posting: int
    transfers: int
    total_minor: int
    sealed_at: datetime


def seal_now(unit: Unit) -> SealView | None:
    """Seals every transfer that is posted and not sealed yet, as the next seal of the chain.

    Under the worker's role, in a transaction of its own. Postings under way are waited for, none is missed
    (``posting_horizon``).

    Returns:
        The new seal; None where there was nothing to seal, or another transaction is sealing.
    """
    if not rows.lock_chain(unit.conn, unit.program_id):
        return None
    last = rows.last_seal(unit.conn, unit.program_id)
    seal_no, after = (1, BEFORE_ALL) if last is None else (last.seal_no + 1, last.through_posting)
    previous, through = None if last is None else last.digest, max(rows.posting_horizon(unit.conn), after)
    content = _Content(unit.program, seal_no, previous, after, through)
    for transfer in rows.sealed_transfers(unit.conn, unit.program_id, after, through):
        content.add(transfer)
    if not content.transfers:
        return None
    content.close()
    seal = SealRow(
        seal_no, after, through, content.transfers, content.total_minor, previous, content.digest(), unit.now
    )
    rows.insert_seal(unit.conn, unit.program_id, seal)
    return seal_view(seal)


def seal_content(conn: Connection, program: Program, seal_no: int) -> Iterator[bytes]:
    """Streams the bytes that a seal's digest covers, recomputed from the ledger as it is now; raises ``not_found``."""
    seal = rows.find_seal(conn, program.program_id, seal_no)
    if seal is None:
        raise NotFound()
    previous = None if seal_no == 1 else rows.find_seal(conn, program.program_id, seal_no - 1)
    digest = seal.previous_digest if previous is None else previous.digest
    content = _Content(program, seal_no, digest, seal.after_posting, seal.through_posting)
    yield content.head
    for transfer in rows.sealed_transfers(conn, program.program_id, seal.after_posting, seal.through_posting):
        yield content.add(transfer)
    yield content.close()


def list_seals(conn: Connection, program: Program, after: int | None, limit: int) -> tuple[list[SealView], int | None]:
    """Lists seals in their order, and after what number the next page begins."""
    seals = rows.list_seals(conn, program.program_id, after or 0, limit + 1)
    return [seal_view(row) for row in seals[:limit]], seals[limit - 1].seal_no if len(seals) > limit else None


def find_seal(conn: Connection, program: Program, seal_no: int) -> SealView:
    """Reads one seal by number; raises ``not_found``."""
    seal = rows.find_seal(conn, program.program_id, seal_no)
    if seal is None:
        raise NotFound()
    return seal_view(seal)


def programs_to_seal(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Lists the numbers of the programs with postings of days that are over and not sealed."""
    return rows.programs_to_seal(conn, now, limit)


def verify_chain(conn: Connection, program: Program) -> AuditAnswer:
    """Recomputes the whole chain in one transaction; what ``chain_steps`` finds."""
    return conducted(chain_steps(program), lambda perform: perform(conn))


def chain_steps(program: Program) -> Steps[AuditAnswer]:
    """Recomputes the whole chain, each seal upon the digest that the one before must have, some transfers a step.

    What is sealed never changes, so that the steps need not see one instant.

    Returns:
        How many seals there are, and those that do not hold with the reason; from the first that broke on, only what
        is wrong of itself is listed again.
    """
    count, wrong = 0, list[dict[str, object]]()
    previous: SealRow | None = None
    chunk: list[SealRow] = yield from step(_seals_after, program=program, seal_no=0)
    while chunk:
        for seal in chunk:
            wrong += yield from _fault_steps(program, seal, previous)
            previous = seal
        count += len(chunk)
        chunk = yield from step(_seals_after, program=program, seal_no=chunk[-1].seal_no)
    return AuditAnswer(count, len(wrong), wrong[:MOST_ROWS])


def seal_view(row: SealRow) -> SealView:
    """A seal as the API shows it."""
    return SealView(
        seal_no=row.seal_no,
        digest=row.digest.hex(),
        previous_digest=None if row.previous_digest is None else row.previous_digest.hex(),
        after_posting=row.after_posting,
        through_posting=row.through_posting,
        transfers=row.transfers,
        total_minor=int(row.total_minor),
        sealed_at=row.sealed_at,
    )


def _fault_steps(program: Program, seal: SealRow, previous: SealRow | None) -> Steps[list[dict[str, object]]]:
    """What is wrong with one seal, its transfers read in parts."""
    number, after, digest = (1, BEFORE_ALL, None)
    if previous is not None:
        number, after, digest = previous.seal_no + 1, previous.through_posting, previous.digest
    content = _Content(program, seal.seal_no, digest, seal.after_posting, seal.through_posting)
    for low, high in _parts(after, seal):
        part: list[SealedTransfer] = yield from step(_transfers, program=program, after=low, through=high)
        for transfer in part:
            content.add(transfer)
    content.close()
    return list(_faults(seal, content, (number, after, digest)))


def _parts(after: int, seal: SealRow) -> Iterator[tuple[int, int]]:
    """Ranges of postings up to the end of a seal, of about ``_PART_TRANSFERS`` each: postings are about alike."""
    parts = min(max(seal.transfers // _PART_TRANSFERS, 1), _MOST_PARTS)
    span = max(-((after - seal.through_posting) // parts), 1)
    for low in range(after, seal.through_posting, span):
        yield low, min(low + span, seal.through_posting)


def _transfers(conn: Connection, program: Program, after: int, through: int) -> list[SealedTransfer]:
    return list(rows.sealed_transfers(conn, program.program_id, after, through))


def _seals_after(conn: Connection, program: Program, seal_no: int) -> list[SealRow]:
    return rows.list_seals(conn, program.program_id, seal_no, _SEALS_CHUNK)


def _faults(seal: SealRow, content: _Content, expected: tuple[int, int, bytes | None]) -> Iterator[dict[str, object]]:
    fault: dict[str, object] = {"seal_no": seal.seal_no, "sealed_at": seal.sealed_at}
    if (seal.seal_no, seal.after_posting, seal.previous_digest) != expected:
        yield fault | {"what": "does not follow the seal before it"}
    if content.digest() != seal.digest:
        yield fault | {
            "what": "the transfers are not those that were sealed",
            "sealed": seal.transfers,
            "found": content.transfers,
            "sealed_minor": int(seal.total_minor),
            "found_minor": content.total_minor,
        }
    elif (content.transfers, content.total_minor) != (seal.transfers, int(seal.total_minor)):
        yield fault | {"what": "count or total were changed"}


def _line(values: list[object]) -> bytes:
    return (json.dumps(values, ensure_ascii=False) + "\n").encode()
