"""The words of the plan about the whole order and its customer, from outside: figures and explanations over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.world.documents import PAID, line, refunded, settled
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


WELCOME: list[dict[str, Any]] = [
    {"id": "first", "pay": "seller", "rate": "0.10", "where": {"customer": "new"}},
    {"id": "again", "pay": "seller", "rate": "0.04"},
    DELIVERY
    | {
        "id": "welcome",
        "amount_minor": 800,
        "group": "welcome",
        "where": {"customer": {"is": "new", "within_orders": 3, "within_days": 30}},
    },
    {
        "id": "keep",
        "pay": "seller",
        "rate": "0.01",
        "group": "keep",
        "where": {"not": {"customer": {"is": "new", "within_orders": 2}}},
    },
]


def bought(number: int, days: int, customer_id: str | None = "wu") -> dict[str, Any]:
    """An order over 100.00 of that day."""
    paid_at = PAID + timedelta(days=days)
    return settled(f"e{number}", f"o{number}", "s", line(10_000), paid_at=paid_at, customer_id=customer_id)


def standing(client: Client, order_id: str) -> dict[str, int]:
    """What stands of an order, by rule; what was worked out again has to agree."""
    assert client.get(f"/v1/orders/{order_id}/explanation")["agrees"]
    amounts: dict[str, int] = {}
    for row in client.get(f"/v1/commissions?order_id={order_id}")["data"]:
        amounts[row["rule"]] = amounts.get(row["rule"], 0) + row["amount_minor"]
    return amounts


def test_new_and_returning_customers_bring_what_the_plan_says_and_refunds_decide_the_same(live: Live) -> None:
    client = open_shop(live, "customers", *WELCOME)
    tell(client, bought(1, 0), bought(2, 10), bought(4, 31, None))
    tell(client, bought(3, 30))
    expected = {
        "o1": {"first": 1_000, "welcome": 800},
        "o2": {"again": 400, "welcome": 800},
        "o3": {"again": 400, "keep": 100},
        "o4": {"again": 400, "keep": 100},
    }
    assert {order_id: standing(client, order_id) for order_id in expected} == expected
    tell(client, *(refunded(f"r{n}", f"o{n}", {"1": 5_000}, PAID + timedelta(days=40)) for n in (1, 2, 3)))
    assert [standing(client, order_id) for order_id in ("o1", "o2", "o3")] == [
        {"first": 500, "welcome": 800},
        {"again": 200, "welcome": 800},
        {"again": 200, "keep": 50},
    ]
    tell(client, refunded("r5", "o1", None, PAID + timedelta(days=41)), bought(5, 42))
    assert (standing(client, "o1"), standing(client, "o5")) == (
        {"first": 0, "welcome": 0},
        {"again": 400, "keep": 100},
    )


def test_the_explanation_says_what_was_known_of_the_customer_to_all_but_other_shops(live: Live) -> None:
    up: dict[str, Any] = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.01"}
    client = open_shop(live, "customers-explained", *WELCOME, up)
    client.post("/v1/shops", {"id": "a", "joined_at": EARLY})
    client.post("/v1/shops/s/move", {"sponsor_id": "a", "effective_at": EARLY, "reason": "test"})
    tell(client, bought(1, 0), bought(2, 10), bought(3, 12, None))
    view = client.get("/v1/orders/o2/explanation")
    assert view["earlier_orders"] == {"orders": 1, "first_paid_at": "2026-03-01T02:00:00Z"}
    names = ("rule", "customer", "within_orders", "within_days", "leaves_out", "is_met")
    assert [tuple(row[name] for name in names) for row in view["customer_conditions"]] == [
        ("first", "new", 1, None, False, False),
        ("welcome", "new", 3, 30, False, True),
        ("keep", "new", 2, None, True, True),
    ]
    assert client.get("/v1/orders/o1/explanation")["earlier_orders"] == {"orders": 0, "first_paid_at": None}
    unnamed = client.get("/v1/orders/o3/explanation")
    assert unnamed["earlier_orders"] is None
    assert [row["is_met"] for row in unnamed["customer_conditions"]] == [False] * 3
    keys = [client.post("/v1/keys", {"name": shop, "role": "partner", "shop_id": shop})["key"] for shop in ("s", "a")]
    seller, upline = (Client(live.port, key) for key in keys)
    assert seller.get("/v1/orders/o2/explanation")["earlier_orders"] == view["earlier_orders"]
    hidden = upline.get("/v1/orders/o2/explanation")
    assert (hidden["earlier_orders"], hidden["customer_conditions"]) == (None, [])


def test_what_a_plan_asks_of_customers_is_refused_by_path_all_at_once(live: Live) -> None:
    client = live.client(live.open_program("refused-customers"))
    where = {"customer": {"is": "old", "within_orders": 0, "within_weeks": 2}, "not": {"customer": ["new"]}}
    rule = {"id": "a", "pay": "seller", "rate": "0.1", "where": where}
    answer = client.call("POST", "/v1/plans", {"code": "x", "currency": "CNY", "rules": [rule]})
    inside = ("customer.is", "customer.within_orders", "customer.within_weeks", "not.customer")
    assert {error["pointer"] for error in answer.json["errors"]} == {f"rules[0].where.{path}" for path in inside}
