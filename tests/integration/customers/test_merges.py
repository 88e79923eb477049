"""Two customers who are one person, over HTTP and at work: what follows the merge, and what stays as it was."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.processes import wait_until
from tests.world.world import World

DAY = datetime(2026, 2, 1, tzinfo=UTC)


def day_of_story(day: int) -> datetime:
    return DAY + timedelta(days=day)


def claim(shop_id: str, bound_at: datetime) -> dict[str, Any]:
    return {"shop_id": shop_id, "source": "link", "bound_at": bound_at.isoformat()}


@pytest.fixture
def admin(api: Api) -> Caller:
    """An admin's key in a program with three shops and a plan of ten percent for the seller."""
    api.world.join(("a", None), ("b", None), ("c", None))
    api.world.publish(SELLER_TEN_PERCENT)
    return api.caller()


def bind(caller: Caller, customer: str, shop_id: str, bound_at: datetime) -> str:
    """What becomes of a claim."""
    return str(caller.put(f"/v1/customers/{customer}/binding", claim(shop_id, bound_at))["outcome"])


def owner(caller: Caller, customer: str) -> str | None:
    binding = caller.get(f"/v1/customers/{customer}")["binding"]
    return None if binding is None else binding["shop_id"]


def merge(caller: Caller, customer: str, into: str) -> Any:
    return caller.post(f"/v1/customers/{customer}/merge", {"into": into})


def sold(name: str, customer: str, paid_at: datetime, shop_id: str | None = None, minor: int = 1_000) -> dict[str, Any]:
    """An order of ten yuan, without a shop unless one is given."""
    when = {"paid_at": paid_at, "occurred_at": paid_at}
    return settled(f"e-{name}", name, shop_id, line(minor), customer_id=customer, **when)


def seller_of(caller: Caller, order_id: str) -> str | None:
    shop_id = caller.get(f"/v1/orders/{order_id}")["shop_id"]
    return None if shop_id is None else str(shop_id)


def is_audit_clean(world: World) -> bool:
    with world.container.begin() as conn:
        run.enter_snapshot(conn)
        result = run.run_audit(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies)
    assert [check for check in result.checks if not check.ok] == []
    return "customer_merges_flat" in {check.name for check in result.checks}


def test_a_binding_goes_over_to_a_customer_without_one_and_sells_the_orders_of_both(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    admin.put("/v1/customers/new", {"shop_id": None})
    shown = merge(admin, "old", "new")
    assert (shown["id"], shown["merged_into"], shown["binding"]["shop_id"]) == ("old", "new", "a")
    assert admin.get("/v1/customers/old") == shown
    assert (owner(admin, "new"), admin.get("/v1/customers/new")["merged_into"]) == ("a", None)
    now = api.world.now()
    assert api.world.earn(sold("o-1", "old", now), sold("o-2", "new", now)) == {"a": 200}
    assert [seller_of(admin, order) for order in ("o-1", "o-2")] == ["a", "a"]
    assert is_audit_clean(api.world)


def test_the_surviving_customers_own_binding_stands(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    bind(admin, "new", "b", day_of_story(1))
    assert merge(admin, "old", "new")["binding"]["shop_id"] == "b"
    now = api.world.now()
    assert api.world.earn(sold("o-1", "old", now), sold("o-2", "new", now)) == {"b": 200}


def test_what_was_paid_before_the_merge_is_the_same_whenever_it_arrives(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    bind(admin, "new", "b", day_of_story(1))
    assert api.world.earn(sold("o-1", "old", day_of_story(5))) == {"a": 100}
    merge(admin, "old", "new")
    assert api.world.earn(sold("o-2", "old", day_of_story(6)), sold("o-3", "new", day_of_story(0))) == {"a": 200}
    assert [seller_of(admin, order) for order in ("o-1", "o-2", "o-3")] == ["a", "a", None]


def test_orders_worked_on_stay_as_they_are_and_their_refunds_fit(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    bind(admin, "new", "b", day_of_story(1))
    api.world.earn(sold("o-1", "old", day_of_story(5)))
    before = admin.get("/v1/orders/o-1"), admin.get("/v1/orders/o-1/explanation")
    merge(admin, "old", "new")
    assert (admin.get("/v1/orders/o-1"), admin.get("/v1/orders/o-1/explanation")) == before
    assert before[0]["customer_id"] == "old"
    assert api.world.earn(refunded("r", "o-1", None)) == {"a": 0}
    assert is_audit_clean(api.world)


def test_an_expired_binding_of_the_survivor_is_none(admin: Caller) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "first", "expire_days": 5}})
    bind(admin, "new", "b", day_of_story(0))
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "first"}})
    bind(admin, "old", "a", day_of_story(1))
    assert merge(admin, "old", "new")["binding"]["shop_id"] == "a"
    history = admin.get("/v1/customers/new/binding")["data"]
    assert [(row["customer_id"], row["shop_id"], row["until"]) for row in history] == [
        ("new", "b", "2026-02-06T00:00:00Z"),
        ("old", "a", None),
    ]


