"""Ranks of a simulation in tables of its transaction's own, which stand before those of the program.

The rules of ranks find there what they find in the program's. Such a transaction writes no other table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from distrib.services.context import COMMAND_LINE, Program
from distrib.services.plans.rank_map import StoredMappedRanks
from distrib.services.plans.terms import TermsBook
from distrib.services.ranks.facts import EvaluationMark, WrittenRanks
from distrib.store.network import tree
from distrib.store.ranks import evaluations as store
from distrib.store.ranks import figures
from distrib.store.ranks.evaluations import Failure
from distrib.store.ranks.figures import RankSignal
from distrib.store.settlement import batch
from distrib.store.simulations import ranks as rows


class TableRanks(WrittenRanks):
    """The ranks of a candidate, as ``replaying.OwnRanks`` has them.

    Args:
        conn: a transaction with tables of its own (``store.simulations.ranks.own_tables``).
    """

    are_likely = False

    def __init__(self, conn: Connection, program: Program, now: datetime) -> None:
        super().__init__(conn, program.program_id, COMMAND_LINE.key_id, now)
        self._program = program
        self._mapped = StoredMappedRanks(conn, program.program_id, COMMAND_LINE.key_id, now)
        self._mark: EvaluationMark | None = None

    def first_fact(self) -> datetime | None:
        """Reads ``OwnRanks.first_fact``."""
        return rows.first_fact(self._conn, self._number)

    def begin(self, terms: TermsBook, since: datetime) -> None:
        """Fills the tables with what stood at an instant; refunds are known as they came in."""
        rows.begin_ranks(self._conn, self._number, since, self._program.time_zone)
        newest = store.newest_evaluation(self._conn, self._number)
        self._mark = None if newest is None else EvaluationMark(newest.effective_at, newest.ranks_seq)
        if terms.has_promotions:
            tree.signal_recruiters(self._conn, self._number, self._program.time_zone, since)

    def set_by_hand(self, since: datetime) -> Sequence[int]:
        """Reads ``OwnRanks.set_by_hand``."""
        return rows.shops_set_by_hand(self._conn, self._number, since)

    def know_refunds(self, until: datetime, known: datetime | None) -> None:
        """Makes known ``OwnRanks.know_refunds``."""
        rows.know_refunds(self._conn, until, known)

    def signals(self, terms: TermsBook, since: datetime, until: datetime) -> Iterator[Sequence[RankSignal]]:
        """Takes ``OwnRanks.signals``, all at once; from here on the transaction reads few rows of large tables."""
        figures.prefer_indexes(self._conn)
        signals = {
            (self._program.day_of(instant), shop_no, instant)
            for shop_no, instant in rows.looks(self._conn, self._number, since, until)
        }
        if signals:
            batch.insert_signals(self._conn, self._number, signals, terms.signal_levels)
        yield rows.take_signals(self._conn, self._number, self._program.day_of(until))

    def shops_with_ranks(self, ranks: Sequence[str]) -> Sequence[int]:
        """Reads ``MappedRanks.shops_with_ranks``."""
        return self._mapped.shops_with_ranks(ranks)

    def rename_later_ranks(self, names: Mapping[str, str], since: datetime, until: datetime | None) -> None:
        """Writes ``MappedRanks.rename_later_ranks``."""
        self._mapped.rename_later_ranks(names, since, until)

    def evaluated(self) -> EvaluationMark | None:
        """Where the newest evaluation ended."""
        return self._mark

    def newest_seq(self) -> int:
        """Reads ``OwnRanks.newest_seq``."""
        return store.newest_rank_seq(self._conn, self._number)

    def keep_evaluation(self, period: int, mark: EvaluationMark, failures: Iterable[Failure]) -> None:
        """Writes ``OwnRanks.keep_evaluation``."""
        store.copy_failures(self._conn, self._number, period, failures)
        self._mark = mark
