"""Customers over HTTP and at work: bindings by each rule, who sells an order without a shop, customers who are one."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World

DAY = datetime(2026, 2, 1, tzinfo=UTC)


def day_of_story(day: int) -> str:
    """The start of that day of the story."""
    return (DAY + timedelta(days=day)).isoformat()


def claim(shop_id: str, day: int, source: str = "link") -> dict[str, Any]:
    return {"shop_id": shop_id, "source": source, "bound_at": day_of_story(day)}


@pytest.fixture
def admin(api: Api) -> Caller:
    """An admin's key in a program with three shops and a plan."""
    api.world.join(("a", None), ("b", None), ("c", None))
    api.world.publish(SELLER_TEN_PERCENT)
    return api.caller()


def bind(caller: Caller, shop_id: str, day: int, customer: str = "cust") -> str:
    """What becomes of a claim."""
    answer = caller.put(f"/v1/customers/{customer}/binding", claim(shop_id, day))
    assert answer["customer_id"] == customer
    return str(answer["outcome"])


def owner(caller: Caller, customer: str = "cust") -> str | None:
    binding = caller.get(f"/v1/customers/{customer}")["binding"]
    return None if binding is None else binding["shop_id"]


def test_the_first_shop_keeps_its_customer(admin: Caller) -> None:
    assert [bind(admin, "a", 0), bind(admin, "b", 1), bind(admin, "a", 2)] == ["bound", "kept", "kept"]
    assert owner(admin) == "a"


def test_by_the_rule_last_every_other_shop_takes_over(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "last"}})
    assert [bind(admin, "a", 0), bind(admin, "b", 1), bind(admin, "a", 2)] == ["bound", "taken_over", "taken_over"]
    assert owner(admin) == "a"


def test_a_protected_customer_is_taken_over_only_when_the_protection_is_over(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "protected", "protect_days": 10}})
    answer = admin.put("/v1/customers/cust/binding", claim("a", 0))
    assert answer["binding"]["protected_until"] == day_of_story(10).replace("+00:00", "Z")
    assert [bind(admin, "b", 9), bind(admin, "b", 10), bind(admin, "c", 19)] == ["kept", "taken_over", "kept"]


def test_coming_by_again_renews_protection_and_term(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "protected", "protect_days": 10, "expire_days": 12}})
    assert [bind(admin, "a", 0), bind(admin, "a", 8), bind(admin, "b", 17), bind(admin, "b", 20)] == [
        "bound",
        "kept",
        "kept",
        "bound",
    ]


def test_an_expired_binding_stands_in_nobodys_way(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "first", "expire_days": 5}})
    assert [bind(admin, "a", 0), bind(admin, "b", 4), bind(admin, "b", 5)] == ["bound", "kept", "bound"]
    assert owner(admin) is None


def test_a_claim_that_arrives_late_counts_from_its_own_instant(admin: Caller) -> None:
    assert bind(admin, "a", 5) == "bound"
    assert bind(admin, "b", 2) == "bound"
    assert owner(admin) == "b"
    history = admin.get("/v1/customers/cust/binding")["data"]
    assert [(row["shop_id"], row["outcome"]) for row in history] == [("b", "bound"), ("a", "kept")]


def test_the_same_claim_again_answers_as_the_first_time(admin: Caller) -> None:
    first = admin.put("/v1/customers/cust/binding", claim("a", 1))
    bind(admin, "b", 0)
    again = admin.put("/v1/customers/cust/binding", claim("a", 1))
    assert (first["outcome"], again["outcome"], again["binding"]["shop_id"]) == ("bound", "bound", "b")
    assert len(admin.get("/v1/customers/cust/binding")["data"]) == 2


def test_the_history_says_until_when_a_shop_had_the_customer_page_by_page(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "last"}})
    for shop_id, day in (("a", 0), ("b", 3), ("c", 7)):
        bind(admin, shop_id, day)
    page = admin.get("/v1/customers/cust/binding?limit=2")
    rest = admin.get(f"/v1/customers/cust/binding?limit=2&cursor={page['next_cursor']}")
    rows = [(row["shop_id"], row["until"]) for row in page["data"] + rest["data"]]
    assert rows == [
        ("a", day_of_story(3).replace("+00:00", "Z")),
        ("b", day_of_story(7).replace("+00:00", "Z")),
        ("c", None),
    ]
    assert rest["next_cursor"] is None


