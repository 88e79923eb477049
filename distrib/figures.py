"""The figures of the service that are asked for and not counted, over all programs, for who watches it.

Each costs the same however many rows there are. No figure of a program or a person may enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from distrib.services.audit.run import audit_state
from distrib.services.heartbeats import BatchSeconds, batch_seconds, job_figures, processes_alive
from distrib.services.orders.queue import event_figures, orders_in_queue
from distrib.services.undecided import payouts_waiting
from distrib.services.webhooks.deliveries import delivery_figures

Figure: TypeAlias = float | Mapping[str, float] | BatchSeconds | None
"""A number, None where there is none; numbers by the value of a label; or a distribution."""


def service_figures(conn: Connection, now: datetime) -> dict[str, Figure]:
    """Reads every figure by its Prometheus name."""
    failed, oldest_audit = audit_state(conn)
    pending, disabled = delivery_figures(conn)
    events = event_figures(conn)
    batches = batch_seconds(conn)
    return {
        "distrib_database_up": 1,
        "distrib_queue_orders": orders_in_queue(conn),
        "distrib_oldest_undone_event_seconds": _age(events.oldest, now),
        "distrib_events_waiting": events.waiting,
        "distrib_events_failed": events.failed,
        "distrib_workers_alive": processes_alive(conn, now),
        "distrib_batch_seconds": batches,
        "distrib_batch_orders": batches.orders,
        "distrib_batch_events": batches.events,
        "distrib_payouts_waiting": payouts_waiting(conn),
        "distrib_audit_failed_programs": failed,
        "distrib_audit_oldest_timestamp_seconds": None if oldest_audit is None else int(oldest_audit.timestamp()),
        "distrib_webhook_deliveries_pending": pending,
        "distrib_webhooks_disabled": disabled,
        **job_figures(conn, now),
    }


def _age(since: datetime | None, now: datetime) -> float:
    """Seconds since an instant; none where nothing waits."""
    return 0 if since is None else max(0, (now - since).total_seconds())
