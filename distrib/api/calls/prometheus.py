"""What Prometheus may know: requests, how long they took, events, what waits. No ids of anyone may enter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Metrics:
    """The figures of one app: those of this process, or of all its processes where they share a directory."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._requests = Counter(
            "distrib_requests", "Requests answered", ("method", "route", "status"), registry=self._own
        )
        self._seconds = Histogram(
            "distrib_request_seconds",
            "Time until the answer begins",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._own,
        )
        self._events = Counter(
            "distrib_events", "Events posted, by what became of them", ("status",), registry=self._own
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request more, under the rule that served it: paths and methods as sent are unbounded."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def count_events(self, status: str, number: int) -> None:
        """So many events more that were accepted, duplicate or refused."""
        if number:
            self._events.labels(status).inc(number)

    def exposition(self, asked_for: Mapping[str, float | None]) -> bytes:
        """All figures as Prometheus reads them; what could not be asked is not a number."""
        asked = CollectorRegistry()
        asked.register(_Asked(asked_for))
        return generate_latest(self._shared()) + generate_latest(asked)

    def _shared(self) -> CollectorRegistry:
        """The figures of every process where ``PROMETHEUS_MULTIPROC_DIR`` is set, else this one's."""
        shared = CollectorRegistry()
        try:
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        except ValueError:
            return self._own
        return shared


ASKED = {
    "distrib_queue_orders": "Orders that wait to be worked on",
    "distrib_audit_failed_programs": "Programs whose last audit found something wrong",
    "distrib_audit_oldest_timestamp_seconds": "When the oldest of the programs' last audits was made",
    "distrib_webhook_deliveries_pending": "Webhook deliveries that wait",
    "distrib_webhooks_disabled": "Webhooks disabled for what they answered",
}
"""The figures that are asked for and not counted, and what each says."""


class _Asked(Collector):
    def __init__(self, figures: Mapping[str, float | None]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Each figure of ``ASKED``."""
        for name, words in ASKED.items():
            figure = self._figures.get(name)
            yield GaugeMetricFamily(name, words, value=float("nan") if figure is None else float(figure))
