"""What waits for a person (待办): what takes a second one, what asks for a decision or a look.

Each kind is looked at by itself and bounded; whether the reader asked for it is said here, what its role may is the
edge's business. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from distrib.services.context import Program, Unit
from distrib.services.programs import persons
from distrib.store import undecided as store
from distrib.store.undecided import WaitingAsOf, WaitingRow

CLOSE, PAYOUT, CLOSING_PAYMENT, ADJUSTMENT, WITHDRAWAL = (
    "close",
    "payout",
    "closing_payment",
    "adjustment",
    "withdrawal",
)
PAYEE, WEBHOOK, PROGRAM, KEY = "payee", "webhook", "program", "key"
SHOP, EVENT, QUESTION, CASE, FINDING = "shop", "event", "question", "case", "finding"
KINDS: Final = (
    CLOSE,
    PAYOUT,
    CLOSING_PAYMENT,
    ADJUSTMENT,
    WITHDRAWAL,
    PAYEE,
    WEBHOOK,
    PROGRAM,
    KEY,
    SHOP,
    EVENT,
    QUESTION,
    CASE,
    FINDING,
)
SECOND_PERSON: Final = frozenset(KINDS) - {SHOP, EVENT, QUESTION, CASE, FINDING}
"""The kinds that another person decides than who asked."""
MOST_COUNTED: Final = 1_000
FINDINGS_WAIT: Final = timedelta(days=7)
"""Nobody decides a finding that opened no case; it is shown for so long."""


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """One that waits, for whoever asks.

    Args:
        is_mine: the reader's person asked for it.
        is_open: it can be decided by the reader as far as persons and keys go.
    """

    kind: str
    row: WaitingRow
    is_mine: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """How many of a kind wait; ``has_more``: so many and more."""

    count: int
    has_more: bool


def list_waiting(unit: Unit, kinds: Collection[str], limit: int) -> tuple[list[WaitingItem], dict[str, WaitingCount]]:
    """Lists what waits, the newest first, up to ``limit`` of each kind, and counts each kind."""
    shown: list[tuple[str, WaitingRow]] = []
    counts, as_of = {}, WaitingAsOf(unit.now, unit.now - FINDINGS_WAIT)
    for kind in (kind for kind in KINDS if kind in kinds):
        numbers = store.waiting_numbers(unit.conn, unit.program_id, kind, as_of, MOST_COUNTED + 1)
        counts[kind] = WaitingCount(min(len(numbers), MOST_COUNTED), len(numbers) > MOST_COUNTED)
        if numbers[:limit]:
            shown += [(kind, row) for row in store.waiting_rows(unit.conn, unit.program_id, kind, numbers[:limit])]
    waiting = _judged(unit, shown)
    return sorted(waiting, key=lambda item: (item.row.waiting_since, item.row.id), reverse=True), counts


def _judged(unit: Unit, shown: list[tuple[str, WaitingRow]]) -> list[WaitingItem]:
    """Says of each whether the reader asked for it, and whether its key could confirm it."""
    hands = _hands(unit.conn, unit.program, shown)
    theirs = persons.theirs_among(unit.conn, unit.program, unit.actor.key_id, hands)
    ended = persons.ended_among(unit.conn, unit.program, {row.by for _, row in shown if row.by}, unit.now)
    may_confirm = persons.may_confirm_now(unit)

    def is_open(kind: str, row: WaitingRow) -> bool:
        if kind not in SECOND_PERSON:
            return True
        is_stale = kind != KEY and row.by in ended
        return may_confirm and not is_stale and _name(kind, row) not in theirs

    return [WaitingItem(kind, row, _name(kind, row) in theirs, is_open(kind, row)) for kind, row in shown]


def _hands(conn: Connection, program: Program, shown: list[tuple[str, WaitingRow]]) -> dict[str, list[str]]:
    """Lists for each the keys whose person asked for it; of a key, itself and all that had it in hand."""
    key_ids = [row.id for kind, row in shown if kind == KEY]
    makers = persons.makers_of_all(conn, program, key_ids) if key_ids else {}
    return {
        _name(kind, row): [row.id, *makers[row.id]] if kind == KEY else [row.by] if row.by else []
        for kind, row in shown
    }


def _name(kind: str, row: WaitingRow) -> str:
    return f"{kind}/{row.id}"


def payouts_waiting(conn: Connection) -> dict[str, int]:
    """Counts payments that wait for a person, over all programs, by their kind; up to 10,000 of a program."""
    return dict(zip((PAYOUT, CLOSING_PAYMENT, WITHDRAWAL), store.payouts_waiting(conn), strict=True))
