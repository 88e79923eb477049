"""Traces of OpenTelemetry: what a request, its events, a drain and its transfers took, and which came of which.

Nothing of OpenTelemetry is imported, and a span is nothing, until ``start_tracing`` is called; that needs the extra
``otel``. What a span says names programs and counts, never a shop, a person or an amount. No rule may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Attributes = str | int
MOST_LINKS: Final = 128
"""That a span has at the most, by the specification's own default."""
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_LIVE: list[Tracing] = []


class Tracing:
    """Spans of one process, sent by ``provider``."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - see the module
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._api = trace
        self._provider = provider
        self._tracer = provider.get_tracer("distrib")
        self._words = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, after: Sequence[str], attributes: Mapping[str, Attributes], *, is_served: bool
    ) -> Iterator[None]:
        """Takes the time of a block; an error is told by its kind alone, for its words may name somebody."""
        contexts = [self._words.extract({"traceparent": trace}) for trace in after[:MOST_LINKS]]
        links = [self._api.Link(self._api.get_current_span(context).get_span_context()) for context in contexts]
        with self._tracer.start_as_current_span(
            name,
            context=contexts[0] if len(contexts) == 1 else None,
            kind=self._api.SpanKind.SERVER if is_served else self._api.SpanKind.INTERNAL,
            links=links if len(links) > 1 else (),
            attributes={f"distrib.{key}": value for key, value in attributes.items()},
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            try:
                yield
            except BaseException as error:
                current.set_status(self._api.StatusCode.ERROR, type(error).__name__)
                raise

    def here(self) -> str | None:
        """The span that is under way, as ``traceparent``."""
        words: dict[str, str] = {}
        self._words.inject(words)
        return words.get("traceparent")

    def note(self, attributes: Mapping[str, Attributes], *, has_failed: bool) -> None:
        """Says something of the span that is under way."""
        current = self._api.get_current_span()
        current.set_attributes(attributes)
        if has_failed:
            current.set_status(self._api.StatusCode.ERROR)

    def end(self) -> None:
        """Sends what was not sent yet."""
        self._provider.shutdown()


def start_tracing(endpoint: str, service: str, version: str) -> Callable[[], None]:
    """Sends the spans of this process to a collector, by OTLP over HTTP, in a thread of its own.

    Args:
        endpoint: of the collector, such as ``http://127.0.0.1:4318``.
        service: as what the process is known there.

    Returns:
        What ends it.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    return take_spans(provider)


def take_spans(provider: TracerProvider) -> Callable[[], None]:
    """Has this process's spans taken by ``provider``; returns what ends it."""
    tracing = Tracing(provider)
    _LIVE[:] = [tracing]

    def end() -> None:
        _LIVE.clear()
        tracing.end()

    return end


def span(name: str, after: Sequence[str] = (), **attributes: Attributes) -> AbstractContextManager[None]:
    """Takes the time of a block, where traces are taken.

    Args:
        after: the ``traceparent`` of what led to it: of one it is a part, to several it is linked.
    """
    return _LIVE[0].span(name, after, attributes, is_served=False) if _LIVE else _NOTHING


def served_span(name: str, traceparent: str | None) -> AbstractContextManager[None]:
    """Takes the time of a request, as a part of the caller's trace where it names one."""
    after = [] if traceparent is None else [traceparent]
    return _LIVE[0].span(name, after, {}, is_served=True) if _LIVE else _NOTHING


def note_on_span(*, has_failed: bool = False, **attributes: Attributes) -> None:
    """Says something of the span that is under way, by the names of the semantic conventions with ``_`` for ``.``."""
    if _LIVE:
        _LIVE[0].note({key.replace("__", "."): value for key, value in attributes.items()}, has_failed=has_failed)


def trace_here() -> str | None:
    """The span that is under way, as ``traceparent`` of W3C Trace Context; None where no traces are taken."""
    return _LIVE[0].here() if _LIVE else None
