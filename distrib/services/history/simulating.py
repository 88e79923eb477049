"""Simulates plans on a directory of history, without a database; the result is that of the same question to one.

The month is the unit. What an order pays under month caps depends on its month alone, since a month's file has all
orders that settled in it; what it pays under customer caps depends on all months before, so that those are worked on
one after the other. What files do not tell is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from distrib.domain.plans.document import canonical_json
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.domain.ranks.history import known_rank
from distrib.domain.settlement.snapshot import Person, Snapshot
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine, MonthsProgress, each_month, unwatched
from distrib.services.history.months import FileQuestion, add_month, tally_of_month
from distrib.services.history.order_rows import OrderOfFile
from distrib.services.history.pools import add_pools
from distrib.services.history.reading import past_order
from distrib.services.history.replaying import with_ranks_replayed
from distrib.services.history.schema import FAILED, ORDERS
from distrib.services.plans.versions import judge
from distrib.services.simulations.asking import Wish, check_replayable, problems_of, problems_of_wish, refuse_wrong
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.histories import PastOrder
from distrib.services.simulations.result_views import ResultView
from distrib.services.simulations.results import Described, result_view
from distrib.services.simulations.running import REPLAYED
from distrib.services.simulations.tallies import Tally
from distrib.store.settlement.rule_totals import CUSTOMERS
from distrib.store.simulations.history import PaidSpan


def question_of(directory: HistoryDirectory, policies: Mapping[str, Policy], wish: Wish) -> FileQuestion:
    """The question of a wish, all of whose plans files can answer.

    Raises:
        Refusal: ``invalid``, or ``plan_invalid``, with all that is wrong.
    """
    problems = [
        problem
        for place, document in enumerate(wish.plans)
        for problem in problems_of(directory.program, policies, document, wish.pointer_of(place))
    ]
    refuse_wrong(problems_of_wish(wish), problems)
    documents = tuple(canonical_json(document) for document in wish.plans if isinstance(document, Mapping))
    span = PaidSpan(wish.since, wish.until)
    question = FileQuestion(directory, documents, policies, span, wish.refunds, wish.ranks, wish.ranks_from)
    if wish.ranks == REPLAYED:
        check_replayable(question.plans)
    return question


def simulate_files(question: FileQuestion, engine: Engine, progress: MonthsProgress = unwatched) -> ResultView:
    """Tries every candidate on every order of the span, and answers the result as it is shown.

    Args:
        progress: is told how many months are done, of how many.

    Raises:
        Refusal: ``history_worker_lost``.
    """
    directory, program = question.directory, question.directory.program
    if question.ranks == REPLAYED:
        question = with_ranks_replayed(question)
    periods = [file.period for file in directory.months(question.span)]
    failed = _Failed(question)
    candidates = question.candidates([file.period for file in directory.manifest.files_of(ORDERS)])
    tally = question.tally()
    progress(0, len(periods))
    if _has_turns(candidates, has_failed=failed.any()):
        months = _in_turn(question, tally, candidates, periods)
    else:
        months = _side_by_side(question, engine, tally, periods)
    for done, _ in enumerate(months, 1):
        progress(done, len(periods))
    failed.add_to(tally, candidates)
    add_pools(question, tally)
    described = [Described(plan, judge(program, question.policies, plan)) for plan in question.plans]
    return result_view(program, tally, described, directory.ids_of)


def _has_turns(candidates: Sequence[CandidatePlan], *, has_failed: bool) -> bool:
    """Whether what a month comes to depends on those before it, so that they are worked on one after the other.

    An order that failed meets the caps after all that settled, so that with such orders months with counted caps do.
    """
    counted = [table for candidate in candidates for table in candidate.terms.counted_rules]
    return bool(counted) and (has_failed or CUSTOMERS in counted)


def _in_turn(
    question: FileQuestion, tally: Tally, candidates: Sequence[CandidatePlan], periods: Sequence[int]
) -> Iterator[int]:
    """Adds here, one month after the other, what settled, and yields each month."""
    for period in periods:
        for _ in add_month(question, tally, candidates, period):
            pass
        yield period


def _side_by_side(question: FileQuestion, engine: Engine, tally: Tally, periods: Sequence[int]) -> Iterator[int]:
    """Adds month by month what settled, each worked on by itself wherever the engine does, and yields each month."""
    for period, of_month in zip(periods, each_month(engine, partial(tally_of_month, question), periods), strict=True):
        tally.add_sums(of_month)
        yield period


class _Failed:
    """The orders of a question that failed by the plan they were paid under; a candidate may pay them."""

    def __init__(self, question: FileQuestion) -> None:
        self._question = question

    def any(self) -> bool:
        """Whether there is any."""
        return next(self._rows(), None) is not None

    def add_to(self, tally: Tally, candidates: Sequence[CandidatePlan]) -> None:
        """Adds what they come to."""
        for rows in self._rows():
            ways = [[_with_ranks(past_order(row), row, plan) for row in rows] for plan in self._question.plans]
            outcomes = [candidate.simulate(orders) for candidate, orders in zip(candidates, ways, strict=True)]
            tally.add(ways[0], outcomes)

    def _rows(self) -> Iterator[list[OrderOfFile]]:
        """Some at a time, by number of the event."""
        span = self._question.span
        for group in self._question.directory.rows(FAILED):
            known: list[OrderOfFile] = group.to_pylist()
            rows = [row for row in known if span.since <= row["paid_at"] < span.until]
            if rows:
                yield rows


def _with_ranks(past: PastOrder, row: OrderOfFile, plan: Plan) -> PastOrder:
    """An order that was paid under no plan, with the ranks that people had by those of another."""
    if row["has_plan"]:
        return past

    def known(person: Person | None) -> Person | None:
        return None if person is None else person._replace(rank=known_rank(plan, person.rank))

    was: Snapshot = past.snapshot
    uplines = tuple([upline for person in was.uplines if (upline := known(person)) is not None])
    return past._replace(
        snapshot=was._replace(
            seller=known(was.seller), uplines=uplines, leader=known(was.leader), opener=known(was.opener)
        )
    )
