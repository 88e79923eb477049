"""Evaluations from outside: the command, the API, and the workers' own clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit, period_bounds
from distrib.services.ranks.evaluation import due_period, evaluate_month
from tests.world.api import Api
from tests.world.documents import line, settled
from tests.world.world import World
from workers.evaluations import run_due_evaluations

SALES = {"metric": "personal_sales_minor"}
PLAN: dict[str, Any] = {
    "code": "ranked",
    "currency": "CNY",
    "ranks": [
        {"code": "member"},
        {
            "code": "owner",
            "promote": {**SALES, "window": "30d", "at_least": 10_000},
            "keep": {**SALES, "window": "month", "at_least": 1_000},
        },
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": "0.10"}],
}


def sold(world: World) -> None:
    """A shop that is promoted in January and sells nothing in February."""
    world.publish(PLAN)
    world.join(("s", None), ("t", "s"))
    world.post(settled("e1", "o1", "s", line(10_000), paid_at=datetime(2026, 1, 9, 4, tzinfo=UTC)))


def test_the_command_applies_pending_events_and_says_whether_the_month_was_evaluated_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    sold(world)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["ranks", "evaluate", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    first = json.loads(run("--month", "2026-01", "--json"))
    counts = {name: first[name] for name in ("shops", "promoted", "lowered", "taken_back", "failing")}
    assert counts == {"shops": 2, "promoted": 0, "lowered": 0, "taken_back": 0, "failing": 0}
    assert (first["status"], first["month"], first["effective_at"]) == (
        "evaluated",
        "2026-01",
        "2026-01-31T16:00:00Z",
    )
    again = json.loads(run("--month", "2026-01", "--json"))
    assert again == first | {"status": "already_evaluated"}
    assert "1 lowered" in run("--month", "2026-02", "--lang", "en")
    assert "未作更改" in run("--month", "2026-02", "--lang", "zh")
    with pytest.raises(Refusal, match="2026-03 comes next"):
        run("--month", "2026-05")
    with pytest.raises(Refusal) as refused:
        run("--month", "2026-13")
    assert refused.value.code == "period_invalid"


def test_the_api_lists_evaluations_and_a_shops_history_tells_the_numbers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in api.world.container.environment().items():
        monkeypatch.setenv(name, value)
    sold(api.world)
    for month in ("2026-01", "2026-02"):
        CliRunner().invoke(cli, ["ranks", "evaluate", "--month", month], catch_exceptions=False)
    finance = api.caller("finance")
    page = finance.get("/v1/ranks/evaluations?limit=1")
    assert [(row["month"], row["lowered"]) for row in page["data"]] == [("2026-02", 1)]
    rest = finance.get(f"/v1/ranks/evaluations?cursor={page['next_cursor']}")
    assert [(row["month"], row["lowered"]) for row in rest["data"]] == [("2026-01", 0)]
    assert rest["next_cursor"] is None
    promotion, loss = api.caller("partner", "s").get("/v1/shops/s/ranks")["data"]
    assert (promotion["cause"], promotion["reason"]["to"]) == ("promotion", "owner")
    assert (loss["cause"], loss["rank"], loss["effective_at"]) == ("evaluation", "member", "2026-02-28T16:00:00Z")
    assert (loss["reason"]["code"], loss["reason"]["keep"][0]["figure"]) == ("keep_failed", 0)


def test_a_version_that_maps_ranks_is_published_over_http(api: Api) -> None:
    admin = api.caller()
    api.world.publish(PLAN)
    api.world.join(("s", None))
    admin.put("/v1/shops/s/rank", {"rank": "owner", "reason": "r", "effective_at": "2026-01-05T00:00:00Z"})
    dropped = PLAN | {"ranks": [{"code": "member"}, {"code": "partner"}]}
    admin.post("/v1/plans", dropped)
    problem = admin.problem("POST", "/v1/plans/ranked/2/publish", {"effective_from": "2026-02-01T00:00:00Z"})
    assert (problem["code"], "owner (1)" in problem["detail"]) == ("rank_map_required", True)
    admin.post("/v1/plans", dropped | {"rank_map": {"owner": "partner"}})
    admin.post("/v1/plans/ranked/3/publish", {"effective_from": "2026-02-01T00:00:00Z"})
    rows = admin.get("/v1/shops/s/ranks")["data"]
    assert [(row["rank"], row["cause"]) for row in rows] == [("owner", "hand"), ("partner", "plan")]
    assert admin.get("/v1/shops/s")["rank"] == "partner"


def test_by_themselves_workers_evaluate_what_the_program_has_lived_through_and_nothing_before(world: World) -> None:
    sold(world)
    world.drain()
    run_due_evaluations(world.container)
    assert world.rows("SELECT period FROM rank_evaluations WHERE program_id = :program") == []
    with world.container.begin() as conn:
        conn.exec_driver_sql("SET LOCAL ROLE NONE")
        conn.exec_driver_sql("UPDATE programs SET created_at = '2026-01-20T00:00:00Z'")
    with world.container.begin() as conn:
        assert due_period(Unit(conn, world.program, COMMAND_LINE, datetime(2026, 1, 31, 15, tzinfo=UTC))) is None
        assert due_period(Unit(conn, world.program, COMMAND_LINE, datetime(2026, 1, 31, 16, tzinfo=UTC))) == 202601
    run_due_evaluations(world.container)
    run_due_evaluations(world.container)
    columns = "period, lowered, evaluated_by"
    rows = world.rows(f"SELECT {columns} FROM rank_evaluations WHERE program_id = :program ORDER BY period")
    assert [tuple(row) for row in rows] == [(202601, 0, "distrib"), (202602, 1, "distrib")]


def test_what_an_operator_brings_in_by_hand_is_not_run_ahead_of_by_the_clock(world: World) -> None:
    with world.container.begin() as conn:
        evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), 202601)
    run_due_evaluations(world.container)
    assert world.rows("SELECT period FROM rank_evaluations WHERE program_id = :program") == [(202601,)]
    opened = world.program.period_of(world.rows("SELECT created_at FROM programs")[0][0])
    with world.container.begin() as conn:
        begun, over = period_bounds(opened, world.program.zone)
        assert due_period(Unit(conn, world.program, COMMAND_LINE, begun)) is None
        assert due_period(Unit(conn, world.program, COMMAND_LINE, over)) == 202602


def test_a_month_with_pending_events_waits_for_them(world: World) -> None:
    sold(world)
    with world.container.begin() as conn:
        conn.exec_driver_sql("SET LOCAL ROLE NONE")
        conn.exec_driver_sql("UPDATE programs SET created_at = '2026-01-20T00:00:00Z'")
    run_due_evaluations(world.container)
    assert world.rows("SELECT 1 FROM rank_evaluations WHERE program_id = :program") == []
