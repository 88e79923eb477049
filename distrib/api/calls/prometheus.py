"""What Prometheus may know: requests, how long they took, events, what waits. No ids of anyone may enter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from distrib.figures import Figure
from distrib.services.heartbeats import BatchSeconds

DISTRIBUTION: Final = "distrib_batch_seconds"
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

        self._connections = Gauge(
            "distrib_pool_connections_in_use",
            "Connections to the database in use by the processes of the web",
            registry=self._own,
            multiprocess_mode="livesum",
        )
        self._most_connections = Gauge(
            "distrib_pool_connections_most",
            "Connections to the database that these processes may have",
            registry=self._own,
            multiprocess_mode="livesum",
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

    def note_connections(self, in_use: int, most: int) -> None:
        """So many connections to the database are in use by this process, of so many at the most."""
        self._connections.set(max(0, in_use))
        self._most_connections.set(most)

    def exposition(self, asked_for: Mapping[str, Figure]) -> bytes:
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


class AskedFigure(NamedTuple):
    """What a figure that is asked for says, by which label it is told apart, and whether it only ever grows."""

    words: str
    label: str | None = None
    only_grows: bool = False


ASKED: Final = {
    "distrib_database_up": AskedFigure("Whether the database answered this scrape"),
    "distrib_queue_orders": AskedFigure("Orders that wait to be worked on"),
    "distrib_oldest_undone_event_seconds": AskedFigure(
        "How long the longest waiting event that is next in line has waited"
    ),
    "distrib_events_waiting": AskedFigure("Events that wait for another fact, such as a shop or an order"),
    "distrib_events_failed": AskedFigure("Events that failed and were not retried"),
    "distrib_workers_alive": AskedFigure("Processes that work and were heard of within 30 seconds", "kind"),
    "distrib_batch_seconds": AskedFigure("How long batches took, of all workers"),
    "distrib_batch_orders": AskedFigure("Orders worked on by batches", only_grows=True),
    "distrib_batch_events": AskedFigure("Events applied by batches", only_grows=True),
    "distrib_payouts_waiting": AskedFigure("Payments that wait for a person to approve them", "kind"),
    "distrib_periodic_job_success_timestamp_seconds": AskedFigure("When a periodic job last went well", "job"),
    "distrib_periodic_job_seconds": AskedFigure("How long a periodic job took when it last went well", "job"),
    "distrib_periodic_job_late": AskedFigure(
        "Whether a periodic job should have gone well three times since it did", "job"
    ),
    "distrib_audit_failed_programs": AskedFigure("Programs whose last audit found something wrong"),
    "distrib_audit_oldest_timestamp_seconds": AskedFigure("When the oldest of the programs' last audits was made"),
    "distrib_webhook_deliveries_pending": AskedFigure("Webhook deliveries that wait"),
    "distrib_webhooks_disabled": AskedFigure("Webhooks disabled for what they answered"),
}
"""The figures that are asked for and not counted, and what each says."""


class _Asked(Collector):
    def __init__(self, figures: Mapping[str, Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Each figure of ``ASKED``."""
        for name, asked in ASKED.items():
            yield _family(name, asked, self._figures.get(name))


def _family(name: str, asked: AskedFigure, figure: Figure) -> Metric:
    if isinstance(figure, BatchSeconds):
        buckets = [("+Inf" if bound is None else str(bound), count) for bound, count in figure.counts]
        return HistogramMetricFamily(name, asked.words, buckets=buckets, sum_value=figure.spent_s)
    if name == DISTRIBUTION:
        return HistogramMetricFamily(name, asked.words)
    kind = CounterMetricFamily if asked.only_grows else GaugeMetricFamily
    if asked.label is None:
        return kind(name, asked.words, value=float(figure) if isinstance(figure, int | float) else float("nan"))
    labelled = kind(name, asked.words, labels=[asked.label])
    for value, number in figure.items() if isinstance(figure, Mapping) else ():
        labelled.add_metric([value], number)
    return labelled
