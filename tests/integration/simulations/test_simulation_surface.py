"""What is seen of simulations: orders as they were seen, how far one was, how a headline was asked, what is wrong."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from rich.console import Console

from distrib.cli.simulations.chart import chart_of
from distrib.cli.simulations.showing import show_result
from distrib.domain.amounts import show_amount
from distrib.domain.errors import Refusal
from tests.integration.simulations.test_in_columns import HELD, seed
from tests.integration.simulations.test_in_columns import told as eventful
from tests.integration.simulations.test_simulations import FLAT, PLAN, SPAN, answered, run_waiting, told
from tests.world.api import Api, Caller
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World

__all__ = ["eventful", "seed", "told"]

DAY = timedelta(days=1)


def orders_of(admin: Caller, simulation_id: str, **query: object) -> dict[str, dict[str, Any]]:
    """The orders of a simulation by id."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return {row["order_id"]: row for row in admin.get(f"/v1/simulations/{simulation_id}/orders?{asked}")["data"]}


def refund_later(world: World) -> None:
    """Takes back of two orders; of one twice, and once that again was undone."""
    world.earn(refunded("late-1", "o2", {"1": 17_000}, PAID + 50 * DAY))
    world.earn(refunded("late-2", "o3", {"1": 4_999}, PAID + 50 * DAY))
    world.earn(refunded("late-3", "o1", {"1": 7_000}, PAID + 50 * DAY))


@pytest.mark.parametrize("refunds", ["known", "none"])
def test_orders_are_shown_as_the_simulation_saw_them_whatever_came_later(told: Api, refunds: str) -> None:
    admin, world = told.caller(), told.world
    world.post(refunded("waits", "o7", {"2": 1_000}, PAID + 40 * DAY))  # known, and not worked on yet
    view = answered(told, admin, plans=[PLAN, FLAT], refunds=refunds)
    for candidate in (1, 2):
        before = orders_of(admin, view["id"], candidate=candidate)
        for row in before.values():
            assert sum(look["amount_minor"] for look in row["explanation"]) == row["now_minor"], row["order_id"]
            assert row["refunded_since_minor"] == 0
    refund_later(world)
    for candidate in (1, 2):
        since = {"o1": 7_000, "o2": 17_000, "o3": 4_999, "o7": 1_000}
        for order_id, row in orders_of(admin, view["id"], candidate=candidate).items():
            assert sum(look["amount_minor"] for look in row["explanation"]) == row["now_minor"], order_id
            assert row["refunded_since_minor"] == since.get(order_id, 0), order_id
    first = orders_of(admin, view["id"], candidate=2)
    assert first.keys() == before.keys()
    for order_id, row in before.items():
        assert first[order_id] | {"refunded_since_minor": 0} == row


def test_a_simulation_tells_how_far_it_was_and_what_was_asked(told: Api) -> None:
    admin = told.caller()
    view = answered(told, admin, plans=[FLAT, {"code": "old", "version": 1}])
    assert view["progress"] == {"orders_done": 7, "orders_total": 7}
    assert view["plans"] == [
        {"code": "flat", "version": None, "document": FLAT},
        {"code": "old", "version": 1, "document": None},
    ]
    problem = admin.problem("GET", f"/v1/simulations/{view['id']}/orders?candidate=3")
    assert (problem["code"], [error["pointer"] for error in problem["errors"]]) == ("invalid", ["?candidate"])
    assert "2" in problem["errors"][0]["detail"]
    waiting = admin.post("/v1/simulations", SPAN | {"plan": FLAT, "refunds": "none"})
    assert waiting["plans"] == [{"code": "flat", "version": None, "document": FLAT}]
    with told.world.container.worker_engine.begin() as conn:
        conn.exec_driver_sql("UPDATE waiting_simulations SET begun_at = now(), orders_done = 3, orders_total = 7")
    assert admin.call("DELETE", f"/v1/simulations/{waiting['id']}").status_code == 204
    ended = admin.get(f"/v1/simulations/{waiting['id']}")
    assert (ended["status"], ended["progress"]) == ("cancelled", {"orders_done": 3, "orders_total": 7})


