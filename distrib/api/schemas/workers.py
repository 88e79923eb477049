"""The processes that work and their periodic jobs, as they are shown."""

from __future__ import annotations

from distrib.api.http.auth import ORDERS, STAFF
from distrib.api.schemas.fields import Choice, Flag, Inner, Instant, Listed, PlainText, Shape, Whole
from distrib.api.schemas.visible import Visible, within
from distrib.services.heartbeats import DRAINS, KINDS, LOST_AFTER, STATES, SWEEPS


class ProcessSchema(Shape):
    """A process that works for all programs."""

    id = PlainText(required=True)
    kind = Choice(KINDS, required=True)
    state = Choice(
        STATES,
        required=True,
        metadata={"description": f"lost: not heard of for {LOST_AFTER.total_seconds():.0f} seconds, and did not end"},
    )
    began_at = Instant(required=True)
    seen_at = Instant(required=True, metadata={"description": "when it was last heard of"})
    activity = Choice((DRAINS, SWEEPS), required=True, allow_none=True, metadata={"description": "null: it waits"})
    busy_since = Instant(required=True, allow_none=True)
    orders = Whole(required=True, metadata={"description": "settled since it began, of all programs"})
    ended_at = Instant(required=True, allow_none=True)


class PeriodicJobSchema(Shape):
    """A periodic job of the service."""

    name = PlainText(required=True)
    every_seconds = Whole(low=1, required=True)
    last_success_at = Instant(required=True, allow_none=True)
    took_ms = Whole(required=True, allow_none=True)
    last_failure_at = Instant(required=True, allow_none=True)
    error = PlainText(required=True, allow_none=True, metadata={"description": "the kind of the last failure"})
    next_at = Instant(required=True)
    is_late = Flag(required=True)


class WorkersSchema(Shape):
    """What works for all programs, and how the periodic jobs go."""

    as_of = Instant(required=True)
    processes = Listed(Inner(ProcessSchema), required=True, metadata={"description": "the last heard of first"})
    jobs = Listed(Inner(PeriodicJobSchema), required=True)


# Who sees what: what works is for all programs; whoever may ask sees all of it.
_PROCESS = ("id", "kind", "state", "began_at", "seen_at", "activity", "busy_since", "orders", "ended_at")
_JOB = ("name", "every_seconds", "last_success_at", "took_ms", "last_failure_at", "error", "next_at", "is_late")
_WORKERS = ("as_of", *within("processes", _PROCESS), *within("jobs", _JOB))
WORKERS = Visible(WorkersSchema, dict.fromkeys((ORDERS, *STAFF), _WORKERS))
