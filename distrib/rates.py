"""How often a caller may call: counted in each process, added up over all of them through Redis.

No call waits for Redis. Each is counted in memory and judged there; a thread of its own then gives Redis what was
counted and brings back what the others counted, some twenty times a second. So processes may let through, together,
what they count between two exchanges; and where Redis is away or hangs, each process goes on with what it counts
itself. What is too often is the caller's of ``take`` to say; no key, address or program is known here.
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog
from redis import Redis
from redis.exceptions import RedisError

MOST_COUNTERS: Final = 20_000
"""Callers that a process counts at a time; past them the one that came first is forgotten."""
MOST_EXCHANGED: Final = 1_000
"""Counters in one exchange with Redis."""
PAUSE_S: Final = 0.05
"""Between two exchanges: what is counted meanwhile goes with the next."""
AWAY_S: Final = 5.0
"""How long Redis is left alone after it did not answer."""

_log = structlog.get_logger(__name__)


class Rate(NamedTuple):
    """At most so many calls in each window of so many seconds, under a name that callers see."""

    name: str
    most: int
    window_s: int = 60


class Standing(NamedTuple):
    """Where a caller stands after a call: how many calls are left, and in how many seconds the window ends."""

    rate: Rate
    left: int
    ends_in_s: int
    is_over: bool = False

    @property
    def policy_field(self) -> str:
        """The field ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-10, 3).

        >>> Standing(Rate("key", 100), 12, 30).policy_field
        '"key";q=100;w=60'
        """
        return f'"{self.rate.name}";q={self.rate.most};w={self.rate.window_s}'

    @property
    def limit_field(self) -> str:
        """The field ``RateLimit`` (the same draft, 4).

        >>> Standing(Rate("key", 100), 12, 30).limit_field
        '"key";r=12;t=30'
        """
        return f'"{self.rate.name}";r={self.left};t={self.ends_in_s}'


@dataclass(slots=True)
class _Counter:
    """The calls of one caller in one window: the sum that Redis last knew, and those counted here since."""

    window: int
    shared: int = 0
    here: int = 0


class Rates:
    """Counts calls by rate and caller.

    Args:
        redis: what processes share; None: each counts for itself.
        prefix: parts the counters of this service from those of others on the same Redis.
        clock: seconds since the epoch, the same on all machines to a second or so.
    """

    def __init__(self, redis: Redis | None, prefix: str, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._unshared: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._away_until = -math.inf
        self.wants_exchange: Callable[[], object] = bool
        """Is called when there is something to exchange; whoever composes the service has it call ``exchange``."""

    def take(self, rate: Rate, caller: str) -> Standing:
        """Counts one call and says where the caller stands; a call that is one too many is not counted."""
        return self._judge(rate, caller, 1)

    def look(self, rate: Rate, caller: str) -> Standing:
        """Says where the caller stands without counting; ``is_over`` where nothing is left."""
        return self._judge(rate, caller, 0)

    def exchange(self) -> bool:
        """Gives Redis what was counted here and takes over the sums; False where Redis did not answer.

        What it did not take is kept for the next time. While Redis is left alone nothing is tried.
        """
        time.sleep(PAUSE_S)
        if self._redis is None or time.monotonic() < self._away_until:
            return False
        with self._lock:
            taken = {name: self._unshared.pop(name) for name in list(self._unshared)[:MOST_EXCHANGED]}
            sent = {name: (window_s, self._counters[name]) for name, window_s in taken.items()}
            counts = {name: counter.here for name, (_, counter) in sent.items()}
        try:
            sums = self._add_up(sent, counts)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_S
            _log.warning("rates_not_shared", error=type(error).__name__)
            with self._lock:
                self._unshared |= {name: window_s for name, window_s in taken.items() if name in self._counters}
            return False
        with self._lock:
            for name, (_, counter) in sent.items():
                counter.shared = sums[name]
                counter.here -= counts[name]
            has_more = bool(self._unshared)
        if has_more:
            self.wants_exchange()
        return True

    def _judge(self, rate: Rate, caller: str, calls: int) -> Standing:
        # Windows of different callers end at different times, so that not all of them come back at once.
        second = int(self._clock()) + zlib.crc32(caller.encode()) % rate.window_s
        window, passed_s = divmod(second, rate.window_s)
        name = (rate.name, caller)
        with self._lock:
            counter = self._counters.get(name)
            if counter is None or counter.window != window:
                counter = self._begin(name, window)
            left = rate.most - counter.shared - counter.here
            is_over = left <= 0
            if calls and not is_over:
                counter.here += calls
                left -= calls
                self._unshared[name] = rate.window_s
        if calls and not is_over and self._redis is not None:
            self.wants_exchange()
        return Standing(rate, max(left, 0), rate.window_s - passed_s, is_over)

    def _begin(self, name: tuple[str, str], window: int) -> _Counter:
        """A counter for a new window, at the end of the line of those to be forgotten."""
        self._counters.pop(name, None)
        self._unshared.pop(name, None)
        if len(self._counters) >= MOST_COUNTERS:
            oldest = next(iter(self._counters))
            del self._counters[oldest]
            self._unshared.pop(oldest, None)
        counter = self._counters[name] = _Counter(window)
        return counter

    def _add_up(
        self, sent: dict[tuple[str, str], tuple[int, _Counter]], counts: dict[tuple[str, str], int]
    ) -> dict[tuple[str, str], int]:
        """Adds to the sums in Redis, in one round trip, and returns them; a sum goes when its window is long over."""
        if self._redis is None or not sent:
            return {}
        with self._redis.pipeline(transaction=False) as pipeline:
            for (rate, caller), (window_s, counter) in sent.items():
                place = f"{self._prefix}:{rate}:{caller}:{counter.window}"
                pipeline.incrby(place, counts[rate, caller])
                pipeline.expire(place, 2 * window_s)
            answers = pipeline.execute()
        return dict(zip(sent, (int(total) for total in answers[::2]), strict=True))
