"""A trace leads from the request over its events and the drain to the transfers; without tracing there is nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from distrib.setting_checks import SettingsError
from distrib.settings import read_settings
from distrib.tracing import span, take_spans, trace_here
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import served_api
from tests.world.processes import wait_until
from tests.world.receivers import receiver
from tests.world.world import World, chain

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """The spans of this process, in memory."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    end = take_spans(provider)
    yield kept
    end()


def spans(exporter: InMemorySpanExporter) -> dict[str, list[Any]]:
    """The spans that have ended, by name."""
    named: dict[str, list[Any]] = {}
    for ended in exporter.get_finished_spans():
        named.setdefault(ended.name, []).append(ended)
    return named


def test_a_request_leads_over_its_events_and_the_drain_to_the_transfers(
    api: Api, exporter: InMemorySpanExporter
) -> None:
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(*chain("a"))
    caller = api.caller("orders")
    answer = caller.call("POST", "/v1/events", settled("e", "o", "a", line(1_000)), headers={"traceparent": PARENT})
    assert answer.status_code == 202
    api.world.drain()
    named = spans(exporter)
    [request], [kept] = named["POST /v1/events"], named["events.keep"]
    [drain], [transfers] = named["drain"], named["transfers.post"]
    assert {format_trace_id(each.context.trace_id) for each in (request, kept, drain, transfers)} == {TRACE}
    assert request.kind is SpanKind.SERVER
    assert format_span_id(request.parent.span_id) == PARENT.split("-")[2]
    parents = [(kept, request), (drain, kept), (transfers, drain)]
    assert [child.parent.span_id == parent.context.span_id for child, parent in parents] == [True] * 3
    assert request.attributes["http.response.status_code"] == 202
    assert request.attributes["http.route"] == "/v1/events"
    assert request.attributes["distrib.request_id"] == answer.headers["Request-Id"]
    assert (drain.attributes["distrib.orders"], kept.attributes["distrib.events"]) == (1, 1)


def test_a_drain_of_several_requests_is_linked_to_each(api: Api, exporter: InMemorySpanExporter) -> None:
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(*chain("a"))
    caller = api.caller("orders")
    for number in range(2):
        assert caller.call("POST", "/v1/events", settled(f"e{number}", f"o{number}", "a", line(10))).status_code == 202
    api.world.drain()
    named = spans(exporter)
    [drain] = named["drain"]
    assert drain.parent is None
    assert {link.context.span_id for link in drain.links} == {kept.context.span_id for kept in named["events.keep"]}


def test_what_fails_is_told_by_its_kind_and_not_by_its_words(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Han Mei"), span("fails"):
        raise ValueError("Han Mei has no account")
    [failed] = exporter.get_finished_spans()
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "ValueError")
    assert failed.events == ()


def test_a_served_process_sends_its_spans_to_the_collector(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as collector:
        monkeypatch.setenv("DISTRIB_OTEL_ENDPOINT", f"http://127.0.0.1:{collector.port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with served_api(world.container) as live:
            assert live.client(world.program).call("GET", "/v1/shops").status == 200
            wait_until(lambda: any(b"GET /v1/shops" in sent.body for sent in collector.received), "the span is sent")
    sent = next(sent for sent in collector.received if b"GET /v1/shops" in sent.body)
    assert (sent.path, b"distrib-web" in sent.body) == ("/v1/traces", True)


def test_without_tracing_nothing_of_it_is_kept_or_imported(api: Api) -> None:
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.post(settled("e", "o", "a", line(1_000)))
    assert trace_here() is None
    assert api.world.rows("SELECT trace FROM queue") == [(None,)]
    modules = "distrib.app, distrib.cli.service.serve, distrib.server.worker, workers.supervisor, workers.child"
    absent = f"import sys; sys.modules['opentelemetry'] = None; import {modules}"
    subprocess.run([sys.executable, "-c", absent], check=True, timeout=60)


def test_where_the_extra_is_missing_the_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DISTRIB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DISTRIB_OTEL_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setattr("distrib.settings.has_distribution", lambda _: False)
    with pytest.raises(SettingsError, match=r"distrib\[otel\]"):
        read_settings()
