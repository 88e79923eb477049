"""Refunds as amounts, refunds undone, payments that failed, late settlements: the contract's figures, over HTTP.

Where events may come in any order, every order of arrival is posted, each about an order and a shop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain, permutations, zip_longest
from random import Random
from typing import Any

import pytest

from tests.world.documents import SELLER_TEN_PERCENT, cancelled, line, paid, refunded, settled
from tests.world.live import Client, Live

Document = dict[str, Any]
EARLY = "2025-01-01T00:00:00+08:00"
DAY = timedelta(days=1)
MARCH = datetime(2026, 3, 1, 4, tzinfo=UTC)
"""Noon of 1 March in Shanghai."""


@pytest.fixture
def client(live: Live, request: pytest.FixtureRequest) -> Client:
    """A program in Shanghai's time whose plan pays the seller ten per cent, free at once."""
    return opened(live, request.node.name, SELLER_TEN_PERCENT)


def opened(live: Live, name: str, plan: Document) -> Client:
    """A program with a plan and the shops s0, s1 ..."""
    return set_up(live.client(live.open_program(sha256(name.encode()).hexdigest()[:12])), plan)


def set_up(admin: Client, plan: Document, shops: int = 24) -> Client:
    """Publishes a plan and registers the shops s0, s1 ..."""
    admin.post("/v1/plans", plan)
    admin.post(f"/v1/plans/{plan['code']}/1/publish", {"effective_from": EARLY})
    admin.post("/v1/shops/batch", {"shops": [{"id": f"s{number}", "joined_at": EARLY} for number in range(shops)]})
    return admin


def tell(client: Client, *events: Document) -> None:
    """Posts events together and waits until all are worked on."""
    assert client.post("/v1/events", {"events": list(events)})["refused"] == 0
    client.wait_for_events()


def tell_one_by_one(client: Client, *events: Document) -> None:
    """Posts events in their order."""
    for event in events:
        tell(client, event)


def tell_in_every_order(client: Client, history: Callable[[int], Sequence[Document]]) -> range:
    """Posts each order of arrival of a history, the first of all, then the second of all ...; the numbers of the shops.

    Args:
        history: the events about the order and the shop of a number.
    """
    arrivals = list(permutations(range(len(history(0)))))
    told = [[history(number)[place] for place in places] for number, places in enumerate(arrivals)]
    for together in zip_longest(*told):
        tell(client, *together)
    assert client.get("/v1/events?status=failed")["data"] == []
    assert client.get("/v1/events?status=waiting")["data"] == []
    return range(len(arrivals))


def as_amount(event_id: str, order_id: str, amount_minor: int, spread: str, occurred_at: datetime) -> Document:
    """A refund that is no line's."""
    event = refunded(event_id, order_id, None, occurred_at)
    event["refund"] |= {"amount_minor": amount_minor, "spread": spread}
    return event


def undone(event_id: str, refund_id: str, occurred_at: datetime, **more: Any) -> Document:
    """A ``refund.reversed`` event."""
    return {
        "id": event_id,
        "type": "refund.reversed",
        "occurred_at": occurred_at.isoformat(),
        "refund_id": refund_id,
        **more,
    }


def payment_failed(event_id: str, order_id: str, occurred_at: datetime) -> Document:
    """An ``order.payment_failed`` event."""
    instant = occurred_at.isoformat()
    return {"id": event_id, "type": "order.payment_failed", "occurred_at": instant, "order_id": order_id}


def rows_of(client: Client, shop_id: str) -> list[tuple[int, str]]:
    """Each amount of a shop with the time in which it counts, in UTC."""
    rows = client.get(f"/v1/commissions?shop_id={shop_id}&limit=500")["data"]
    return sorted((row["amount_minor"], row["occurred_at"]) for row in rows)


def stands(client: Client, order_id: str) -> int:
    """What an order comes to, as posted; the explanation, worked out again, agrees."""
    explained = client.get(f"/v1/orders/{order_id}/explanation")
    assert (explained["agrees"], explained["differences"]) == (True, [])
    rows = client.get(f"/v1/commissions?order_id={order_id}&limit=500")["data"]
    return sum(row["amount_minor"] for row in rows)


