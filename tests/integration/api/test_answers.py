"""What the calls answer: shops, plans, statements, files, and the same answer to the same post."""

from __future__ import annotations

import csv
import io
import json
import threading
from typing import Any

from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import chain

KEY = {"Idempotency-Key": "post-1"}


def with_key(caller: Caller, method: str, path: str, body: Any, key: str = "post-1") -> tuple[int, Any]:
    """Status and JSON of a post under an Idempotency-Key."""
    answer = caller.call(method, path, body, headers={"Idempotency-Key": key})
    return answer.status_code, json.loads(answer.text)


def test_a_shop_sent_twice_is_201_then_200_and_other_content_is_a_conflict(api: Api) -> None:
    admin = api.caller()
    draft: dict[str, Any] = {"id": "s 店", "name": "小店", "joined_at": "2026-01-01T08:00:00+08:00"}
    draft["attributes"] = {"city": "上海", "n": 1}
    first = admin.call("POST", "/v1/shops", draft)
    again = admin.call("POST", "/v1/shops", draft | {"joined_at": "2026-01-01T00:00:00Z", "identity": None})
    assert (first.status_code, again.status_code) == (201, 200)
    assert json.loads(first.text) == json.loads(again.text)
    assert admin.call("GET", first.headers["Location"]).status_code == 200
    assert admin.refused("POST", "/v1/shops", draft | {"name": "x"}) == (409, "id_conflict")


def test_a_batch_of_shops_tells_of_each_what_became_of_it(api: Api) -> None:
    admin = api.caller()
    drafts = [
        {"id": "c", "sponsor_id": "b"},
        {"id": "b", "sponsor_id": "a"},
        {"id": "a"},
        {"id": "a/b"},
        "nonsense",
        {"id": "d", "sponsor_id": "nobody"},
        {"id": "e", "sponsor_id": "e"},
        {"id": "a"},
    ]
    results = admin.post("/v1/shops/batch", {"shops": drafts})["results"]
    assert [(row["id"], row["status"], row.get("code")) for row in results] == [
        ("c", "created", None),
        ("b", "created", None),
        ("a", "created", None),
        ("a/b", "refused", "invalid"),
        (None, "refused", "invalid"),
        ("d", "refused", "sponsor_unknown"),
        ("e", "refused", "sponsor_is_self"),
        ("a", "unchanged", None),
    ]
    assert results[3]["errors"][0]["pointer"] == "/id"
    many = [{"id": f"s{number}"} for number in range(1_001)]
    assert admin.refused("POST", "/v1/shops/batch", {"shops": many}) == (422, "invalid")
    assert [row["id"] for row in admin.get("/v1/shops/c/upline")["data"]] == ["b", "a"]
    assert admin.get("/v1/shops/a/upline") == {"data": [], "next_cursor": None}
    assert [row["id"] for row in admin.get("/v1/shops/a/downline?levels=1")["data"]] == ["b"]


def test_a_move_a_status_and_a_rank_under_a_key_happen_once(api: Api) -> None:
    admin = api.caller()
    api.world.publish(SELLER_TEN_PERCENT)
    api.world.join(*chain("a", "b"), ("c", None))
    posts = [
        ("POST", "/v1/shops/b/move", {"sponsor_id": "c", "reason": "r"}, {"sponsor_id": None, "reason": "r"}),
        ("POST", "/v1/shops/b/status", {"status": "frozen", "reason": "r"}, {"status": "active", "reason": "r"}),
        ("PUT", "/v1/shops/b/rank", {"rank": "member", "reason": "r"}, {"rank": None, "reason": "r"}),
    ]
    for method, path, body, other in posts:
        first = with_key(admin, method, path, body)
        assert first[0] == 200
        assert with_key(admin, method, path, body) == first
        assert with_key(admin, method, path, other)[1]["code"] == "idempotency_key_reused"
        elsewhere = path.replace("/b/", "/c/")
        assert with_key(admin, method, elsewhere, body)[1]["code"] == "idempotency_key_reused"
    assert len(admin.get("/v1/shops/b/ranks")["data"]) == 1


