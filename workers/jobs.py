"""The jobs that RQ runs. A job carries no facts and may run any number of times beside itself."""

from __future__ import annotations

from distrib.services.heartbeats import DRAINS
from workers.runtime import activity_shown, runtime

DRAIN_SECONDS = 30.0


def drain() -> int:
    """Drains whatever waits; rings for help where there is much, and for more where time is up.

    Returns:
        How many orders it settled.
    """
    container, drainer = runtime()
    container.bell.answer()
    with activity_shown(DRAINS) as heartbeat:
        tally = drainer.run(deadline_s=DRAIN_SECONDS, after_batch=lambda _: _call_for_help())
        if heartbeat is not None:
            heartbeat.add(tally)
    if drainer.has_pending_events():
        container.ringer.ring()
    return tally.orders


def _call_for_help() -> None:
    container, _ = runtime()
    container.ringer.ring()
