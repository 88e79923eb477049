"""Bad input, as an order system sends it by mistake: each has its own clear answer, and nothing is half done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.world.live import Answer, Client, Live
from tests.world.processes import wait_until

EARLY = "2025-01-01T00:00:00+08:00"
PAID_AT = "2026-03-01T10:00:00+08:00"
SETTLED_AT = "2026-03-09T10:00:00+08:00"
REFUNDED_AT = "2026-03-20T10:00:00+08:00"
PLAN = {
    "code": "standard",
    "currency": "CNY",
    "tiers": 1,
    "rules": [
        {"id": "sale", "pay": "seller", "rate": "0.10"},
        {"id": "team", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
numbers = count(1)


@dataclass(frozen=True)
class Trade:
    """A program with a plan and two shops, `ada` who brought `bo`, and an order of 100.00 that was settled."""

    admin: Client
    orders: Client

    def post(self, event: object, **headers: str) -> Answer:
        """The answer to one post of events."""
        return self.orders.call("POST", "/v1/events", event, **headers)

    def kept(self) -> dict[str, Any]:
        """All that a post or an event could have changed: events, commissions, balances."""
        return {
            path: self.admin.get(path)["data"]
            for path in ("/v1/events?limit=500", "/v1/orders?limit=500", "/v1/commissions?limit=500")
        }

    def money(self) -> list[tuple[str, int]]:
        """Who has what, by row of the ledger."""
        return [(row["shop_id"], row["amount_minor"]) for row in self.admin.get("/v1/commissions?limit=500")["data"]]

    def refused(self, event: object, **headers: str) -> dict[str, Any]:
        """The problem that a post is refused with; nothing of it may be kept."""
        before = self.kept()
        answer = self.post(event, **headers)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert self.kept() == before
        return dict(answer.json)

    def parked(self, event: Mapping[str, Any], status: str) -> dict[str, Any]:
        """An event that is accepted and then cannot be worked on, with its reason; no money may move."""
        before = self.money()
        assert self.post(event).status == 202
        self.orders.wait_for_events()
        event_view = self.orders.get(f"/v1/events/{event['id']}")
        assert event_view["status"] == status, event_view
        assert event_view["error"]["detail_zh"]
        assert self.money() == before
        return dict(event_view["error"])

    def wait_for(self, event_id: str) -> None:
        """Waits until the event, which waited for something, is done."""
        wait_until(lambda: self.orders.get(f"/v1/events/{event_id}")["status"] == "done", f"{event_id} is done")


@pytest.fixture
def trade(live: Live) -> Trade:
    program = live.open_program(f"bad-input-{next(numbers)}")
    admin = live.client(program)
    admin.post("/v1/plans", PLAN)
    admin.post("/v1/plans/standard/1/publish", {"effective_from": EARLY})
    admin.post("/v1/shops", {"id": "ada", "joined_at": EARLY})
    admin.post("/v1/shops", {"id": "bo", "sponsor_id": "ada", "joined_at": EARLY})
    made = Trade(admin, live.client(program, "orders"))
    assert made.post(settled("first")).status == 202
    made.orders.wait_for_events()
    assert made.money() == [("bo", 1_000), ("ada", 500)]
    return made


def settled(event_id: str, order: Mapping[str, Any] | None = None, **line: Any) -> dict[str, Any]:
    whole = {
        "id": f"order-of-{event_id}",
        "shop_id": "bo",
        "customer_id": "c-1",
        "currency": "CNY",
        "paid_at": PAID_AT,
        "lines": [{"id": "1", "sku": "A-1", "quantity": 1, "paid_minor": 10_000, **line}],
        **(order or {}),
    }
    kept = {name: value for name, value in whole.items() if value is not None}
    return {"id": event_id, "type": "order.settled", "occurred_at": SETTLED_AT, "order": kept}


def refunded(event_id: str, line_id: str, amount_minor: object, order_id: str = "order-of-first") -> dict[str, Any]:
    lines = [{"line_id": line_id, "amount_minor": amount_minor}]
    refund = {"id": f"refund-{event_id}", "order_id": order_id, "lines": lines}
    return {"id": event_id, "type": "order.refunded", "occurred_at": REFUNDED_AT, "refund": refund}


def summary_of(problem: Mapping[str, Any]) -> tuple[int, str, list[str]]:
    """Status, code, and where what is wrong stands."""
    return problem["status"], problem["code"], [error["pointer"] for error in problem.get("errors", [])]


def test_an_unknown_sponsor_is_named_and_no_shop_is_made(trade: Trade) -> None:
    for sponsor in ({"sponsor_id": "nobody"}, {"invite_code": "nobody"}):
        answer = trade.admin.call("POST", "/v1/shops", {"id": "cy", **sponsor})
        assert summary_of(answer.json) == (422, "sponsor_unknown", [])
        assert "nobody" in answer.json["detail"]
        assert trade.admin.call("GET", "/v1/shops/cy").status == 404
    results = trade.admin.post("/v1/shops/batch", {"shops": [{"id": "cy", "sponsor_id": "nobody"}, {"id": "di"}]})
    assert [(row["status"], row.get("code")) for row in results["results"]] == [
        ("refused", "sponsor_unknown"),
        ("created", None),
    ]
    assert trade.admin.get("/v1/shops/ada")["direct_recruits"] == 1


def test_a_shop_sent_twice_with_other_content_stays_as_it_was_first(trade: Trade) -> None:
    first = trade.admin.get("/v1/shops/bo")
    for other in ({"name": "Bo"}, {"sponsor_id": None}, {"joined_at": PAID_AT}):
        body = {"id": "bo", "sponsor_id": "ada", "joined_at": EARLY, **other}
        assert summary_of(trade.admin.call("POST", "/v1/shops", body).json) == (409, "id_conflict", [])
    same_instant = {"joined_at": "2024-12-31T16:00:00Z", "sponsor_id": "ada", "name": None, "id": "bo"}
    assert trade.admin.call("POST", "/v1/shops", same_instant).status == 200
    assert trade.admin.get("/v1/shops/bo") == first


def test_an_event_sent_twice_with_other_content_is_a_conflict_and_the_first_one_counts(trade: Trade) -> None:
    assert summary_of(trade.refused(settled("first", paid_minor=9_999))) == (409, "id_conflict", [])
    answer = trade.post({"events": [settled("first"), settled("first", {"customer_id": "c-2"}), settled("second")]})
    assert [(row["status"], row.get("code")) for row in answer.json["results"]] == [
        ("duplicate", None),
        ("refused", "id_conflict"),
        ("accepted", None),
    ]


def test_one_event_posted_twenty_times_at_once_counts_once(trade: Trade) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: trade.post(settled("race")).json, range(20)))
    assert sum(answer["accepted"] for answer in answers) == 1
    assert sum(answer["duplicate"] for answer in answers) == 19
    trade.orders.wait_for_events()
    assert trade.money() == [("bo", 1_000), ("ada", 500)] * 2


def test_a_refund_of_more_than_is_left_is_parked_and_the_money_stays(trade: Trade) -> None:
    error = trade.parked(refunded("too-much", "1", 10_001), "failed")
    assert error["code"] == "refund_exceeds"
    assert "10001" in error["detail"]
    assert "10000" in error["detail"]
    assert trade.post(refunded("half", "1", 5_000)).status == 202
    trade.orders.wait_for_events()
    assert trade.parked(refunded("more-than-the-other-half", "1", 5_001), "failed")["code"] == "refund_exceeds"
    assert trade.admin.get("/v1/orders/order-of-first")["left_minor"] == 5_000
    assert trade.money() == [("bo", 1_000), ("ada", 500), ("bo", -500), ("ada", -250)]


def test_a_refund_of_an_unknown_line_is_parked_whole_even_where_its_other_lines_are_known(trade: Trade) -> None:
    event = refunded("unknown-line", "1", 1_000)
    event["refund"]["lines"].append({"line_id": "9", "amount_minor": 1})
    assert trade.parked(event, "failed")["code"] == "line_unknown"
    assert trade.admin.get("/v1/orders/order-of-first")["refunds"] == []


def test_a_currency_other_than_the_plans_is_parked_and_never_converted(trade: Trade) -> None:
    error = trade.parked(settled("dollars", {"currency": "USD"}), "failed")
    assert error["code"] == "currency_mismatch"
    assert "USD" in error["detail"]
    assert "CNY" in error["detail"]


@pytest.mark.parametrize("amount", [-1, 0.5, 1.0, 2**63, 10**12 + 1, "100", True, None])
def test_an_amount_that_is_no_whole_number_of_minor_units_is_refused_where_it_stands(trade: Trade, amount: Any) -> None:
    pointer = "/order/lines/0/paid_minor"
    assert summary_of(trade.refused(settled("odd", paid_minor=amount))) == (422, "invalid", [pointer])
    pointer = "/refund/lines/0/amount_minor"
    assert summary_of(trade.refused(refunded("odd", "1", amount))) == (422, "invalid", [pointer])


def test_the_largest_order_there_may_be_is_paid_to_the_unit_and_one_line_more_is_refused(trade: Trade) -> None:
    line = {"sku": "A-1", "quantity": 1, "paid_minor": 10**12}
    lines = [{"id": str(number), **line} for number in range(1_000)]
    assert trade.post(settled("much", {"lines": lines})).status == 202
    trade.orders.wait_for_events()
    assert trade.admin.get("/v1/shops/bo/balance")["available_minor"] == 10**14 + 1_000
    lines.append({"id": "one-more", **line})
    assert summary_of(trade.refused(settled("too-much", {"lines": lines}))) == (422, "invalid", ["/order/lines"])


def test_a_refund_of_zero_is_refused_and_a_line_of_zero_is_fine(trade: Trade) -> None:
    problem = trade.refused(refunded("nothing", "1", 0))
    assert summary_of(problem) == (422, "invalid", ["/refund/lines/0/amount_minor"])
    assert trade.post(settled("gift", paid_minor=0)).status == 202
    trade.orders.wait_for_events()
    assert trade.orders.get("/v1/events/gift")["status"] == "done"
    assert trade.orders.get("/v1/orders/order-of-gift")["commissions"] == []


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "\udfff", "\x00", " a", "a/b", "..", "", "x" * 65])
def test_an_id_that_cannot_be_one_is_refused_where_it_stands(trade: Trade, bad: str) -> None:
    assert summary_of(trade.refused(settled("fine", {"id": bad}))) == (422, "invalid", ["/order/id"])
    event = settled("fine") | {"id": bad}
    assert summary_of(trade.refused(event)) == (422, "invalid", ["/id"])
    answer = trade.admin.call("POST", "/v1/shops", {"id": bad})
    assert summary_of(answer.json) == (422, "invalid", ["/id"])
    batch = trade.post({"events": [event, settled("fine")]}).json
    assert [row["status"] for row in batch["results"]] == ["refused", "accepted"]


def test_a_batch_of_1001_is_refused_whole_as_json_and_as_lines(trade: Trade) -> None:
    events = [settled(f"event-{number}") for number in range(1_001)]
    assert summary_of(trade.refused({"events": events})) == (422, "invalid", ["/events"])
    lines = "\n".join(map(json.dumps, events))
    assert summary_of(trade.refused(lines, **{"Content-Type": "application/x-ndjson"}))[:2] == (422, "invalid")
    shops = [{"id": f"s-{number}"} for number in range(1_001)]
    assert summary_of(trade.admin.call("POST", "/v1/shops/batch", {"shops": shops}).json) == (
        422,
        "invalid",
        ["/shops"],
    )
    assert trade.admin.call("GET", "/v1/shops/s-0").status == 404


def test_an_order_without_a_shop_is_kept_earns_nobody_anything_and_says_so(trade: Trade) -> None:
    before = trade.money()
    assert trade.post(settled("stray", {"shop_id": None})).status == 202
    trade.orders.wait_for_events()
    assert trade.orders.get("/v1/events/stray")["status"] == "done"
    order = trade.orders.get("/v1/orders/order-of-stray")
    assert (order["status"], order["reason"], order["commissions"]) == ("settled", "no_shop", [])
    assert trade.money() == before


def test_an_order_of_an_unknown_shop_waits_and_goes_on_by_itself_when_the_shop_comes(trade: Trade) -> None:
    error = trade.parked(settled("early-bird", {"shop_id": "cy"}), "waiting")
    assert (error["code"], "cy" in error["detail"]) == ("waits_for_shop", True)
    trade.admin.post("/v1/shops", {"id": "cy", "sponsor_id": "bo", "joined_at": EARLY})
    trade.wait_for("early-bird")
    assert trade.money()[2:] == [("cy", 1_000), ("bo", 500)]


def test_a_refund_before_its_order_waits_for_it(trade: Trade) -> None:
    error = trade.parked(refunded("hasty", "1", 4_000, "order-of-later"), "waiting")
    assert (error["code"], "order-of-later" in error["detail"]) == ("waits_for_order", True)
    trade.post(settled("later"))
    trade.wait_for("hasty")
    assert trade.money()[2:] == [("bo", 1_000), ("ada", 500), ("bo", -400), ("ada", -200)]


def test_an_order_paid_before_any_plan_was_in_force_is_parked(trade: Trade) -> None:
    error = trade.parked(settled("ancient", {"paid_at": "2024-12-31T23:59:59+08:00"}), "failed")
    assert (error["code"], "2024-12-31T15:59:59" in error["detail"]) == ("no_plan", True)


def test_the_same_order_settled_under_two_event_ids_counts_once(trade: Trade) -> None:
    before = trade.money()
    trade.post(settled("again", {"id": "order-of-first"}))
    trade.orders.wait_for_events()
    assert trade.orders.get("/v1/events/again")["status"] == "done"
    assert trade.money() == before
    other = settled("otherwise", {"id": "order-of-first"}, paid_minor=20_000)
    assert trade.parked(other, "failed")["code"] == "order_conflict"


def test_a_failed_event_holds_nobody_up_and_can_be_retried(trade: Trade) -> None:
    answer = trade.post({"events": [settled("dollars", {"currency": "USD"}), settled("fine")]})
    assert answer.json["accepted"] == 2
    trade.orders.wait_for_events()
    assert [event["id"] for event in trade.orders.get("/v1/events?status=failed")["data"]] == ["dollars"]
    assert trade.orders.get("/v1/events/fine")["status"] == "done"
    assert trade.orders.call("POST", "/v1/events/dollars/retry").status == 202
    trade.orders.wait_for_events()
    assert trade.orders.get("/v1/events/dollars")["status"] == "failed"
    assert trade.orders.call("POST", "/v1/events/fine/retry").json["code"] == "event_not_failed"


@pytest.mark.parametrize(
    ("body", "english", "chinese"),
    [
        (b"{", "at character 1", "语法错误"),
        (b'{"id": NaN}', "NaN is not a JSON number", "不是合法的 JSON 数字"),
        (b'{"id": "a", "id": "b"}', "there twice", "重复出现"),
        (b"[" * 60_000, "nests deeper", "嵌套超过"),
        (b"\xff{}", "not UTF-8", "不是 UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark", "字节顺序标记"),
        (b'{"id": ' + b"9" * 5_000 + b"}", "too long", "数字过长"),
    ],
)
def test_what_is_not_json_is_told_in_the_callers_language(
    trade: Trade, body: bytes, english: str, chinese: str
) -> None:
    for path in ("/v1/events", "/v1/shops"):
        for language, words in (("en", english), ("zh-CN,zh;q=0.9,en;q=0.8", chinese)):
            answer = trade.admin.call("POST", path, body, **{"Accept-Language": language})
            assert summary_of(answer.json) == (400, "not_json", [])
            assert words in answer.json["detail"]


def test_a_body_in_another_coding_is_415_with_a_title_in_the_callers_language(trade: Trade) -> None:
    for header in ({"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}):
        problem = trade.admin.call("POST", "/v1/shops", b"{}", **header, **{"Accept-Language": "zh"}).json
        assert (problem["status"], problem["title"]) == (415, "不支持的媒体类型")


def test_a_body_that_is_too_large_is_answered_and_not_cut_off(trade: Trade) -> None:
    """A server that answers before it has read all resets the connection, and the sender sees no answer at all.

    Of one that it does not know it reads a bounded part and no more.
    """
    problem = trade.refused(b'"' + b"a" * (17 * 2**20) + b'"')
    assert (problem["status"], problem["code"]) == (413, "too_large")
    stranger = Client(trade.orders.port, "nobody's")
    answer = stranger.call("POST", "/v1/events", b'"' + b"a" * (200 * 2**10) + b'"')
    assert answer.status == 401
