"""Decides in a monthly evaluation about every shop of a program at once (plan.md, Ranks).

Ranks are places in the plan's list, the lowest at 0. The same conditions as ``domain.plans.conditions`` evaluates one
shop at a time; a property test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.conditions import AllOf, AtLeast, Condition, Metric, Rank


@dataclass(frozen=True, slots=True)
class EarnedRanks:
    """The earned ranks of all shops, promotions that are taken back left out.

    Attributes:
        at_month_end: at the month's last instant.
        at_effect: at the start of the next month; higher where the last day promoted.
        failures: how many evaluations in a row the present rank has failed so far.
    """

    at_month_end: Integers
    at_effect: Integers
    failures: Integers


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision about every shop.

    Attributes:
        ranks: the earned rank from the start of the next month on.
        is_promoted: shops whose figures carry them higher.
        failures: for which time in a row ``keep`` failed; 0 where it held or was not asked.
        is_lowered: shops that lose a rank by it.
        is_asked: shops that ``keep`` was asked of.
    """

    ranks: Integers
    is_promoted: Truths
    failures: Integers
    is_lowered: Truths
    is_asked: Truths


def holding(condition: Condition, figures: Mapping[Metric, Integers], count: int) -> Truths:
    """Evaluates a condition for all ``count`` shops by their figures; a figure that is missing counts as 0."""
    if isinstance(condition, AtLeast):
        column = figures.get(condition.metric)
        if column is None:
            return np.full(count, condition.at_least <= 0, dtype=np.bool_)
        return column >= condition.at_least
    verdicts = [holding(part, figures, count) for part in condition.parts]
    combine = np.logical_and if isinstance(condition, AllOf) else np.logical_or
    return np.asarray(combine.reduce(verdicts), dtype=np.bool_)


def judge(ranks: Sequence[Rank], earned: EarnedRanks, figures: Mapping[Metric, Integers]) -> Judgement:
    """Decides every shop's rank by its figures: promoted as far as conditions carry, or lowered by a failed ``keep``.

    ``keep`` is asked of shops that are not promoted now and were not promoted on the month's last day.
    """
    count = len(earned.at_effect)
    decided = _promoted(ranks, earned.at_effect, figures)
    is_promoted = decided > earned.at_effect
    may_be_asked = ~is_promoted & (earned.at_effect == earned.at_month_end)
    failures = np.zeros(count, dtype=np.int64)
    is_lowered, is_asked = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for place, rank in enumerate(ranks):
        if rank.keep is None or place == 0:
            continue
        asked = may_be_asked & (earned.at_effect == place)
        failing = asked & ~holding(rank.keep, figures, count)
        is_asked |= asked
        failures[failing] = earned.failures[failing] + 1
        is_lowered |= failing & (failures > rank.grace)
    decided[is_lowered] -= 1
    return Judgement(decided, is_promoted, failures, is_lowered, is_asked)


def _promoted(ranks: Sequence[Rank], earned: Integers, figures: Mapping[Metric, Integers]) -> Integers:
    """Computes the highest rank each shop's figures carry it to, and never below what it has earned."""
    promoted = earned.copy()
    for place, rank in enumerate(ranks):
        if rank.promote is not None:
            promoted[(promoted < place) & holding(rank.promote, figures, len(earned))] = place
    return promoted