def months_of(client: Client, shop_id: str, *periods: str) -> list[tuple[int, int, int]]:
    """Opening, earned with reversed, and closing of a shop in each month."""
    figures = []
    for period in periods:
        rows = [row for row in client.get(f"/v1/statements?period={period}")["data"] if row["shop_id"] == shop_id]
        row = rows[0] if rows else {"opening_minor": 0, "earned_minor": 0, "reversed_minor": 0, "closing_minor": 0}
        figures.append((row["opening_minor"], row["earned_minor"] + row["reversed_minor"], row["closing_minor"]))
    return figures


def status_of(client: Client, event_id: str) -> tuple[str, str | None]:
    """Where an event stands, and its code."""
    event = client.get(f"/v1/events/{event_id}")
    return event["status"], event["error"] and event["error"]["code"]


# A reversal counts no earlier than what it takes back


def late(number: int) -> list[Document]:
    """Paid 20 March 100000, 40000 given back on 30 March, settled 8 April."""
    order, shop = f"o{number}", f"s{number}"
    bought = {"paid_at": MARCH + 19 * DAY}
    return [
        paid(f"p{number}", order, shop, line(100_000), **bought),
        refunded(f"r{number}", order, {"1": 40_000}, MARCH + 29 * DAY),
        settled(f"e{number}", order, shop, line(100_000), occurred_at=MARCH + 38 * DAY, **bought),
    ]


@pytest.mark.parametrize("first", [0, 1], ids=["with a payment", "without one"])
def test_a_refund_before_the_settlement_counts_with_the_settlement(client: Client, first: int) -> None:
    for number in tell_in_every_order(client, lambda number: late(number)[first:]):
        assert rows_of(client, f"s{number}") == [(-4_000, "2026-04-08T04:00:00Z"), (10_000, "2026-04-08T04:00:00Z")]
        assert months_of(client, f"s{number}", "2026-03", "2026-04") == [(0, 0, 0), (0, 6_000, 6_000)]
        assert client.get(f"/v1/shops/s{number}/metrics?period=2026-03")["sales_minor"] == 0
        assert client.get(f"/v1/shops/s{number}/metrics?period=2026-04")["sales_minor"] == 60_000


@pytest.mark.parametrize("closed_after", [0, 1, 2])
def test_closing_the_month_of_a_refund_changes_nothing_of_what_counts_later(live: Live, closed_after: int) -> None:
    program = live.open_program(f"closed-after-{closed_after}")
    client = set_up(live.client(program), SELLER_TEN_PERCENT)
    payment, refund, settlement = late(0)
    told = [payment, settlement, refund]
    tell_one_by_one(client, *told[:closed_after])
    for period in ("2026-02", "2026-03"):
        client.post(f"/v1/statements/{period}/close", {})
        live.client(program, "finance").post(f"/v1/statements/{period}/close/confirm", {})
    tell_one_by_one(client, *told[closed_after:])
    assert months_of(client, "s0", "2026-03", "2026-04") == [(0, 0, 0), (0, 6_000, 6_000)]
    rows = client.get("/v1/commissions?shop_id=s0")["data"]
    assert [(row["period"], row["belongs_to_period"]) for row in rows] == [("2026-04", None)] * 2


# A refund's bound is for each rule, tier and earner, over the order


@pytest.mark.parametrize(("amounts", "back"), [((30_000, 20_000), "1"), ((20_000, 30_000), "2")])
def test_a_line_takes_up_what_the_cap_denied_it(live: Live, amounts: tuple[int, int], back: str) -> None:
    rule = {"id": "seller", "pay": "seller", "rate": "0.1", "cap": {"per_order_minor": 3_000}}
    client = opened(live, f"bound-{back}", SELLER_TEN_PERCENT | {"rules": [rule]})
    tell(client, settled("e", "o", "s0", line(amounts[0]), line(amounts[1], "2")))
    assert stands(client, "o") == 3_000
    tell(client, refunded("r", "o", {back: 30_000}))
    assert stands(client, "o") == 2_000
    tell(client, refunded("all", "o", None))
    assert stands(client, "o") == 0


