"""Ranks replayed from files: by the rules of the program, over arrays, in the process that was asked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from distrib.services.history.months import FileQuestion
from distrib.services.history.pools import first_fact
from distrib.services.history.ranking import ranking_source
from distrib.services.simulations.own_arrays import replayed_in_arrays
from distrib.services.simulations.replaying import Replayed, with_candidate
from distrib.services.simulations.running import over_at


def with_ranks_replayed(question: FileQuestion) -> FileQuestion:
    """The question with the ranks that each candidate's own conditions give."""
    directory, span = question.directory, question.span
    program, now = directory.program, directory.manifest.now
    since = question.ranks_from or span.since
    since = max(since, first_fact(directory) or since)
    until = min(span.until, now)
    timelines = [with_candidate(directory.manifest.timeline(), plan, since) for plan in question.plans]
    source = ranking_source(directory, timelines, since, until)
    months = Replayed(since, until, partial(over_at, program, now))
    given = [replayed_in_arrays(program, question.policies, source, timeline, months) for timeline in timelines]
    return replace(question, given=tuple(given))
