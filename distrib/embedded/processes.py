"""Processes of others: whether one lives, how it is stopped, and the error that says what went wrong.

They are looked at through /proc, because a zombie answers signals like the living, and a pid may be another's by now.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from distrib.domain.texts import Text
from distrib.embedded.account import ENVIRONMENT, Account
from distrib.languages import render_both

POLL_S = 0.02
PROC = Path("/proc")
children: dict[int, subprocess.Popen[bytes]] = {}  # what this process started and has not seen the end of


class EmbeddedServersFailed(RuntimeError):
    """The private servers could not be started; the message says why in both languages, with the end of a log."""

    def __init__(self, text: Text, log: str | None = None) -> None:
        super().__init__(render_both(text) + ("" if log is None else f":\n{log}"))


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    """Whether a condition came to hold before the time was over."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def start_apart(command: Sequence[str | Path], log: Path, account: Account) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that a Ctrl-C meant for us is not for it."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **account.as_child(),
        )
    children[child.pid] = child
    return child


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    reap(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def reap(pid: int) -> None:
    """Take note of the end of a child of ours, if it is one and has ended."""
    child = children.get(pid)
    if child and child.poll() is not None:
        del children[pid]


def runs_in(pid: int, directory: Path) -> bool:
    """Whether a living process has this working directory; a reused pid has another."""
    try:
        return is_alive(pid) and (PROC / str(pid) / "cwd").readlink() == directory
    except OSError:
        return False


def all_working_in(directory: Path) -> list[int]:
    """The living processes whose working directory this is."""
    return [pid for pid in every_pid() if runs_in(pid, directory)]


def every_pid() -> Iterator[int]:
    """All processes that can be seen."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def stop(pids: Sequence[int], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End processes by ever ruder signals, each with its time to work.

    Raises:
        EmbeddedServersFailed: they outlived them all.
    """
    for number, patience_s in signals:
        for pid in pids:
            send(pid, number)
        if wait_until(lambda: not any(is_alive(pid) for pid in pids), patience_s):
            return
    raise EmbeddedServersFailed(Text("processes {pids} do not end", pids=list(pids)))


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process; one that is gone by now is as good as signalled."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    except OSError:
        return ""
