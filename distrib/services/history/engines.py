"""Who works on the months: this process, several of this machine, or a cluster of Dask. Each month is worked on alone.

A worker that dies takes nothing with it: what it had not told of is worked on again where the engine has another one
(Dask), or all is refused by one message.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from logging import ERROR, getLogger
from typing import Any, Final, NamedTuple

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.services.history.months import FileQuestion, tally_of_month
from distrib.services.simulations.tallies import Tally

PROCESS, DASK = ENGINES = ("process", "dask")
_ANY_PORT: Final = "127.0.0.1:0"
"""Dask serves its figures always: here on whatever port is free, to this machine alone."""
_question: FileQuestion | None = None
"""Of this process, where it is one of several."""


class Engine(NamedTuple):
    """Who works: ``process`` with so many processes, or ``dask`` at an address, or with so many local workers."""

    name: str = PROCESS
    processes: int = 1
    scheduler: str | None = None


def tallies(engine: Engine, question: FileQuestion, periods: Sequence[int]) -> Iterator[Tally]:
    """Yields the tally of each month, in the order of the months.

    Raises:
        Refusal: ``history_worker_lost``: a process ended in the middle.
    """
    if engine.name == DASK:
        yield from _by_dask(engine, question, periods)
    elif engine.processes == 1:
        yield from map(partial(tally_of_month, question), periods)
    else:
        yield from _by_processes(engine.processes, question, periods)


def _by_processes(processes: int, question: FileQuestion, periods: Sequence[int]) -> Iterator[Tally]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, remember, (question,)) as pool:
        try:
            yield from pool.map(_tally_of_month, periods)
        except BrokenProcessPool as error:
            raise Refusal("history_worker_lost") from error


def remember(question: FileQuestion) -> None:
    """Keeps what is asked of every month that this process works on."""
    global _question  # noqa: PLW0603 - what the months of a process share
    _question = question


def _tally_of_month(period: int) -> Tally:
    if _question is None:
        raise RuntimeError("the process was told no question")
    return tally_of_month(_question, period)


def _by_dask(engine: Engine, question: FileQuestion, periods: Sequence[int]) -> Iterator[Tally]:
    dask: Any = import_module("distributed")  # an extra, asked for before
    getLogger("distributed").setLevel(ERROR)
    with ExitStack() as stack:
        try:
            address = engine.scheduler or stack.enter_context(
                dask.LocalCluster(n_workers=engine.processes, threads_per_worker=1, dashboard_address=_ANY_PORT)
            )
            client = stack.enter_context(dask.Client(address))
        except OSError as error:
            words = Text("no scheduler answers at {address}", address=engine.scheduler)
            raise Refusal("invalid", [Problem("--scheduler", words)]) from error
        # What a worker is told once is a task of its own: of a worker that dies it is asked again, of another.
        shared = client.submit(_same, question, pure=False)
        futures = [client.submit(tally_of_month, shared, period, pure=False) for period in periods]
        try:
            while futures:
                yield futures.pop(0).result()
        except (dask.KilledWorker, dask.client.FutureCancelledError) as error:
            raise Refusal("history_worker_lost") from error


def _same(question: FileQuestion) -> FileQuestion:
    return question
