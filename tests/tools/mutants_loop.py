"""A pytest plugin that tries mutants: tests are collected once, then each mutant is a fork that runs those it concerns.

mutmut starts a pytest for each mutant, which costs more than the tests themselves. It still makes the mutants, says
which tests reach them, and keeps the verdicts; nothing that decides what a verdict means may enter. Run by
``tests.tools.mutants``.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.trampoline import set_mutant_under_test

SURVIVED, KILLED = 0, 1
MOST_MEMORY_MORE = 2 * 2**30
"""Bytes that a mutant may take beyond what the session has: one that grows without end dies of it."""
CPU_FACTOR, CPU_LEAST_SECONDS = 5, 10
"""How many times as long as without a mutant one test may take, and how much longer at least."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the mutants to try stand (by name the test ids with their seconds), and where the verdicts go."""
    parser.addoption("--mutants-to-try")
    parser.addoption("--mutants-verdicts")
    parser.addoption("--mutants-at-once", type=int)


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Tries every mutant in place of running the tests; what is collected stays shared with the forks."""
    option = session.config.option
    asked: dict[str, list[tuple[str, float]]] = json.loads(Path(option.mutants_to_try).read_text("utf-8"))
    items = {item.nodeid: item for item in session.items}
    gc.collect()
    gc.freeze()
    with Path(option.mutants_verdicts).open("w", encoding="utf-8") as verdicts:
        for name, verdict in tried(asked, items, option.mutants_at_once):
            verdicts.write(json.dumps([name, verdict]) + "\n")
            verdicts.flush()
    return True


def tried(
    asked: Mapping[str, Sequence[tuple[str, float]]], items: Mapping[str, pytest.Item], at_once: int
) -> Iterator[tuple[str, int]]:
    """Each mutant with its verdict (mutmut's exit codes), as they end."""
    running: dict[int, str] = {}
    for name, tests in asked.items():
        while len(running) >= at_once:
            yield ended(running)
        pid = os.fork()
        if pid == 0:
            try_mutant(name, [(items[test], seconds) for test, seconds in tests if test in items])
        running[pid] = name
    while running:
        yield ended(running)


def ended(running: dict[int, str]) -> tuple[str, int]:
    """Waits for the next fork to end; one that a signal ended has the signal's number below zero."""
    pid, status = os.wait()
    return running.pop(pid), os.waitstatus_to_exitcode(status)


def try_mutant(name: str, tests: list[tuple[pytest.Item, float]]) -> None:
    """Runs the tests under the mutant in this fork until one fails; never returns."""
    verdict = KILLED
    try:
        limit_memory()
        set_mutant_under_test(name)
        following = [test for test, _ in tests[1:]]
        if all(passes(*test, after) for test, after in zip(tests, [*following, None], strict=True)):
            verdict = SURVIVED
    finally:
        sys.stdout.flush()
        os._exit(verdict)


def passes(test: pytest.Item, seconds: float, following: pytest.Item | None) -> bool:
    """Whether a test and what it sets up pass; one that takes much longer than without a mutant ends this fork."""
    most = int(time.process_time() + seconds * CPU_FACTOR + CPU_LEAST_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    return all(report.passed for report in runtestprotocol(test, log=False, nextitem=following))


def limit_memory() -> None:
    """Lets this fork have so much more memory and no more than that."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    size = pages * resource.getpagesize() + MOST_MEMORY_MORE
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
