"""The structure of a program at an instant from files: what its monitors find, without a database.

Months are summed by whoever works on them; the tree, organisers, payees and penalties are read here. All is judged by
the code that judges in the database (``services.compliance.structure``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.structure import Whole
from distrib.columns.tree import Integers, at_places
from distrib.domain.errors import Problem
from distrib.domain.policies.policy import Policy
from distrib.domain.texts import Text
from distrib.services.compliance.facts import CountingPenalty
from distrib.services.compliance.figures import StructureSpans
from distrib.services.compliance.structure import Structure, structure_of
from distrib.services.history import structure_months as months
from distrib.services.history.arrays import column_of, last_numbers, numbers
from distrib.services.history.buying import BuyingPeople
from distrib.services.history.dated import newest_of, rows_until
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine, MonthsProgress, each_month, unwatched
from distrib.services.history.refusals import HistoryTooLittle
from distrib.services.history.schema import ORDERS, ORGANISERS, PAYEES, PENALTIES, REFERRALS, SHOPS, TRANSFERS
from distrib.services.history.structure_months import FirstBuyers, MonthStructure, StructureQuestion
from distrib.services.history.sums import MonthSums, added
from distrib.store.compliance.structure import ThresholdCounts
from distrib.store.copying import microseconds


def structure_of_files(
    directory: HistoryDirectory,
    policies: Mapping[str, Policy],
    as_of: datetime,
    engine: Engine,
    progress: MonthsProgress = unwatched,
) -> Structure:
    """Measures the structure at an instant, and judges it by the packs that were in force then.

    Args:
        progress: is told how many months are done, of how many.

    Raises:
        Refusal: ``history_too_little`` for an instant after that of the export, ``history_worker_lost``.
    """
    must_know(directory, as_of, "--on")
    timeline, program = directory.manifest.timeline(), directory.manifest.program_at(as_of)
    spans = StructureSpans.of(program, timeline, as_of)
    question = StructureQuestion(directory, as_of, spans, BuyingPeople.by(directory, as_of))
    facts = FileStructure(question, _summed(question, engine, progress))
    return structure_of(facts, program, timeline, policies, as_of)


def must_know(directory: HistoryDirectory, instant: datetime, option: str) -> None:
    """Makes sure that an instant is not after that of the export.

    Raises:
        Refusal: ``history_too_little`` with the option that names it.
    """
    if instant > directory.manifest.now:
        words = Text("is after the export, which is as of {exported_at}", exported_at=directory.manifest.exported_at)
        raise HistoryTooLittle(problems=[Problem(option, words)])


def _summed(question: StructureQuestion, engine: Engine, progress: MonthsProgress) -> Iterable[MonthStructure]:
    """Every month, in their order."""
    manifest = question.directory.manifest
    periods = sorted({file.period for kind in (ORDERS, TRANSFERS) for file in manifest.files_of(kind)})
    return each_month(engine, partial(months.structure_of_month, question), periods, progress)


class FileStructure:
    """The facts of ``services.compliance.facts.StructureFacts`` from files.

    Args:
        summed: what each month comes to, in the order of months.
    """

    def __init__(self, question: StructureQuestion, summed: Iterable[MonthStructure]) -> None:
        self._directory, self._until, self._spans = question.directory, question.until, question.spans
        nothing, empty = np.zeros(0, np.int64), pa.array([], pa.string())
        sold = MonthSums.nothing(months.THRESHOLDS + len(question.spans.thresholds))
        paid, buyers = MonthSums.nothing(months.OTHERS_ROWS + 1), MonthSums.nothing(1)
        first = FirstBuyers(empty, nothing, nothing)
        for month in summed:
            sold, paid, buyers = added([sold, month.sold]), added([paid, month.paid]), added([buyers, month.buyers])
            first = _with_new(first, month.first)
        self._sold, self._paid, self._buyers, self._first = sold, paid, buyers, first

    def tree(self) -> tuple[Whole, Whole]:
        """Reads ``StructureFacts.tree``."""
        held = rows_until(self._directory, REFERRALS, ["shop_no", "effective_at", "seq", "sponsor_no"], self._until)
        newest = newest_of(held)
        return numbers(column_of(newest, "shop_no")), numbers(column_of(newest, "sponsor_no"), 0)

    def sales(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Adds up ``StructureFacts.sales``; of the spans that are asked of a structure."""
        places = {
            self._spans.month[0]: (months.NET_MONTH, months.RETAIL_MONTH),
            self._spans.year: (months.NET_YEAR, months.RETAIL_YEAR),
        }
        net, retail = places[since]
        return self._sold.shops, self._sold.columns[net], self._sold.columns[retail]

    def entry(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Adds up ``StructureFacts.entry``; since the year before."""
        self._must_be(since == self._spans.year)
        return self._sold.shops, self._sold.columns[months.ENTRY], self._sold.columns[months.ENTRY_YEAR]

    def pay(self, since: datetime) -> tuple[Whole, Whole, Whole]:
        """Adds up ``StructureFacts.pay``; since the year before."""
        self._must_be(since == self._spans.year)
        return self._paid.shops, self._paid.columns[months.DIRECT], self._paid.columns[months.INDIRECT]

    def buyers(self) -> tuple[Whole, Whole]:
        """Counts ``StructureFacts.buyers``."""
        shops, bought = np.unique(self._first.sellers, return_counts=True)
        return shops, bought.astype(np.int64)

    def payees_in_common(self) -> tuple[Whole, Whole]:
        """Reads ``StructureFacts.payees_in_common``."""
        columns = ["shop_no", "version", "recorded_at", "payee_no"]
        known = rows_until(self._directory, PAYEES, columns, self._until)
        newest = newest_of(known, order=("version",))
        newest = newest.filter(pc.is_valid(newest["payee_no"]))
        shops, payees = numbers(column_of(newest, "shop_no")), numbers(column_of(newest, "payee_no"))
        _, of, times = np.unique(payees, return_inverse=True, return_counts=True)
        is_shared = times[of] > 1
        return shops[is_shared], payees[is_shared]

    def organisers(self) -> Sequence[tuple[int, str]]:
        """Reads ``StructureFacts.organisers``."""
        columns = ["shop_no", "effective_at", "seq", "organiser_id"]
        newest = newest_of(rows_until(self._directory, ORGANISERS, columns, self._until))
        named = zip(newest["shop_no"].to_pylist(), newest["organiser_id"].to_pylist(), strict=True)
        return sorted(((shop, boss) for shop, boss in named if boss is not None), key=lambda row: (row[1], row[0]))

    def penalties(self) -> Sequence[CountingPenalty]:
        """Reads ``StructureFacts.penalties``."""
        recorded = rows_until(
            self._directory,
            PENALTIES,
            ["penalty_no", "shop_no", "organiser_id", "begins_at", "ends_at"],
            self._until,
            lambda group: last_numbers(column_of(group, "ends_at")) > self._until,
        )
        rows = recorded.select(["penalty_no", "shop_no", "organiser_id"]).sort_by("penalty_no").to_pylist()
        return [CountingPenalty(**row) for row in rows]

    def newcomers(self, since: datetime) -> tuple[int, int]:
        """Counts ``StructureFacts.newcomers``; since the beginning of the month."""
        (first,) = microseconds([since])
        joined = rows_until(self._directory, SHOPS, ["joined_at"], self._until)
        recruits = numbers(column_of(joined, "joined_at")) >= first
        return int(recruits.sum()), int((self._first.settled_at >= first).sum())

    def at_threshold(self, since: datetime, exactly: int) -> ThresholdCounts:
        """Counts ``StructureFacts.at_threshold``; of thresholds of the plan."""
        sold = self._sold.columns[months.THRESHOLDS + self._spans.thresholds.index(since)]
        return ThresholdCounts(int((sold == exactly).sum()), int((sold >= exactly).sum()))

    def few_buyers(self, since: datetime, least: int) -> int:
        """Counts ``StructureFacts.few_buyers``; since the beginning of the month."""
        self._must_be(since == self._spans.month[0])
        sponsors = self._paid.shops[self._paid.columns[months.OTHERS_ROWS] > 0]
        return int((at_places(sponsors, self._buyers.shops, self._buyers.columns[0]) < least).sum())

    def earners(self, since: datetime, until: datetime, least: int) -> int:
        """Counts ``StructureFacts.earners``; of the month or the quarter."""
        places = {
            self._spans.quarter: (months.QUARTER, months.QUARTER_ROWS),
            self._spans.month: (months.MONTH, months.MONTH_ROWS),
        }
        return self._at_least(*places[since, until], least)

    def payees(self, since: datetime, until: datetime, least: int) -> int:
        """Counts ``StructureFacts.payees``; of the calendar year."""
        self._must_be((since, until) == self._spans.calendar_year)
        return self._at_least(months.PAID, months.PAID_ROWS, least)

    def ids_of(self, shop_nos: Collection[int]) -> Mapping[int, str]:
        """Reads ``StructureFacts.ids_of``."""
        return self._directory.ids_of([*shop_nos])

    def _at_least(self, minor: int, rows: int, least: int) -> int:
        columns: Sequence[Integers] = self._paid.columns
        return int(((columns[rows] > 0) & (columns[minor] >= least)).sum())

    @staticmethod
    def _must_be(is_summed: bool) -> None:
        if not is_summed:
            raise ValueError("no month was summed over that span")


def _with_new(known: FirstBuyers, month: FirstBuyers) -> FirstBuyers:
    """Those who bought before, and of a month those who had not."""
    is_new = pc.invert(pc.is_in(month.persons, value_set=known.persons))
    places = np.flatnonzero(is_new.to_numpy(zero_copy_only=False))
    return FirstBuyers(
        pa.concat_arrays([known.persons, month.persons.take(places)]),
        np.concatenate([known.sellers, month.sellers[places]]),
        np.concatenate([known.settled_at, month.settled_at[places]]),
    )