def test_a_plan_shows_how_its_simulations_were_asked_and_how_much_came_since(
    told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin, world = told.caller(), told.world
    assert admin.post("/v1/plans", FLAT | {"title": "Another"})["simulations"] == []
    answered(told, admin, plan=FLAT)
    gross = answered(told, admin, plan=FLAT, refunds="none")
    replayed = answered(told, admin, plans=[PLAN, FLAT], ranks="replayed")
    world.earn(settled("s9", "o9", "a", line(1_000), customer_id="fay", paid_at=PAID + 36 * DAY))
    view = admin.post("/v1/plans", FLAT)
    shown = [
        {name: row[name] for name in ("id", "ranks", "refunds", "events_since", "from")} for row in view["simulations"]
    ]
    assert shown == [
        {"id": replayed["id"], "ranks": "replayed", "refunds": "known", "events_since": 1, "from": SPAN["from"]},
        {"id": gross["id"], "ranks": "as_were", "refunds": "none", "events_since": 1, "from": SPAN["from"]},
    ]
    assert view["simulation"] == view["simulations"][0]
    name_servers(world.container.settings, monkeypatch)
    (tmp_path / "flat.json").write_text(json.dumps(FLAT), "utf-8")
    published = run("plan", "publish", tmp_path / "flat.json", "--effective-from", "2027-01-01")
    assert published.exit_code == 0, published.output
    for words in (
        "ranks replayed, net of what came back",
        "ranks as they were, as if nothing had come back",
        "Since then 1 events came.",
    ):
        assert words in published.output
    assert "职级按方案重演" in published.output


def test_all_that_is_wrong_with_a_question_is_told_at_once_by_pointers_of_one_kind(told: Api) -> None:
    admin = told.caller()
    bad = {**FLAT, "rules": [{"id": "all", "pay": "nobody", "rate": "2"}]}
    unknown = [{"code": "none", "version": 3}, {"code": "old", "version": 9}]
    asked = {"from": SPAN["to"], "to": SPAN["from"], "ranks_from": SPAN["to"]}
    problem = admin.problem("POST", "/v1/simulations", asked | {"plans": [unknown[0], bad, unknown[1], FLAT]})
    assert (problem["status"], problem["code"]) == (422, "plan_invalid")
    assert [error["pointer"] for error in problem["errors"]] == [
        "/to",
        "/ranks_from",
        "/plans/0",
        "/plans/2",
        "/plans/1/rules/0/pay",
        "/plans/1/rules/0/rate",
    ]
    assert "none" in problem["errors"][2]["detail"]
    several = admin.problem("POST", "/v1/simulations", SPAN | {"plans": unknown})
    assert (several["code"], [error["pointer"] for error in several["errors"]]) == (
        "plan_unknown",
        ["/plans/0", "/plans/1"],
    )
    one = admin.problem("POST", "/v1/simulations", SPAN | {"plan": bad})
    assert {error["pointer"] for error in one["errors"]} == {"/plan/rules/0/pay", "/plan/rules/0/rate"}
    backwards = admin.problem("POST", "/v1/simulations", asked | {"plan": unknown[0]})
    assert (backwards["code"], [error["pointer"] for error in backwards["errors"]]) == (
        "invalid",
        ["/to", "/ranks_from", "/plan"],
    )
    assert run_waiting(told.world) == 0


def test_explanations_add_up_on_any_history_before_and_after_what_comes_later(
    eventful: World, api: Api, seed: int
) -> None:
    """With refunds in parts, undone, before the settlement; a case that took back; caps; orders that would fail."""
    admin = api.caller()
    margin = {**HELD, "code": "margin", "base": "margin", "order_cap": "0.05"}
    first, second = HELD["rules"][:2]
    capped = {
        **HELD,
        "code": "capped",
        "rules": [
            {**first, "cap": {"per_month_minor": 9_000}},
            {**second, "requires": {"min_personal_sales_minor": 1}},
        ],
    }
    span = {"from": SPAN["from"], "to": "2027-01-01T00:00:00Z"}
    view = answered(api, admin, plans=[HELD, margin, capped], **span)
    before = [orders_of(admin, view["id"], candidate=place, limit=500) for place in (1, 2, 3)]
    assert len(before[0]) > 30, seed
    late = [refunded(f"later-{number}", f"o{number}", None, PAID + 79 * DAY) for number in range(1, 70, 3)]
    eventful.post(*late)
    eventful.drain()
    for place, rows in enumerate(before, 1):
        assert sum(row["now_minor"] for row in rows.values()) == sum(
            row["now_minor"] for row in view["result"]["candidates"][place - 1]["by_month"]
        )
        later = orders_of(admin, view["id"], candidate=place, limit=500)
        for order_id, row in rows.items():
            assert sum(look["amount_minor"] for look in row["explanation"]) == row["now_minor"], (seed, order_id)
            assert row["refunded_since_minor"] == 0, (seed, order_id)
            assert later[order_id] | {"refunded_since_minor": 0} == row, (seed, order_id)
    assert any(row["refunded_since_minor"] for row in later.values()), seed


def test_the_command_names_files_and_options_in_place_of_pointers(
    told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    bad = {**FLAT, "rules": [{"id": "all", "pay": "nobody", "rate": "2"}]}
    files = [tmp_path / "flat.json", tmp_path / "bad.json"]
    for file, plan in zip(files, (FLAT, bad), strict=True):
        file.write_text(json.dumps(plan), "utf-8")
    words = ("simulate", *files, "--from", "2026-06-01", "--to", "2026-03-01", "--ranks-from", "2026-03-01")
    for more in ((), ("--history", tmp_path / "h")):
        refused = run(*words, *more).exception
        assert isinstance(refused, Refusal)
        assert [problem.pointer for problem in refused.problems] == [
            "--to",
            "--ranks-from",
            "bad.json: /rules/0/pay",
            "bad.json: /rules/0/rate",
        ]


def printed(view: dict[str, Any], width: int) -> list[str]:
    """The lines that are printed of a simulation on a terminal of a width."""
    file = StringIO()
    show_result(view, "en", Console(file=file, width=width, highlight=False))
    return file.getvalue().splitlines()


def cells_of(line_: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in line_.strip("│┃").replace("┃", "│").split("│")]


def test_candidates_stand_side_by_side_and_releases_are_a_table(told: Api) -> None:
    admin = told.caller()
    view = answered(told, admin, plans=[FLAT, PLAN, {**FLAT, "code": "other", "order_cap": "0.05"}])
    view |= {name: datetime.fromisoformat(view[name]) for name in ("from", "to")}
    result = view["result"]
    costs = [show_amount(side["cost_minor"], "CNY") for side in (result["as_it_was"], *result["candidates"])]
    wide = printed(view, 140)
    assert ["figure", "as it was", "1 flat", "2 old", "3 other"] in map(cells_of, wide)
    assert ["cost", *costs] in map(cells_of, wide)
    differences = [show_amount(side["difference_minor"], "CNY") for side in result["candidates"]]
    assert ["", "", *differences] in map(cells_of, wide)
    for day in result["candidates"][0]["releases"]:
        [line_] = [cells for cells in map(cells_of, wide) if cells[0] == day["day"]]
        assert line_[2] == show_amount(day["now_minor"], "CNY")
    narrow = printed(view, 48)
    assert all(cell_len(line_) <= 48 for line_ in narrow)
    assert ["cost", *costs[:2]] in [cells[:3] for cells in map(cells_of, narrow)]
    assert any(cells[0] == "cost" and cells[-1] == costs[3] for cells in map(cells_of, narrow))
    alone = printed(answered(told, admin, plan=FLAT) | {name: view[name] for name in ("from", "to")}, 140)
    assert ["cost", *costs[:2], differences[0]] in map(cells_of, alone)


def test_a_month_that_gives_back_more_than_it_costs_is_drawn_to_the_left_of_the_axis() -> None:
    months = [
        {"month": "2026-03", "then_minor": 1_000, "now_minor": 500},
        {"month": "2026-04", "then_minor": -250, "now_minor": 0},
    ]
    result = {"currency": "CNY", "candidates": [{"by_month": months}]}
    drawing = ElementTree.fromstring(chart_of(result, ["as it was", "flat"], "cost", "svg"))
    boxes = [
        {name: box.get(name) for name in ("x", "width", "fill")}
        for box in drawing.iter("{http://www.w3.org/2000/svg}rect")
    ]
    first, second, below, nothing, axis = [(int(str(box["x"])), int(str(box["width"]))) for box in boxes[1:]]
    assert (first, second, below, nothing) == ((axis[0], 512), (axis[0], 256), (axis[0] - 128, 128), (axis[0], 0))
    assert chart_of(result, ["as it was", "flat"], "cost", "png").startswith(b"\x89PNG")
