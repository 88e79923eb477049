"""Keeps processes of a service alive: one that dies is started again, by nobody's hand. What they do may not enter.

They are forked from this process, which has imported what they need: an import takes seconds, a fork none.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import NoReturn

import structlog

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_LIVED_S = 10.0
"""Who lived so long has died of something new, and is started again at once."""
_MOST_FIRST_STARTS = 3
_GROUP_ENDS_WITHIN_S = 0.5
_LOOK_S = 0.02
_STOP_WAIT_S = 25.0
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15  # prctl(2)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptModule:
    """What is run.

    Args:
        module: as by ``python -m``; its first argument is its own name.
        arguments: the others.
        environment: what stands in its environment besides our own.
    """

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class Kept:
    """One process with all that it starts, kept alive from the first start until it is stopped.

    A process that ends by itself takes what it left behind along: an orphan would keep the port, and its code. The next
    one is started at once, or after a pause that doubles with each start that did not last.

    Args:
        name: for the log and for the system's list of processes.
        gives_up: exit statuses which say that no start is of use before somebody mends the settings. They count until
            the process has once lived long enough; so does any above 0 with which three starts have ended.
        is_fresh: whether it is to know nothing of this process, neither memory nor environment: it then imports anew.
    """

    def __init__(
        self,
        name: str,
        run: KeptModule,
        gives_up: Sequence[int] = (),
        *,
        is_fresh: bool = False,
    ) -> None:
        self._name = name
        self._run = run
        self._gives_up = gives_up
        self._is_fresh = is_fresh
        self._pid = 0
        self._status: int | None = None
        self._started = 0.0
        self._due = 0.0
        self._pause_s = 0.0
        self._has_lived = False
        self._failed_starts = 0

    def keep(self) -> int | None:
        """Starts the process where it does not run and its pause is over.

        Returns:
            None while all is well, else the status with which it gave up.
        """
        if not self._pid:
            self._start()
        elif self._status is not None:
            if monotonic() >= self._due:
                self._start()
        elif self._has_ended():
            return self._note_end()
        else:
            self._has_lived = self._has_lived or monotonic() - self._started >= _LIVED_S
        return None

    def stop(self) -> None:
        """Asks the process to end and waits for it; what does not end in time is killed."""
        if not self._pid:
            return
        until = monotonic() + _STOP_WAIT_S
        if self._status is None:
            os.kill(self._pid, signal.SIGTERM)
        while not self._has_ended() and monotonic() < until:
            sleep(_LOOK_S)
        end_group(self._pid)

    def _has_ended(self) -> bool:
        if self._status is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None

    def _note_end(self) -> int | None:
        status = self._status or 0
        self._failed_starts += status > 0
        if not self._has_lived and (status in self._gives_up or self._failed_starts >= _MOST_FIRST_STARTS):
            return status
        lived_s = monotonic() - self._started
        self._pause_s = 0.0 if lived_s >= _LIVED_S else min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        _log.warning("process_died", process=self._name, pid=self._pid, status=status)
        end_group(self._pid)
        self._due = monotonic() + self._pause_s
        return None

    def _start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._pid = os.fork()
        if not self._pid:
            self._become(parent)
        self._status, self._started = None, monotonic()

    def _become(self, parent: int) -> NoReturn:
        """Goes on as the process itself, of which nothing comes back here."""
        status = 1
        try:
            os.setsid()
            _tie_to(parent, f"distrib-{self._name}")
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.environ.update(self._run.environment)
            if self._is_fresh:
                os.execv(sys.executable, [sys.executable, "-P", "-m", self._run.module, *self._run.arguments])  # noqa: S606 - no shell
            sys.argv = [self._run.module, *self._run.arguments]
            runpy.run_module(self._run.module, run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - nothing may unwind into what the parent holds
            _log.exception("process_failed", process=self._name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def end_group(leader: int) -> None:
    """Ends what a process that is gone has left of its group: politely, and after a moment for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = monotonic() + _GROUP_ENDS_WITHIN_S
        try:
            os.killpg(leader, number)
            while number is signal.SIGTERM and monotonic() < until:
                os.killpg(leader, 0)
                sleep(_LOOK_S)
        except (ProcessLookupError, PermissionError):  # all gone; or its number is another's by now
            return


def _tie_to(parent: int, name: str) -> None:
    """Makes this process end when ``parent`` does, ``kill -9`` included: an orphan would keep the port and its code.

    It is listed under its own name.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        prctl(_PR_SET_NAME, name.encode())
    if os.getppid() != parent:
        os._exit(1)
