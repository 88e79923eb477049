"""Withdrawals (提现) over HTTP: a shop asks, a person approves, a batch pays, the shop bears a fee; rules hold."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pypdf import PdfReader

from distrib.domain.payouts.withdrawals import STATES
from distrib.services.payouts.withdrawal_messages import CHANGED
from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops, with_withholding

UP_TO = "2026-04-01T00:00:00Z"
RULES = {"least_minor": 1_000, "most_minor": 8_000, "per_day": None, "per_month": None, "fee_minor": 100}


@pytest.fixture
def funded(api: Api) -> Api:
    """Shops a (100.00) and b (50.00) with payees, under the rules above."""
    open_shops(api.world, "a", "b")
    earn(api.world, "a", 10_000, PAID)
    earn(api.world, "b", 5_000, PAID)
    set_rules(api)
    return api


def set_rules(api: Api, **changed: Any) -> None:
    """Sets the program's rules of withdrawals."""
    answer = api.caller().call("PATCH", "/v1/program", {"withdrawals": RULES | changed})
    assert json.loads(answer.text)["withdrawals"] == RULES | changed


def ask(caller: Caller, name: str, amount_minor: int) -> Any:
    """Asks for an amount."""
    return caller.post("/v1/withdrawals", {"id": name, "amount_minor": amount_minor})


def asked_and_approved(api: Api, *amounts: tuple[str, int], shop: str = "a") -> None:
    """Withdrawals of a shop that finance approved."""
    partner, finance = api.caller("partner", shop), api.caller("finance")
    for name, amount_minor in amounts:
        ask(partner, name, amount_minor)
        assert finance.post(f"/v1/withdrawals/{name}/approve")["status"] == "approved"


def pay(api: Api, *names: str, batch: str = "batch", status: str = "paid", **result: Any) -> Any:
    """Makes a batch of withdrawals, approves it and records the same result for its lines."""
    first, second = api.caller("finance"), api.caller("finance")
    made = first.post("/v1/payouts", {"id": batch, "up_to": UP_TO, "withdrawals": list(names)})
    second.post(f"/v1/payouts/{batch}/approve")
    results = [{"shop_id": row["shop_id"], "status": status, **result} for row in made["lines"]]
    first.post(f"/v1/payouts/{batch}/results", {"results": results})
    return made


def test_a_withdrawal_goes_from_the_request_to_the_money_with_its_fee_as_a_line_of_its_own(funded: Api) -> None:
    partner, finance = funded.caller("partner", "a"), funded.caller("finance")
    answer = partner.call("POST", "/v1/withdrawals", {"id": "w1", "amount_minor": 4_000})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/withdrawals/w1")
    asked = json.loads(answer.text)
    assert (asked["status"], asked["shop_id"], asked["fee_minor"]) == ("requested", "a", 100)
    assert partner.get("/v1/shops/a/balance")["reserved_minor"] == 0
    assert finance.post("/v1/withdrawals/w1/approve")["status"] == "approved"
    made = finance.post("/v1/payouts", {"id": "batch", "up_to": UP_TO, "withdrawals": ["w1"]})
    [line] = made["lines"]
    assert (line["amount_minor"], line["tax_minor"], line["fee_minor"], line["net_minor"]) == (4_000, 0, 100, 3_900)
    assert (made["selection"], made["fee_minor"], made["net_minor"]) == ("withdrawals", 100, 3_900)
    assert partner.get("/v1/withdrawals/w1")["status"] == "in_payout"
    assert partner.get("/v1/shops/a/balance")["reserved_minor"] == 4_000
    funded.caller("finance").post("/v1/payouts/batch/approve")
    assert "39.00" in finance.call("GET", "/v1/payouts/batch/export").text
    finance.post("/v1/payouts/batch/results", {"results": [{"shop_id": "a", "status": "paid"}]})
    paid = partner.get("/v1/withdrawals/w1")
    assert (paid["status"], paid["payout_id"]) == ("paid", "batch")
    balance = partner.get("/v1/shops/a/balance")
    assert (balance["available_minor"], balance["reserved_minor"], balance["paid_minor"]) == (6_000, 0, 3_900)
    [fee] = partner.get("/v1/commissions?kind=adjusted")["data"]
    assert fee["amount_minor"] == -100
    statement = partner.get(f"/v1/statements/{fee['period']}/shops/a")
    assert (statement["adjusted_minor"], statement["paid_minor"], statement["closing_minor"]) == (-100, 3_900, 6_000)
    lines = [line for line in statement["lines"] if line["kind"] == "adjusted"]
    causes = [(line["amount_minor"], line["withdrawal_id"], line["reason"], line["adjustment_id"]) for line in lines]
    assert causes == [(-100, "w1", "withdrawal:w1", None)]
    export = f"/v1/statements/{fee['period']}/export?detail=lines&shop_id=a&format="
    rows = csv.DictReader(io.StringIO(partner.call("GET", f"{export}csv").text))
    assert [(row["amount_minor"], row["reason"]) for row in rows if row["kind"] == "adjusted"] == [
        ("-100", "withdrawal:w1")
    ]
    pages = PdfReader(io.BytesIO(partner.call("GET", f"{export}pdf").data)).pages
    assert "提现手续费 / Withdrawal fee w1" in pages[0].extract_text()
    [transfer] = finance.get("/v1/ledger/transfers?cause=withdrawal:w1")["data"]
    assert (transfer["debit"], transfer["credit"], transfer["amount_minor"]) == ("payable:a", "expense", 100)


