"""Events through HTTP: one, many, by line; told apart by id and content; 202 means on disk."""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, cancelled, decided, line, paid, refunded, settled

NDJSON = {"Content-Type": "application/x-ndjson"}


def test_one_event_is_accepted_once_and_then_a_duplicate(api: Api) -> None:
    orders = api.caller("orders")
    event = settled("e", "o", "s", line(100))
    first = orders.call("POST", "/v1/events", event)
    assert first.status_code == 202
    assert json.loads(first.text) == {
        "accepted": 1,
        "duplicate": 0,
        "refused": 0,
        "results": [{"id": "e", "status": "accepted"}],
    }
    again = orders.post("/v1/events", dict(reversed(event.items())))
    assert again["results"] == [{"id": "e", "status": "duplicate"}]


def test_the_same_content_is_the_same_whatever_its_offset_and_its_nulls(api: Api) -> None:
    orders = api.caller("orders")
    event = settled("e", "o", "s", line(100))
    orders.post("/v1/events", event)
    event["occurred_at"] = "2026-03-01T11:00:00+08:00"
    event["order"] |= {"paid_at": "2026-03-01T10:00:00.000+08:00", "customer_id": None, "channel": "retail"}
    event["order"]["lines"][0]["entry"] = False
    assert orders.post("/v1/events", event)["duplicate"] == 1


def test_one_event_with_other_content_is_a_conflict_and_in_a_batch_it_touches_no_other(api: Api) -> None:
    orders = api.caller("orders")
    orders.post("/v1/events", settled("e", "o", "s", line(100)))
    other = settled("e", "o", "s", line(101))
    assert orders.refused("POST", "/v1/events", other) == (409, "id_conflict")
    body = {"events": [settled("f", "p", "s", line(1)), other, {"id": "x"}, 7, refunded("g", "o", None)]}
    answer = orders.post("/v1/events", body)
    assert [(row["id"], row["status"], row.get("code")) for row in answer["results"]] == [
        ("f", "accepted", None),
        ("e", "refused", "id_conflict"),
        ("x", "refused", "invalid"),
        (None, "refused", "invalid"),
        ("g", "accepted", None),
    ]
    assert {error["pointer"] for error in answer["results"][2]["errors"]} == {"/type", "/occurred_at"}
    assert (answer["accepted"], answer["duplicate"], answer["refused"]) == (2, 0, 3)


def test_lines_of_json_are_events_and_a_broken_line_touches_no_other(api: Api) -> None:
    orders = api.caller("orders")
    first, second = json.dumps(settled("a", "o", "s", line(1))), json.dumps(refunded("b", "o", None))
    lines = [first, "{nonsense", "", second, '"\xff']
    body = "\r\n".join(lines).encode("latin-1")
    answer = json.loads(orders.call("POST", "/v1/events", body, headers=NDJSON).text)
    assert [(row["id"], row["status"], row.get("code")) for row in answer["results"]] == [
        ("a", "accepted", None),
        (None, "refused", "not_json"),
        ("b", "accepted", None),
        (None, "refused", "not_json"),
    ]
    assert orders.refused("POST", "/v1/events", b"nonsense\nmore", headers=NDJSON) == (400, "not_json")


def test_1001_events_are_refused_by_name_and_nothing_of_them_is_kept(api: Api) -> None:
    orders = api.caller("orders")
    many = [settled(f"e{number}", f"o{number}", "s", line(1)) for number in range(1_001)]
    problem = orders.problem("POST", "/v1/events", {"events": many})
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/events")
    assert "1000" in problem["errors"][0]["detail"]
    body = "\n".join(map(json.dumps, many)).encode()
    assert orders.refused("POST", "/v1/events", body, headers=NDJSON) == (422, "invalid")
    assert orders.get("/v1/events")["data"] == []
    assert orders.post("/v1/events", {"events": many[:1000]})["accepted"] == 1_000
    odd: list[Any] = [{"events": []}, {"events": {}}, {"events": many[:1], "more": 1}]
    for empty in odd:
        assert orders.refused("POST", "/v1/events", empty) == (422, "invalid")


def test_an_event_that_is_about_something_else_than_its_type_says_is_refused_by_name(api: Api) -> None:
    event = settled("e", "o", "s", line(1)) | {"type": "order.cancelled", "group_id": "g"}
    problem = api.caller("orders").problem("POST", "/v1/events", event)
    assert {(error["pointer"], error["detail"]) for error in problem["errors"]} == {
        ("/order_id", "is required"),
        ("/order", "does not go with order.cancelled"),
        ("/group_id", "does not go with order.cancelled"),
    }


