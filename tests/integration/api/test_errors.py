"""Every error is a problem document that says what was wrong, and no traceback leaves the service."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import make_url, text
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from distrib.api.calls.bodies import BATCH_BYTES as MOST_BYTES
from distrib.api.http.codes import CODES
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render
from distrib.store.patience import PatientConnection
from tests.world.api import Api, Caller

EVENT: dict[str, Any] = {
    "id": "evt-1",
    "type": "order.refunded",
    "occurred_at": "2026-03-20T10:00:00+08:00",
    "refund": {"id": "r-1", "order_id": "o-1"},
}

ID_PART = re.compile("<(id|account):[^>]+>")
ANY_PART = re.compile("<([a-z]+):[^>]+>")
IMPOSSIBLE = ("", "ab%20", "%20a", "%E3%80%80a", ".", "..", "a%00b", "a%0A", "%7F", "%C2%85", "x" * 65, "a%2Fb", "%FF")
POSSIBLE = {"id": "a", "period": "2026-03", "version": "1", "account": "expense"}
NOT_JSON = [
    (b"", "Expecting value"),
    (b"{", "Expecting property name"),
    (b'{"id": NaN}', "NaN"),
    (b'{"id": Infinity}', "Infinity"),
    (b'{"id": -Infinity}', "-Infinity"),
    (b'{"id": 1, "id": 2}', "twice"),
    (b"[" * 60_000, "64"),
    (b'{"attributes": ' + b"[" * 65 + b"]" * 65 + b"}", "64"),
    (b'{"id": "\xff"}', "UTF-8"),
    (b'\xef\xbb\xbf{"id": "a"}', "BOM"),
    ('{"id": "a"}'.encode("utf-16"), "UTF-8"),
    (b'{"id": ' + b"9" * 5_000 + b"}", "too long"),
    (b'{"id": 0.' + b"9" * 5_000 + b"}", "too long"),
    (b'{"id": "a"} {"id": "b"}', "Extra data"),
    (b'{"id": "a\x01"}', "control character"),
]


def test_what_is_not_json_is_refused_with_its_reason(api: Api) -> None:
    admin = api.caller()
    for body, reason in NOT_JSON:
        for path in ("/v1/shops", "/v1/events", "/v1/plans"):
            problem = admin.problem("POST", path, body)
            assert (problem["status"], problem["code"]) == (400, "not_json"), body[:40]
            assert reason in problem["detail"]


def test_half_a_character_is_told_by_its_place(api: Api) -> None:
    body = b'{"id": "a\\ud800", "attributes": {"k\\udfff": "v"}, "name": "ok \\ud83d\\ude00"}'
    problem = api.caller().problem("POST", "/v1/shops", body)
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/id", "/attributes/k\\udfff"]


def test_half_a_character_in_an_event_refuses_that_event(api: Api) -> None:
    body = json.dumps(EVENT).replace("evt-1", "evt\\ud800").encode()
    assert api.caller().refused("POST", "/v1/events", body) == (422, "invalid")
    batch = b'{"events": [' + body + b", " + json.dumps(EVENT).encode() + b"]}"
    results = api.caller().post("/v1/events", batch)["results"]
    statuses = [(result["id"], result["status"]) for result in results]
    assert statuses == [("evt\\ud800", "refused"), ("evt-1", "accepted")]


def test_everything_that_is_wrong_is_told_at_once(api: Api) -> None:
    body = {"id": "a/b", "sponsor_id": 7, "joined_at": "yesterday", "nonsense": 1, "attributes": {"k": [1]}}
    problem = api.caller().problem("POST", "/v1/shops", body)
    details = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert details.keys() == {"/id", "/sponsor_id", "/joined_at", "/nonsense", "/attributes/k"}
    assert details["/nonsense"] == "is not a known key"


def test_an_amount_out_of_bounds_is_refused_where_it_stands(api: Api) -> None:
    caller = api.caller("orders")
    for amount in (-1, 10**12 + 1, 2**63, 2**63 - 1, True, "1"):
        line = {"id": "1", "sku": "a", "quantity": 1, "paid_minor": amount}
        order = {"id": "o", "currency": "CNY", "paid_at": "2026-03-01T10:00:00Z", "lines": [line]}
        event = {"id": "e", "type": "order.settled", "occurred_at": "2026-03-01T10:00:00Z", "order": order}
        problem = caller.problem("POST", "/v1/events", event)
        assert [error["pointer"] for error in problem["errors"]] == ["/order/lines/0/paid_minor"], amount


def test_a_fractional_amount_is_refused_and_so_is_a_refund_of_zero(api: Api) -> None:
    for amount in (b"1.5", b"1.0", b"1e2", b"0"):
        lines = b'[{"line_id": "1", "amount_minor": ' + amount + b"}]"
        body = json.dumps(EVENT).replace('"o-1"', '"o-1", "lines": LINES').encode().replace(b"LINES", lines)
        problem = api.caller().problem("POST", "/v1/events", body)
        assert [error["pointer"] for error in problem["errors"]] == ["/refund/lines/0/amount_minor"]


def test_a_caller_who_prefers_chinese_is_answered_in_chinese(api: Api) -> None:
    answer = api.caller().call("POST", "/v1/shops", {"id": 7}, headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    problem = json.loads(answer.text)
    assert problem["title"] == "输入不符合要求"
    assert problem["errors"] == [{"pointer": "/id", "detail": "必须是文本"}]
    assert answer.headers["Content-Language"] == "zh"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "\\u" not in answer.text


def test_every_code_has_both_texts_and_a_place_in_the_docs(api: Api) -> None:
    page = api.nobody().call("GET", "/docs/errors").text
    for code, entry in CODES.items():
        assert all(escape(render(Text(entry.message), language)) in page for language in LANGUAGES)
        assert f'id="{code}"' in page


def test_without_a_good_key_the_answer_is_401(api: Api) -> None:
    almost = f"Bearer dk_0123456789abcdef_{'x' * 43}"
    for sent in (None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Bearer dk_0_x", "bearer é", almost):
        headers = {} if sent is None else {"Authorization": sent}
        answer = api.nobody().call("GET", "/v1/program", headers=headers)
        assert (answer.status_code, json.loads(answer.text)["code"]) == (401, "unauthorized"), sent
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="distrib"'


def test_a_key_that_was_ended_is_not_good_any_more(api: Api) -> None:
    admin, other = api.caller(), api.caller("finance")
    assert other.key is not None
    other.get("/v1/program")
    admin.call("DELETE", f"/v1/keys/{other.key.split('_')[1]}")
    assert other.refused("GET", "/v1/program") == (401, "unauthorized")


def test_what_is_nowhere_is_404(api: Api) -> None:
    odd = ("a%00b", "x" * 65, "%20a", "a%2Fb")
    for path in ("/nowhere", "/v1/nowhere", "/v1//program", *(f"/v1/shops/{shop}" for shop in odd)):
        assert api.caller().refused("GET", path) == (404, "not_found"), path


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-CN"}


def test_a_browser_is_shown_a_page_of_what_is_nowhere_and_the_api_answers_it_as_any_caller(api: Api) -> None:
    client = api.app.test_client()
    for path in ("/nowhere", "/docs/nowhere", "/console/nowhere"):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, answer.mimetype) == (404, "text/html"), path
        assert "未找到该资源" in answer.text
    for path, headers in (("/v1/nowhere", BROWSER), ("/nowhere", {"Accept": "*/*"}), ("/nowhere", {})):
        assert client.get(path, headers=headers).mimetype == "application/problem+json", path


def test_the_first_page_leads_to_the_console_and_every_page_has_its_picture(api: Api) -> None:
    client = api.app.test_client()
    page = client.get("/", headers=BROWSER).text
    assert '<a class="door" href="/console">打开控制台</a>' in page
    assert client.get("/favicon.ico", follow_redirects=True, buffered=True).mimetype == "image/svg+xml"
    for path in ("/", "/docs", "/console/sign-in", "/console/plan", "/my", "/r/AAAAAAAAAA"):
        assert 'rel="icon"' in client.get(path, headers=BROWSER).text, path


def test_an_id_that_cannot_be_one_is_404_on_every_path_and_method(api: Api) -> None:
    admin = api.caller()
    rules = [
        rule.rule for rule in api.app.url_map.iter_rules() if ID_PART.search(rule.rule) and rule.rule.startswith("/v1/")
    ]
    assert len(rules) > 40
    for path in (path for rule in rules for path in impossible_paths(rule)):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            answer = admin.call(method, path)
            assert answer.status_code == 404, (method, path)
            assert method == "HEAD" or json.loads(answer.text)["code"] == "not_found", (method, path)


def test_an_id_that_can_be_one_is_405_where_the_method_is_not_there(api: Api) -> None:
    for possible in ("ab", "a%20b", "...", ".a", "%E5%BA%97", "a%252Fb", "x" * 64, "%F0%9F%98%80"):
        assert api.caller().refused("DELETE", f"/v1/customers/{possible}") == (405, "method_not_allowed")


def test_405_names_the_methods_there_are(api: Api) -> None:
    answer = api.caller().call("DELETE", "/v1/events")
    assert (answer.status_code, json.loads(answer.text)["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_other_media_types_are_415(api: Api) -> None:
    caller = api.caller()
    for sent in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "text/json", ""):
        problem = caller.problem("POST", "/v1/events", b"{}", headers={"Content-Type": sent})
        assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")
        assert "application/json" in problem["detail"]


def test_a_body_over_16_mib_is_413(api: Api) -> None:
    body = b'{"id": "' + b"a" * MOST_BYTES + b'"}'
    assert api.caller().refused("POST", "/v1/events", body) == (413, "too_large")


def test_a_body_over_16_mib_without_a_length_is_413(api: Api) -> None:
    caller = api.caller()
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answers = {}
    for more in (0, 1, 7):
        answer = caller.client.post(
            "/v1/events",
            input_stream=io.BytesIO(b" " * (MOST_BYTES + more)),
            headers={"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"},
            environ_overrides=environ,
        )
        answers[more] = answer.status_code
    assert answers == {0: 400, 1: 413, 7: 413}


def test_query_parameters_are_as_strict_as_bodies(api: Api) -> None:
    pointers = {
        "?limit=0": "?limit",
        "?limit=501": "?limit",
        "?limit=x": "?limit",
        "?limit=１": "?limit",
        "?limit=1_0": "?limit",
        "?limit=1&limit=2": "?limit",
        "?nonsense=1": "?nonsense",
        "?cursor=abc": "?cursor",
        "?status=odd": "?status",
    }
    for query, pointer in pointers.items():
        problem = api.caller().problem("GET", f"/v1/events{query}")
        assert (problem["status"], [error["pointer"] for error in problem["errors"]]) == (422, [pointer]), query
    assert api.caller().refused("GET", "/v1/program?x=1") == (422, "invalid")


def test_a_cursor_of_another_list_or_program_or_made_up_is_refused(api: Api) -> None:
    admin = api.caller()
    for name in ("a", "b", "c"):
        admin.post("/v1/shops", {"id": name})
        admin.post("/v1/shops", {"id": f"below-{name}", "sponsor_id": name})
    admin.post("/v1/shops", {"id": "more", "sponsor_id": "a"})
    cursor = admin.get("/v1/shops/a/downline?limit=1")["next_cursor"]
    assert cursor is not None
    assert admin.call("GET", f"/v1/shops/a/downline?limit=1&cursor={cursor}").status_code == 200
    for path in (
        f"/v1/shops/b/downline?cursor={cursor}",
        f"/v1/events?cursor={cursor}",
        f"/v1/shops/a/downline?cursor={cursor[:-2]}AA",
        f"/v1/shops/a/downline?cursor={cursor}é",
    ):
        assert admin.refused("GET", path) == (422, "invalid"), path


def test_a_failure_of_ours_is_500_and_says_nothing_of_itself(api: Api) -> None:
    caller = broken(api, RuntimeError("secret words"))
    answer = caller.call("GET", "/v1/program", headers={"X-Request-Id": "mine-1"})
    assert (answer.status_code, json.loads(answer.text)["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] == "mine-1"


def test_a_request_id_that_is_not_fit_for_a_log_is_replaced(api: Api) -> None:
    for sent in ("a" * 65, 'x"y', "a b", ""):
        for name in ("Request-Id", "X-Request-Id"):
            answer = api.caller().call("GET", "/v1/program", headers={name: sent})
            assert answer.headers["Request-Id"] != sent
            assert len(answer.headers["Request-Id"]) == 36


def test_a_problem_names_its_request_as_its_header_does(api: Api) -> None:
    for path in ("/v1/nowhere", "/v1/program"):
        own = api.nobody().call("GET", path, headers={"Request-Id": "theirs-7"})
        assert (json.loads(own.text)["request_id"], own.headers["Request-Id"]) == ("theirs-7", "theirs-7")
        made = api.nobody().call("GET", path)
        assert json.loads(made.text)["request_id"] == made.headers["Request-Id"] == made.headers["X-Request-Id"]


def test_every_line_that_is_logged_in_a_request_names_it(api: Api) -> None:
    caller = broken(api, RuntimeError("words"))
    with capture_logs(processors=[merge_contextvars]) as lines:
        caller.call("GET", "/v1/program", headers={"Request-Id": "first"})
        caller.call("GET", "/v1/program", headers={"Request-Id": "second"})
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("failed", "first"),
        ("request", "first"),
        ("failed", "second"),
        ("request", "second"),
    ]


def test_a_database_that_went_away_is_503_and_back_again_it_works(api: Api) -> None:
    caller = api.caller()
    caller.get("/v1/program")
    engine = api.world.container.worker_engine
    with engine.begin() as conn:
        name = conn.execute(text("SELECT current_database()")).scalar_one()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
    with engine.begin() as conn:
        conn.execute(text("RESET ROLE"))
        conn.execute(text(cut), {"name": name})
    caller.get("/v1/program")


def test_a_database_that_is_away_is_503_with_retry_after(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = api.caller()
    container = api.world.container
    away = container.database_url.replace(container.database_url.rsplit("/", 1)[1].split("?")[0], "nowhere_at_all")
    api.world.container.web_engine.dispose()
    monkeypatch.setattr(PatientConnection, "connect", connect_to(away, container.web_engine.dialect))
    answer = caller.call("GET", "/v1/program")
    assert (answer.status_code, json.loads(answer.text)["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_every_answer_has_its_security_headers(api: Api) -> None:
    for path in ("/", "/docs", "/docs/errors", "/v1/openapi.json", "/v1/program", "/healthz", "/nowhere"):
        headers = api.caller().call("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["Request-Id"] == headers["X-Request-Id"]
    assert api.caller().call("GET", "/v1/program").headers["Cache-Control"] == "no-store"


def impossible_paths(rule: str) -> Iterator[str]:
    """The paths of a rule in which each id in turn is none and all else is as it may be."""
    for part in ID_PART.finditer(rule):
        sides = (rule[: part.start()], rule[part.end() :])
        before, after = (ANY_PART.sub(lambda other: POSSIBLE[other[1]], side) for side in sides)
        for sent in IMPOSSIBLE:
            yield f"{before}{'payable:' if part[1] == 'account' else ''}{sent}{after}"


def connect_to(url: str, dialect: Any) -> Any:
    """A way to connect that always asks for another database."""
    words, named = dialect.create_connect_args(make_url(url))
    return lambda *_, **__: psycopg.connect(*words, **named)


def broken(api: Api, error: Exception) -> Caller:
    """A caller whose every request fails in a way nobody foresaw."""
    app: Flask = api.app
    caller = api.caller()

    def fail() -> None:
        raise error

    app.before_request_funcs.setdefault(None, []).append(fail)
    return caller
