"""What a batch is of: chosen shops, parts of balances; what cannot be paid is named, and a demand is met or refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops

UP_TO = "2026-04-01T00:00:00Z"


@pytest.fixture
def funded(api: Api) -> Api:
    """Shops a (100.00), b (7.00), d and e (5.00 each) with payees, n without money, c (3.00) without payee."""
    world = api.world
    open_shops(world, "a", "b", "d", "e", "n")
    world.join(("c", None))
    for shop, amount in (("a", 10_000), ("b", 700), ("c", 300), ("d", 500), ("e", 500)):
        earn(world, shop, amount, PAID)
    admin = api.caller()
    admin.post("/v1/shops/d/status", {"status": "frozen", "reason": "looked at"})
    admin.post("/v1/shops/e/status", {"status": "closed", "reason": "left"})
    return api


def post(caller: Caller, **batch: Any) -> Any:
    """Makes the batch `march` of what is named."""
    return caller.post("/v1/payouts", {"id": "march", "up_to": UP_TO, **batch})


def lines(made: dict[str, Any]) -> dict[str, int]:
    """What a batch reserves, by shop."""
    return {row["shop_id"]: row["amount_minor"] for row in made["lines"]}


def refused(made: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Who got no line, why, and what it has."""
    return {row["shop_id"]: (row["code"], row["amount_minor"]) for row in made["refused"]}


def test_a_batch_of_everything_names_who_has_money_and_gets_no_line(funded: Api) -> None:
    finance = funded.caller("finance")
    made = post(finance, min_minor=1_000)
    assert (made["selection"], lines(made)) == ("all", {"a": 10_000})
    assert refused(made) == {
        "b": ("below_minimum", 700),
        "c": ("payee_missing", 300),
        "d": ("shop_frozen", 500),
        "e": ("shop_closed", 500),
    }
    counts = {row["code"]: (row["shops"], row["amount_minor"]) for row in made["refused_counts"]}
    assert counts == {
        "below_minimum": (1, 700),
        "payee_missing": (1, 300),
        "shop_closed": (1, 500),
        "shop_frozen": (1, 500),
    }
    page = finance.get("/v1/payouts/march/refused?limit=3")
    rest = finance.get(f"/v1/payouts/march/refused?limit=3&cursor={page['next_cursor']}")
    assert [row["shop_id"] for row in page["data"] + rest["data"]] == ["b", "c", "d", "e"]
    assert [row["shop_id"] for row in finance.get("/v1/payouts/march/refused?code=shop_closed")["data"]] == ["e"]


def test_chosen_shops_alone_are_paid_and_those_that_cannot_be_are_named(funded: Api) -> None:
    finance = funded.caller("finance")
    made = post(finance, shop_ids=["a", "c", "d", "e", "n"])
    assert (made["selection"], lines(made)) == ("shops", {"a": 10_000})
    assert refused(made) == {
        "c": ("payee_missing", 300),
        "d": ("shop_frozen", 500),
        "e": ("shop_closed", 500),
        "n": ("nothing_available", 0),
    }
    assert finance.get("/v1/shops/b/balance")["available_minor"] == 700


def test_a_part_of_a_balance_is_paid_and_the_rest_stays_available(funded: Api) -> None:
    finance, second = funded.caller("finance"), funded.caller("finance")
    made = post(finance, amounts={"a": 2_500, "b": 700})
    assert (made["selection"], lines(made)) == ("amounts", {"a": 2_500, "b": 700})
    balance = finance.get("/v1/shops/a/balance")
    assert (balance["available_minor"], balance["reserved_minor"]) == (7_500, 2_500)
    second.post("/v1/payouts/march/approve")
    finance.post("/v1/payouts/march/results", {"results": [{"shop_id": "a", "status": "paid"}]})
    balance = finance.get("/v1/shops/a/balance")
    assert (balance["available_minor"], balance["paid_minor"]) == (7_500, 2_500)


def test_amounts_bound_some_of_the_chosen_shops(funded: Api) -> None:
    made = post(funded.caller("finance"), shop_ids=["a", "b"], amounts={"a": 1})
    assert lines(made) == {"a": 1, "b": 700}


def test_more_than_is_available_is_refused_by_name_and_nothing_is_reserved(funded: Api) -> None:
    finance = funded.caller("finance")
    batch = {"id": "march", "up_to": UP_TO, "amounts": {"a": 10_001, "b": 700}}
    problem = finance.problem("POST", "/v1/payouts", batch)
    assert (problem["status"], problem["code"]) == (422, "exceeds_available")
    assert [error["pointer"] for error in problem["errors"]] == ["/amounts/a"]
    assert "10000" in problem["errors"][0]["detail"]
    assert "10000" in problem["detail"]
    assert finance.get("/v1/shops/b/balance")["reserved_minor"] == 0
    assert finance.refused("GET", "/v1/payouts/march") == (404, "payout_unknown")


def test_every_amount_that_cannot_be_paid_is_named_at_once(funded: Api) -> None:
    finance = funded.caller("finance")
    amounts = {"a": 10_001, "b": 1, "c": 300, "d": 500, "e": 500, "n": 1}
    problem = finance.problem("POST", "/v1/payouts", {"id": "m", "up_to": UP_TO, "amounts": amounts, "min_minor": 2})
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == {f"/amounts/{shop}" for shop in "abcden"}


@pytest.mark.parametrize(
    ("named", "pointers"),
    [
        ({"shop_ids": ["a", "x", "y"]}, ["/shop_ids/1", "/shop_ids/2"]),
        ({"shop_ids": ["a", "b", "a"]}, ["/shop_ids/2"]),
        ({"amounts": {"x": 1, "~1": 1}}, ["/amounts/x", "/amounts/~01"]),
        ({"shop_ids": ["a"], "amounts": {"b": 1}}, ["/amounts/b"]),
        ({"shop_ids": []}, ["/shop_ids"]),
        ({"amounts": {}}, ["/amounts"]),
        ({"amounts": [{"shop_id": "a", "amount_minor": 1}]}, ["/amounts"]),
        ({"amounts": {"a": 0, "b": 1.0, "n": True, " ": 1}}, ["/amounts/ ", "/amounts/a", "/amounts/b", "/amounts/n"]),
        ({"withdrawals": ["w"], "shop_ids": ["a"]}, ["/withdrawals"]),
        ({"withdrawals": ["w"]}, ["/withdrawals/0"]),
        ({"withdrawals": ["w", "w"]}, ["/withdrawals/1"]),
    ],
)
def test_a_selection_that_cannot_be_is_refused_by_name(funded: Api, named: Any, pointers: list[str]) -> None:
    finance = funded.caller("finance")
    problem = finance.problem("POST", "/v1/payouts", {"id": "march", "up_to": UP_TO, **named})
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers
    assert finance.get("/v1/payouts")["data"] == []


def test_a_batch_of_chosen_shops_is_the_same_in_any_order_and_another_with_other_shops(funded: Api) -> None:
    finance = funded.caller("finance")
    made = post(finance, shop_ids=["a", "b"])
    again = finance.call("POST", "/v1/payouts", {"id": "march", "up_to": UP_TO, "shop_ids": ["b", "a"]})
    assert (again.status_code, again.json) == (200, made)
    for other in ({"shop_ids": ["a"]}, {}, {"amounts": {"a": 1}}, {"shop_ids": ["a", "b"], "amounts": {"a": 1}}):
        assert finance.refused("POST", "/v1/payouts", {"id": "march", "up_to": UP_TO, **other}) == (409, "id_conflict")
