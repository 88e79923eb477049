"""Processes that make ready, wait for each other, start at once and tell what it took.

They are children of the bench and end with it. What they do is given by name; no figure is worked out here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

ENDS_WITHIN_S = 10


class BenchFailed(Exception):
    """A benchmark could not be run to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What hands that worked side by side took, from the first start to the last end, and what each reports."""

    seconds: float
    reports: Sequence[dict[str, Any]]


def run_together(task: str, specs: Sequence[Mapping[str, object]], environment: Mapping[str, str]) -> Run:
    """Runs one task in as many processes as there are specs, all started at the same moment.

    Raises:
        BenchFailed: one of them ended before it was done.
    """
    with ExitStack() as stack:
        hands = [_start(task, environment) for _ in specs]
        stack.callback(_end, hands)
        for hand, spec in zip(hands, specs, strict=True):
            _say(hand, json.dumps(spec))
        for hand in hands:
            _hear(hand, task)
        for hand in hands:
            _say(hand, "go")
        reports = [json.loads(_hear(hand, task)) for hand in hands]
    seconds = max(report["ended"] for report in reports) - min(report["started"] for report in reports)
    return Run(seconds, reports)


def _start(task: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "distrib.cli.bench.hand", str(os.getpid()), task],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _say(hand: subprocess.Popen[str], line: str) -> None:
    assert hand.stdin is not None
    try:
        hand.stdin.write(line + "\n")
        hand.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended; the next hearing tells


def _hear(hand: subprocess.Popen[str], task: str) -> str:
    assert hand.stdout is not None
    line = hand.stdout.readline()
    if not line:
        raise BenchFailed(f"a process that was to {task} ended with status {hand.wait()} / 进程意外退出")
    return line


def _end(hands: Sequence[subprocess.Popen[str]]) -> None:
    for hand in hands:
        if hand.stdin is not None:
            hand.stdin.close()
        if hand.stdout is not None:
            hand.stdout.close()
    for hand in hands:
        try:
            hand.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            hand.kill()
            hand.wait()