def test_no_earner_gets_more_over_the_order_than_was_posted_first(live: Live) -> None:
    """300 of 1000, and no more once 999 fall into a slab that would pay 499."""
    slabs = [{"from_minor": 0, "rate": "0.5"}, {"from_minor": 1_000, "rate": "0.3"}]
    plan = SELLER_TEN_PERCENT | {"rules": [{"id": "seller", "pay": "seller", "slabs": slabs}]}
    client = opened(live, "posted-first", plan)
    tell(client, settled("e", "o", "s0", line(1_000)), settled("f", "p", "s0", line(1_000), line(1_000, "2")))
    assert (stands(client, "o"), stands(client, "p")) == (300, 600)
    tell(client, refunded("r", "o", {"1": 1}), refunded("q", "p", {"1": 1}))
    assert (stands(client, "o"), stands(client, "p")) == (300, 600)
    tell(client, refunded("r2", "o", {"1": 499}))
    assert stands(client, "o") == 250


# A refund of an amount


def test_an_amount_is_shared_over_the_lines_by_what_is_left_of_each(live: Live) -> None:
    whole = SELLER_TEN_PERCENT | {"rules": [{"id": "seller", "pay": "seller", "rate": "1"}]}
    client = opened(live, "spread", whole)
    lines = [line(100, place) for place in ("b", "a", "c")]
    tell(client, settled("e", "o", "s0", *lines))
    tell(client, as_amount("r1", "o", 100, "lines", MARCH + DAY))
    assert left_of(client, "o") == {"b": 66, "a": 67, "c": 67}
    tell_one_by_one(
        client,
        refunded("r2", "o", {"b": 66, "a": 33}, MARCH + 2 * DAY),
        as_amount("r3", "o", 100, "lines", MARCH + 3 * DAY),
    )
    assert left_of(client, "o") == {"b": 0, "a": 0, "c": 1}
    assert stands(client, "o") == 1


def left_of(client: Client, order_id: str) -> dict[str, int]:
    """What stands of each line, of an order whose seller earns all of it."""
    left: dict[str, int] = {}
    for row in client.get(f"/v1/commissions?order_id={order_id}&limit=500")["data"]:
        left[row["line_id"]] = left.get(row["line_id"], 0) + row["amount_minor"]
    return left


def test_a_refund_of_more_than_is_left_of_the_order_fails_and_of_all_of_it_leaves_nothing(client: Client) -> None:
    tell(client, settled("e", "o", "s0", line(700), line(0, "free"), line(300, "2")))
    tell(client, as_amount("r1", "o", 1_001, "lines", MARCH + DAY))
    assert status_of(client, "r1") == ("failed", "refund_exceeds")
    assert stands(client, "o") == 100
    tell(client, as_amount("r2", "o", 1_000, "lines", MARCH + 2 * DAY))
    assert (status_of(client, "r2"), stands(client, "o")) == (("done", None), 0)
    assert client.get("/v1/orders/o")["status"] == "refunded"


def test_goodwill_changes_no_commission_however_much_it_is(client: Client) -> None:
    tell(client, settled("e", "o", "s0", line(10_000)))
    tell(client, as_amount("g", "o", 50_000, "none", MARCH + DAY))
    assert status_of(client, "g") == ("done", None)
    assert rows_of(client, "s0") == [(1_000, "2026-03-01T03:00:00Z")]
    assert client.get("/v1/shops/s0/metrics?period=2026-03")["sales_minor"] == 10_000
    tell(client, undone("u", "g", MARCH + 2 * DAY))
    assert (status_of(client, "u"), stands(client, "o")) == (("done", None), 1_000)
    tell(client, refunded("all", "o", None, MARCH + 3 * DAY))
    assert stands(client, "o") == 0


def test_goodwill_undone_in_whatever_order_they_come_stops_nothing_that_follows(client: Client) -> None:
    def history(number: int) -> list[Document]:
        order = f"o{number}"
        return [
            settled(f"e{number}", order, f"s{number}", line(10_000)),
            as_amount(f"g{number}", order, 500, "none", MARCH + DAY),
            undone(f"u{number}", f"g{number}", MARCH + 2 * DAY),
        ]

    numbers = tell_in_every_order(client, history)
    tell(client, *(refunded(f"r{number}", f"o{number}", {"1": 4_000}, MARCH + 3 * DAY) for number in numbers))
    assert {status_of(client, f"r{number}") for number in numbers} == {("done", None)}
    assert {stands(client, f"o{number}") for number in numbers} == {600}


