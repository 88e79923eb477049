"""Questions of shop owners about their commissions: asked once, answered, closed, and nobody else's business."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops

WHY = "Why is it 9.00 and not 12.00?"


@pytest.fixture
def asked(api: Api) -> tuple[Caller, dict[str, Any]]:
    """Two shops that earned, and the partner of one with its commission."""
    open_shops(api.world, "own", "other")
    earn(api.world, "own", 900, PAID)
    earn(api.world, "other", 500, PAID)
    partner = api.caller("partner", "own")
    [line] = partner.get("/v1/shops/own/commissions")["data"]
    return partner, line


def _question(line: dict[str, Any], **more: str) -> dict[str, str]:
    return {"id": "q-1", "commission_id": line["id"], "text": WHY} | more


def test_a_question_reaches_finance_is_answered_and_closed_and_stays_in_the_trail(
    api: Api, asked: tuple[Caller, dict[str, Any]]
) -> None:
    partner, line = asked
    finance, admin = api.caller("finance"), api.caller()
    question = partner.post("/v1/questions", _question(line))
    assert partner.post("/v1/questions", _question(line)) == question
    assert (question["status"], question["order_id"], question["amount_minor"]) == ("open", line["order_id"], 900)
    [seen] = finance.get("/v1/questions?status=open")["data"]
    assert (seen["text"], seen["shop_id"], seen["commission_id"]) == (WHY, "own", line["id"])
    for _ in range(2):
        answered = finance.post("/v1/questions/q-1/answer", {"answer": "9 % of 100.00."})
    assert (answered["status"], answered["answered_by"]) == ("answered", finance.key_id)
    other = {"answer": "Something else."}
    assert finance.refused("POST", "/v1/questions/q-1/answer", other) == (409, "question_decided")
    [own] = partner.get(f"/v1/questions?commission_id={line['id']}")["data"]
    assert (own["answer"], own["status"]) == ("9 % of 100.00.", "answered")
    assert not {"asked_by", "answered_by", "closed_by"} & own.keys()
    for _ in range(2):
        assert partner.post("/v1/questions/q-1/close")["status"] == "closed"
    statuses = {state: finance.get(f"/v1/questions?status={state}")["data"] for state in ("open", "answered", "closed")}
    assert {state: len(rows) for state, rows in statuses.items()} == {"open": 0, "answered": 0, "closed": 1}
    deeds = [row["operation"] for row in admin.get("/v1/trail?subject=q-1")["data"]]
    assert set(deeds) == {"answer_question"}


def test_a_shop_asks_about_its_own_commissions_and_sees_its_own_questions_alone(
    api: Api, asked: tuple[Caller, dict[str, Any]]
) -> None:
    partner, line = asked
    partner.post("/v1/questions", _question(line))
    other = api.caller("partner", "other")
    assert other.get("/v1/questions")["data"] == []
    assert other.refused("GET", "/v1/questions/q-1") == (404, "question_unknown")
    assert other.refused("POST", "/v1/questions/q-1/close") == (404, "question_unknown")
    assert other.refused("POST", "/v1/questions/q-1/answer", {"answer": "x"}) == (403, "forbidden")
    assert other.refused("GET", "/v1/questions?shop_id=own") == (403, "forbidden")
    assert other.refused("POST", "/v1/questions", _question(line, id="q-2")) == (404, "commission_unknown")
    for commission in ("x", "1-2-3", "9999999999999999-1"):
        wrong = _question(line, id="q-2", commission_id=commission)
        assert partner.refused("POST", "/v1/questions", wrong) == (404, "commission_unknown")
    assert partner.refused("POST", "/v1/questions", _question(line, text="Another?")) == (409, "id_conflict")
    problem = partner.problem("POST", "/v1/questions", {"id": "/", "text": "x" * 501})
    assert {entry["pointer"] for entry in problem["errors"]} == {"/id", "/text", "/commission_id"}


def test_no_more_questions_wait_than_somebody_can_read_and_answers_make_room(
    api: Api, asked: tuple[Caller, dict[str, Any]]
) -> None:
    partner, line = asked
    for number in range(20):
        partner.post("/v1/questions", _question(line, id=f"q-{number}"))
    assert partner.refused("POST", "/v1/questions", _question(line, id="more")) == (409, "questions_waiting")
    api.caller("finance").post("/v1/questions/q-7/answer", {"answer": "So."})
    partner.post("/v1/questions", _question(line, id="more"))
    first = partner.get("/v1/questions?limit=15")
    rest = partner.get(f"/v1/questions?limit=15&cursor={first['next_cursor']}")
    assert [row["id"] for row in first["data"] + rest["data"]] == ["more", *(f"q-{n}" for n in reversed(range(20)))]


def test_what_was_said_goes_with_the_personal_data_of_its_shop_and_that_it_was_said_stays(
    api: Api, asked: tuple[Caller, dict[str, Any]]
) -> None:
    partner, line = asked
    admin, finance, other = api.caller(), api.caller("finance"), api.caller("partner", "other")
    [theirs] = other.get("/v1/shops/other/commissions")["data"]
    partner.post("/v1/questions", _question(line, text="Mei, 13800138000?"))
    finance.post("/v1/questions/q-1/answer", {"answer": "Call Lei, 13900139000."})
    partner.post("/v1/questions", _question(line, id="q-2"))
    other.post("/v1/questions", _question(theirs, id="q-3"))
    for _ in range(2):
        admin.post("/v1/shops/own/erase")
    erased = finance.get("/v1/questions?shop_id=own")["data"]
    assert [(row["status"], row["text"], row["answer"]) for row in erased] == [("closed", None, None)] * 2
    assert [row["answered_by"] for row in erased] == [None, finance.key_id]
    assert [row["text"] for row in finance.get("/v1/questions?status=open")["data"]] == [WHY]
    assert finance.get("/v1/inbox?kind=question")["counts"]["question"]["count"] == 1
    texts = "".join(
        str(api.world.rows(f"SELECT t::text FROM {name} t"))
        for name in ("shop_questions", "question_steps", "question_words", "trail", "outbox", "idempotency_keys")
    )
    assert not {number for number in ("13800138000", "13900139000") if number in texts}
    assert finance.refused("POST", "/v1/questions/q-2/answer", {"answer": "So."}) == (409, "question_decided")
    assert partner.post("/v1/questions", _question(line))["text"] is None
    assert partner.refused("POST", "/v1/questions", _question(line, id="q-4")) == (409, "shop_gone")


def test_commissions_come_the_newest_first_where_that_is_asked_page_by_page(api: Api) -> None:
    open_shops(api.world, "own")
    for day in (1, 2, 3, 4, 5):
        earn(api.world, "own", day * 100, datetime(2026, 3, day, tzinfo=UTC))
    partner = api.caller("partner", "own")
    path = "/v1/shops/own/commissions"
    posted = [row["id"] for row in partner.get(path)["data"]]
    for query in ("", "&state=available", "&period=2026-03", "&kind=earned"):
        first = partner.get(f"{path}?sort=-posted&limit=3{query}")
        rest = partner.get(f"{path}?sort=-posted&limit=3{query}&cursor={first['next_cursor']}")
        assert [row["id"] for row in first["data"] + rest["data"]] == posted[::-1], query
        assert rest["next_cursor"] is None
    assert partner.refused("GET", f"{path}?sort=-posted&state=expected") == (422, "invalid")
    finance = api.caller("finance")
    assert [row["id"] for row in finance.get("/v1/commissions?sort=-posted")["data"]] == posted[::-1]


def test_earnings_say_what_today_and_the_month_brought_and_when_it_is_free(api: Api) -> None:
    open_shops(api.world, "own", "other")
    for day, amount in ((1, 100), (9, 200), (10, 400)):
        earn(api.world, "own", amount, datetime(2026, 3, day, 4, tzinfo=UTC))
    earn(api.world, "own", 50, datetime(2026, 2, 20, 4, tzinfo=UTC))
    api.stop_clock(datetime(2026, 3, 10, 6, tzinfo=UTC))
    earned = api.caller("partner", "own").get("/v1/shops/own/earnings")
    assert (earned["today_minor"], earned["month_minor"]) == (400, 700)
    balance = api.caller("partner", "own").get("/v1/shops/own/balance")
    assert sum(row["amount_minor"] for row in earned["releases"]) == balance["held_minor"]
    assert api.caller("partner", "other").refused("GET", "/v1/shops/own/earnings") == (403, "forbidden")
