"""Progress on a terminal; silence anywhere else. No figure of the result may depend on it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Watch:
    """Shows on standard error which step is under way and how far it is."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Starts drawing."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the terminal as it was."""
        self._progress.stop()

    def step(self, text: str, total: int | None = None) -> None:
        """A step begins, of so many parts where that is known; the one before it is over."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, total=total)

    def advance(self, parts: int) -> None:
        """So many parts more."""
        if self._task is not None:
            self._progress.advance(self._task, parts)

    def reached(self, parts: int) -> None:
        """So many parts in all."""
        if self._task is not None:
            self._progress.update(self._task, completed=parts)
