"""The monthly evaluation over files: shop by shop and figure by figure what the database decides, by any engine."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.history import looks, orders, parquet
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.evaluating import FileEvaluation, evaluate_files, judged_shops
from distrib.services.history.exporting import export_history
from distrib.services.plans.versions import load_timeline
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.ranks.facts import EvaluationMark, StoredRanks
from distrib.services.ranks.judging import BEFORE_ALL, month_to_judge
from distrib.services.simulations.running import enter_history
from distrib.store import customer_merges
from distrib.store.ranks import evaluations as store
from distrib.store.ranks.evaluations import EvaluationRow
from distrib.store.recorded import Recorded
from tests.integration.ranks.test_evaluation import RANKED, instant_of, sale
from tests.integration.simulations.test_in_columns import SHOPS, seed, some_events
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, refunded
from tests.world.world import World, chain

__all__ = ["seed"]

DAY = timedelta(days=1)
MONTHS = (202603, 202604, 202605, 202606)
METRICS: tuple[tuple[str, int], ...] = (
    ("personal_sales_minor", 50_000),
    ("personal_orders", 2),
    ("customers", 2),
    ("earned_minor", 9_000),
    ("direct_recruits", 1),
    ("active_recruits", 1),
    ("team_sales_minor", 90_000),
)


@pytest.fixture(autouse=True)
def _many_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of few orders have several row groups, as those of many have."""
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", 11)
    monkeypatch.setattr(orders, "ORDERS_AT_ONCE", 7)
    monkeypatch.setattr(looks, "MOST_AT_ONCE", 20)


def some_ranks(draw: random.Random) -> list[dict[str, Any]]:
    """Ranks that are won and kept by any figures over any windows."""

    def condition() -> dict[str, Any]:
        parts = []
        for _ in range(draw.randint(1, 3)):
            metric, least = draw.choice(METRICS)
            part = {"metric": metric, "window": draw.choice(("7d", "30d", "month", "ever")), "at_least": least}
            if metric == "team_sales_minor":
                part["levels"] = draw.randint(1, 3)
            if metric == "active_recruits" and draw.random() < 0.5:
                part["min_rank"] = "gold"
            parts.append(part | {"at_least": max(1, least * draw.randint(1, 3) // 2)})
        return {draw.choice(("all", "any")): parts}

    return [
        {"code": "member"},
        {"code": "gold", "promote": condition(), "keep": condition(), "grace": draw.randint(0, 1)},
        {"code": "old", "promote": condition(), "keep": condition()},
    ]


def exported(world: World, directory: Path) -> HistoryDirectory:
    """The history of a program as it stands, in files."""
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.policies, directory)
    return HistoryDirectory.open(directory)


def by_database(world: World, period: int) -> Any:
    """The counts and shops of a month that is not evaluated yet, decided on the tables of the program."""
    with world.container.begin() as conn:
        newest = store.newest_evaluation(conn, world.program.program_id)
        since = BEFORE_ALL if newest is None else EvaluationMark(newest.effective_at, newest.ranks_seq)
        month = month_to_judge(world.program, load_timeline(conn, world.program), period, since)
        assert month is not None
        return judged_shops(StoredRanks(conn, world.program.program_id), month)


def evaluated(world: World, period: int) -> EvaluationRow:
    """The evaluation that the database makes."""
    with world.container.begin() as conn:
        return evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), period)[0]


def same(world: World, period: int, directory: Path) -> FileEvaluation:
    """A month's evaluation, which is the same by files and by the database, before it is made and after."""
    by_files = evaluate_files(exported(world, directory), period, Engine())
    assert (by_files.counts, by_files.shops) == by_database(world, period)
    row = evaluated(world, period)
    counts = by_files.counts
    assert (counts.shops, counts.promoted, counts.lowered) == (row.shops, row.promoted, row.lowered)
    assert (counts.taken_back, counts.failing, by_files.effective_at) == (row.taken_back, row.failing, row.effective_at)
    kept = world.rows(
        "SELECT DISTINCT ON (shop_no) shop_no, rank FROM shop_ranks WHERE program_id = :program AND seq > :seq"
        " AND effective_at = :effective AND cause IN ('promotion', 'evaluation') ORDER BY shop_no, seq",
        seq=row.ranks_seq,
        effective=row.effective_at,
    )
    assert {(shop.shop_no, shop.rank) for shop in by_files.shops if shop.reason} == {tuple(change) for change in kept}
    failures = world.rows(
        "SELECT shop_no, failures FROM rank_failures WHERE program_id = :program AND period = :period", period=period
    )
    assert {(shop.shop_no, shop.failures) for shop in by_files.shops if shop.failures} == {*map(tuple, failures)}
    again = evaluate_files(exported(world, directory), period, Engine())
    assert again == by_files._replace(is_known=True)
    return by_files


