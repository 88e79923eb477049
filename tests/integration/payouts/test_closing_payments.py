"""The last money of a closed shop over HTTP: an admin asks, a second person approves, it is paid as every payout."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops, with_withholding

PATH = "/v1/shops/a/closing-payment"
ASKED = {"id": "last", "reason": "left on 1 April"}


@pytest.fixture
def closed(api: Api) -> Api:
    """A closed shop a with 3,000.00, and b, which is open."""
    open_shops(api.world, "a", "b")
    for shop in ("a", "b"):
        earn(api.world, shop, 300_000, PAID)
    api.caller().post("/v1/shops/a/status", {"status": "closed", "reason": "left"})
    return api


def test_an_admin_asks_a_second_person_approves_and_the_channel_pays(closed: Api) -> None:
    with_withholding(closed.world, "per_payment")
    admin, finance = closed.caller(), closed.caller("finance")
    assert finance.refused("POST", PATH, ASKED) == (403, "forbidden")
    answer = admin.call("POST", PATH, ASKED)
    made = json.loads(answer.text)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/payouts/last")
    assert (made["status"], made["selection"], made["reason"]) == ("proposed", "closing", "left on 1 April")
    [line] = made["lines"]
    assert (line["shop_id"], line["amount_minor"], line["tax_minor"], line["net_minor"]) == (
        "a",
        300_000,
        44_000,
        256_000,
    )
    assert finance.get("/v1/shops/a/balance")["reserved_minor"] == 300_000
    assert admin.refused("POST", f"{PATH}/approve") == (409, "same_key")
    for _ in range(2):
        assert finance.post(f"{PATH}/approve")["status"] == "approved"
    assert "2560.00" in finance.call("GET", "/v1/payouts/last/export").text
    finance.post("/v1/payouts/last/results", {"results": [{"shop_id": "a", "status": "paid"}]})
    balance = finance.get("/v1/shops/a/balance")
    assert (balance["paid_minor"], balance["held_minor"], balance["reserved_minor"]) == (256_000, 0, 0)
    assert admin.refused("POST", PATH, {"id": "more", "reason": "r"}) == (422, "nothing_available")


def test_the_same_asked_again_is_the_same_and_one_at_a_time_waits(closed: Api) -> None:
    admin = closed.caller()
    admin.post(PATH, ASKED)
    assert admin.call("POST", PATH, ASKED).status_code == 200
    assert admin.refused("POST", PATH, ASKED | {"reason": "other"}) == (409, "id_conflict")
    assert admin.refused("POST", "/v1/shops/b/closing-payment", ASKED) == (409, "id_conflict")
    assert admin.refused("POST", PATH, {"id": "second", "reason": "r"}) == (409, "closing_payment_open")
    admin.post("/v1/payouts/last/cancel")
    assert closed.caller("finance").refused("POST", f"{PATH}/approve") == (409, "payout_cancelled")
    assert admin.call("POST", PATH, {"id": "second", "reason": "r"}).status_code == 201


def test_a_shop_that_is_not_closed_has_no_closing_payment(closed: Api) -> None:
    admin = closed.caller()
    other = "/v1/shops/b/closing-payment"
    assert admin.refused("POST", other, ASKED) == (409, "shop_not_closed")
    admin.post("/v1/shops/b/status", {"status": "frozen", "reason": "looked at"})
    assert admin.refused("POST", other, ASKED) == (409, "shop_not_closed")
    assert admin.refused("POST", f"{other}/approve") == (404, "closing_payment_unknown")
    assert admin.refused("POST", "/v1/shops/nobody/closing-payment", ASKED) == (404, "shop_unknown")
    problem = admin.problem("POST", PATH, {"reason": "", "channel": "cash"})
    assert {error["pointer"] for error in problem["errors"]} == {"/id", "/reason", "/channel"}


def test_without_a_payee_or_an_account_at_the_channel_it_is_refused_by_name(closed: Api) -> None:
    admin = closed.caller()
    assert admin.refused("POST", PATH, ASKED | {"channel": "wechat"}) == (422, "account_missing")
    closed.world.join(("c", None))
    earn(closed.world, "c", 500, PAID)
    admin.post("/v1/shops/c/status", {"status": "closed", "reason": "left"})
    assert admin.refused("POST", "/v1/shops/c/closing-payment", ASKED) == (404, "payee_missing")
    assert admin.get("/v1/payouts")["data"] == []


def test_what_becomes_free_later_is_another_closing_payment(closed: Api) -> None:
    admin, finance = closed.caller(), closed.caller("finance")
    admin.post(PATH, ASKED)
    finance.post(f"{PATH}/approve")
    finance.post("/v1/payouts/last/results", {"results": [{"shop_id": "a", "status": "failed"}]})
    earn(closed.world, "a", 700, PAID + timedelta(hours=1))
    made = admin.post(PATH, {"id": "again", "reason": "the first failed"})
    assert made["amount_minor"] == 300_700


def test_askers_at_once_reserve_the_money_once(closed: Api) -> None:
    key = closed.caller().key
    callers = [Caller(closed.app.test_client(), key) for _ in range(4)]

    def ask(place: int) -> int:
        return callers[place].call("POST", PATH, {"id": f"last-{place}", "reason": "r"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [201, 409, 409, 409]
    assert closed.caller().get("/v1/shops/a/balance")["reserved_minor"] == 300_000