def test_what_does_not_fit_is_refused_by_name(admin: Caller, api: Api) -> None:
    path = "/v1/customers/cust/binding"
    assert admin.refused("PUT", path, claim("nobody", 0)) == (422, "binding_shop_unknown")
    ahead = {"shop_id": "a", "source": "link", "bound_at": "2999-01-01T00:00:00Z"}
    assert admin.refused("PUT", path, ahead) == (422, "bound_in_future")
    problem = admin.problem("PUT", path, {"shop_id": "a/b", "bound_at": "now", "extra": 1})
    assert {entry["pointer"] for entry in problem["errors"]} == {"/shop_id", "/bound_at", "/source", "/extra"}
    assert admin.refused("GET", "/v1/customers/cust") == (404, "customer_unknown")
    assert admin.refused("GET", path) == (404, "customer_unknown")
    assert admin.refused("PUT", "/v1/customers/cust", {"shop_id": "nobody"}) == (422, "binding_shop_unknown")
    assert api.caller("finance").refused("PUT", path, claim("a", 0)) == (403, "forbidden")
    assert api.caller("partner", "a").refused("GET", "/v1/customers/cust") == (403, "forbidden")


def test_of_a_batch_one_refusal_touches_no_other(admin: Caller) -> None:
    sent = [
        {"customer_id": "x", **claim("a", 0)},
        {"customer_id": "x", **claim("b", 1)},
        {"customer_id": "y", **claim("nobody", 0)},
        {"customer_id": "z", "shop_id": "a"},
        "nothing",
        {"customer_id": "x", **claim("a", 0)},
    ]
    results = admin.post("/v1/bindings/batch", {"bindings": sent})["results"]
    assert [row["outcome"] for row in results] == ["bound", "kept", "refused", "refused", "refused", "bound"]
    assert [row.get("code") for row in results[2:5]] == ["binding_shop_unknown", "invalid", "invalid"]
    assert {entry["pointer"] for entry in results[3]["errors"]} == {"/source", "/bound_at"}
    assert admin.refused("POST", "/v1/bindings/batch", {"bindings": sent * 170})[0] == 422
    assert owner(admin, "x") == "a"


def test_a_thousand_claims_go_in_one_batch(admin: Caller) -> None:
    sent = [{"customer_id": f"c-{number}", **claim("abc"[number % 3], 0)} for number in range(1_000)]
    results = admin.post("/v1/bindings/batch", {"bindings": sent})["results"]
    assert {row["outcome"] for row in results} == {"bound"}
    assert owner(admin, "c-998") == "c"


def test_claims_of_many_at_once_leave_one_owner(admin: Caller, api: Api) -> None:
    barrier, answers = Barrier(6), []

    def claimed(number: int) -> None:
        caller = api.caller("orders")
        barrier.wait()
        answers.append(bind(caller, "abc"[number % 3], number))

    threads = [Thread(target=claimed, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert owner(admin) == "a"


def test_the_shop_bound_when_the_order_was_paid_sells_it(admin: Caller, api: Api) -> None:
    world = api.world
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "last"}})
    bind(admin, "b", 10)
    bind(admin, "a", 0)
    orders = [("o-1", 5), ("o-2", 10), ("o-3", 20), ("o-0", -1)]
    events = [
        settled(f"e-{name}", name, None, line(1000), customer_id="cust", paid_at=DAY + timedelta(days=day))
        for name, day in orders
    ]
    assert world.earn(*events) == {"a": 100, "b": 200}
    assert [world.outcome(f"e-{name}")[1] for name, _ in orders] == [None, None, None, "no_shop"]
    shown = admin.get("/v1/orders/o-1")
    assert (shown["shop_id"], shown["seller_by"]) == ("a", "binding")
    explained = admin.get("/v1/orders/o-1/explanation")
    assert (explained["seller_by"], explained["agrees"]) == ("binding", True)
    assert explained["people"][0]["shop_id"] == "a"
    assert admin.get("/v1/orders/o-0")["seller_by"] is None