def test_a_line_that_fails_costs_the_shop_nothing_and_its_withdrawal_has_failed(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    pay(funded, "w1", status="failed", reason="账户不存在")
    partner = funded.caller("partner", "a")
    failed = partner.get("/v1/withdrawals/w1")
    assert (failed["status"], failed["reason"]) == ("failed", "账户不存在")
    assert partner.get("/v1/shops/a/balance")["available_minor"] == 10_000
    assert partner.get("/v1/commissions?kind=adjusted")["data"] == []
    assert ask(partner, "w2", 4_000)["status"] == "requested"


def test_tax_is_withheld_from_the_whole_amount_and_the_fee_is_the_shops_own_cost(funded: Api) -> None:
    with_withholding(funded.world, "per_payment")
    earn(funded.world, "a", 300_000, PAID, "more")
    set_rules(funded, most_minor=None)
    asked_and_approved(funded, ("w1", 300_000))
    [line] = pay(funded, "w1")["lines"]
    assert (line["tax_minor"], line["fee_minor"], line["net_minor"]) == (44_000, 100, 255_900)
    balance = funded.caller().get("/v1/shops/a/balance")
    assert (balance["available_minor"], balance["paid_minor"]) == (10_000, 255_900)


def test_a_fee_lessens_no_income_in_the_platform_report(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000), ("w2", 1_000))
    pay(funded, "w1", "w2")
    [fee, _] = funded.caller().get("/v1/commissions?kind=adjusted")["data"]
    year, month = fee["period"].split("-")
    quarter = f"{year}-Q{(int(month) + 2) // 3}"
    report = funded.caller("finance").call("GET", f"/v1/payouts/reports/platform?quarter={quarter}").text
    [row] = csv.DictReader(io.StringIO(report.removeprefix("\ufeff")))
    figures = [row[f"{name}_minor"] for name in ("gross", "adjusted", "net", "paid", "tax", "fee")]
    assert figures == ["0", "0", "0", "4800", "0", "200"]


def test_withdrawals_of_one_shop_in_one_batch_are_one_line_with_a_fee_each(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000), ("w2", 6_000))
    [line] = pay(funded, "w2", "w1")["lines"]
    assert (line["amount_minor"], line["fee_minor"], line["net_minor"]) == (10_000, 200, 9_800)
    partner = funded.caller("partner", "a")
    assert [row["status"] for row in partner.get("/v1/withdrawals?status=paid")["data"]] == ["paid", "paid"]
    assert [row["amount_minor"] for row in partner.get("/v1/commissions?kind=adjusted")["data"]] == [-100, -100]


def test_a_program_takes_no_withdrawals_until_it_says_how(api: Api) -> None:
    open_shops(api.world, "a")
    earn(api.world, "a", 10_000, PAID)
    assert api.caller().get("/v1/program")["withdrawals"] is None
    partner = api.caller("partner", "a")
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w", "amount_minor": 1}) == (422, "withdrawals_off")
    set_rules(api)
    api.caller().call("PATCH", "/v1/program", {"withdrawals": None})
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w", "amount_minor": 5_000}) == (422, "withdrawals_off")