def test_an_event_shows_which_order_or_group_it_is_about(api: Api) -> None:
    orders = api.caller("orders")
    for event in (cancelled("c", "o"), decided("d", "g", True), paid("p", "o", "s", line(1))):
        orders.post("/v1/events", event)
    subjects = {event["id"]: (event["order_id"], event["group_id"]) for event in orders.get("/v1/events")["data"]}
    assert subjects == {"c": ("o", None), "d": (None, "g"), "p": ("o", None)}
    assert orders.refused("POST", "/v1/events", decided("c", "o", True)) == (409, "id_conflict")


def test_the_same_event_posted_by_many_at_once_is_accepted_once(api: Api) -> None:
    event = settled("e", "o", "s", line(1))
    answers: list[Any] = []
    callers = [api.caller("orders") for _ in range(6)]

    def post_as(caller: Caller) -> None:
        answers.append(caller.post("/v1/events", event))

    posts = [threading.Thread(target=post_as, args=(caller,)) for caller in callers]
    for post in posts:
        post.start()
    for post in posts:
        post.join()
    assert sorted(answer["results"][0]["status"] for answer in answers) == ["accepted", *["duplicate"] * 5]


def test_an_event_says_what_became_of_it_and_a_failed_one_can_be_tried_again(api: Api) -> None:
    world, orders = api.world, api.caller("orders")
    world.join(("s", None))
    orders.post("/v1/events", settled("e", "o", "s", line(100)))
    assert orders.get("/v1/events/e")["status"] == "pending"
    world.drain()
    failed = orders.get("/v1/events/e")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "no_plan")
    assert [row["id"] for row in orders.get("/v1/events?status=failed")["data"]] == ["e"]
    world.publish(SELLER_TEN_PERCENT)
    assert orders.post("/v1/events/e/retry")["status"] == "pending"
    world.drain()
    assert orders.get("/v1/events/e")["status"] == "done"
    assert orders.refused("POST", "/v1/events/e/retry") == (409, "event_not_failed")
    assert orders.refused("GET", "/v1/events/nobody") == (404, "event_unknown")


def test_pages_of_events_meet_without_gap_or_overlap(api: Api) -> None:
    orders = api.caller("orders")
    orders.post("/v1/events", {"events": [settled(f"e{number}", f"o{number}", "s", line(1)) for number in range(7)]})
    ids, path = [], "/v1/events?limit=3"
    while True:
        page = orders.get(path)
        ids += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        path = f"/v1/events?limit=3&cursor={page['next_cursor']}"
    assert ids == [f"e{number}" for number in range(7)]


def test_events_are_kept_although_redis_is_gone(api: Api, monkeypatch: Any) -> None:
    bell = api.world.container.bell
    monkeypatch.setattr(bell, "_connection", type(bell._connection).from_url("redis://127.0.0.1:1/0"))
    assert api.caller("orders").post("/v1/events", settled("e", "o", "s", line(1)))["accepted"] == 1


def undone(event_id: str, refund_id: str, **more: Any) -> dict[str, Any]:
    happened = {"id": event_id, "type": "refund.reversed", "occurred_at": "2026-03-20T00:00:00Z"}
    return happened | {"refund_id": refund_id} | more


def test_lines_in_another_order_are_the_same_content_and_lines_of_other_amounts_are_not(api: Api) -> None:
    orders = api.caller("orders")
    one, two = line(100), line(200, "2")
    orders.post("/v1/events", {"events": [settled("e", "o", "s", one, two), refunded("r", "o", {"1": 5, "2": 7})]})
    turned = [settled("e", "o", "s", two, one), refunded("r", "o", {"2": 7, "1": 5})]
    assert orders.post("/v1/events", {"events": [*turned, *turned]})["duplicate"] == 4
    together = [settled("f", "p", "s", one, two), settled("f", "p", "s", two, one)]
    assert [row["status"] for row in orders.post("/v1/events", {"events": together})["results"]] == [
        "accepted",
        "duplicate",
    ]
    other = settled("e", "o", "s", line(200), line(100, "2"))
    assert orders.refused("POST", "/v1/events", other) == (409, "id_conflict")
    assert orders.refused("POST", "/v1/events", refunded("r", "o", {"2": 5, "1": 7})) == (409, "id_conflict")


