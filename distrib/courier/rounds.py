"""Rounds of the courier: claims what is due, sends a bounded number at once, records what came of each.

Serves the supervisor's periodic job; any number may run beside each other. No rule and no SQL may enter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from time import monotonic

import structlog
from sqlalchemy import Engine

from distrib.courier.pinned import Sender, Unreachable
from distrib.services.encryption import SealBroken, Sealer
from distrib.services.webhooks import deliveries
from distrib.store.webhooks.endpoints import Attempt, DueDelivery

MOST_IN_FLIGHT = 16
MOST_IN_FLIGHT_EACH = 4
"""So many in flight to one endpoint: one that is slow does not hold up the others."""
_REDIRECTS = range(300, 400)

_log = structlog.get_logger(__name__)


class Courier:
    """Sends the webhook deliveries that are due.

    Args:
        engine: connections under the worker role.
        sealer: opens the secrets that sign.
        sender: makes the attempts.
        now: the clock.
    """

    def __init__(self, engine: Engine, sealer: Sealer, sender: Sender, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._sealer = sealer
        self._sender = sender
        self._now = now

    def run(self, *, deadline_s: float = 30.0) -> int:
        """Sends until nothing is due, or begins nothing more once so many seconds have passed.

        Returns:
            How many attempts were made.
        """
        until, made = monotonic() + deadline_s, 0
        flying: dict[Future[None], int] = {}
        with ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="courier") as pool:
            while True:
                claimed = self._claim(flying) if monotonic() < until else []
                flying |= {pool.submit(self._deliver, due): due.webhook_no for due in claimed}
                if not flying:
                    return made
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    del flying[future]
                    future.result()
                made += len(done)

    def _claim(self, flying: dict[Future[None], int]) -> list[DueDelivery]:
        free, counts = MOST_IN_FLIGHT - len(flying), Counter(flying.values())
        if not free:
            return []
        each = MOST_IN_FLIGHT_EACH - max(counts.values(), default=0) or 1
        full = [webhook_no for webhook_no, count in counts.items() if count >= MOST_IN_FLIGHT_EACH]
        with self._engine.begin() as conn:
            return deliveries.claim_due(conn, self._now(), free, each, full)

    def _deliver(self, due: DueDelivery) -> None:
        began, attempted_at = monotonic(), self._now()
        status, error = self._attempt(due, attempted_at)
        attempt = Attempt(attempted_at, round((monotonic() - began) * 1000), status, error)
        with self._engine.begin() as conn:
            disabled = deliveries.record(conn, due, attempt, self._now())
        if disabled is not None:
            _log.warning("webhook_disabled", program=due.program_id, webhook=due.webhook_id, reason=disabled)

    def _attempt(self, due: DueDelivery, now: datetime) -> tuple[int | None, str | None]:
        """Sends one delivery; returns the status of the answer, and why it does not count as delivered."""
        try:
            request = deliveries.make_request(due, self._sealer, now)
            status = self._sender.post(request.url, request.headers, request.body)
        except Unreachable as error:
            return None, str(error)
        except SealBroken:
            return None, "secret_unreadable"
        if 200 <= status < 300:
            return status, None
        return status, "redirect" if status in _REDIRECTS else "refused"
