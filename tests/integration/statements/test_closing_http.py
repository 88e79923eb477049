"""Closes and adjustments from outside: roles, two keys, repeats, refusals by name; the same on the command line."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.statements.totals import keep_due_totals
from distrib.store.statements.exports import LINES_FORM
from distrib.store.statements.periods import ClosedPeriod, insert_closed_period
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain

TWO_EARN = {
    "code": "two",
    "tiers": 1,
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.10"},
        {"id": "up-1", "pay": "upline", "tier": 1, "rate": "0.01"},
    ],
}
BY_TWO = (datetime(2026, 3, 1, tzinfo=UTC), "ann", "ben", datetime(2026, 3, 2, tzinfo=UTC))
CLOSE = "/v1/statements/2026-03/close"


@pytest.fixture
def sold(world: World) -> World:
    world.publish(
        {
            **SELLER_TEN_PERCENT,
            "ranks": [{"code": "member"}],
            "pools": [{"id": "all", "rate": "0.01", "weights": {"member": 1}}],
        }
    )
    world.join(*chain("a", "b"))
    world.earn(settled("e1", "o1", "a", line(10_000)))
    return world


def test_two_finance_keys_close_a_month_over_http(sold: World, api: Api) -> None:
    ann, ben = api.caller("finance"), api.caller("finance")
    assert ann.refused("POST", f"{CLOSE}/confirm") == (409, "close_not_proposed")
    proposed = ann.post(CLOSE)
    assert (proposed["status"], proposed["count"], proposed["totals"]["earned_minor"]) == ("proposed", 2, 1_100)
    assert ann.post(CLOSE) == proposed
    assert ann.refused("POST", f"{CLOSE}/confirm") == (409, "same_key")
    closed = ben.post(f"{CLOSE}/confirm", {})
    assert (closed["status"], closed["digest"]) == ("closed", proposed["digest"])
    assert ben.post(f"{CLOSE}/confirm") == closed
    assert ann.refused("POST", CLOSE) == (409, "period_closed")
    shown = ann.get("/v1/statements?period=2026-03")
    assert (shown["status"], shown["digest"], shown["totals"]) == ("closed", closed["digest"], closed["totals"])
    assert [row["shop_id"] for row in shown["data"]] == ["a", "b"]
    shop = ann.get("/v1/statements/2026-03/shops/a")
    assert (shop["status"], shop["closing_minor"], len(shop["lines"])) == ("closed", 1_050, 2)
    page = ann.get("/v1/statements?period=2026-03&limit=1")
    assert ann.get(f"/v1/statements?period=2026-03&limit=1&cursor={page['next_cursor']}")["data"] == shown["data"][1:]


def test_an_order_that_paid_two_shops_counts_once_open_and_closed_and_a_closed_month_keeps_its_figures(
    sold: World, api: Api
) -> None:
    sold.publish({**SELLER_TEN_PERCENT, **TWO_EARN}, datetime(2026, 4, 1, tzinfo=UTC))
    april = {"paid_at": datetime(2026, 4, 6, tzinfo=UTC)}
    sold.earn(settled("e2", "o2", "b", line(5_000), **april), settled("e3", "o3", "a", line(700), **april))
    sold.earn(refunded("r2", "o2", {"1": 1_000}, datetime(2026, 4, 9, tzinfo=UTC)))
    ann, ben = api.caller("finance"), api.caller("finance")
    ann.post(CLOSE)
    ben.post(f"{CLOSE}/confirm")
    shown = ann.get("/v1/statements?period=2026-04")
    assert [(row["shop_id"], row["orders"], row["refunds"]) for row in shown["data"]] == [("a", 2, 1), ("b", 1, 1)]
    assert (shown["totals"]["orders"], shown["totals"]["refunds"]) == (2, 1)
    with sold.container.begin() as conn:
        keep_due_totals(Unit(conn, sold.program, COMMAND_LINE, sold.now()), always=True)
    assert ann.get("/v1/statements?period=2026-04")["totals"] == shown["totals"]
    proposed = ann.post("/v1/statements/2026-04/close")
    closed = ben.post("/v1/statements/2026-04/close/confirm")
    assert proposed["totals"] == closed["totals"] == shown["totals"]
    assert ann.get("/v1/statements?period=2026-04")["totals"] == shown["totals"]
    empty = ann.get("/v1/statements/2026-02/export/manifest")
    totals = json.dumps(empty["shops"]["totals"] | {"orders": 3})
    digests = empty["shops"]["digest"], empty["lines"]["digest"]
    older = ClosedPeriod(202602, 0, totals, digests[0], 0, 0, digests[1], *BY_TWO, LINES_FORM, 0)
    with sold.container.begin() as conn:
        insert_closed_period(conn, sold.program.program_id, older)
    assert ann.get("/v1/statements?period=2026-02")["totals"]["orders"] == 3


def test_an_idempotency_key_repeats_the_answer_of_a_proposal(sold: World, api: Api) -> None:
    ann, ben = api.caller("finance"), api.caller("admin")
    again = {"headers": {"Idempotency-Key": "close-march"}}
    proposed = ann.post(CLOSE, **again)
    ben.post(f"{CLOSE}/confirm")
    assert ann.post(CLOSE, **again) == proposed
    assert ann.refused("POST", "/v1/statements/2026-04/close", **again) == (422, "idempotency_key_reused")


def test_what_is_wrong_with_a_close_is_told_by_name(sold: World, api: Api) -> None:
    ann = api.caller("finance")
    assert ann.refused("POST", "/v1/statements/2026-13/close")[1] in ("not_found", "period_invalid")
    assert ann.refused("POST", "/v1/statements/2999-01/close") == (409, "period_not_over")
    assert ann.refused("POST", "/v1/statements/2026-05/close") == (409, "close_in_sequence")
    problem = ann.problem("POST", "/v1/statements/2026-05/close")
    assert "2026-03" in problem["detail"]
    for role, shop in (("partner", "a"), ("orders", None)):
        assert api.caller(role, shop).refused("POST", CLOSE) == (403, "forbidden")
        assert api.caller(role, shop).refused("POST", f"{CLOSE}/confirm") == (403, "forbidden")


def test_the_admin_may_not_confirm_what_it_proposed(sold: World, api: Api) -> None:
    admin = api.caller("admin")
    admin.post(CLOSE)
    assert admin.refused("POST", f"{CLOSE}/confirm") == (409, "same_key")


def test_an_adjustment_moves_money_once_when_a_second_key_approves_it(sold: World, api: Api) -> None:
    ann, ben = api.caller("finance"), api.caller("admin")
    draft = {"id": "adj-1", "shop_id": "b", "amount_minor": -250, "reason": "退货未回"}
    answer = ann.call("POST", "/v1/adjustments", draft)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/adjustments/adj-1")
    proposed = json.loads(answer.text)
    assert (proposed["status"], proposed["commission_id"]) == ("proposed", None)
    repeated = ann.call("POST", "/v1/adjustments", draft)
    assert (repeated.status_code, json.loads(repeated.text)) == (200, proposed)
    assert ann.refused("POST", "/v1/adjustments", {**draft, "amount_minor": 1}) == (409, "id_conflict")
    assert sold.earned().get("b") is None
    assert ann.refused("POST", "/v1/adjustments/adj-1/approve") == (409, "same_key")
    approved = ben.post("/v1/adjustments/adj-1/approve")
    assert ben.post("/v1/adjustments/adj-1/approve") == approved == ann.get("/v1/adjustments/adj-1")
    assert sold.earned()["b"] == -250
    assert ann.get("/v1/shops/b/balance")["available_minor"] == -250
    [row] = ann.get("/v1/commissions?kind=adjusted")["data"]
    assert (row["id"], row["amount_minor"], row["shop_id"], row["order_id"]) == (
        approved["commission_id"],
        -250,
        "b",
        None,
    )
    shown = ann.get(f"/v1/statements/{approved['period']}/shops/b")
    assert (shown["adjusted_minor"], shown["closing_minor"]) == (-250, -250)
    assert ann.get("/v1/adjustments?status=approved&shop_id=b")["data"] == [approved]
    assert ann.get("/v1/adjustments?status=proposed")["data"] == []


def test_all_that_is_wrong_with_an_adjustment_is_told_at_once(sold: World, api: Api) -> None:
    ann = api.caller("finance")
    bad = {"id": "a/b", "shop_id": "", "amount_minor": 0, "reason": "", "more": 1}
    problem = ann.problem("POST", "/v1/adjustments", bad)
    assert {entry["pointer"] for entry in problem["errors"]} == {"/id", "/shop_id", "/amount_minor", "/reason", "/more"}
    for amount in (10**12 + 1, -(10**12) - 1, True, 1.0, "5"):
        draft = {"id": "x", "shop_id": "a", "amount_minor": amount, "reason": "r"}
        assert ann.refused("POST", "/v1/adjustments", draft) == (422, "invalid"), amount
    unknown = {"id": "x", "shop_id": "nobody", "amount_minor": 1, "reason": "r"}
    assert ann.refused("POST", "/v1/adjustments", unknown) == (404, "shop_unknown")
    assert ann.refused("POST", "/v1/adjustments/x/approve") == (404, "adjustment_unknown")
    for role, shop in (("partner", "a"), ("orders", None)):
        assert api.caller(role, shop).refused("POST", "/v1/adjustments", unknown) == (403, "forbidden")
        assert api.caller(role, shop).refused("GET", "/v1/adjustments") == (403, "forbidden")


def run(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_the_command_line_closes_by_two_keys_and_exports_what_was_closed(
    sold: World, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ann, ben = str(api.caller("finance").key), str(api.caller("admin").key)
    paid = json.loads(run(sold, monkeypatch, "pools", "pay", "--month", "2026-03", "--json").output)
    assert [(pool["pool_id"], pool["status"], pool["amount_minor"]) for pool in paid["pools"]] == [("all", "paid", 100)]
    assert "已发放" in run(sold, monkeypatch, "pools", "pay", "--month", "2026-03", "--key", ann, "--lang", "zh").output
    assert run(sold, monkeypatch, "statement", "close", "2026-03").exit_code == 2
    close = ("statement", "close", "2026-03", "--key")
    proposed = json.loads(run(sold, monkeypatch, *close, ann, "--json").output)
    assert json.loads(run(sold, monkeypatch, *close, ann, "--json").output) == proposed
    with pytest.raises(Refusal) as caught:
        run(sold, monkeypatch, *close, ann, "--confirm")
    assert caught.value.code == "same_key"
    closed = json.loads(run(sold, monkeypatch, *close, ben, "--json").output)
    assert (proposed["status"], closed["status"], closed["digest"]) == ("proposed", "closed", proposed["digest"])
    assert "2026-03" in run(sold, monkeypatch, *close, ben, "--lang", "en").output
    file = tmp_path / "shops.csv"
    run(sold, monkeypatch, "statement", "export", "2026-03", "--output", str(file))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == closed["digest"]
    for form, start in (("xlsx", b"PK"), ("parquet", b"PAR1"), ("pdf", b"%PDF")):
        file = tmp_path / f"a.{form}"
        run(sold, monkeypatch, "statement", "export", "2026-03", "--format", form, "--shop", "a", "--output", str(file))
        assert file.read_bytes().startswith(start)
    assert run(sold, monkeypatch, "statement", "export", "2026-03", "--format", "pdf").exit_code == 2


def test_the_command_line_adjusts_by_two_keys(sold: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = str(api.caller("finance").key), str(api.caller("admin").key)
    draft = ("propose", "x", "--shop", "a", "--amount-minor", "-5", "--reason", "cent", "--key", ann)
    assert "proposed" in run(sold, monkeypatch, "adjustment", *draft).output
    approved = json.loads(run(sold, monkeypatch, "adjustment", "approve", "x", "--key", ben, "--json").output)
    assert (approved["status"], sold.earned()["a"]) == ("approved", 995)
    assert "cent" in run(sold, monkeypatch, "adjustment", "list").output
    for key, code in (("dk_x", "unauthorized"), (str(api.caller("orders").key), "forbidden")):
        with pytest.raises(Refusal) as caught:
            run(sold, monkeypatch, "adjustment", "approve", "x", "--key", key)
        assert caught.value.code == code