def test_a_shop_that_is_given_wins_over_the_binding(admin: Caller, api: Api) -> None:
    bind(admin, "a", 0)
    assert api.world.earn(settled("e", "o", "c", line(1000), customer_id="cust")) == {"c": 100}
    assert admin.get("/v1/orders/o")["seller_by"] == "order"


def test_a_binding_that_comes_after_the_settlement_changes_nothing_and_refunds_fit(admin: Caller, api: Api) -> None:
    bind(admin, "a", 0)
    api.world.earn(settled("e", "o", None, line(1000), customer_id="cust"))
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "last"}})
    bind(admin, "b", 1)
    assert api.world.earn(refunded("r", "o", None)) == {"a": 0}
    assert admin.get("/v1/orders/o/explanation")["agrees"] is True


def test_the_uplines_of_a_bound_shop_are_paid_as_they_stood(api: Api) -> None:
    world = api.world
    world.join(("top", None), ("mid", "top"))
    rules = [{"id": "seller", "pay": "seller", "rate": "0.1"}, {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"}]
    world.publish(SELLER_TEN_PERCENT | {"rules": rules})
    admin = api.caller()
    bind(admin, "mid", 0)
    admin.post("/v1/shops/mid/move", {"sponsor_id": None, "effective_at": day_of_story(15), "reason": "a test"})
    paid = [(f"o-{day}", DAY + timedelta(days=day)) for day in (5, 16)]
    events = [settled(f"e-{name}", name, None, line(1000), customer_id="cust", paid_at=when) for name, when in paid]
    assert world.earn(*events) == {"mid": 200, "top": 50}


def test_a_customer_who_is_a_shop_buys_from_itself(admin: Caller, api: Api) -> None:
    world = api.world
    admin.put("/v1/customers/person", {"shop_id": "a"})
    assert admin.get("/v1/customers/person") == {
        "id": "person",
        "shop_id": "a",
        "binding": None,
        "merged_into": None,
        "merged_at": None,
    }
    bind(admin, "a", 0, "person")
    world.earn(
        settled("e-1", "o-1", "a", line(1000), customer_id="person"),
        settled("e-2", "o-2", "b", line(1000), customer_id="person"),
        settled("e-3", "o-3", None, line(1000), customer_id="person"),
        settled("e-4", "o-4", "b", line(1000), customer_id="b"),
    )
    seen = [admin.get(f"/v1/orders/o-{n}/explanation")["is_self_purchase"] for n in (1, 2, 3, 4)]
    assert seen == [True, False, True, True]
    sales = world.rows("SELECT sum(sales_minor) FROM settlements WHERE program_id = :program")
    assert sales[0][0] == 1000


def test_a_record_taken_back_holds_for_orders_settled_afterwards(admin: Caller, api: Api) -> None:
    admin.put("/v1/customers/person", {"shop_id": "a"})
    api.world.earn(settled("e-1", "o-1", "a", line(1000), customer_id="person"))
    assert admin.put("/v1/customers/person", {"shop_id": None})["shop_id"] is None
    api.world.earn(settled("e-2", "o-2", "a", line(1000), customer_id="person"))
    seen = [admin.get(f"/v1/orders/o-{n}/explanation")["is_self_purchase"] for n in (1, 2)]
    assert seen == [True, False]


def test_history_of_customers_only_grows(admin: Caller, api: Api) -> None:
    bind(admin, "a", 0)
    world: World = api.world
    with pytest.raises(Exception, match=r"permission denied|only grows"), world.container.begin() as conn:
        conn.exec_driver_sql("DELETE FROM bindings")


def test_another_program_has_its_own_customers(admin: Caller, api: Api) -> None:
    bind(admin, "a", 0)
    other = api.caller(program=api.other_program())
    assert other.refused("GET", "/v1/customers/cust") == (404, "customer_unknown")
    assert other.refused("PUT", "/v1/customers/cust/binding", claim("a", 0)) == (422, "binding_shop_unknown")
