"""The words of the plan about the whole order, from outside: figures and explanations over HTTP."""

from __future__ import annotations

from typing import Any

from tests.world.documents import line, refunded, settled
from tests.world.live import Client, Live

EARLY = "2020-01-01T00:00:00Z"
DELIVERY: dict[str, Any] = {
    "id": "delivery",
    "pay": "seller",
    "amount_minor": 500,
    "per": "order",
}


def open_shop(live: Live, code: str, *rules: dict[str, Any], **keys: Any) -> Client:
    """A program of that code with a plan of these rules and the shop s."""
    client = live.client(live.open_program(code))
    client.post("/v1/plans", {"code": "words", "currency": "CNY", "rules": list(rules), **keys})
    client.post("/v1/plans/words/1/publish", {"effective_from": EARLY})
    client.post("/v1/shops", {"id": "s", "joined_at": EARLY})
    return client


def tell(client: Client, *events: dict[str, Any]) -> None:
    """Posts events and waits until each is worked on."""
    assert client.post("/v1/events", {"events": list(events)})["refused"] == 0
    client.wait_for_events()


def rows(client: Client, order_id: str) -> list[tuple[str, str, int]]:
    """(line, kind, amount) of an order's commissions; what was worked out again has to agree with them."""
    assert client.get(f"/v1/orders/{order_id}/explanation")["agrees"]
    found = client.get(f"/v1/commissions?order_id={order_id}")["data"]
    return [(row["line_id"], row["kind"], row["amount_minor"]) for row in found]


def test_an_amount_per_order_stays_whole_while_anything_is_left_and_every_line_says_where_it_stands(
    live: Live,
) -> None:
    client = open_shop(live, "per-order", DELIVERY)
    tell(client, settled("e", "o", "s", line(1_000, "a", quantity=3), line(2_000, "b")))
    assert rows(client, "o") == [("a", "earned", 500)]
    tell(client, refunded("r1", "o", {"a": 1_000, "b": 1_999}))
    assert rows(client, "o") == [("a", "earned", 500)]
    looks = client.get("/v1/orders/o/explanation")["looks"]
    names = ("line_id", "amount_minor", "posted_minor", "reason", "amount_line_id")
    assert [tuple(look[name] for name in names) for look in looks] == [
        ("a", 500, 500, "paid", "a"),
        ("b", 0, 0, "paid", "a"),
    ]
    tell(client, refunded("r2", "o", {"b": 1}))
    assert rows(client, "o") == [("a", "earned", 500), ("a", "reversed", -500)]


def test_round_per_order_shares_one_rounding_over_the_lines_and_so_do_refunds(
    live: Live,
) -> None:
    five: dict[str, Any] = {"id": "five", "pay": "seller", "rate": "0.05"}
    lines = [line(50, line_id) for line_id in "abc"]
    by_line = open_shop(live, "per-line", five)
    tell(by_line, settled("e", "o", "s", *lines))
    assert rows(by_line, "o") == [
        ("a", "earned", 3),
        ("b", "earned", 3),
        ("c", "earned", 3),
    ]
    together = open_shop(live, "round-per-order", five, round_per="order")
    tell(together, settled("e", "o", "s", *lines))
    assert rows(together, "o") == [
        ("a", "earned", 3),
        ("b", "earned", 3),
        ("c", "earned", 2),
    ]
    tell(together, refunded("r", "o", {"c": 50}))
    assert rows(together, "o")[3:] == [("b", "reversed", -1), ("c", "reversed", -2)]


def test_the_words_of_the_whole_order_are_refused_by_path_all_at_once(
    live: Live,
) -> None:
    client = live.client(live.open_program("refused-words"))
    rules = [
        {"id": "a", "pay": "seller", "rate": "0.1", "per": "order"},
        DELIVERY | {"per": "line"},
    ]
    answer = client.call(
        "POST",
        "/v1/plans",
        {"code": "x", "currency": "CNY", "round_per": "earner", "rules": rules},
    )
    assert (answer.status, {error["pointer"] for error in answer.json["errors"]}) == (
        422,
        {"round_per", "rules[0].per", "rules[1].per"},
    )