def test_a_merge_lengthens_no_term(admin: Caller, api: Api) -> None:
    rule = {"rule": "protected", "protect_days": 10, "expire_days": 400}
    admin.call("PATCH", "/v1/program", {"binding": rule})
    bind(admin, "old", "a", day_of_story(0))
    before = admin.get("/v1/customers/old")["binding"]
    admin.put("/v1/customers/new", {"shop_id": None})
    merge(admin, "old", "new")
    assert admin.get("/v1/customers/new")["binding"] == before
    assert bind(admin, "new", "b", api.world.now()) == "taken_over"


def test_claims_after_the_merge_count_for_the_person_whichever_id_they_name(admin: Caller, api: Api) -> None:
    admin.call("PATCH", "/v1/program", {"binding": {"rule": "last"}})
    bind(admin, "old", "a", day_of_story(0))
    bind(admin, "new", "b", day_of_story(1))
    merged_at = merge(admin, "old", "new")["merged_at"]
    assert bind(admin, "old", "c", api.world.now()) == "taken_over"
    assert [owner(admin, customer) for customer in ("old", "new")] == ["c", "c"]
    for customer in ("old", "new"):
        history = admin.get(f"/v1/customers/{customer}/binding")["data"]
        assert [(row["customer_id"], row["shop_id"], row["outcome"]) for row in history] == [
            ("old", "a", "bound"),
            ("new", "b", "bound"),
            ("old", "c", "taken_over"),
        ]
        assert history[0]["until"] == merged_at
    assert bind(admin, "old", "b", day_of_story(2)) == "taken_over", "before the merge the ids are two"


