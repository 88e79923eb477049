"""Results over HTTP: our own file comes back, lines are named by number or shop, a return is taxed once."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.world.api import Api, Caller
from tests.world.documents import PAID, SELLER_TEN_PERCENT
from tests.world.payouts import earn

UP_TO = "2026-04-01T00:00:00Z"
PHONE = "+8613800138000"


@pytest.fixture
def phones(api: Api) -> Api:
    """Shops that are named by telephone numbers, one of them with the mark of a spreadsheet in its very id."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    admin = api.caller()
    for place, shop in enumerate((PHONE, "b", "=c", "'=c")):
        world.join((shop, None))
        earn(world, shop, 1_000, PAID, f"o{place}")
        whom = {"name": "李雷", "id_type": "id_card", "id_number": f"ID-{place}", "kind": "person"}
        admin.put(f"/v1/shops/{shop}/payee", whom | {"accounts": {"bank_account": f"622{place}"}})
    admin.post("/v1/payouts", {"id": "march", "up_to": UP_TO})
    api.caller("finance").post("/v1/payouts/march/approve")
    return api


def send(caller: Caller, payout: str, *results: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Sends results and answers what became of each, with the code."""
    answer = caller.post(f"/v1/payouts/{payout}/results", {"results": list(results)})
    return [(row["status"], row.get("code")) for row in answer["results"]]


def file_of(caller: Caller) -> dict[str, dict[str, str]]:
    """The exported file of the batch, by the shop's cell."""
    text = caller.call("GET", "/v1/payouts/march/export").text
    return {row["shop_id"]: row for row in csv.DictReader(io.StringIO(text))}


def test_our_own_file_comes_back_by_its_numbers(phones: Api) -> None:
    finance = phones.caller("finance")
    rows = file_of(finance)
    assert set(rows) == {f"'{PHONE}", "b", "'=c", "''=c"}
    results = [{"shop_id": row["shop_id"], "detail_no": row["detail_no"], "status": "paid"} for row in rows.values()]
    answer = finance.post("/v1/payouts/march/results", {"results": results})
    assert {row["status"] for row in answer["results"]} == {"recorded"}
    assert {row["shop_id"] for row in answer["results"]} == {PHONE, "b", "=c", "'=c"}
    assert {row["detail_no"] for row in answer["results"]} == {row["detail_no"] for row in rows.values()}
    assert answer["status"] == "settled"


def test_an_id_is_found_with_and_without_the_mark(phones: Api) -> None:
    finance = phones.caller("finance")
    assert send(finance, "march", {"shop_id": f"'{PHONE}", "status": "paid"}) == [("recorded", None)]
    assert send(finance, "march", {"shop_id": PHONE, "status": "paid"}) == [("unchanged", None)]
    assert finance.get(f"/v1/shops/{PHONE}/balance")["paid_minor"] == 1_000


def test_an_id_that_may_be_two_shops_is_refused_until_the_number_says_which(phones: Api) -> None:
    finance = phones.caller("finance")
    one = {"shop_id": "'=c", "status": "paid"}
    assert finance.refused("POST", "/v1/payouts/march/results", {"results": [one]}) == (422, "line_ambiguous")
    rows = file_of(finance)
    assert send(finance, "march", one | {"detail_no": rows["'=c"]["detail_no"]}) == [("recorded", None)]
    assert finance.get("/v1/shops/%3Dc/balance")["paid_minor"] == 1_000
    assert finance.get("/v1/shops/%27%3Dc/balance")["paid_minor"] == 0


def test_everything_wrong_with_results_is_named_and_the_rest_recorded(phones: Api) -> None:
    finance = phones.caller("finance")
    number = file_of(finance)["b"]["detail_no"]
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    assert send(
        finance,
        "march",
        {"detail_no": number[:-1] + "X", "status": "paid"},
        {"detail_no": number, "shop_id": PHONE, "status": "paid"},
        {"shop_id": "nobody", "status": "paid"},
        {"shop_id": "b", "status": "returned"},
        {"shop_id": "b", "status": "paid", "paid_on": tomorrow},
        {"shop_id": "b", "status": "paid", "paid_on": "2026-01-01"},
        {"detail_no": number, "status": "paid"},
    ) == [
        ("refused", "detail_unknown_in_payout"),
        ("refused", "detail_of_other_shop"),
        ("refused", "line_unknown_in_payout"),
        ("refused", "line_not_paid"),
        ("refused", "paid_on_in_future"),
        ("refused", "paid_on_before_approval"),
        ("recorded", None),
    ]
    wrong = [{"status": "sent"}, {"shop_id": "b", "status": "failed", "paid_on": "2026-04-02"}, {"paid_on": "2.4."}]
    problem = finance.problem("POST", "/v1/payouts/march/results", {"results": wrong})
    assert {error["pointer"] for error in problem["errors"]} == {
        "/results/0/status",
        "/results/0/shop_id",
        "/results/1/paid_on",
        "/results/2/status",
        "/results/2/shop_id",
        "/results/2/paid_on",
    }


def test_twenty_million_at_ten_per_cent_paid_returned_and_paid_again_bears_its_tax_once(api: Api) -> None:
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    earn(world, "a", 2_000_000, PAID)
    admin, finance = api.caller(), api.caller("finance")
    admin.call("PATCH", "/v1/program", {"withholding": "cumulative"})
    finance.post("/v1/program/approve")
    whom = {"name": "李雷", "id_type": "id_card", "id_number": "ID-1", "kind": "person"}
    admin.put("/v1/shops/a/payee", whom | {"accounts": {"bank_account": "6222"}})

    def pay(payout: str) -> dict[str, Any]:
        made = admin.post("/v1/payouts", {"id": payout, "up_to": UP_TO})
        finance.post(f"/v1/payouts/{payout}/approve")
        today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
        assert send(finance, payout, {"shop_id": "a", "status": "paid", "paid_on": today}) == [("recorded", None)]
        [line] = made["lines"]
        assert isinstance(line, dict)
        return line

    first = pay("one")
    assert (first["amount_minor"], first["tax_minor"], first["net_minor"]) == (2_000_000, 33_000, 1_967_000)
    back = {"detail_no": first["detail_no"], "status": "returned", "reason": "账户已销户", "reference": "R-1"}
    assert send(finance, "one", back) == [("recorded", None)]
    assert send(finance, "one", back) == [("unchanged", None)]
    conflict = {"results": [back | {"reason": "other"}]}
    assert finance.refused("POST", "/v1/payouts/one/results", conflict) == (409, "result_conflict")
    balance = finance.get("/v1/shops/a/balance")
    assert (balance["paid_minor"], balance["available_minor"]) == (0, 2_000_000)
    [line] = finance.get("/v1/payouts/one")["lines"]
    assert (line["status"], line["reason"], line["return_reference"]) == ("returned", "账户已销户", "R-1")
    assert line["paid_on"] <= line["returned_on"]
    batch = finance.get("/v1/payouts")["data"][0]
    assert (batch["status"], batch["paid_count"], batch["returned_count"]) == ("settled", 0, 1)
    assert (batch["paid_minor"], batch["returned_minor"]) == (0, 1_967_000)
    assert pay("two")["tax_minor"] == 33_000
    accounts = {row["id"]: row["balance_minor"] for row in finance.get("/v1/ledger/accounts")["data"]}
    assert (accounts["tax"], accounts["clearing"]) == (33_000, 1_967_000)
    month = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m}"
    totals = finance.get(f"/v1/statements?period={month}")["totals"]
    assert (totals["paid_minor"], totals["tax_minor"]) == (1_967_000, 33_000)
    kinds = finance.get("/v1/ledger/transfers?kind=tax")["data"]
    assert [row["amount_minor"] for row in kinds] == [33_000, 33_000, 33_000]


def test_a_wechat_payment_never_comes_back(api: Api) -> None:
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None))
    earn(world, "a", 1_000, PAID)
    admin, finance = api.caller(), api.caller("finance")
    whom = {"name": "李雷", "id_type": "id_card", "id_number": "ID-1", "kind": "person"}
    admin.put("/v1/shops/a/payee", whom | {"accounts": {"wechat_openid": "o-1"}})
    admin.post("/v1/payouts", {"id": "w", "up_to": UP_TO, "channel": "wechat"})
    finance.post("/v1/payouts/w/approve")
    send(finance, "w", {"shop_id": "a", "status": "paid"})
    body = {"results": [{"shop_id": "a", "status": "returned"}]}
    problem = finance.problem("POST", "/v1/payouts/w/results", body)
    assert (problem["status"], problem["code"]) == (422, "channel_without_returns")
    assert "wechat" in problem["detail"]
