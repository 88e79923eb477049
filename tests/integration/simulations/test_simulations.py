"""What if, over HTTP: a plan tried on history, exact to the fen, kept, cancelled, and held against the ledger."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from PIL import Image
from pyarrow import parquet
from sqlalchemy import Engine, text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.simulations.checking import Checked, check_as_published
from distrib.services.simulations.running import PaidSpan, enter_history
from distrib.services.statements.pools import pay_pools
from distrib.simulator import Simulator
from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, cancelled, decided, line, paid, refunded, settled
from tests.world.world import World, chain

DAY = timedelta(days=1)
ALL = PaidSpan(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
SPAN = {"from": "2026-02-28T16:00:00Z", "to": "2026-05-31T16:00:00Z"}
PLAN: dict[str, Any] = {
    "code": "old",
    "currency": "CNY",
    "hold_days": 7,
    "tiers": 2,
    "order_cap": "0.20",
    "ranks": [{"code": "member"}, {"code": "gold"}],
    "rules": [
        {
            "id": "seller",
            "pay": "seller",
            "rate": {"member": "0.10", "gold": "0.12"},
            "cap": {"per_month_minor": 3_000},
        },
        {"id": "sponsor", "pay": "upline", "tier": 1, "rate": "0.05", "requires": {"min_personal_sales_minor": 1}},
        {"id": "grand", "pay": "upline", "tier": 2, "rate": "0.03"},
        {"id": "fresh", "pay": "seller", "rate": "0.01", "group": "fresh", "where": {"customer": "new"}},
        {"id": "bonus", "pay": "seller", "rate": "0.02", "group": "bonus", "cap": {"per_customer_minor": 150}},
    ],
    "pools": [{"id": "pool", "rate": "0.01", "weights": {"gold": 2, "member": 1}}],
}
FLAT: dict[str, Any] = {
    "code": "flat",
    "title": "Everything to the seller",
    "currency": "CNY",
    "hold_days": 14,
    "order_cap": "0.12",
    "ranks": [{"code": "member"}],
    "rank_map": {"gold": "member"},
    "rules": [{"id": "all", "pay": "seller", "rate": "0.13"}],
}
EVENTS = [
    settled("s1", "o1", "c", line(10_000), line(3_333, "2"), customer_id="ann", paid_at=PAID),
    settled("s2", "o2", "c", line(20_000), customer_id="ann", paid_at=PAID + DAY),
    settled(
        "s3", "o3", "b", line(9_999), customer_id="bob", paid_at=PAID + 2 * DAY, channel="community", leader_id="a"
    ),
    refunded("r1", "o1", {"1": 2_500}, PAID + 5 * DAY),
    refunded("r2", "o1", {"2": 1_111}, PAID + 40 * DAY),
    {"id": "u1", "type": "refund.reversed", "refund_id": "r1", "occurred_at": (PAID + 41 * DAY).isoformat()},
    paid("p4", "o4", "c", line(5_000), customer_id="cat", paid_at=PAID + 3 * DAY),
    refunded("r4", "o4", {"1": 1_000}, PAID + 4 * DAY),
    settled("s4", "o4", "c", line(5_000), customer_id="cat", paid_at=PAID + 3 * DAY, occurred_at=PAID + 6 * DAY),
    settled("s5", "o5", "b", line(7_777), customer_id="b", paid_at=PAID + 32 * DAY),
    cancelled("c5", "o5", PAID + 36 * DAY),
    settled(
        "s6", "o6", "c", line(6_000), customer_id="eve", paid_at=PAID + 33 * DAY, channel="group_buy", group_id="g"
    ),
    decided("g1", "g", True, PAID + 35 * DAY),
    settled("s7", "o7", "c", line(0), line(4_000, "2", entry=True), customer_id="dan", paid_at=PAID + 34 * DAY),
]
STOPS = (0, 1, 4, 8, 9, len(EVENTS))
"""Between which of them the workers had time."""


@pytest.fixture
def told(api: Api) -> Api:
    """A chain of three shops, the middle one gold, and two months of orders with all that may befall them."""
    world = api.world
    world.publish(PLAN)
    world.join(*chain("a", "b", "c"))
    world.set_rank("b", "gold", PAID - DAY)
    for first, last in pairwise(STOPS):
        world.post(*EVENTS[first:last])
        world.drain()
    for month in (202603, 202604, 202605):
        with world.container.begin() as conn:
            pay_pools(Unit(conn, world.program, COMMAND_LINE, world.now()), month)
    return api


def run_waiting(world: World) -> int:
    """Runs what waits, as the workers do."""
    return Simulator(world.container.worker_engine.begin, world.container.policies, world.now).run_waiting()


def answered(api: Api, caller: Caller, **question: Any) -> dict[str, Any]:
    """Asks, has a worker answer, and reads the simulation."""
    asked = caller.post("/v1/simulations", SPAN | question)
    assert asked["status"] == "waiting"
    assert run_waiting(api.world) == 1
    view: dict[str, Any] = caller.get(f"/v1/simulations/{asked['id']}")
    assert (view["status"], view["problem"]) == ("done", None)
    return view


def check(world: World) -> Checked:
    """The ledger against its own plans."""
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        return check_as_published(conn, world.program, world.policies, ALL)


def test_the_plans_in_force_come_to_the_ledger_and_figures_open_to_their_orders(told: Api) -> None:
    checked = check(told.world)
    assert (checked.differences, checked.shown) == (0, [])
    assert checked.orders == 7
    assert checked.pools == 2
    rows = "SELECT count(*) FROM transfers WHERE program_id = :program AND kind IN ('earned', 'reversed')"
    assert checked.rows == told.world.rows(rows)[0][0]
    view = a_copy_costs_what_was_paid_and_another_plan_what_its_arithmetic_says(told)
    orders_stand_behind_each_figure(told, view)


def a_copy_costs_what_was_paid_and_another_plan_what_its_arithmetic_says(told: Api) -> dict[str, Any]:
    """Three candidates side by side."""
    admin = told.caller()
    view = answered(told, admin, plans=[PLAN, FLAT, {"code": "old", "version": 1}])
    result = view["result"]
    copy, flat, version = result["candidates"]
    was = result["as_it_was"]
    earned = told.world.earned()
    assert was["cost_minor"] == sum(earned.values())
    assert copy == version
    assert copy["difference_minor"] == 0
    for name in ("month", "rule", "tier", "rank", "channel"):
        assert all(row["difference_minor"] == 0 for row in copy[f"by_{name}"]), name
        assert sum(row["amount_minor"] for row in was[f"by_{name}"]) == was["cost_minor"]
        assert sum(row["now_minor"] for row in flat[f"by_{name}"]) == flat["cost_minor"]
    assert sum(row["now_minor"] for row in copy["releases"]) == copy["cost_minor"]
    assert copy["shops"]["gaining"] == copy["shops"]["losing"] == 0
    # 13 % of what is left of each order, held to 12 %: of 12,222, 20,000, 9,999, 4,000, 6,000, 4,000; o5 is cancelled
    kept = [1_466, 2_400, 1_199, 480, 720, 480]
    assert flat["cost_minor"] == sum(kept)
    assert [row["rule"] for row in flat["by_rule"] if row["now_minor"]] == ["all"]
    assert flat["caps"][0]["cap"] == "order_cap"
    assert flat["shops"]["to_zero"] == 1
    assert flat["shops"]["lose_most"][0]["shop_id"] == "a"
    return view


def orders_stand_behind_each_figure(told: Api, view: dict[str, Any]) -> None:
    """Then and now, with why, under the second candidate."""
    admin = told.caller()
    flat = view["result"]["candidates"][1]
    path = f"/v1/simulations/{view['id']}/orders"
    copied = admin.get(f"{path}?candidate=1")["data"]
    assert all(row["then_minor"] == row["now_minor"] for row in copied)
    for row in copied:
        looked = sum(look["amount_minor"] for look in row["explanation"])
        assert looked == row["now_minor"], row["order_id"]
    path += "?candidate=2"
    every = admin.get(path)["data"]
    assert {row["order_id"] for row in every} == {"o1", "o2", "o3", "o4", "o5", "o6", "o7"}
    assert sum(row["now_minor"] for row in every) == flat["cost_minor"]
    first = admin.get(f"{path}&limit=1")
    second = admin.get(f"{path}&limit=1&cursor={first['next_cursor']}")
    assert [page["data"][0]["order_id"] for page in (first, second)] == [row["order_id"] for row in every[:2]]

    of_b = admin.get(f"{path}&shop_id=b&rule=all")["data"]
    assert [(row["order_id"], row["then_minor"], row["now_minor"]) for row in of_b] == [
        ("o3", 1_450, 1_199),
        ("o5", 0, 0),
    ]
    [look] = [look for look in of_b[0]["explanation"] if look["amount_minor"]]
    assert (look["rule"], look["rate"], look["amount_before_cap_minor"], look["reason"]) == (
        "all",
        "0.13",
        1_300,
        "order_cap",
    )
    capped = admin.get(f"{path}&reason=order_cap")["data"]
    assert len(capped) == flat["caps"][0]["orders"]
    assert admin.refused("GET", f"{path}&shop_id=nobody") == (404, "shop_unknown")
    assert admin.refused("GET", "/v1/simulations/none/orders") == (404, "simulation_unknown")


def test_the_same_question_is_the_same_simulation_and_a_later_one_says_what_came_since(told: Api) -> None:
    admin, world = told.caller(), told.world
    key = {"Idempotency-Key": "once"}
    asked = admin.post("/v1/simulations", SPAN | {"plan": FLAT}, headers=key)
    assert admin.post("/v1/simulations", SPAN | {"plan": FLAT})["id"] == asked["id"]
    assert admin.refused("GET", f"/v1/simulations/{asked['id']}/orders") == (409, "simulation_not_done")
    assert run_waiting(world) == 1
    done = admin.post("/v1/simulations", SPAN | {"plan": FLAT})
    assert (done["id"], done["status"], done["events_since"], done["before"]) == (asked["id"], "done", 0, None)
    assert admin.post("/v1/simulations", SPAN | {"plan": FLAT}, headers=key)["status"] == "waiting"
    assert admin.refused("POST", "/v1/simulations", SPAN | {"plan": PLAN}, headers=key) == (
        422,
        "idempotency_key_reused",
    )

    world.earn(settled("s9", "o9", "a", line(1_000), customer_id="fay", paid_at=PAID + 36 * DAY))
    assert admin.get(f"/v1/simulations/{asked['id']}")["events_since"] == 1
    later = answered(told, admin, plan=FLAT)
    assert later["id"] != asked["id"]
    assert later["before"] == {"id": asked["id"], "events": 1, "as_it_was_minor": 130, "candidates_minor": [120]}
    assert later["result"]["orders"] == done["result"]["orders"] + 1
    published = admin.post("/v1/plans", FLAT)["simulation"]
    flat = later["result"]["candidates"][0]
    assert (published["id"], published["cost_minor"]) == (later["id"], flat["cost_minor"])

    gross = answered(told, admin, plan=FLAT, refunds="none")["result"]
    assert gross["refunded_minor"] == gross["as_it_was"]["reversed_minor"] == 0
    assert gross["candidates"][0]["cost_minor"] > flat["cost_minor"]


def test_what_is_wrong_is_told_at_once_and_what_waits_can_be_cancelled(told: Api) -> None:
    admin = told.caller()
    bad = {**FLAT, "rules": [{"id": "all", "pay": "nobody", "rate": "2"}]}
    problem = admin.problem("POST", "/v1/simulations", SPAN | {"plans": [FLAT, bad]})
    assert problem["code"] == "plan_invalid"
    assert all("plans/1/" in error["pointer"] for error in problem["errors"])
    assert len(problem["errors"]) == 2
    backwards = {"from": SPAN["to"], "to": SPAN["from"], "plan": FLAT}
    assert admin.refused("POST", "/v1/simulations", backwards) == (422, "invalid")
    assert admin.refused("POST", "/v1/simulations", SPAN | {"plans": [FLAT] * 6}) == (422, "invalid")
    assert admin.refused("POST", "/v1/simulations", SPAN) == (422, "invalid")
    unknown = {"plan": {"code": "none", "version": 3}}
    assert admin.refused("POST", "/v1/simulations", SPAN | unknown) == (404, "plan_unknown")

    asked = admin.post("/v1/simulations", SPAN | {"plan": FLAT})
    assert admin.call("DELETE", f"/v1/simulations/{asked['id']}").status_code == 204
    assert admin.call("DELETE", f"/v1/simulations/{asked['id']}").status_code == 204
    assert run_waiting(told.world) == 0
    assert admin.get(f"/v1/simulations/{asked['id']}")["status"] == "cancelled"
    again = answered(told, admin, plan=FLAT)
    assert again["id"] != asked["id"]
    assert admin.refused("DELETE", f"/v1/simulations/{again['id']}") == (409, "simulation_ended")


def test_one_that_is_cancelled_or_dies_while_it_runs_leaves_nothing_and_waits_whole(
    told: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, world = told.caller(), told.world
    simulator = Simulator(world.container.worker_engine.begin, world.container.policies, world.now)
    number = "SELECT simulation_no FROM simulations WHERE simulation_id = :id"
    first = admin.post("/v1/simulations", SPAN | {"plan": FLAT})["id"]
    [[first_no]] = world.rows(number, id=first)

    def die(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulator.run_simulation_now(world.program.program_id, first_no, die)
    running = admin.get(f"/v1/simulations/{first}")
    assert (running["status"], running["attempts"], running["progress"]["orders_total"]) == ("running", 1, 7)

    def cancel(done: int, _total: int) -> None:
        if not done:
            assert admin.call("DELETE", f"/v1/simulations/{first}").status_code == 204

    assert simulator.run_simulation_now(world.program.program_id, first_no, cancel)
    assert admin.get(f"/v1/simulations/{first}")["status"] == "cancelled"
    assert world.rows("SELECT count(*) FROM simulation_blocks WHERE program_id = :program") == [(0,)]

    monkeypatch.setattr("distrib.services.simulations.job.simulate", lambda *_: 1 // 0)
    second = admin.post("/v1/simulations", SPAN | {"plan": FLAT})["id"]
    assert run_waiting(world) == 1
    failed = admin.get(f"/v1/simulations/{second}")
    assert (failed["status"], failed["problem"]["code"]) == ("failed", "internal")


def test_orders_that_failed_by_their_plan_may_be_paid_and_those_that_would_fail_are_named(api: Api) -> None:
    world, admin = api.world, api.caller()
    margin = {**FLAT, "code": "margin", "base": "margin", "rules": [{"id": "all", "pay": "seller", "rate": "0.10"}]}
    world.publish(margin)
    world.join(*chain("a"))
    world.post(
        settled("s1", "o1", "a", line(1_000)),
        settled("s2", "o2", "a", line(2_000, cost_minor=500)),
        settled("s3", "o3", "a", line(3_000), currency="USD"),
    )
    world.drain()
    assert world.outcome("s1") == ("failed", "cost_missing")
    capped = {**FLAT, "rules": [{"id": "all", "pay": "seller", "rate": "0.10", "cap": {"per_customer_minor": 50}}]}
    plans = [{**FLAT, "rules": [{"id": "all", "pay": "seller", "rate": "0.10"}]}, margin, capped]
    result = answered(api, admin, plans=plans)["result"]
    flat, same, of_customer = result["candidates"]
    assert (result["orders"], result["failed_orders"]) == (1, 2)
    assert (flat["cost_minor"], same["cost_minor"], of_customer["cost_minor"]) == (100 + 200, 150, 0)
    failing = [(row["code"], row["orders"], row["paid_minor"], row["then_minor"]) for row in flat["failures"]]
    assert failing == [("currency_mismatch", 1, 3_000, 0)]
    assert [row["code"] for row in same["failures"]] == ["cost_missing", "currency_mismatch"]
    assert [(row["code"], row["orders"]) for row in of_customer["failures"]] == [
        ("currency_mismatch", 1),
        ("customer_missing", 2),
    ]


def test_the_command_line_answers_the_same_and_checks_the_ledger(
    told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = told.world
    name_servers(world.container.settings, monkeypatch)
    file = tmp_path / "flat.json"
    file.write_text(json.dumps(FLAT), "utf-8")
    words = ("simulate", file, "--from", "2026-03-01", "--to", "2026-06-01")
    as_json = run(*words, "--json")
    assert as_json.exit_code == 0, as_json.output
    view = json.loads(as_json.stdout)
    files = {name: tmp_path / f"shops.{name}" for name in ("csv", "xlsx", "parquet")}
    for path in files.values():
        assert run(*words, "--output", path, "--json").exit_code == 0
    with files["csv"].open(encoding="utf-8", newline="") as kept:
        shops = {row["shop_id"]: int(row["difference_minor"]) for row in csv.DictReader(kept)}
    gains = {row["shop_id"]: row["difference_minor"] for row in view["result"]["candidates"][0]["shops"]["gain_most"]}
    assert {shop: minor for shop, minor in shops.items() if minor > 0} == gains
    assert sum(shops.values()) == view["result"]["candidates"][0]["difference_minor"]
    assert sum(parquet.read_table(files["parquet"])["difference_minor"].to_pylist()) == sum(shops.values())
    assert load_workbook(files["xlsx"]).worksheets[0]["A2"].value in shops
    orders, picture, drawing = tmp_path / "orders.csv", tmp_path / "cost.png", tmp_path / "cost.svg"
    assert run(*words, "--output", orders, "--orders", "--chart", picture).exit_code == 0
    assert run(*words, "--chart", drawing).exit_code == 0
    assert orders.read_text("utf-8").count("\n") == 8
    with Image.open(picture) as painted:
        assert painted.size[0] == 1_000
    assert "2026-03" in drawing.read_text("utf-8")
    table = run(*words, "--lang", "en")
    assert table.exit_code == 0, table.output
    assert "Shops that lose most" in table.output
    assert told.caller().get(f"/v1/simulations/{view['id']}")["result"] == view["result"]
    clean = run("simulate", "--as-published", "--check", "--lang", "en")
    assert clean.exit_code == 0, clean.output
    assert "0 differences over 7 orders" in clean.output
    for wrong in (
        ("simulate",),
        ("simulate", file),
        (*words, "--chart", "x.gif"),
        ("simulate", file, "--as-published", "--check"),
    ):
        assert isinstance(run(*wrong).exception, Refusal)
    since = run("plan", "publish", file, "--effective-from", "2027-01-01")
    assert since.exit_code == 0, since.output
    assert "Simulated on 7 orders" in since.output


@pytest.mark.tampers
def test_a_row_of_the_ledger_that_is_not_so_is_a_difference(told: Api, owner: Engine) -> None:
    with owner.begin() as conn:
        conn.execute(text("ALTER TABLE transfers DISABLE TRIGGER only_grows"))
        conn.execute(
            text("UPDATE transfers SET amount_minor = amount_minor + 1 WHERE kind = 'earned' AND rule_id = 'grand'")
        )
        conn.execute(text("UPDATE transfers SET amount_minor = amount_minor - 1 WHERE kind = 'pool' AND seq = 1"))
        conn.execute(text("ALTER TABLE transfers ENABLE TRIGGER only_grows"))
    checked = check(told.world)
    assert {row["what"] for row in checked.shown} == {"missing", "extra"}
    assert {row.get("rule", row.get("pool")) for row in checked.shown} == {"grand", "pool"}
    assert checked.view()["ok"] is False
