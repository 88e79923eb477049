"""What an evaluation of ranks asks of one month of files: sums by shop over windows, buyers, whom refunds touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.tree import Integers
from distrib.services.history.arrays import column_of, numbers, truths
from distrib.services.history.buying import BuyingPeople, codes_of
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.net_facts import NetFacts, facts_of_month
from distrib.services.history.parquet import row_groups
from distrib.services.history.schema import REFUNDS, TRANSFERS
from distrib.services.history.sums import MonthSums, added


@dataclass(frozen=True)
class RankQuestion:
    """What is asked of every month.

    Attributes:
        starts: the first instants of windows, in microseconds since 1970; all end with ``until``, which is included.
        people: who is one person, where customers are counted.
    """

    directory: HistoryDirectory
    starts: tuple[int, ...]
    until: int
    people: BuyingPeople | None
    with_earnings: bool


class Bought(NamedTuple):
    """Persons and sellers of whom they bought what is left, each pair once with its latest instant."""

    persons: pa.Array
    sellers: Integers
    latest: Integers


class MonthRanks(NamedTuple):
    """What a month comes to: of each window sales and orders, and earnings; who bought; whom refunds touched."""

    sold: MonthSums
    earned: MonthSums
    bought: Bought
    refunded: Integers
    reversed_of: Integers


def ranks_of_month(question: RankQuestion, period: int) -> MonthRanks:
    """What the orders that settled in a month, and what its files took back, come to."""
    windows = len(question.starts)
    sold, earned, bought = [MonthSums.nothing(2 * windows)], [MonthSums.nothing(windows)], [NOBODY_BOUGHT]
    directory, (start, _) = question.directory, question.directory.bounds(period)
    asked = facts_of_month(directory, period, with_earnings=question.with_earnings) if start <= question.until else ()
    for facts in asked:
        net = facts.sales.net
        sold.append(_summed(question, facts.sales, (net, (net > 0).astype(np.int64))))
        earned.append(_summed(question, facts.earned, (facts.earned.net,)))
        if question.people is not None:
            is_left = truths(pc.is_valid(facts.customers)) & (net > 0) & (facts.sales.occurred_at <= question.until)
            persons = question.people.persons(facts.customers.filter(pa.array(is_left)))
            bought.append(Bought(persons, facts.sales.shops[is_left], facts.sales.occurred_at[is_left]))
    return MonthRanks(added(sold), added(earned), each_once(bought), *_touched(question, period))


def each_once(parts: Iterable[Bought]) -> Bought:
    """Every pair of person and seller once, with its latest instant."""
    persons, sellers, latest = zip(*parts, strict=True)
    texts, sold_by, instants = pa.concat_arrays(persons), np.concatenate(sellers), np.concatenate(latest)
    codes = codes_of(texts)
    turns = np.lexsort((instants, codes, sold_by))
    is_last = np.ones(turns.size, np.bool_)
    is_last[:-1] = (codes[turns][1:] != codes[turns][:-1]) | (sold_by[turns][1:] != sold_by[turns][:-1])
    places = turns[is_last]
    return Bought(texts.take(places), sold_by[places], instants[places])


def _summed(question: RankQuestion, facts: NetFacts, figures: tuple[Integers, ...]) -> MonthSums:
    """The sums of figures over every window."""
    is_known = facts.occurred_at <= question.until
    columns = [figure * (is_known & (facts.occurred_at >= start)) for start in question.starts for figure in figures]
    return MonthSums.of(facts.shops, columns)


def _touched(question: RankQuestion, period: int) -> tuple[Integers, Integers]:
    """The shops of which refunds took sales in a month's file, and those of which commissions were taken back."""
    sellers, earners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for path in question.directory.paths(REFUNDS, period):
        for group in row_groups(path, ("seller_no", "sales_minor")):
            shops = numbers(column_of(group, "seller_no"))
            sellers.append(np.unique(shops[(shops >= 0) & (numbers(column_of(group, "sales_minor")) > 0)]))
    if question.with_earnings:
        for path in question.directory.paths(TRANSFERS, period):
            for group in row_groups(path, ("kind", "shop_no")):
                is_back = truths(pc.equal(column_of(group, "kind"), "reversed"))
                earners.append(np.unique(numbers(column_of(group, "shop_no"))[is_back]))
    return np.unique(np.concatenate(sellers)), np.unique(np.concatenate(earners))


NOBODY_BOUGHT = Bought(pa.array([], pa.string()), np.zeros(0, np.int64), np.zeros(0, np.int64))
"""Of no pair."""
