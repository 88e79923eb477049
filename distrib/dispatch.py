"""The only one who rings the bell: a lost ring costs a second, never an event.

A ring is an RQ job without facts; the database says what there is to do, and the sweeper
finds it where the bell is dead. Rings that nobody has answered yet are one ring. No SQL, no
business rule may enter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer

QUEUE_NAME = "distrib"
DRAIN_JOB = "workers.jobs.drain"
_BELL_KEY = "distrib:bell"
_QUIET_MS = 100
_MOST_RINGS = 8

_log = structlog.get_logger(__name__)


def bell_queue(connection: Redis) -> Queue:
    """The one RQ queue on a connection; two queues on one worker lose jobs in RQ 3."""
    return Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)


class Bell:
    """Wakes a worker through RQ, best effort."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def ring(self) -> bool:
        """Asks for a drain; False where Redis did not answer or a ring waits to be answered already."""
        try:
            if not self._connection.set(_BELL_KEY, "1", nx=True, px=_QUIET_MS):
                return False
            queue = bell_queue(self._connection)
            if queue.count >= _MOST_RINGS:
                return True
            queue.enqueue(DRAIN_JOB, job_timeout=600, result_ttl=0, failure_ttl=86_400, ttl=300)
        except (RedisError, OSError) as error:
            _log.warning("bell_lost", error=type(error).__name__)
            return False
        return True

    def answer(self) -> None:
        """Clears the ring before a drain first reads the database: what comes later may need a ring of its own."""
        try:
            self._connection.delete(_BELL_KEY)
        except (RedisError, OSError) as error:
            _log.warning("bell_lost", error=type(error).__name__)

    def is_silent(self) -> bool:
        """Whether nobody answers the bell: Redis is gone, or rings pile up unanswered."""
        try:
            return bell_queue(self._connection).count > 1
        except (RedisError, OSError):
            return True

    def is_heard(self) -> bool:
        """Whether Redis answers and any worker, of whichever machine, listens there."""
        try:
            return Worker.count(queue=bell_queue(self._connection)) > 0
        except (RedisError, OSError):
            return False


class Ringer:
    """Rings a bell from a thread of its own: who asks for it waits for no Redis, not even for one that hangs.

    Whoever asks while a ring is under way gets one more after it, however many they are. The thread starts with the
    first ring, and anew where it has ended.
    """

    def __init__(self, ring: Callable[[], object]) -> None:
        self._ring = ring
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Asks for a ring, and returns at once."""
        self._wanted.set()
        if not self._is_up():
            with self._starting:
                if not self._is_up():
                    self._thread = threading.Thread(target=self._serve, name="ringer", daemon=True)
                    self._thread.start()

    def _is_up(self) -> bool:
        """Whether the thread lives; an error ends it, and in a process that was forked it never did."""
        return self._thread is not None and self._thread.is_alive()

    def _serve(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            self._ring()