def test_a_plan_under_a_key_is_one_version_even_when_sent_at_once(api: Api) -> None:
    admin = api.caller()
    answers: list[tuple[int, Any]] = []
    callers = [api.caller() for _ in range(5)]

    def post_as(caller: Caller) -> None:
        answers.append(with_key(caller, "POST", "/v1/plans", SELLER_TEN_PERCENT))

    posts = [threading.Thread(target=post_as, args=(caller,)) for caller in callers]
    for post in posts:
        post.start()
    for post in posts:
        post.join()
    assert answers == [answers[0]] * 5
    assert answers[0][0] == 201
    assert len(admin.get("/v1/plans")["data"]) == 1
    other = SELLER_TEN_PERCENT | {"hold_days": 1}
    assert with_key(admin, "POST", "/v1/plans", other)[1]["code"] == "idempotency_key_reused"
    replayed = admin.call("POST", "/v1/plans", SELLER_TEN_PERCENT, headers=KEY)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    for bad in ("", "x" * 256):
        assert with_key(admin, "POST", "/v1/plans", SELLER_TEN_PERCENT, bad)[1]["code"] == "invalid"


def test_a_refusal_is_not_kept_under_a_key(api: Api) -> None:
    admin = api.caller()
    move = {"sponsor_id": "later", "reason": "r"}
    api.world.join(("b", None))
    assert with_key(admin, "POST", "/v1/shops/b/move", move)[1]["code"] == "sponsor_unknown"
    api.world.join(("later", None))
    assert with_key(admin, "POST", "/v1/shops/b/move", move)[0] == 200


def test_every_problem_of_a_plan_is_told_by_its_path(api: Api) -> None:
    rule = {"id": "a", "pay": "seller", "rate": 0.5}
    document = {"code": "X", "currency": "CNY", "tiers": 9, "nonsense": 1, "rules": [rule]}
    problem = api.caller().problem("POST", "/v1/plans", document)
    assert (problem["status"], problem["code"]) == (422, "plan_invalid")
    assert {"code", "tiers", "nonsense", "rules[0].rate"} <= {error["pointer"] for error in problem["errors"]}
    for odd in (b"[]", b"7", b'"x"', b"null"):
        assert api.caller().refused("POST", "/v1/plans", odd) == (422, "plan_invalid")


def test_a_plan_that_needs_a_sign_off_is_published_with_one_only(api: Api) -> None:
    admin = api.caller(program=api.other_program("strict", policy="cn"))
    upline = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"}
    document = SELLER_TEN_PERCENT | {"policy": "cn", "rules": [*SELLER_TEN_PERCENT["rules"], upline]}
    made = admin.post("/v1/plans", document)
    assert "sign_off" in {finding["severity"] for finding in made["findings"]}
    path, body = "/v1/plans/plain/1/publish", {"effective_from": "2026-01-01T00:00:00Z"}
    assert admin.refused("POST", path, body) == (422, "sign_off_required")
    published = admin.post(path, body | {"signed_off_by": "Li Lei"})
    assert (published["status"], published["signed_off_by"]) == ("published", "Li Lei")
    assert admin.refused("POST", path, {"effective_from": "2026-01-02T00:00:00Z"}) == (409, "plan_published")
    assert admin.refused("POST", "/v1/plans/plain/2/publish", body) == (404, "plan_unknown")


