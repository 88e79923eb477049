"""What a monthly evaluation decides about every shop of a program at once (plan.md, Ranks).

Ranks are places in the plan's list, the lowest at 0. The same conditions as ``domain.rank_conditions`` reads one shop
at a time; a property test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.conditions import AllOf, AtLeast, Condition, Metric, Rank


@dataclass(frozen=True, slots=True)
class Standing:
    """The earned ranks of all shops, promotions that are taken back left out.

    Attributes:
        before: at the month's last instant.
        now: at the start of the next month; higher where the last day promoted.
        failures: how many evaluations in a row the present rank has failed so far.
    """

    before: Integers
    now: Integers
    failures: Integers


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of every shop.

    Attributes:
        ranks: the earned rank from the start of the next month on.
        has_risen: whose figures carry it higher.
        failures: for which time in a row ``keep`` failed; 0 where it held or was not looked at.
        is_lowered: who loses a rank by it.
    """

    ranks: Integers
    has_risen: Truths
    failures: Integers
    is_lowered: Truths


def holding(condition: Condition, figures: Mapping[Metric, Integers], count: int) -> Truths:
    """Of which shops a condition holds; a figure that is missing counts as 0."""
    if isinstance(condition, AtLeast):
        column = figures.get(condition.metric)
        if column is None:
            return np.full(count, condition.at_least <= 0, dtype=np.bool_)
        return column >= condition.at_least
    verdicts = [holding(part, figures, count) for part in condition.parts]
    combine = np.logical_and if isinstance(condition, AllOf) else np.logical_or
    return np.asarray(combine.reduce(verdicts), dtype=np.bool_)


def judge(ranks: Sequence[Rank], standing: Standing, figures: Mapping[Metric, Integers]) -> Judgement:
    """Promotions first, as far up as conditions carry; ``keep`` is asked of whoever neither rises nor just rose."""
    count = len(standing.now)
    after = _risen(ranks, standing.now, figures)
    has_risen = after > standing.now
    is_asked = ~has_risen & (standing.now == standing.before)
    failures = np.zeros(count, dtype=np.int64)
    is_lowered = np.zeros(count, dtype=np.bool_)
    for place, rank in enumerate(ranks):
        if rank.keep is None or place == 0:
            continue
        failing = is_asked & (standing.now == place) & ~holding(rank.keep, figures, count)
        failures[failing] = standing.failures[failing] + 1
        is_lowered |= failing & (failures > rank.grace)
    after[is_lowered] -= 1
    return Judgement(after, has_risen, failures, is_lowered)


def _risen(ranks: Sequence[Rank], now: Integers, figures: Mapping[Metric, Integers]) -> Integers:
    after = now.copy()
    for place, rank in enumerate(ranks):
        if rank.promote is not None:
            after[(after < place) & holding(rank.promote, figures, len(now))] = place
    return after
