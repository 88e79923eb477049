"""Who works on the months: this process, several of this machine, or a cluster of Dask. Each month is worked on alone.

A worker that dies takes nothing with it: what it had not told of is worked on again where the engine has another one
(Dask), or all is refused by one message.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from logging import ERROR, getLogger
from typing import Final, Generic, NamedTuple, TypeVar

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.failpoints import reach
from distrib.services.history.refusals import HistoryWorkerLost

Of = TypeVar("Of")
MonthsProgress = Callable[[int, int], None]
"""Is told how many months are done, of how many."""
PROCESS, DASK = ENGINES = ("process", "dask")
_ANY_PORT: Final = "127.0.0.1:0"
"""Dask serves its figures always: here on whatever port is free, to this machine alone."""
_task: Callable[[int], object] | None = None
"""Of this process, where it is one of several."""


class Engine(NamedTuple):
    """Who works: ``process`` with so many processes, or ``dask`` at an address, or with so many local workers."""

    name: str = PROCESS
    processes: int = 1
    scheduler: str | None = None


def unwatched(done: int, total: int) -> None:
    """The progress of work that nobody watches."""


def each_month(
    engine: Engine, task: Callable[[int], Of], periods: Sequence[int], progress: MonthsProgress = unwatched
) -> Iterator[Of]:
    """Yields what a task answers of each month, in the order of the months.

    Args:
        task: goes to other processes once, with all that it holds.
        progress: is told before the first month, and once each has been taken up.

    Raises:
        Refusal: ``history_worker_lost``: a process ended in the middle, or while it started.
    """
    if engine.name == DASK:
        answers = _by_dask(engine, task, periods)
    elif engine.processes == 1:
        answers = map(partial(_answer, task), periods)
    else:
        answers = _by_processes(engine.processes, task, periods)
    progress(0, len(periods))
    for done, answer in enumerate(answers, 1):
        yield answer
        progress(done, len(periods))


def _by_processes(processes: int, task: Callable[[int], Of], periods: Sequence[int]) -> Iterator[Of]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, remember, (task,)) as pool:
        try:
            yield from pool.map(_Remembered(task), periods)
        except BrokenProcessPool as error:
            raise HistoryWorkerLost() from error


def remember(task: Callable[[int], object]) -> None:
    """Keeps what is asked of every month that this process is given."""
    global _task  # noqa: PLW0603 - what the months of a process share
    _task = task


class _Remembered(Generic[Of]):
    """A task that goes to another process without what it holds: there it is the one that process was told of."""

    def __init__(self, task: Callable[[int], Of]) -> None:
        self._task = task

    def __call__(self, period: int) -> Of:
        return _answer(self._task, period)

    def __reduce__(self) -> tuple[Callable[[], _Remembered[object]], tuple[()]]:
        return _remembered, ()


def _remembered() -> _Remembered[object]:
    if _task is None:
        raise RuntimeError("the process was told no task")
    return _Remembered(_task)


def _by_dask(engine: Engine, task: Callable[[int], Of], periods: Sequence[int]) -> Iterator[Of]:
    dask = import_module("distributed")  # an extra, asked for before
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
        except RuntimeError as error:  # a worker of this machine ended while it started
            raise HistoryWorkerLost() from error
        # What a worker is told once is a task of its own: of a worker that dies it is asked again, of another.
        shared = client.submit(_same, _Shared(task), pure=False)
        futures = [client.submit(_asked, shared, period, pure=False) for period in periods]
        try:
            while futures:
                yield futures.pop(0).result()
        except (dask.KilledWorker, dask.client.FutureCancelledError) as error:
            raise HistoryWorkerLost() from error


class _Shared(NamedTuple):
    """A task as a value: Dask would call one that it is given as it is."""

    task: Callable[[int], object]


def _same(shared: _Shared) -> _Shared:
    return shared


def _asked(shared: _Shared, period: int) -> object:
    return _answer(shared.task, period)


def _answer(task: Callable[[int], Of], period: int) -> Of:
    answer = task(period)
    reach("history.month")
    return answer