def test_a_refund_with_neither_lines_nor_amount_takes_all_that_is_left(client: Client) -> None:
    tell(client, settled("e", "o", "s0", line(10_000), line(5_000, "2")))
    tell(client, as_amount("r1", "o", 6_000, "lines", MARCH + DAY))
    assert stands(client, "o") == 900
    tell(client, refunded("r2", "o", None, MARCH + 2 * DAY))
    assert stands(client, "o") == 0


# A refund undone


def disputed(number: int) -> list[Document]:
    """Settled 1 March, 40000 of 100000 given back on 20 March and restored on 10 April."""
    order, shop = f"o{number}", f"s{number}"
    return [
        settled(f"e{number}", order, shop, line(100_000)),
        refunded(f"r{number}", order, {"1": 40_000}, MARCH + 19 * DAY),
        undone(f"u{number}", f"r{number}", MARCH + 40 * DAY),
    ]


def test_a_refund_undone_counts_in_its_own_month_in_whatever_order_they_come(client: Client) -> None:
    for number in tell_in_every_order(client, disputed):
        assert rows_of(client, f"s{number}") == [
            (-4_000, "2026-03-20T04:00:00Z"),
            (4_000, "2026-04-10T04:00:00Z"),
            (10_000, "2026-03-01T03:00:00Z"),
        ]
        assert months_of(client, f"s{number}", "2026-03", "2026-04") == [(0, 6_000, 6_000), (6_000, 4_000, 10_000)]
        assert stands(client, f"o{number}") == 10_000


def test_a_refund_undone_is_undone_once_and_its_amount_can_be_refunded_again(client: Client) -> None:
    tell_one_by_one(client, *disputed(0), disputed(0)[2])
    tell(client, undone("again", "r0", MARCH + 41 * DAY), undone("named", "r0", MARCH + 42 * DAY, order_id="o0"))
    assert [status_of(client, event)[0] for event in ("again", "named")] == ["done", "done"]
    assert stands(client, "o0") == 10_000
    tell(client, refunded("r0-2", "o0", {"1": 100_000}, MARCH + 43 * DAY))
    assert (status_of(client, "r0-2"), stands(client, "o0")) == (("done", None), 0)
    tell(client, undone("u0-2", "r0-2", MARCH + 44 * DAY))
    assert stands(client, "o0") == 10_000


def test_a_refund_is_undone_under_the_plan_and_the_people_of_the_order(client: Client) -> None:
    settlement, refund, restored = disputed(0)
    tell_one_by_one(client, settlement, refund)
    client.post("/v1/plans", SELLER_TEN_PERCENT | {"rules": [{"id": "seller", "pay": "seller", "rate": "0.5"}]})
    client.post("/v1/plans/plain/2/publish", {"effective_from": (MARCH + 25 * DAY).isoformat()})
    frozen = {"status": "frozen", "effective_at": (MARCH + 30 * DAY).isoformat(), "reason": "a case"}
    client.post("/v1/shops/s0/status", frozen)
    tell(client, restored)
    assert stands(client, "o0") == 10_000


def test_a_refund_in_odd_steps_undone_in_any_order_gives_back_exactly(client: Client) -> None:
    """10 % of 1005 in thirds: 101 (100.5, half up), whatever is taken and given back in between."""

    def history(number: int) -> list[Document]:
        order = f"o{number}"
        steps = [refunded(f"r{number}-{step}", order, {"1": 335}, MARCH + step * DAY) for step in (1, 2)]
        undoings = [undone(f"u{number}-{step}", f"r{number}-{step}", MARCH + (9 + step) * DAY) for step in (1, 2)]
        return [settled(f"e{number}", order, f"s{number % 24}", line(1_005)), *steps, *undoings]

    for number in tell_in_every_order(client, history):
        assert stands(client, f"o{number}") == 101
    tell(client, *(refunded(f"all{number}", f"o{number}", None, MARCH + 20 * DAY) for number in range(24)))
    assert [stands(client, f"o{number}") for number in range(24)] == [0] * 24


def test_a_refund_undone_before_the_settlement_leaves_the_whole_commission(client: Client) -> None:
    def history(number: int) -> list[Document]:
        return [*late(number), undone(f"u{number}", f"r{number}", MARCH + 32 * DAY)]

    for number in tell_in_every_order(client, history):
        assert stands(client, f"o{number}") == 10_000
        assert {instant for _, instant in rows_of(client, f"s{number}")} == {"2026-04-08T04:00:00Z"}
        assert months_of(client, f"s{number}", "2026-03", "2026-04") == [(0, 0, 0), (0, 10_000, 10_000)]