def test_a_batch_of_claims_knows_who_is_one_person(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    bind(admin, "new", "b", day_of_story(1))
    merge(admin, "old", "new")
    now = api.world.now()
    sent = [
        {"customer_id": customer, **claim(shop, now)} for customer, shop in (("old", "a"), ("new", "b"), ("x", "c"))
    ]
    results = admin.post("/v1/bindings/batch", {"bindings": sent})["results"]
    assert [(row["outcome"], row["binding"]["shop_id"]) for row in results] == [
        ("kept", "b"),
        ("kept", "b"),
        ("bound", "c"),
    ]


def test_the_same_merge_again_answers_as_the_first_time_and_another_is_refused(admin: Caller, api: Api) -> None:
    for customer in ("old", "new", "third"):
        bind(admin, customer, "a", day_of_story(0))
    first = merge(admin, "old", "new")
    assert merge(admin, "old", "new") == first
    path = "/v1/customers/old/merge"
    assert admin.refused("POST", path, {"into": "third"}) == (409, "customer_merged")
    assert admin.refused("POST", "/v1/customers/third/merge", {"into": "old"}) == (409, "customer_merged")
    assert admin.refused("POST", "/v1/customers/new/merge", {"into": "old"}) == (409, "customer_merged")
    assert admin.problem("POST", path, {"into": "third"})["detail"] == "The customer old was merged into new."
    assert len(api.world.rows("SELECT * FROM customer_merges WHERE program_id = :program")) == 1


def test_what_cannot_be_merged_is_refused_by_name(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    path = "/v1/customers/old/merge"
    assert admin.refused("POST", path, {"into": "old"}) == (422, "customer_merged_into_itself")
    assert admin.refused("POST", path, {"into": "nobody"}) == (422, "merge_customer_unknown")
    assert admin.refused("POST", "/v1/customers/nobody/merge", {"into": "old"}) == (404, "customer_unknown")
    assert admin.refused("POST", "/v1/customers/ab%20/merge", {"into": "old"})[0] == 404
    problem = admin.problem("POST", path, {"into": "a/b", "extra": 1})
    assert {entry["pointer"] for entry in problem["errors"]} == {"/into", "/extra"}
    bind(admin, "new", "a", day_of_story(0))
    for role in ("finance", "partner"):
        caller = api.caller(role, "a" if role == "partner" else None)
        assert caller.refused("POST", path, {"into": "new"}) == (403, "forbidden")
    other = api.caller(program=api.other_program())
    assert other.refused("POST", path, {"into": "new"}) == (404, "customer_unknown")
    assert merge(api.caller("orders"), "old", "new")["merged_into"] == "new"


def test_a_customer_who_only_bought_can_be_merged(admin: Caller, api: Api) -> None:
    api.world.earn(sold("o-1", "guest", day_of_story(1), "a"))
    bind(admin, "account", "b", day_of_story(2))
    assert merge(admin, "guest", "account")["binding"]["shop_id"] == "b"


def test_a_person_merged_on_and_on_is_one_under_the_last_id(admin: Caller, api: Api) -> None:
    bind(admin, "x", "a", day_of_story(0))
    for customer in ("y", "z"):
        admin.put(f"/v1/customers/{customer}", {"shop_id": None})
    merge(admin, "x", "y")
    merge(admin, "y", "z")
    assert [admin.get(f"/v1/customers/{customer}")["merged_into"] for customer in "xyz"] == ["z", "z", None]
    assert [owner(admin, customer) for customer in "xyz"] == ["a", "a", "a"]
    assert merge(admin, "x", "y")["merged_into"] == "z", "the same call as first sent"
    now = api.world.now()
    assert api.world.earn(*(sold(f"o-{customer}", customer, now) for customer in "xyz")) == {"a": 300}
    assert is_audit_clean(api.world)


def test_so_many_ids_are_one_person_and_no_more(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distrib.services.customers.records.MOST_IDS", 3)
    for customer in "wxyz":
        bind(admin, customer, "a", day_of_story(0))
    merge(admin, "x", "w")
    merge(admin, "z", "y")
    assert admin.refused("POST", "/v1/customers/w/merge", {"into": "y"}) == (422, "person_too_large")


def test_the_shop_that_a_customer_is_follows_the_merge(admin: Caller, api: Api) -> None:
    admin.put("/v1/customers/old", {"shop_id": "a"})
    bind(admin, "new", "b", day_of_story(0))
    assert merge(admin, "old", "new")["shop_id"] == "a"
    now = api.world.now()
    api.world.earn(sold("o-1", "new", now, "a"), sold("o-2", "old", now, "a"), sold("o-3", "new", now, "b"))
    seen = [admin.get(f"/v1/orders/o-{n}/explanation")["is_self_purchase"] for n in (1, 2, 3)]
    assert seen == [True, True, False]
    assert admin.put("/v1/customers/old", {"shop_id": None})["shop_id"] is None
    assert admin.get("/v1/customers/new")["shop_id"] is None
    api.world.earn(sold("o-4", "old", now, "a"))
    assert admin.get("/v1/orders/o-4/explanation")["is_self_purchase"] is False


def test_a_customer_of_a_shops_own_id_makes_its_person_that_shop(admin: Caller, api: Api) -> None:
    bind(admin, "a", "b", day_of_story(0))
    bind(admin, "person", "b", day_of_story(0))
    assert merge(admin, "a", "person")["shop_id"] == "a"
    now = api.world.now()
    api.world.earn(sold("o-1", "person", now, "a"), sold("o-2", "a", now, "a"))
    assert [admin.get(f"/v1/orders/o-{n}/explanation")["is_self_purchase"] for n in (1, 2)] == [True, True]


def test_the_survivors_own_shop_stands(admin: Caller) -> None:
    admin.put("/v1/customers/old", {"shop_id": "a"})
    admin.put("/v1/customers/new", {"shop_id": "b"})
    assert merge(admin, "old", "new")["shop_id"] == "b"
    admin.put("/v1/customers/old-c", {"shop_id": "a"})
    bind(admin, "c", "b", day_of_story(0))
    assert merge(admin, "old-c", "c")["shop_id"] is None


def capped(api: Api) -> Caller:
    """A program where one customer brings a shop no more than ten yuan ever."""
    api.world.join(("a", None))
    api.world.publish(
        {**SELLER_TEN_PERCENT, "rules": [SELLER_TEN_PERCENT["rules"][0] | {"cap": {"per_customer_minor": 1_000}}]}
    )
    caller = api.caller()
    for customer in ("old", "new"):
        bind(caller, customer, "a", day_of_story(0))
    return caller


def test_what_one_customer_may_bring_ever_is_counted_over_all_ids(api: Api) -> None:
    admin, world = capped(api), api.world
    assert world.earn(sold("o-1", "old", day_of_story(1), minor=6_000)) == {"a": 600}
    assert world.earn(sold("o-2", "new", day_of_story(2), minor=3_000)) == {"a": 900}
    merge(admin, "old", "new")
    assert world.earn(sold("o-3", "new", day_of_story(3), minor=5_000)) == {"a": 1_000}
    assert world.earn(sold("o-4", "old", day_of_story(4), minor=5_000)) == {"a": 1_000}
    looks = admin.get("/v1/orders/o-3/explanation")["looks"]
    assert [(look["reason"], look["amount_before_cap_minor"], look["amount_minor"]) for look in looks] == [
        ("rule_cap", 500, 100)
    ]
    assert is_audit_clean(world)


def test_two_orders_of_one_batch_share_what_their_person_may_bring(api: Api) -> None:
    admin = capped(api)
    merge(admin, "old", "new")
    orders = [sold(f"o-{n}", ("old", "new")[n % 2], day_of_story(n), minor=4_000) for n in (1, 2, 3)]
    assert api.world.earn(*orders) == {"a": 1_000}
    assert is_audit_clean(api.world)


def with_new_customers(api: Api, condition: Any = "new") -> Caller:
    """A program that pays ten percent on what new customers buy, and on nothing else."""
    api.world.join(("a", None))
    api.world.publish(
        {**SELLER_TEN_PERCENT, "rules": [SELLER_TEN_PERCENT["rules"][0] | {"where": {"customer": condition}}]}
    )
    caller = api.caller()
    for customer in ("old", "new"):
        bind(caller, customer, "a", day_of_story(0))
    return caller


def test_an_order_of_the_old_id_is_an_earlier_order_of_the_new_one(api: Api) -> None:
    admin, world = with_new_customers(api), api.world
    assert world.earn(sold("o-1", "old", day_of_story(1))) == {"a": 100}
    merge(admin, "old", "new")
    world.earn(sold("o-2", "new", day_of_story(2)), sold("o-3", "old", day_of_story(0)))
    assert world.earned() == {"a": 200}, "nothing was bought before o-3"
    assert admin.get("/v1/orders/o-2/explanation")["agrees"] is True
    assert world.earn(refunded("r", "o-1", None)) == {"a": 100}


def test_orders_of_all_ids_are_counted_together_in_one_batch_and_over_batches(api: Api) -> None:
    admin = with_new_customers(api, {"is": "new", "within_orders": 3})
    merge(admin, "old", "new")
    api.world.earn(*(sold(f"o-{n}", ("old", "new")[n % 2], day_of_story(n)) for n in (1, 2)))
    assert api.world.earned() == {"a": 200}
    api.world.earn(*(sold(f"o-{n}", ("old", "new")[n % 2], day_of_story(n)) for n in (3, 4, 5)))
    assert api.world.earned() == {"a": 300}


def test_the_first_order_of_any_id_is_the_persons_first(api: Api) -> None:
    admin = with_new_customers(api, {"is": "new", "within_days": 10})
    api.world.earn(sold("o-1", "new", day_of_story(5)), sold("o-2", "old", day_of_story(1)))
    merge(admin, "old", "new")
    orders = [sold("o-3", "new", day_of_story(11)), sold("o-4", "old", day_of_story(10))]
    assert api.world.earn(*orders) == {"a": 300}, "o-3 was paid ten days after o-2"


def race(*calls: Callable[[], object]) -> list[object]:
    """Runs calls at once, each in a thread of its own, and lists what they come to."""
    barrier = Barrier(len(calls))

    def started(call: Callable[[], object]) -> object:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(started, calls))


def test_of_merges_both_ways_at_once_one_holds(admin: Caller, api: Api) -> None:
    for customer in ("left", "right"):
        bind(admin, customer, "a", day_of_story(0))
    callers = [api.caller("orders"), api.caller("orders")]

    def merged(caller: Caller, customer: str, into: str) -> int:
        return caller.call("POST", f"/v1/customers/{customer}/merge", {"into": into}).status_code

    statuses = race(lambda: merged(callers[0], "left", "right"), lambda: merged(callers[1], "right", "left"))
    assert sorted(map(str, statuses)) == ["200", "409"]
    assert is_audit_clean(api.world)


def test_a_claim_beside_a_merge_is_judged_before_or_after_it(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(0))
    admin.put("/v1/customers/new", {"shop_id": None})
    callers = [api.caller("orders"), api.caller("orders")]
    now = api.world.now()
    race(lambda: merge(callers[0], "old", "new"), lambda: bind(callers[1], "new", "b", now))
    [row] = [row for row in admin.get("/v1/customers/new/binding")["data"] if row["customer_id"] == "new"]
    assert row["outcome"] == ("bound" if owner(admin, "new") == "b" else "kept")


def test_a_merge_beside_a_batch_never_gives_a_person_more_than_the_cap(api: Api) -> None:
    admin, world = capped(api), api.world
    merging = api.caller("orders")
    world.post(*(sold(f"o-{n}", ("old", "new")[n % 2], day_of_story(n), minor=4_000) for n in range(1, 7)))
    race(world.drain, lambda: merge(merging, "old", "new"), world.drain)
    world.drain()
    merged_late = sum(world.earned().values())
    assert 1_000 <= merged_late <= 2_000, "each id had a cap of its own until they were one"
    assert world.earn(sold("o-9", "new", day_of_story(9), minor=9_000)) == {"a": merged_late}
    assert world.earn(sold("o-10", "old", day_of_story(9), minor=9_000)) == {"a": merged_late}
    assert admin.get("/v1/customers/old")["merged_into"] == "new"
    assert is_audit_clean(world)


def waits_for_a_lock(world: World) -> bool:
    """Whether anybody in the database waits for a row that another transaction holds."""
    statement = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    return bool(world.rows(statement)[0][0])


def test_a_batch_that_waited_for_a_total_while_its_customer_was_merged_knows_of_the_merge(api: Api) -> None:
    admin, world = capped(api), api.world
    world.earn(sold("o-1", "old", day_of_story(1), minor=6_000), sold("o-2", "new", day_of_story(1), minor=6_000))
    world.post(sold("o-3", "old", day_of_story(2), minor=9_000))
    held = "SELECT 1 FROM rule_customers WHERE program_id = :program FOR UPDATE"
    with ThreadPoolExecutor(1) as pool:
        with world.begin() as conn:
            conn.execute(text(held), {"program": world.program.program_id})
            drained = pool.submit(world.drain)
            wait_until(lambda: waits_for_a_lock(world), "the batch waits for the total")
            merge(admin, "old", "new")
        drained.result()
    assert world.earned() == {"a": 1_200}, "the two had brought more than the cap when they became one"
    [look] = admin.get("/v1/orders/o-3/explanation")["looks"]
    assert (look["reason"], look["amount_before_cap_minor"], look["amount_minor"]) == ("rule_cap", 900, 0)
    assert is_audit_clean(world)


def test_merges_only_grow_and_stay_in_their_program(admin: Caller, api: Api) -> None:
    for customer in ("old", "new"):
        bind(admin, customer, "a", day_of_story(0))
    merge(admin, "old", "new")
    for statement in ("DELETE FROM customer_merges", "UPDATE customer_merges SET into_id = 'x'"):
        with pytest.raises(Exception, match=r"permission denied|only grows"), api.world.container.begin() as conn:
            conn.execute(text(statement))
    other = api.caller(program=api.other_program())
    assert other.refused("GET", "/v1/customers/old") == (404, "customer_unknown")


def test_a_person_counts_once_in_the_shops_month(admin: Caller, api: Api) -> None:
    bind(admin, "old", "a", day_of_story(-5))
    bind(admin, "new", "a", day_of_story(1))
    api.world.earn(
        sold("o-0", "old", day_of_story(-3)), sold("o-1", "old", day_of_story(2)), sold("o-2", "new", day_of_story(3))
    )
    names = ("customers", "new_customers", "returning_customers", "referred_customers", "repeat_sales_minor")

    def month() -> tuple[int, ...]:
        shown = admin.get("/v1/shops/a/metrics?period=2026-02")
        return tuple(shown[name] for name in names)

    assert month() == (2, 1, 1, 1, 1_000)
    merge(admin, "old", "new")
    assert month() == (1, 0, 1, 0, 2_000)


def test_a_shop_that_its_person_kept_from_never_had_it(admin: Caller, api: Api) -> None:
    bind(admin, "old", "c", day_of_story(0))
    bind(admin, "new", "a", day_of_story(1))
    merged_at = datetime.fromisoformat(merge(admin, "old", "new")["merged_at"])
    assert bind(admin, "old", "b", api.world.now()) == "kept"
    period = merged_at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")
    assert admin.get(f"/v1/shops/b/metrics?period={period}")["referred_customers"] == 0
    referred = [admin.get(f"/v1/shops/{shop}/metrics?period=2026-02")["referred_customers"] for shop in "acb"]
    assert referred == [1, 1, 0]
