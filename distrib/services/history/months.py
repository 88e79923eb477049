"""A month of history worked on by itself, in whichever process: files in, a tally out.

What goes in is the same for all months, and goes to a process once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import zip_longest

from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.policy import Policy
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.facts import FileFacts
from distrib.services.history.reading import MonthHistory
from distrib.services.plans.terms import TermsBook
from distrib.services.simulations.block_tallies import add_block
from distrib.services.simulations.candidates import CandidatePlan
from distrib.services.simulations.facts import TriedHistory
from distrib.services.simulations.held_arrays import GivenRanks, RanksInArrays
from distrib.services.simulations.in_columns import ColumnCandidate
from distrib.services.simulations.running import AS_WERE, KNOWN, left_to_engine
from distrib.services.simulations.sources import PlanNeeds
from distrib.services.simulations.tallies import Tally
from distrib.store.simulations.history import PaidSpan


@dataclass(frozen=True)
class FileQuestion:
    """What is asked of a directory: which plans, as JSON, on orders paid in a span, with what came back or without.

    Attributes:
        ranks: those of each order, or replayed from ``ranks_from`` on, or from the beginning of the span.
        given: the ranks replayed, by candidate, once they are.
    """

    directory: HistoryDirectory
    documents: tuple[str, ...]
    policies: Mapping[str, Policy]
    span: PaidSpan
    refunds: str = KNOWN
    ranks: str = AS_WERE
    ranks_from: datetime | None = None
    given: tuple[GivenRanks, ...] = ()

    @property
    def with_refunds(self) -> bool:
        """Whether what came back counts."""
        return self.refunds == KNOWN

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """The candidates, compiled."""
        return tuple(compile_plan(json.loads(document)) for document in self.documents)

    @cached_property
    def published(self) -> TermsBook:
        """The plans that were in force."""
        return TermsBook(self.directory.program, self.directory.manifest.timeline(), self.policies)

    def tally(self) -> Tally:
        """A tally of nothing yet."""
        return Tally(self.directory.program, self.plans, with_refunds=self.with_refunds)

    def candidates(self, periods: Sequence[int]) -> list[CandidatePlan]:
        """The candidates, which know of orders outside of the span those that settled in some months."""
        facts, program = FileFacts(self.directory, periods), self.directory.program
        tried = TriedHistory(facts, program, self.policies, self.span, self.published, self.with_refunds)
        own = [RanksInArrays(plan, given) for plan, given in zip(self.plans, self.given, strict=False)]
        return [
            CandidatePlan(tried, plan, f"c{place}", ranks)
            for place, (plan, ranks) in enumerate(zip_longest(self.plans, own), 1)
        ]

    def __getstate__(self) -> dict[str, object]:
        """What goes to another process: what is worked out from it is worked out there."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def tally_of_month(question: FileQuestion, period: int) -> Tally:
    """What the orders that settled in a month come to under every candidate, whatever other months hold."""
    tally = question.tally()
    for _ in add_month(question, tally, question.candidates([period]), period):
        pass
    return tally


def add_month(question: FileQuestion, tally: Tally, candidates: Sequence[CandidatePlan], period: int) -> Iterator[int]:
    """Adds the orders that settled in a month to a tally, and yields after each block how many there were in it."""
    source = MonthHistory(question.directory, period, question.span, PlanNeeds.of(question.plans))
    in_columns = [ColumnCandidate(candidate, tally.calendar) for candidate in candidates]
    for block in source.blocks(in_time=True):
        outcomes = [candidate.run(block) for candidate in in_columns]
        add_block(tally, block, outcomes, left_to_engine(source, block, candidates, outcomes))
        yield len(block)