def test_an_undoing_is_dated_no_earlier_than_the_refund_it_undoes(client: Client) -> None:
    settlement, refund, _ = disputed(0)
    tell_one_by_one(client, settlement, refund, undone("u", "r0", MARCH + 10 * DAY))
    assert months_of(client, "s0", "2026-03") == [(0, 10_000, 10_000)]
    assert (4_000, "2026-03-20T04:00:00Z") in rows_of(client, "s0")


def test_a_refund_that_asked_for_too_much_goes_on_once_another_is_undone_in_whatever_order_they_come(
    client: Client,
) -> None:
    def history(number: int) -> list[Document]:
        order = f"o{number}"
        return [
            refunded(f"r{number}", order, None, MARCH + DAY),
            refunded(f"q{number}", order, {"1": 4_000}, MARCH + 2 * DAY),
            undone(f"u{number}", f"r{number}", MARCH + 3 * DAY),
            settled(f"e{number}", order, f"s{number}", line(10_000)),
        ]

    for number in tell_in_every_order(client, history):
        assert stands(client, f"o{number}") == 600


def test_a_shared_amount_undone_gives_each_line_its_share_back(live: Live) -> None:
    whole = SELLER_TEN_PERCENT | {"rules": [{"id": "seller", "pay": "seller", "rate": "1"}]}
    client = opened(live, "share-back", whole)
    tell_one_by_one(
        client,
        settled("e", "o", "s0", *(line(100, place) for place in "abc")),
        as_amount("r1", "o", 100, "lines", MARCH + DAY),
        refunded("r2", "o", {"a": 66}, MARCH + 2 * DAY),
        undone("u1", "r1", MARCH + 3 * DAY),
    )
    assert left_of(client, "o") == {"a": 34, "b": 100, "c": 100}


# A payment that failed


def test_a_payment_that_failed_drops_what_was_expected_and_the_order_paid_later_earns(client: Client) -> None:
    tell(client, paid("p", "o", "s0", line(10_000)))
    assert expected(client, "s0") == 1_000
    tell(client, payment_failed("f", "o", MARCH + DAY))
    assert expected(client, "s0") == 0
    tell(client, payment_failed("f2", "o", MARCH + 2 * DAY), payment_failed("f", "o", MARCH + DAY))
    assert (status_of(client, "f2"), expected(client, "s0")) == (("done", None), 0)
    tell(client, paid("p2", "o", "s0", line(10_000)) | at(MARCH + 3 * DAY))
    assert expected(client, "s0") == 1_000
    tell(client, settled("e", "o", "s0", line(10_000), occurred_at=MARCH + 9 * DAY))
    assert (expected(client, "s0"), stands(client, "o")) == (0, 1_000)


def at(instant: datetime) -> Document:
    """What dates an event."""
    return {"occurred_at": instant.isoformat()}


def expected(client: Client, shop_id: str) -> int:
    """What a shop may expect, by its balance as by its commissions."""
    rows = client.get(f"/v1/shops/{shop_id}/commissions?state=expected")["data"]
    balance: int = client.get(f"/v1/shops/{shop_id}/balance")["expected_minor"]
    assert balance == sum(row["amount_minor"] for row in rows)
    return balance


def test_an_order_paid_at_last_is_the_order_as_it_was_paid_at_last(client: Client) -> None:
    """The plan that pays is the one in force when the payment came that did not fail."""
    later = MARCH + 5 * DAY
    client.post("/v1/plans", SELLER_TEN_PERCENT | {"rules": [{"id": "seller", "pay": "seller", "rate": "0.2"}]})
    client.post("/v1/plans/plain/2/publish", {"effective_from": (MARCH + 2 * DAY).isoformat()})
    tell_one_by_one(
        client,
        paid("p", "o", "s0", line(10_000)),
        payment_failed("f", "o", MARCH + DAY),
        settled("e", "o", "s0", line(10_000), paid_at=later),
    )
    assert (status_of(client, "e"), stands(client, "o")) == (("done", None), 2_000)


def test_an_older_failure_does_not_drop_a_newer_payment(client: Client) -> None:
    def history(number: int) -> list[Document]:
        first = paid(f"p{number}", f"o{number}", f"s{number}", line(10_000))
        again = first | {"id": f"q{number}"} | at(MARCH + 2 * DAY)
        return [first, payment_failed(f"f{number}", f"o{number}", MARCH + DAY), again]

    for number in tell_in_every_order(client, history):
        assert expected(client, f"s{number}") == 1_000


