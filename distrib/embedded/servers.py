"""One pair of servers for all commands on a var_dir: the first starts it, later ones join, the last one stops it."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from distrib.domain.texts import Text
from distrib.embedded import postgres, valkey
from distrib.embedded.leases import Lease, alone, anybody_left
from distrib.embedded.place import control_of, settle_place
from distrib.embedded.processes import EmbeddedServersFailed

ENDING = (signal.SIGTERM, signal.SIGHUP)


class EmbeddedServers:
    """A claim on the private PostgreSQL and Valkey of a var_dir, for the length of a `with`.

    A command that is killed gives up its claim by dying; servers that it left running are joined by the next one:

        with EmbeddedServers(var_dir) as servers:
            engine = create_engine(servers.database_url)
    """

    def __init__(self, var_dir: Path, *, durable: bool = True) -> None:
        """Say where; nothing happens yet.

        Args:
            var_dir: where data, locks and logs lie.
            durable: False lets the system write when it likes, for tests; counts for who starts the servers.
        """
        self._var_dir = var_dir
        self._settings = postgres.SETTINGS if durable else {**postgres.SETTINGS, **postgres.NOT_DURABLE}
        self._entered_by = 0
        self._replaced: list[signal.Signals] = []

    @property
    def database_url(self) -> str:
        """The address of the database, as SQLAlchemy takes it."""
        return postgres.database_url(self._place)

    @property
    def redis_url(self) -> str:
        """The address of the Valkey, as redis-py takes it."""
        return valkey.redis_url(self._place)

    @property
    def postgres_pid(self) -> int:
        """The process to watch; 0 when it does not run."""
        return postgres.postmaster(self._place)

    @property
    def valkey_pid(self) -> int:
        """The process to watch; 0 when it does not run."""
        return valkey.listener(self._place)

    def __enter__(self) -> Self:
        """Have both servers run, and claim them.

        Raises:
            EmbeddedServersFailed: one does not start; the text says why.
        """
        try:
            self._claim()
        except OSError as error:  # a directory that is a file, rights, a full disk
            words = Text("{filename}: {strerror}", filename=error.filename or self._var_dir, strerror=error.strerror)
            raise EmbeddedServersFailed(words) from error
        self._entered_by = os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up the claim; the last one stops the servers. A forked child's exit is not its parent's."""
        if os.getpid() == self._entered_by:
            with alone(self._control):
                self._leave()

    def ensure_valkey(self) -> None:
        """Have Valkey run again, if it died or hangs; cheap when it answers. For who supervises the workers.

        Raises:
            EmbeddedServersFailed: it does not start.
        """
        if not valkey.answers(self._place):
            with alone(self._control):
                valkey.ensure_valkey(self._place)

    def ensure_postgres(self) -> None:
        """Have PostgreSQL run again, if it died; cheap when it lives. It recovers by itself what was committed.

        Raises:
            EmbeddedServersFailed: it does not start.
        """
        if not self.postgres_pid:
            with alone(self._control):
                postgres.ensure_postgres(self._place, self._settings)

    def _claim(self) -> None:
        """Claim the servers and have them run; without the claim where that fails."""
        self._control = control_of(self._var_dir.resolve())
        self._end_by_exception()
        with alone(self._control):
            self._lease = Lease(self._control)
            try:
                self._place = settle_place(self._control)
                postgres.ensure_postgres(self._place, self._settings)
                valkey.ensure_valkey(self._place)
            except BaseException:
                self._leave()
                raise

    def _leave(self) -> None:
        """Give up the claim and stop what nobody claims any more. To be called when `alone`."""
        self._lease.give_up()
        try:
            if not anybody_left(self._control):
                place = settle_place(self._control)
                valkey.stop_valkey(place)
                postgres.stop_postgres(place)
        finally:
            self._restore_signals()

    def _end_by_exception(self) -> None:
        """Let SIGTERM and SIGHUP end the `with` as Ctrl-C does, where nobody decided otherwise."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end_of_process)
                self._replaced.append(number)

    def _restore_signals(self) -> None:
        """Leave the signals as they were found."""
        while self._replaced:
            number = self._replaced.pop()
            if signal.getsignal(number) is end_of_process:
                signal.signal(number, signal.SIG_DFL)


def end_of_process(number: int, _: FrameType | None) -> None:
    """End with the status a shell gives for this signal.

    Raises:
        SystemExit: always.
    """
    raise SystemExit(128 + number)
