"""The monthly evaluation of ranks from files: which shops keep, win and lose a rank, by which figures. Nothing is kept.

Months are summed by whoever works on them; the tree and the ranks are read here. All is decided by the code that
decides in the database (``services.ranks.judging``). A month that was evaluated is judged by the ranks of before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from distrib.domain.errors import Problem, Refusal
from distrib.domain.periods import next_period
from distrib.domain.plans.conditions import Metric
from distrib.domain.ranks.promotion import EARNINGS, keep_metrics, promotion_metrics
from distrib.domain.texts import Text
from distrib.services.context import Program, format_period, period_bounds
from distrib.services.history.buying import BuyingPeople
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine, MonthsProgress, each_month, unwatched
from distrib.services.history.rank_months import MonthRanks, RankQuestion, ranks_of_month
from distrib.services.history.ranks import BEGINNING, FileRanks
from distrib.services.history.schema import ORDERS, REFUNDS, TRANSFERS
from distrib.services.ranks.facts import EvaluationMark, RankFacts
from distrib.services.ranks.figures import shops_at
from distrib.services.ranks.judging import (
    BEFORE_ALL,
    Counts,
    Judged,
    JudgedMonth,
    changes_at,
    judge_month,
    month_to_judge,
)
from distrib.services.ranks.promotion import first_instant
from distrib.store.copying import microseconds

PROMOTED, LOWERED, TAKEN_BACK, FAILING, KEPT = OUTCOMES = ("promoted", "lowered", "taken_back", "failing", "kept")
_SHOPS_AT_ONCE: Final = 10_000


class EvaluatedShop(NamedTuple):
    """A shop whose rank changes, or of which ``keep`` was asked: what it had, what it has, and its figures.

    ``failures`` says for which time in a row it failed to keep its rank; ``reason`` is kept with the change.
    """

    shop_no: int
    outcome: str
    before: str
    rank: str
    failures: int
    figures: Mapping[Metric, int]
    reason: Mapping[str, Any] | None


class FileEvaluation(NamedTuple):
    """What a month's evaluation comes to; without a plan in force nothing. ``is_known``: it had been made already."""

    period: int
    effective_at: datetime
    is_known: bool
    counts: Counts
    shops: list[EvaluatedShop]


def evaluate_files(
    directory: HistoryDirectory, period: int, engine: Engine, progress: MonthsProgress = unwatched
) -> FileEvaluation:
    """Evaluates a month.

    Args:
        progress: is told how many months are done, of how many.

    Raises:
        Refusal: ``period_not_over`` or ``evaluation_in_sequence`` as of the export; ``history_too_little`` where events
            of the month were still to be decided then; ``history_worker_lost``.
    """
    manifest, program = directory.manifest, directory.program
    known = {month.period: month for month in manifest.evaluations}
    _check_due(program, period, manifest.now, sorted(known))
    if period not in known:
        _check_waiting(program, period, manifest.waiting_from)
    before = known.get(max((month for month in known if month < period), default=0))
    since = (
        BEFORE_ALL if before is None else EvaluationMark(datetime.fromisoformat(before.effective_at), before.ranks_seq)
    )
    month = month_to_judge(program, manifest.timeline(), period, since)
    effective_at = period_bounds(period, program.zone)[1].astimezone(UTC)
    if month is None:
        return FileEvaluation(period, effective_at, period in known, Counts(), [])
    question = _question_of(directory, month)
    newest_seq = known[period].ranks_seq if period in known else None
    facts = FileRanks(question, months_of(question, engine, progress), newest_seq)
    counts, shops = judged_shops(facts, month)
    return FileEvaluation(period, effective_at, period in known, counts, shops)


def judged_shops(facts: RankFacts, month: JudgedMonth) -> tuple[Counts, list[EvaluatedShop]]:
    """What is decided of every shop of which there is anything to say, by number, whoever has the facts."""
    judged = judge_month(facts, month, shops_at(facts, month.last_instant))
    counts = Counts.of(judged)
    reasons: dict[int, Mapping[str, Any]] = {}
    for places in judged.changed(_SHOPS_AT_ONCE):
        for change in changes_at(facts, month, judged, places, counts):
            reasons.setdefault(change.shop_no, json.loads(change.reason))
    return counts, [_shop_at(month, judged, place, reasons) for place in _places_shown(judged, reasons)]


def _places_shown(judged: Judged, reasons: Mapping[int, Any]) -> Iterator[int]:
    has_changed = np.isin(judged.shops.numbers, np.array([*reasons], np.int64))
    for place in np.flatnonzero(has_changed | judged.judgement.is_asked):
        yield int(place)


