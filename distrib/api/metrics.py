"""What Prometheus may know: how many requests, how long, how many events, how much waits. No ids of anyone may enter."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Metrics:
    """The figures of one app, in a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "distrib_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "distrib_request_seconds",
            "Time to the first byte of the answer",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._events = Counter("distrib_events", "Events posted, by what became of them", ("status",), registry=self._registry)
        self._queue = Gauge("distrib_queue_orders", "Orders that wait to be worked on", registry=self._registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request more, under the rule that served it (never its path: that is unbounded)."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def count_events(self, status: str, number: int) -> None:
        """So many events more that were accepted, duplicate or refused."""
        if number:
            self._events.labels(status).inc(number)

    def exposition(self, queue_length: int | None) -> bytes:
        """All figures as Prometheus reads them; a queue that could not be asked is not a number."""
        self._queue.set(float("nan") if queue_length is None else queue_length)
        return generate_latest(self._registry)