def test_what_undoes_a_refund_that_is_not_known_yet_is_kept_and_goes_to_its_order_when_it_comes(api: Api) -> None:
    orders = api.caller("orders")
    assert orders.post("/v1/events", undone("u", "r"))["accepted"] == 1
    assert orders.post("/v1/events", undone("u", "r"))["duplicate"] == 1
    assert orders.refused("POST", "/v1/events", undone("u", "s")) == (409, "id_conflict")
    assert orders.refused("POST", "/v1/events", settled("u", "o", "s", line(1))) == (409, "id_conflict")
    kept = orders.get("/v1/events/u")
    assert (kept["status"], kept["error"]["code"], kept["order_id"]) == ("waiting", "waits_for_refund", None)
    assert [row["id"] for row in orders.get("/v1/events?status=waiting")["data"]] == ["u"]
    orders.post("/v1/events", refunded("e", "o", None, refund_id="r"))
    assert [(row["id"], row["order_id"], row["status"]) for row in orders.get("/v1/events")["data"]] == [
        ("u", "o", "pending"),
        ("e", "o", "pending"),
    ]
    assert orders.post("/v1/events", undone("u", "r"))["duplicate"] == 1


def test_a_refund_id_of_several_orders_needs_the_order_and_alone_is_refused_by_name(api: Api) -> None:
    orders = api.caller("orders")
    assert orders.post("/v1/events", undone("early", "r"))["accepted"] == 1
    orders.post("/v1/events", {"events": [refunded(f"e-{o}", o, None, refund_id="r") for o in ("o", "p")]})
    assert orders.refused("POST", "/v1/events", undone("u", "r")) == (422, "refund_ambiguous")
    events = [undone("u", "r"), undone("v", "r", order_id="p"), undone("w", "r", order_id="o")]
    assert [row.get("code") for row in orders.post("/v1/events", {"events": events})["results"]] == [
        "refund_ambiguous",
        None,
        None,
    ]
    early = orders.get("/v1/events/early")
    assert (early["status"], early["error"]["code"], early["order_id"]) == ("failed", "refund_ambiguous", None)
    assert orders.get("/v1/events/v")["order_id"] == "p"
    assert [row["id"] for row in orders.get("/v1/events?status=failed")["data"]] == ["early"]


def test_an_event_is_shown_as_it_was_first_kept_and_a_conflict_changes_nothing_of_it(api: Api) -> None:
    orders = api.caller("orders")
    event = settled("e", "o", "s", line(100), customer_id="c")
    event["occurred_at"] = "2026-03-01T11:00:00+08:00"
    orders.post("/v1/events", event)
    assert orders.refused("POST", "/v1/events", settled("e", "o", "s", line(101))) == (409, "id_conflict")
    payload = api.caller("finance").get("/v1/events/e")["payload"]
    assert (payload["id"], payload["type"], payload["occurred_at"]) == ("e", "order.settled", "2026-03-01T03:00:00Z")
    assert (payload["order"]["customer_id"], payload["order"]["lines"][0]["paid_minor"]) == ("c", 100)
    assert orders.post("/v1/events", payload)["duplicate"] == 1
    waiting = {"id": "u", "type": "refund.reversed", "occurred_at": "2026-03-02T00:00:00Z", "refund_id": "r"}
    orders.post("/v1/events", waiting)
    assert orders.get("/v1/events/u")["payload"]["refund_id"] == "r"
    assert "payload" not in orders.get("/v1/events")["data"][0]


def test_events_are_found_by_order_type_code_and_the_time_of_their_receipt(api: Api) -> None:
    world, orders = api.world, api.caller("orders")
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    orders.post("/v1/events", {"events": [settled("e", "o", "s", line(100)), refunded("r", "o", {"1": 900})]})
    world.drain()
    between = api.world.container.now()
    orders.post(
        "/v1/events", {"events": [settled("f", "p", "s", line(1)), cancelled("c", "p"), refunded("w", "x", None)]}
    )
    world.drain()

    def ids(query: str) -> list[str]:
        return [row["id"] for row in orders.get(f"/v1/events?{query}")["data"]]

    since = between.isoformat().replace("+00:00", "Z")
    assert ids("order_id=o") == ["e", "r"]
    assert ids("type=order.settled") == ["e", "f"]
    assert ids("code=refund_exceeds") == ["r"]
    assert ids("code=refund_exceeds&status=done") == []
    assert set(ids(f"from={since}")) == {"f", "c", "w"}
    assert ids(f"to={since}&type=order.refunded&status=failed&code=refund_exceeds&order_id=o") == ["r"]
    assert ids("order_id=nothing") == []
    page = orders.get(f"/v1/events?from={since}&limit=1")
    assert len(page["data"]) == 1
    problem = orders.problem("GET", f"/v1/events?limit=1&cursor={page['next_cursor']}")
    assert problem["code"] == "invalid"
    wrong = orders.problem("GET", "/v1/events?type=x&from=yesterday&order_id=&when=1")
    assert {entry["pointer"] for entry in wrong["errors"]} == {"?type", "?from", "?order_id", "?when"}