def _shop_at(month: JudgedMonth, judged: Judged, place: int, reasons: Mapping[int, Mapping[str, Any]]) -> EvaluatedShop:
    shop_no, decision, ranks = int(judged.shops.numbers[place]), judged.judgement, month.plan.ranks
    failures = int(decision.failures[place])
    if shop_no not in reasons:
        outcome = FAILING if failures else KEPT
    elif decision.is_lowered[place]:
        outcome = LOWERED
    else:
        outcome = TAKEN_BACK if "taken_back" in reasons[shop_no] else PROMOTED
    return EvaluatedShop(
        shop_no,
        outcome,
        ranks[int(judged.recorded[place])].code,
        ranks[int(decision.ranks[place])].code,
        failures,
        judged.figures_at(place),
        reasons.get(shop_no),
    )


def _question_of(directory: HistoryDirectory, month: JudgedMonth) -> RankQuestion:
    """What a month's evaluation asks of every month; what shops earned also where a plan promoted by it before."""
    asked = promotion_metrics(month.plan) | keep_metrics(month.plan)
    promoting = {metric for plan in month.ladder.plans() for metric in promotion_metrics(plan)}
    with_earnings = any(metric.name == EARNINGS for metric in asked | promoting)
    return question_of(directory, asked, month.last_instant, with_earnings=with_earnings)


def question_of(
    directory: HistoryDirectory, metrics: Collection[Metric], until: datetime, *, with_earnings: bool
) -> RankQuestion:
    """What figures as of an instant ask of every month."""
    starts = {first_instant(directory.program, metric.window, until) or BEGINNING for metric in metrics}
    counts_people = any(metric.name == "customers" for metric in metrics)
    return RankQuestion(
        directory,
        tuple(microseconds(sorted(starts))),
        microseconds([until])[0],
        BuyingPeople.merged_by(directory, until) if counts_people else None,
        with_earnings,
    )


def months_of(question: RankQuestion, engine: Engine, progress: MonthsProgress = unwatched) -> Iterator[MonthRanks]:
    """Yields what each month comes to, in their order; ``progress`` is told how many are done, of how many."""
    manifest = question.directory.manifest
    periods = sorted({file.period for kind in (ORDERS, REFUNDS, TRANSFERS) for file in manifest.files_of(kind)})
    return each_month(engine, partial(ranks_of_month, question), periods, progress)


def _check_due(program: Program, period: int, now: datetime, known: list[int]) -> None:
    if now < period_bounds(period, program.zone)[1]:
        raise Refusal("period_not_over", period=format_period(period))
    if known and period not in known and period != next_period(known[-1]):
        raise Refusal("evaluation_in_sequence", next=format_period(next_period(known[-1])))


def _check_waiting(program: Program, period: int, waiting_from: str | None) -> None:
    _, follows = period_bounds(period, program.zone)
    if waiting_from is not None and date.fromisoformat(waiting_from) < follows.date():
        words = Text("events of {day} were still to be decided when the history was exported", day=waiting_from)
        raise Refusal("history_too_little", [Problem("--period", words)])


def evaluated_view(directory: HistoryDirectory, evaluation: FileEvaluation) -> dict[str, Any]:
    """Shows an evaluation: the counts, and all shops of which there is anything to say, changed ranks first."""
    shops = sorted(evaluation.shops, key=lambda shop: (OUTCOMES.index(shop.outcome), shop.shop_no))
    ids = directory.ids_of([shop.shop_no for shop in shops])
    return {
        "program": directory.program.code,
        "month": format_period(evaluation.period),
        **asdict(evaluation.counts),
        "kept": sum(shop.outcome == KEPT for shop in shops),
        "effective_at": evaluation.effective_at,
        "was_evaluated": evaluation.is_known,
        "decisions": [_shop_view(ids[shop.shop_no], shop) for shop in shops],
    }


def _shop_view(shop_id: str, shop: EvaluatedShop) -> dict[str, Any]:
    figures = [
        {"metric": metric.name, "window": metric.window}
        | {name: part for name, part in (("levels", metric.levels), ("min_rank", metric.min_rank)) if part}
        | {"figure": figure}
        for metric, figure in sorted(shop.figures.items())
    ]
    return {
        "shop_id": shop_id,
        "outcome": shop.outcome,
        "before": shop.before,
        "rank": shop.rank,
        "failures": shop.failures,
        "figures": figures,
        "reason": shop.reason,
    }