@pytest.mark.parametrize("is_paid_again", [False, True])
def test_a_payment_that_failed_forgets_no_refund(client: Client, is_paid_again: bool) -> None:
    def history(number: int) -> list[Document]:
        order, shop = f"o{number}", f"s{number % 24}"
        first = paid(f"p{number}", order, shop, line(100_000))
        again = [first | {"id": f"q{number}"} | at(MARCH + 3 * DAY)] if is_paid_again else []
        return [
            first,
            *again,
            refunded(f"r{number}", order, {"1": 40_000}, MARCH + 4 * DAY if is_paid_again else MARCH + DAY),
            payment_failed(f"f{number}", order, MARCH + 2 * DAY),
            settled(f"e{number}", order, shop, line(100_000), occurred_at=MARCH + 5 * DAY),
        ]

    numbers = tell_in_every_order(client, history)
    assert {number: stands(client, f"o{number}") for number in numbers} == dict.fromkeys(numbers, 6_000)


def test_the_explanation_of_an_order_whose_payment_failed_agrees(client: Client) -> None:
    def history(number: int) -> list[Document]:
        order = f"o{number}"
        return [paid(f"p{number}", order, f"s{number}", line(10_000)), payment_failed(f"f{number}", order, MARCH + DAY)]

    for number in tell_in_every_order(client, history):
        assert (stands(client, f"o{number}"), expected(client, f"s{number}")) == (0, 0)


def test_a_failed_payment_touches_no_order_that_was_settled(client: Client) -> None:
    def history(number: int) -> list[Document]:
        order, shop = f"o{number}", f"s{number}"
        settlement = settled(f"e{number}", order, shop, line(10_000), occurred_at=MARCH + 3 * DAY)
        return [
            paid(f"p{number}", order, shop, line(10_000)),
            payment_failed(f"f{number}", order, MARCH + DAY),
            settlement,
        ]

    for number in tell_in_every_order(client, history):
        assert (expected(client, f"s{number}"), stands(client, f"o{number}")) == (0, 1_000)


def test_a_cancel_stays_final_whatever_became_of_the_payment(client: Client) -> None:
    tell_one_by_one(
        client,
        paid("p", "o", "s0", line(10_000)),
        payment_failed("f", "o", MARCH + DAY),
        cancelled("c", "o", MARCH + 2 * DAY),
        settled("e", "o", "s0", line(10_000), occurred_at=MARCH + 3 * DAY),
    )
    assert client.get("/v1/orders/o")["status"] == "cancelled"
    assert client.get("/v1/commissions?order_id=o")["data"] == []


# New and returning customers


def test_whether_a_customer_is_new_is_decided_when_an_order_is_first_worked_on_by_what_was_settled_then(
    live: Live,
) -> None:
    rates = {"new": "0.1", "returning": "0.04"}
    rules = [{"id": who, "pay": "seller", "rate": rate, "where": {"customer": who}} for who, rate in rates.items()]
    client = opened(live, "customers by their time", SELLER_TEN_PERCENT | {"rules": rules})

    def bought(days: int, **more: Any) -> Document:
        dates = {"paid_at": MARCH + days * DAY, **more}
        return settled(f"e{days}", f"o{days}", "s0", line(10_000), customer_id="wu", **dates)

    payment = bought(5, occurred_at=MARCH + 5 * DAY) | {"id": "p5", "type": "order.paid"}
    tell_one_by_one(client, payment, bought(6), bought(4), bought(7), bought(5, occurred_at=MARCH + 20 * DAY))
    assert {days: stands(client, f"o{days}") for days in (4, 5, 6, 7)} == {4: 1_000, 5: 1_000, 6: 1_000, 7: 400}
    tell(client, *(refunded(f"r{days}", f"o{days}", None, MARCH + 21 * DAY) for days in (4, 5, 6)))
    tell(client, bought(22))
    assert (stands(client, "o22"), stands(client, "o5")) == (400, 0)


# Everything twice, in batches by lot