@pytest.mark.parametrize(
    ("rules", "pointers"),
    [
        ({"least_minor": 0}, ["/withdrawals/least_minor"]),
        ({"most_minor": 999}, ["/withdrawals/most_minor"]),
        ({"fee_minor": 1_000, "most_minor": 1}, ["/withdrawals/fee_minor", "/withdrawals/most_minor"]),
        ({"per_day": 0, "per_month": 1_001}, ["/withdrawals/per_day", "/withdrawals/per_month"]),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(api: Api, rules: dict[str, int], pointers: list[str]) -> None:
    problem = api.caller().problem("PATCH", "/v1/program", {"withdrawals": {"least_minor": 1_000, **rules}})
    assert (problem["code"], sorted(error["pointer"] for error in problem["errors"])) == ("invalid", pointers)


def test_each_rule_that_a_request_breaks_is_named(funded: Api) -> None:
    partner = funded.caller("partner", "b")
    for amount, code in ((999, "withdrawal_below_least"), (5_001, "exceeds_available")):
        assert partner.refused("POST", "/v1/withdrawals", {"id": "w", "amount_minor": amount}) == (422, code)
    earn(funded.world, "b", 10_000, PAID, "more")
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w", "amount_minor": 8_001})[1] == "withdrawal_above_most"
    set_rules(funded, per_day=1, per_month=1)
    ask(partner, "w1", 1_000)
    problem = partner.problem("POST", "/v1/withdrawals", {"id": "w2", "amount_minor": 999})
    assert (problem["code"], len(problem["errors"])) == ("invalid", 3)
    assert partner.post("/v1/withdrawals/w1/cancel")["status"] == "cancelled"
    assert ask(partner, "w3", 1_000)["status"] == "requested"


def test_what_waits_is_not_asked_for_twice(funded: Api) -> None:
    partner = funded.caller("partner", "a")
    ask(partner, "w1", 6_000)
    problem = partner.problem("POST", "/v1/withdrawals", {"id": "w2", "amount_minor": 4_001})
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("exceeds_available", "/amount_minor")
    assert "4000" in problem["detail"]
    ask(partner, "w2", 4_000)


def test_the_same_request_answers_as_it_stands_and_another_under_its_id_is_a_conflict(funded: Api) -> None:
    partner = funded.caller("partner", "a")
    ask(partner, "w1", 4_000)
    funded.caller("finance").post("/v1/withdrawals/w1/approve")
    again = partner.call("POST", "/v1/withdrawals", {"id": "w1", "amount_minor": 4_000})
    assert (again.status_code, json.loads(again.text)["status"]) == (200, "approved")
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w1", "amount_minor": 4_001}) == (409, "id_conflict")
    other = funded.caller("partner", "b")
    assert other.refused("POST", "/v1/withdrawals", {"id": "w1", "amount_minor": 4_000}) == (409, "id_conflict")


def test_a_partner_asks_and_sees_for_its_own_shop_alone(funded: Api) -> None:
    partner, other = funded.caller("partner", "a"), funded.caller("partner", "b")
    ask(partner, "w1", 4_000)
    body = {"id": "w2", "amount_minor": 1_000, "shop_id": "a"}
    assert other.refused("POST", "/v1/withdrawals", body) == (403, "forbidden")
    assert other.refused("GET", "/v1/withdrawals?shop_id=a") == (403, "forbidden")
    assert other.get("/v1/withdrawals")["data"] == []
    for method, path in (("GET", "/v1/withdrawals/w1"), ("POST", "/v1/withdrawals/w1/cancel")):
        assert other.refused(method, path) == (404, "withdrawal_unknown")
    assert partner.refused("POST", "/v1/withdrawals/w1/approve") == (403, "forbidden")
    ask(other, "w3", 1_000)
    finance = funded.caller("finance")
    assert [row["id"] for row in finance.get("/v1/withdrawals")["data"]] == ["w3", "w1"]
    page = finance.get("/v1/withdrawals?limit=1&status=requested")
    rest = finance.get(f"/v1/withdrawals?limit=1&status=requested&cursor={page['next_cursor']}")
    assert [row["id"] for row in page["data"] + rest["data"]] == ["w3", "w1"]
    assert [row["id"] for row in finance.get("/v1/withdrawals?shop_id=a")["data"]] == ["w1"]


def test_withdrawals_are_listed_by_each_status_they_can_have(funded: Api) -> None:
    earn(funded.world, "a", 20_000, PAID, "more")
    asked_and_approved(funded, *((name, 1_000) for name in ("paid", "failed", "returned", "in_payout", "approved")))
    partner, finance = funded.caller("partner", "a"), funded.caller("finance")
    for name in ("requested", "refused", "cancelled"):
        ask(partner, name, 1_000)
    finance.post("/v1/withdrawals/refused/refuse", {"reason": "r"})
    partner.post("/v1/withdrawals/cancelled/cancel")
    for name in ("paid", "failed"):
        pay(funded, name, batch=name, status=name)
    pay(funded, "returned", batch="returned")
    finance.post("/v1/payouts/returned/results", {"results": [{"shop_id": "a", "status": "returned"}]})
    finance.post("/v1/payouts", {"id": "open", "up_to": UP_TO, "withdrawals": ["in_payout"]})
    assert len(finance.get("/v1/withdrawals")["data"]) == len(STATES)
    for status in STATES:
        assert [row["id"] for row in finance.get(f"/v1/withdrawals?status={status}")["data"]] == [status]
        of_shop = partner.get(f"/v1/withdrawals?status={status}")["data"]
        assert [(row["id"], row["status"]) for row in of_shop] == [(status, status)]


def test_an_admin_asks_for_a_shop_by_name_and_approves_by_another_key(funded: Api) -> None:
    admin = funded.caller()
    problem = admin.problem("POST", "/v1/withdrawals", {"id": "w1", "amount_minor": 4_000})
    assert [error["pointer"] for error in problem["errors"]] == ["/shop_id"]
    admin.post("/v1/withdrawals", {"id": "w1", "amount_minor": 4_000, "shop_id": "a"})
    assert admin.refused("POST", "/v1/withdrawals/w1/approve") == (409, "same_key")
    assert funded.caller().post("/v1/withdrawals/w1/approve")["status"] == "approved"


def test_a_withdrawal_is_refused_with_a_reason_and_then_no_batch_takes_it(funded: Api) -> None:
    partner, finance = funded.caller("partner", "a"), funded.caller("finance")
    ask(partner, "w1", 4_000)
    for _ in range(2):
        refused = finance.post("/v1/withdrawals/w1/refuse", {"reason": "资料不全"})
        assert (refused["status"], refused["reason"]) == ("refused", "资料不全")
    assert finance.refused("POST", "/v1/withdrawals/w1/approve") == (409, "withdrawal_decided")
    assert partner.refused("POST", "/v1/withdrawals/w1/cancel") == (409, "withdrawal_decided")
    problem = finance.problem("POST", "/v1/payouts", {"id": "x", "up_to": UP_TO, "withdrawals": ["w1"]})
    assert [error["pointer"] for error in problem["errors"]] == ["/withdrawals/0"]
    assert partner.get("/v1/shops/a/balance")["available_minor"] == 10_000


def test_a_withdrawal_in_a_batch_is_neither_refused_nor_taken_by_another_until_that_is_cancelled(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    finance, partner = funded.caller("finance"), funded.caller("partner", "a")
    batch = {"up_to": UP_TO, "withdrawals": ["w1"]}
    finance.post("/v1/payouts", {"id": "one", **batch})
    assert finance.refused("POST", "/v1/withdrawals/w1/refuse", {"reason": "r"}) == (409, "withdrawal_decided")
    assert partner.refused("POST", "/v1/withdrawals/w1/cancel") == (409, "withdrawal_decided")
    assert finance.refused("POST", "/v1/payouts", {"id": "two", **batch}) == (422, "invalid")
    finance.post("/v1/payouts/one/cancel")
    assert partner.get("/v1/withdrawals/w1")["status"] == "approved"
    finance.post("/v1/payouts", {"id": "two", **batch})
    assert partner.get("/v1/withdrawals/w1")["payout_id"] == "two"


def test_money_that_is_gone_by_then_is_not_approved_and_not_paid(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 6_000))
    ask(funded.caller("partner", "a"), "w2", 4_000)
    finance = funded.caller("finance")
    finance.post("/v1/payouts", {"id": "all", "up_to": UP_TO, "amounts": {"a": 9_000}})
    assert finance.refused("POST", "/v1/withdrawals/w2/approve") == (422, "exceeds_available")
    made = finance.post("/v1/payouts", {"id": "one", "up_to": UP_TO, "withdrawals": ["w1"]})
    assert (made["lines"], made["refused"]) == (
        [],
        [{"shop_id": "a", "code": "exceeds_available", "amount_minor": 1_000}],
    )
    assert finance.get("/v1/withdrawals/w1")["status"] == "approved"
    assert finance.post("/v1/withdrawals/w1/refuse", {"reason": "paid with the rest"})["status"] == "refused"


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_shop_that_is_frozen_or_closed_withdraws_nothing(funded: Api, status: str) -> None:
    partner = funded.caller("partner", "a")
    ask(partner, "w1", 4_000)
    funded.caller().post("/v1/shops/a/status", {"status": status, "reason": "r"})
    code = f"shop_{status}"
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w2", "amount_minor": 1_000}) == (422, code)
    assert funded.caller("finance").refused("POST", "/v1/withdrawals/w1/approve") == (422, code)


def test_a_shop_without_payee_withdraws_nothing(funded: Api) -> None:
    funded.world.join(("c", None))
    earn(funded.world, "c", 5_000, PAID)
    partner = funded.caller("partner", "c")
    assert partner.refused("POST", "/v1/withdrawals", {"id": "w", "amount_minor": 1_000}) == (404, "payee_missing")


def test_requests_at_once_never_come_to_more_than_there_is(funded: Api) -> None:
    partner = funded.caller("partner", "a")
    callers = [Caller(funded.app.test_client(), partner.key) for _ in range(6)]

    def request(place: int) -> int:
        return callers[place].call("POST", "/v1/withdrawals", {"id": f"w{place}", "amount_minor": 4_000}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(request, range(6))) == [201, 201, 422, 422, 422, 422]


def test_batches_at_once_pay_a_withdrawal_once(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    finance = funded.caller("finance")
    callers = [Caller(funded.app.test_client(), finance.key) for _ in range(4)]

    def make(place: int) -> int:
        body = {"id": f"batch-{place}", "up_to": UP_TO, "withdrawals": ["w1"]}
        return callers[place].call("POST", "/v1/payouts", body).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [201, 422, 422, 422]
    assert finance.get("/v1/shops/a/balance")["reserved_minor"] == 4_000


def test_a_withdrawal_is_cancelled_or_paid_by_a_batch_but_never_both_at_once(funded: Api) -> None:
    names = [f"w{place}" for place in range(4)]
    asked_and_approved(funded, *((name, 1_000) for name in names))
    partner, finance = funded.caller("partner", "a"), funded.caller("finance")

    def cancel(name: str) -> int:
        return Caller(funded.app.test_client(), partner.key).call("POST", f"/v1/withdrawals/{name}/cancel").status_code

    def make(name: str) -> int:
        body = {"id": f"batch-{name}", "up_to": UP_TO, "withdrawals": [name]}
        return Caller(funded.app.test_client(), finance.key).call("POST", "/v1/payouts", body).status_code

    with ThreadPoolExecutor(8) as pool:
        asked = [(pool.submit(cancel, name), pool.submit(make, name)) for name in names]
    outcomes = {(cancelled.result(), made.result()) for cancelled, made in asked}
    assert outcomes <= {(200, 422), (409, 201)}
    open_batches = [row for row in finance.get("/v1/payouts")["data"] if row["count"]]
    assert finance.get("/v1/shops/a/balance")["reserved_minor"] == 1_000 * len(open_batches)


def test_results_at_once_post_a_fee_once(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    first, second = funded.caller("finance"), funded.caller("finance")
    first.post("/v1/payouts", {"id": "batch", "up_to": UP_TO, "withdrawals": ["w1"]})
    second.post("/v1/payouts/batch/approve")
    callers = [Caller(funded.app.test_client(), first.key) for _ in range(4)]
    body = {"results": [{"shop_id": "a", "status": "paid"}]}

    def record(place: int) -> str:
        return str(callers[place].post("/v1/payouts/batch/results", body)["results"][0]["status"])

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(record, range(4))) == ["recorded", "unchanged", "unchanged", "unchanged"]
    [fee] = first.get("/v1/commissions?kind=adjusted")["data"]
    assert (fee["amount_minor"], fee["withdrawal_id"]) == (-100, "w1")
    assert first.get("/v1/shops/a/balance")["available_minor"] == 6_000


def test_each_change_of_a_withdrawal_is_a_message(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    finance = funded.caller("finance")
    finance.post("/v1/payouts", {"id": "no", "up_to": UP_TO, "withdrawals": ["w1"]})
    finance.post("/v1/payouts/no/cancel")
    pay(funded, "w1")
    ask(funded.caller("partner", "b"), "w2", 1_000)
    finance.post("/v1/withdrawals/w2/refuse", {"reason": "r"})
    rows = funded.world.rows(
        "SELECT payload::json ->> 'withdrawal_id', payload::json ->> 'status' FROM outbox WHERE type = :type"
        " ORDER BY message_no",
        type=CHANGED,
    )
    assert [tuple(row) for row in rows] == [
        ("w1", "requested"),
        ("w1", "approved"),
        ("w1", "in_payout"),
        ("w1", "approved"),
        ("w1", "in_payout"),
        ("w1", "paid"),
        ("w2", "requested"),
        ("w2", "refused"),
    ]


def test_a_partner_sees_its_own_line_of_a_payout_and_nothing_else_of_it(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    pay(funded, "w1", batch="one", reference="W-1")
    funded.caller("finance").post("/v1/payouts", {"id": "two", "up_to": UP_TO})
    partner, other = funded.caller("partner", "a"), funded.caller("partner", "b")
    [two, one] = partner.get("/v1/payouts")["data"]
    assert (two["id"], two["status"], two["amount_minor"], two["approved_at"]) == ("two", "reserved", 6_000, None)
    assert (one["id"], one["status"], one["net_minor"], one["reference"]) == ("one", "paid", 3_900, "W-1")
    assert partner.get("/v1/payouts/one") == one
    assert not {"count", "created_by", "lines", "refused"} & one.keys()
    assert [row["id"] for row in other.get("/v1/payouts")["data"]] == ["two"]
    assert other.refused("GET", "/v1/payouts/one") == (404, "payout_unknown")
    page = partner.get("/v1/payouts?limit=1")
    assert [row["id"] for row in partner.get(f"/v1/payouts?limit=1&cursor={page['next_cursor']}")["data"]] == ["one"]
    for path in ("/v1/payouts/one/refused", "/v1/payouts/one/export", "/v1/payouts/one/files"):
        assert partner.refused("GET", path) == (403, "forbidden")


def test_money_that_comes_back_brings_its_fee_back_and_its_withdrawal_has_returned(funded: Api) -> None:
    asked_and_approved(funded, ("w1", 4_000))
    pay(funded, "w1")
    finance, partner = funded.caller("finance"), funded.caller("partner", "a")
    back = {"results": [{"shop_id": "a", "status": "returned", "reason": "账户已销户"}]}
    for _ in range(2):
        finance.post("/v1/payouts/batch/results", back)
    returned = partner.get("/v1/withdrawals/w1")
    assert (returned["status"], returned["reason"]) == ("returned", "账户已销户")
    balance = partner.get("/v1/shops/a/balance")
    assert (balance["available_minor"], balance["paid_minor"]) == (10_000, 0)
    fees = partner.get("/v1/commissions?kind=adjusted")["data"]
    assert [(row["amount_minor"], row["withdrawal_id"]) for row in fees] == [(-100, "w1"), (100, "w1")]
    assert fees[1]["reverses_id"] == fees[0]["id"]
    [own] = partner.get("/v1/payouts")["data"]
    assert (own["status"], own["reason"]) == ("returned", "账户已销户")
    asked_and_approved(funded, ("w2", 10_000 - 2_000))
    pay(funded, "w2", batch="again")
    assert partner.get("/v1/shops/a/balance")["paid_minor"] == 7_900