def test_a_month_is_told_in_rows_lines_and_files_that_agree(api: Api) -> None:
    world, finance = api.world, api.caller("finance")
    world.publish(SELLER_TEN_PERCENT)
    world.join(("=cmd", None), ("s2", None))
    world.earn(settled("e1", "o1", "=cmd", line(1000)), settled("e2", "o2", "s2", line(500)))
    world.earn(refunded("r", "o1", {"1": 100}))
    statement = finance.get("/v1/statements?period=2026-03&limit=1")
    assert statement["totals"]["closing_minor"] == 140
    rest = finance.get(f"/v1/statements?period=2026-03&cursor={statement['next_cursor']}")
    assert [row["shop_id"] for row in (*statement["data"], *rest["data"])] == ["=cmd", "s2"]
    assert rest["totals"] is None
    statement_of_shop = finance.get("/v1/statements/2026-03/shops/s2")
    assert (statement_of_shop["closing_minor"], [row["amount_minor"] for row in statement_of_shop["lines"]]) == (
        50,
        [50],
    )
    assert finance.get("/v1/shops/s2/balance")["available_minor"] == 50
    files = {}
    for detail in ("shops", "lines"):
        answer = finance.call("GET", f"/v1/statements/2026-03/export?format=csv&detail={detail}")
        assert answer.content_type == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="statement-2026-03-{detail}.csv"'
        files[detail] = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(int(row["closing_minor"]) for row in files["shops"]) == 140
    assert sum(int(row["amount_minor"]) for row in files["lines"]) == 140
    assert files["shops"][0]["shop_id"] == "'=cmd"
    for path in ("/v1/statements/2026-13/export", "/v1/statements/x/shops/s2", "/v1/statements/1969-12/export"):
        assert finance.refused("GET", path) == (422, "period_invalid"), path
    assert finance.refused("GET", "/v1/statements?period=2026-00") == (422, "invalid")
    assert finance.refused("GET", "/v1/statements") == (422, "invalid")
    assert finance.refused("GET", "/v1/statements/2026-03/export?format=docx") == (422, "invalid")


def test_an_export_gives_its_connection_back_even_when_nobody_reads_it_to_the_end(api: Api) -> None:
    finance = api.caller("finance")
    engine = api.world.container.web_engine
    for _ in range(3 * engine.pool.size()):  # type: ignore[attr-defined]
        answer = finance.call("GET", "/v1/statements/2026-03/export", buffered=False)
        next(iter(answer.response), None)
        answer.close()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_an_audit_is_asked_for_and_then_told(api: Api) -> None:
    admin, finance = api.caller(), api.caller("finance")
    assert finance.refused("GET", "/v1/audit") == (404, "not_found")
    assert admin.call("POST", "/v1/audit").status_code == 202


def test_a_key_is_shown_once_and_its_secret_never_again(api: Api) -> None:
    admin = api.caller()
    made = admin.post("/v1/keys", {"role": "orders", "name": "shop system"})
    assert Caller(api.app.test_client(), made["key"]).get("/v1/events")["data"] == []
    listed = admin.call("GET", "/v1/keys").text
    assert made["id"] in listed
    assert made["key"].split("_", 2)[2] not in listed
    assert admin.call("DELETE", f"/v1/keys/{made['id']}").status_code == 204
    assert admin.refused("POST", "/v1/keys", {"role": "king", "name": ""}) == (422, "invalid")


def test_the_service_says_that_it_lives_and_works_and_how_much(api: Api) -> None:
    nobody = api.nobody()
    assert nobody.get("/healthz") == {"status": "alive"}
    assert nobody.get("/readyz") == {"status": "ready", "database": "up", "pepper": "known", "redis": "up"}
    api.caller("orders").post("/v1/events", settled("e", "o", "s", line(1)))
    nobody.call("BREW", "/nowhere")
    text = nobody.call("GET", "/metrics").text
    assert 'distrib_requests_total{method="other",route="none"' in text
    assert "BREW" not in text
    assert 'distrib_requests_total{method="POST",route="/v1/events",status="202"} 1.0' in text
    assert 'distrib_events_total{status="accepted"} 1.0' in text
    assert "distrib_queue_orders 1.0" in text


def test_the_pages_need_nothing_from_elsewhere(api: Api) -> None:
    nobody = api.nobody()
    for path in ("/", "/docs", "/docs/errors"):
        for language in ("en", "zh-CN"):
            page = nobody.call("GET", path, headers={"Accept-Language": language})
            assert page.status_code == 200
            assert "http" not in page.text.replace("https://www.rfc-editor.org", "")
            assert "<script>" not in page.text
            assert "style=" not in page.text
    assert nobody.call("GET", "/docs/static/docs.css").status_code == 200
    assert nobody.call("GET", "/console/static/console.css").status_code == 200
    assert "分佣" in nobody.call("GET", "/", headers={"Accept-Language": "zh"}).text
