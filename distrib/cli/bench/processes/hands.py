"""Processes that make ready, wait for each other, start at once and report what it took.

They are children of the bench, serve one task for all its rounds, and end with it. No figure is computed here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.processes.processor import processor_seconds
from distrib.domain.texts import Text

ENDS_WITHIN_S = 10
_ELSEWHERE = Path(__file__).with_name("drain_elsewhere.py")


@dataclass(frozen=True, slots=True)
class Run:
    """What hands that worked side by side took, from the first start to the last end, and what each reports."""

    seconds: float
    reports: Sequence[dict[str, Any]]
    processor_s: float = 0.0
    """Seconds of processor that they took; 0.0 where the system does not say."""


class Hands:
    """So many processes for one task, from the start of the block to its end:

    with Hands("drain", 2) as hands:
        run = hands.run([{"database_url": url}] * 2)
    """

    def __init__(self, task: str, count: int, elsewhere: tuple[str, Path] | None = None) -> None:
        """Says what is to be done; nothing happens yet.

        Args:
            elsewhere: the Python and the directory of another build, whose code does it; for drains.
        """
        self._elsewhere = elsewhere
        self._task = task
        self._count = count
        self._hands: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Starts them; they come up while other things are made ready."""
        command, variables = self._command()
        for _ in range(self._count):
            self._hands.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends them."""
        for hand in self._hands:
            for pipe in (hand.stdin, hand.stdout):
                assert pipe is not None
                pipe.close()
        for hand in self._hands:
            try:
                hand.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                hand.kill()
                hand.wait()

    def run(self, specs: Sequence[Mapping[str, object]]) -> Run:
        """Has each hand do what its spec says, all started at the same moment.

        Raises:
            BenchFailed: one of them ended before it was done.
        """
        return self.begin(specs)()

    def begin(self, specs: Sequence[Mapping[str, object]]) -> Callable[[], Run]:
        """Starts them as ``run`` does; what is answered waits for their ends, and raises the same."""
        for hand, spec in zip(self._hands, specs, strict=True):
            self._say(hand, json.dumps(spec))
        for hand in self._hands:
            self._hear(hand)
        before = self._processor_seconds()
        for hand in self._hands:
            self._say(hand, "go")
        return partial(self._ended, before)

    def _ended(self, before: float) -> Run:
        reports = [json.loads(self._hear(hand)) for hand in self._hands]
        seconds = max(report["ended"] for report in reports) - min(report["started"] for report in reports)
        return Run(seconds, reports, self._processor_seconds() - before)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        """What is run for each, and under which variables."""
        if self._elsewhere is None:
            module = "distrib.cli.bench.processes.hand"
            return [sys.executable, "-m", module, str(os.getpid()), self._task], dict(os.environ)
        python, directory = self._elsewhere
        return [python, str(_ELSEWHERE)], {**os.environ, "PYTHONPATH": str(directory)}

    def _processor_seconds(self) -> float:
        return sum(processor_seconds(hand.pid) or 0.0 for hand in self._hands)

    def _say(self, hand: subprocess.Popen[str], line: str) -> None:
        assert hand.stdin is not None
        try:
            hand.stdin.write(line + "\n")
            hand.stdin.flush()
        except BrokenPipeError:
            raise self._failed(hand) from None

    def _hear(self, hand: subprocess.Popen[str]) -> str:
        assert hand.stdout is not None
        line = hand.stdout.readline()
        if not line:
            raise self._failed(hand)
        return line

    def _failed(self, hand: subprocess.Popen[str]) -> BenchFailed:
        status = hand.wait(ENDS_WITHIN_S)
        return BenchFailed(Text("a process for {task} ended with status {status}", task=self._task, status=status))