@pytest.mark.parametrize("turn", range(2))
def test_any_conditions_on_a_random_program_come_to_the_same(
    world: World, seed: int, turn: int, tmp_path: Path
) -> None:
    draw = random.Random(seed * 3 + turn)
    rules = [
        {"id": "own", "pay": "seller", "rate": "0.10"},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"},
    ]
    plan = {"code": "ranked", "currency": "CNY", "hold_days": 0, "self_purchase": "earn", "tiers": 1, "rules": rules}
    world.publish({**plan, "ranks": some_ranks(draw)})
    world.publish(
        {**plan, "ranks": some_ranks(draw)[:2], "rank_map": {"old": "gold"}}, instant_of(5, 11), signed_off_by="Han"
    )
    world.join(*chain(*SHOPS[:4]), ("e", "a"), ("f", "e"), *chain("x", "y"))
    world.set_rank("b", "gold", PAID - DAY)
    world.set_rank("b", None, PAID + 33 * DAY)
    world.move("f", "x", PAID + 20 * DAY)
    number = world.program.program_id
    with world.container.begin() as conn:
        customer_merges.insert_merge(conn, number, "ann", "bob", Recorded(PAID + 25 * DAY, "test"))
    deliveries = some_events(draw)
    outcomes = []
    for place, period in enumerate(MONTHS):
        if place < len(deliveries):
            world.post(*deliveries[place])
            world.drain()
        outcomes += [shop.outcome for shop in same(world, period, tmp_path).shops]
    assert outcomes, seed


@pytest.fixture
def ranked(api: Api, monkeypatch: pytest.MonkeyPatch) -> World:
    """Shops that are promoted, of which one loses that to a refund, one fails, and one keeps what it has."""
    world = api.world
    world.publish(RANKED)
    world.join(("loses", None), ("fails", None), ("keeps", None), ("rises", None))
    world.earn(
        *(sale(f"o-{shop}", shop, 50_000, instant_of(1, 10)) for shop in ("loses", "fails", "keeps")),
        sale("k2", "keeps", 2_000, instant_of(1, 20)),
    )
    name_servers(world.container.settings, monkeypatch)
    return world


def test_shops_keep_win_and_lose_as_the_database_decides(ranked: World, tmp_path: Path) -> None:
    same(ranked, 202601, tmp_path)
    ranked.earn(
        refunded("r1", "o-loses", None, instant_of(1, 30)),
        sale("k3", "keeps", 1_000, instant_of(2, 3)),
        sale("o-rises", "rises", 11_000, instant_of(2, 27)),
    )
    ids = {row.shop_no: row.shop_id for row in ranked.rows("SELECT shop_no, shop_id FROM shops")}
    by_files = same(ranked, 202602, tmp_path)
    assert {ids[shop.shop_no]: shop.outcome for shop in by_files.shops} == {
        "keeps": "kept",
        "fails": "failing",
        "loses": "failing",
    }


def test_a_promotion_of_the_month_loses_its_basis_to_a_late_refund(ranked: World, tmp_path: Path) -> None:
    ranked.earn(refunded("r1", "o-loses", None, instant_of(2, 5)))
    by_files = same(ranked, 202601, tmp_path)
    [lost] = [shop for shop in by_files.shops if shop.outcome == "taken_back"]
    assert (lost.before, lost.rank, lost.reason and lost.reason["code"]) == ("manager", "member", "basis_refunded")


def test_the_command_answers_whoever_sums_the_months_and_refuses_what_is_not_due(
    ranked: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    words = ("history", "evaluate", tmp_path / "h", "--period", "2026-01")
    answers = [run(*words, "--json", *more) for more in ((), ("--processes", 2))]
    assert [answer.exit_code for answer in answers] == [0, 0], answers[0].output
    assert len({answer.stdout for answer in answers}) == 1
    view = json.loads(answers[0].stdout)
    assert {name: view[name] for name in ("shops", "promoted", "lowered", "taken_back", "failing", "kept")} == {
        "shops": 4,
        "promoted": 0,
        "lowered": 0,
        "taken_back": 0,
        "failing": 0,
        "kept": 3,
    }
    assert {row["shop_id"] for row in view["decisions"]} == {"loses", "fails", "keeps"}
    assert view["decisions"][0]["figures"][0].keys() == {"metric", "window", "figure"}
    assert "4 shops, 0 promoted" in run(*words, "--lang", "en").output
    evaluated(ranked, 202601)
    ranked.post(sale("waits", "rises", 1_000, instant_of(2, 3)))
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    codes = {}
    for period in ("2026-02", "2026-04", "2999-01", "2026-13"):
        refused = run("history", "evaluate", tmp_path / "h", "--period", period).exception
        assert isinstance(refused, Refusal)
        codes[period] = refused.code
    assert codes == {
        "2026-02": "history_too_little",
        "2026-04": "evaluation_in_sequence",
        "2999-01": "period_not_over",
        "2026-13": "period_invalid",
    }