@pytest.mark.parametrize("seed", range(4))
def test_the_whole_life_of_orders_in_any_order_twice_and_in_batches_by_lot_comes_to_the_same(
    client: Client, seed: int
) -> None:
    random = Random(seed)
    told = list(chain.from_iterable(whole_life(number) for number in range(24)))
    told = random.sample([*told, *told], 2 * len(told))
    while told:
        batch = random.randint(1, 90)
        client.post("/v1/events", {"events": told[:batch]})
        told = told[batch:]
    client.wait_for_events()
    assert client.get("/v1/events?status=failed")["data"] == []
    assert client.get("/v1/events?status=waiting")["data"] == []
    for number in range(24):
        assert months_of(client, f"s{number}", "2026-03", "2026-04") == [(0, 4_000, 4_000), (4_000, 3_000, 7_000)]
        assert (stands(client, f"o{number}"), expected(client, f"s{number}")) == (7_000, 0)


def whole_life(number: int) -> Iterable[Document]:
    """Paid, failed, paid, settled: 10000 less 4000 and 2000 in March; 4000 more and 1000 less in April; goodwill."""
    order, shop = f"o{number}", f"s{number}"
    lines = [line(60_000), line(40_000, "2")]
    first = paid(f"p{number}", order, shop, *lines)
    return [
        first,
        payment_failed(f"f{number}", order, MARCH + timedelta(hours=1)),
        first | {"id": f"q{number}"} | at(MARCH + timedelta(hours=2)),
        settled(f"e{number}", order, shop, *lines, occurred_at=MARCH + DAY),
        refunded(f"r{number}", order, {"1": 30_000, "2": 10_000}, MARCH + 2 * DAY),
        refunded(f"q-r{number}", order, {"2": 20_000}, MARCH + 3 * DAY),
        as_amount(f"g{number}", order, 999_999, "none", MARCH + 4 * DAY),
        undone(f"u{number}", f"r{number}", MARCH + 40 * DAY, order_id=order),
        refunded(f"l{number}", order, {"2": 10_000}, MARCH + 41 * DAY),
    ]


# What is refused, by name


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"amount_minor": 5}, {"spread"}),
        ({"spread": "lines"}, {"amount_minor"}),
        ({"amount_minor": 5, "spread": "evenly"}, {"spread"}),
        ({"amount_minor": 0, "spread": "lines"}, {"amount_minor"}),
        ({"amount_minor": 1.5, "spread": "none"}, {"amount_minor"}),
        ({"amount_minor": 10**12 + 1, "spread": "none"}, {"amount_minor"}),
        ({"amount_minor": 5, "spread": "lines", "lines": [{"line_id": "1", "amount_minor": 5}]}, {"lines"}),
        ({"amount_minor": 5, "lines": [{"line_id": "1", "amount_minor": 5}]}, {"lines", "spread"}),
    ],
)
def test_a_refund_that_says_too_little_or_too_much_is_refused_by_name(
    client: Client, changes: Document, named: set[str]
) -> None:
    event = refunded("r", "o", None)
    event["refund"] |= changes
    assert_refused(client, event, {f"/refund/{name}" for name in named})


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"type": "refund.reversed"}, {"/refund_id"}),
        ({"type": "refund.reversed", "refund_id": None}, {"/refund_id"}),
        ({"type": "refund.reversed", "refund_id": "a b "}, {"/refund_id"}),
        ({"type": "refund.reversed", "refund_id": "r", "group_id": "g"}, {"/group_id"}),
        ({"type": "order.payment_failed"}, {"/order_id"}),
        ({"type": "order.payment_failed", "order_id": "o", "refund_id": "r"}, {"/refund_id"}),
        ({"type": "order.payment_failed", "order": {}}, {"/order", "/order_id"}),
    ],
)
def test_an_event_about_nothing_or_about_too_much_is_refused_by_name(
    client: Client, event: Document, named: set[str]
) -> None:
    assert_refused(client, {"id": "e", **at(MARCH), **event}, named)


def assert_refused(client: Client, event: Document, named: set[str]) -> None:
    """Refused with all that is wrong, and nothing kept."""
    answer = client.call("POST", "/v1/events", event)
    assert answer.status == 422, answer.text
    assert {error["pointer"] for error in answer.json["errors"]} >= named
    assert {error["pointer"].split("/")[1] for error in answer.json["errors"]} == {name.split("/")[1] for name in named}
    assert client.get("/v1/events")["data"] == []
