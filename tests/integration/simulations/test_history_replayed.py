"""Ranks replayed from files: every row of ranks, and every figure of the result, is that of the database."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distrib.columns.ranking import spans
from distrib.domain.errors import Refusal
from distrib.domain.plans.document import canonical_json
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.history import orders, parquet
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.exporting import export_history
from distrib.services.history.months import FileQuestion
from distrib.services.history.replaying import with_ranks_replayed
from distrib.services.history.simulating import question_of, simulate_files
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import load_timeline
from distrib.services.ranks.evaluation import evaluate_month
from distrib.services.simulations.asking import Wish
from distrib.services.simulations.own_tables import TableRanks
from distrib.services.simulations.replaying import Replayed, replay, with_candidate
from distrib.services.simulations.result_views import ResultView
from distrib.services.simulations.running import (
    REPLAYED,
    PaidSpan,
    SimulationQuestion,
    Watcher,
    enter_history,
    over_at,
    own_ranks,
    simulate,
)
from distrib.store import customer_merges
from distrib.store.database import driver
from distrib.store.recorded import Recorded
from distrib.store.simulations.ranks import KeptRank, first_fact
from tests.integration.simulations.test_in_columns import SHOPS, seed, some_events
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import World, chain

__all__ = ["seed"]

DAY = timedelta(days=1)
EARLIEST, LATEST = PAID - 10 * DAY, PAID + 100 * DAY
WINDOWS = ("1d", "7d", "30d", "month", "ever")
LEAST = {
    "personal_sales_minor": 100_000,
    "team_sales_minor": 300_000,
    "personal_orders": 2,
    "customers": 2,
    "direct_recruits": 1,
    "active_recruits": 1,
}
PLAN: dict[str, Any] = {
    "code": "ranked",
    "currency": "CNY",
    "tiers": 2,
    "hold_days": 0,
    "rules": [
        {"id": "own", "pay": "seller", "rate": {"gold": "0.10", "default": "0.05"}},
        {"id": "up", "pay": "upline", "tier": 1, "rate": {"gold": "0.02", "default": "0.01"}},
        {"id": "far", "pay": "upline", "tier": 2, "rate": "0.01"},
    ],
}
WITH_TOP: dict[str, Any] = {
    **PLAN,
    "code": "tried",
    "rules": [
        {"id": "own", "pay": "seller", "rate": {"gold": "0.10", "top": "0.13", "default": "0.05"}},
        {"id": "up", "pay": "upline", "tier": 1, "rate": {"gold": "0.02", "top": "0.04", "default": "0.01"}},
        {"id": "far", "pay": "upline", "tier": 2, "rate": {"top": "0.01"}},
    ],
}
RANKS = [
    {"code": "member"},
    {
        "code": "gold",
        "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 300_000},
        "keep": {"metric": "personal_orders", "window": "month", "at_least": 2},
    },
    {"code": "old", "promote": {"metric": "team_sales_minor", "levels": 2, "window": "ever", "at_least": 900_000}},
]


@pytest.fixture(autouse=True)
def _in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of few orders have several row groups, and few pairs are looked at in several parts, as many would be."""
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", 11)
    monkeypatch.setattr(orders, "ORDERS_AT_ONCE", 7)
    monkeypatch.setattr(spans, "MOST_AT_ONCE", 20)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Any figures over any windows, alone or together."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        metric = draw(st.sampled_from(sorted(LEAST)))
        part: dict[str, Any] = {"metric": metric, "window": draw(st.sampled_from(WINDOWS))}
        part["at_least"] = LEAST[metric] * draw(st.integers(1, 4))
        if metric == "team_sales_minor":
            part["levels"] = draw(st.integers(1, 3))
        if metric == "active_recruits" and draw(st.booleans()):
            part["min_rank"] = draw(st.sampled_from(("gold", "top")))
        parts.append(part)
    return parts[0] if len(parts) == 1 else {draw(st.sampled_from(("all", "any"))): parts}


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A plan whose ranks are won and kept by anything, with a pool; ``old`` it has not, and may map."""
    ranks: list[dict[str, Any]] = [{"code": "member"}]
    for code in ("gold", "top"):
        rank: dict[str, Any] = {"code": code}
        if draw(st.integers(0, 9)):
            rank["promote"] = draw(conditions())
        if draw(st.booleans()):
            rank |= {"keep": draw(conditions()), "grace": draw(st.integers(0, 1))}
        ranks.append(rank)
    mapped = {"rank_map": {"old": draw(st.sampled_from(("member", "gold", "top")))}} if draw(st.booleans()) else {}
    pools = [{"id": "all", "rate": "0.01", "weights": {"gold": 1, "top": 3}}]
    return canonical_json({**WITH_TOP, "ranks": ranks, "pools": pools, **mapped})


@pytest.fixture
def ranked(world: World, seed: int) -> World:
    """Shops that joined and moved at any time, ranks won and set by hand, refunds of every kind, merged customers."""
    draw = random.Random(seed)
    world.publish({**PLAN, "ranks": RANKS}, signed_off_by="Han")
    world.join(*chain(*SHOPS[:3]), ("x", None), ("y", "x"), joined_at=EARLIEST - 50 * DAY)
    for shop in "def":
        world.join((shop, draw.choice("abcx")), joined_at=PAID + draw.randrange(-9, 30) * DAY)
    world.set_rank("b", "gold", PAID - DAY)
    world.set_rank("b", None, PAID + draw.randrange(5, 40) * DAY)
    world.set_rank("y", "old", PAID + draw.randrange(5, 40) * DAY)
    world.move("f", draw.choice("xyc"), PAID + draw.randrange(31, 50) * DAY)
    world.move("y", "a", PAID + draw.randrange(1, 50) * DAY + timedelta(hours=5))
    with world.container.begin() as conn:
        for customer, into, days in (("ann", "bob", 25), ("bob", "a", 40)):
            at = PAID + days * DAY
            customer_merges.insert_merge(conn, world.program.program_id, customer, into, Recorded(at, "test"))
    for place, events in enumerate(some_events(draw)):
        world.post(*events)
        world.drain()
        if place:
            with world.container.begin() as conn:
                evaluate_month(Unit(conn, world.program, COMMAND_LINE, world.container.now()), 202602 + place)
    return world


class Tried(NamedTuple):
    """A result, and the rows of ranks that it rests on: candidate, shop, from when on, which."""

    result: ResultView
    ranks: list[KeptRank]


class AsItHappened(TableRanks):
    """Ranks in tables, with each refund known from when it happened, as a simulation knows it."""

    def begin(self, terms: TermsBook, since: datetime) -> None:
        super().begin(terms, since)
        raw = driver(self._conn)
        raw.execute("DELETE FROM pg_temp.known_refunds")
        raw.execute("INSERT INTO pg_temp.known_refunds SELECT r.*, NULL FROM public.refund_lines r")


def by_tables(world: World, question: FileQuestion, now: datetime) -> list[KeptRank]:
    """The ranks that the rules of the program give by its own statements, on tables of a transaction's own."""
    program, begin = world.program, world.container.worker_engine.begin
    kept: list[KeptRank] = []
    with begin() as conn:
        enter_history(conn)
        timeline = load_timeline(conn, program)
        since = question.ranks_from or question.span.since
        with own_ranks(conn, begin) as own:
            since = max(since, first_fact(own, program.program_id) or since)
            for place, plan in enumerate(question.plans, 1):
                months = Replayed(since, min(question.span.until, now), partial(over_at, program, now))
                candidate = with_candidate(timeline, plan, since)
                replay(AsItHappened(own, program, now), program, world.policies, candidate, months)
                rows = driver(own).execute(
                    "SELECT shop_no, effective_at, rank FROM pg_temp.shop_ranks ORDER BY shop_no, effective_at, seq"
                )
                kept += [KeptRank(place, *row) for row in rows]
    return kept


def by_database(world: World, question: FileQuestion, now: datetime) -> Tried:
    """What a simulation in the database comes to."""
    ranks: list[KeptRank] = []
    asked = SimulationQuestion(question.plans, question.span, question.refunds, question.ranks, question.ranks_from)
    begin = world.container.worker_engine.begin
    with begin() as conn:
        enter_history(conn)
        unit = Unit(conn, world.program, COMMAND_LINE, now)
        result = simulate(unit, world.policies, asked, begin, Watcher(keep_ranks=ranks.extend))
    return Tried(result, ranks)


def by_files(question: FileQuestion, engine: Engine) -> Tried:
    """What the files come to."""
    given = enumerate(with_ranks_replayed(question).given, 1)
    return Tried(simulate_files(question, engine), [kept for place, ranks in given for kept in ranks.kept(place)])


def exported(world: World, path: Path, now: datetime) -> HistoryDirectory:
    """The history of a program as it stands."""
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, world.program, COMMAND_LINE, now), world.policies, path)
    return HistoryDirectory.open(path)


def test_any_plan_on_a_random_program_comes_to_every_rank_and_figure_of_the_database(
    ranked: World, seed: int, tmp_path: Path
) -> None:
    now = ranked.container.now()
    directory = exported(ranked, tmp_path, now)
    changes = 0

    @settings(max_examples=20)
    @given(
        st.lists(documents(), min_size=1, max_size=2),
        st.integers(-10, 60),
        st.integers(1, 70),
        st.none() | st.integers(0, 50),
        st.sampled_from(("known", "none")),
    )
    def holds(plans: list[str], first: int, days: int, before: int | None, refunds: str) -> None:
        nonlocal changes
        span = PaidSpan(PAID + first * DAY, PAID + (first + days) * DAY + timedelta(hours=9))
        since = None if before is None else span.since - before * DAY
        question = FileQuestion(directory, tuple(plans), ranked.policies, span, refunds, REPLAYED, since)
        expected, found = by_database(ranked, question, now), by_files(question, Engine())
        assert found.ranks == by_tables(ranked, question, now), seed
        assert expected.ranks == found.ranks, seed
        assert found.result == expected.result, seed
        changes += len(found.ranks)

    holds()
    assert changes, seed


def test_processes_and_dask_come_to_what_one_process_and_the_database_do(
    ranked: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_servers(ranked.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    top = {"code": "top", "promote": {"metric": "active_recruits", "window": "month", "at_least": 1}}
    plan = {**WITH_TOP, "ranks": [*RANKS[:2], top], "rank_map": {"old": "top"}}
    (tmp_path / "plan.json").write_text(json.dumps(plan), "utf-8")
    words = ["simulate", tmp_path / "plan.json", "--from", "2026-03-01", "--to", "2026-06-01", "--ranks", "replayed"]
    words += ["--ranks-from", "2026-02-20", "--json"]
    answers = []
    for more in (
        (),
        ("--history", tmp_path / "h"),
        ("--history", tmp_path / "h", "--processes", "2"),
        ("--history", tmp_path / "h", "--engine", "dask"),
    ):
        answer = run(*words, *more)
        assert answer.exit_code == 0, answer.output
        answers.append(json.loads(answer.stdout))
    assert all(answer["result"] == answers[0]["result"] for answer in answers)
    assert {answer["ranks_from"] for answer in answers} == {answers[0]["ranks_from"]} != {None}
    assert "top" in {row["rank"] for row in answers[0]["result"]["candidates"][0]["by_rank"]}


def test_a_plan_that_promotes_more_pays_more_from_files_too(world: World, tmp_path: Path) -> None:
    hard = {**PLAN, "ranks": [{"code": "member"}, {"code": "gold", "promote": _sales_of(9_000_000)}]}
    world.publish(hard)
    world.join(("a", None))
    sold = [settled(f"s{day}", f"o{day}", "a", line(10_000), paid_at=PAID + day * DAY) for day in range(9)]
    world.earn(*sold, refunded("r", "o0", None, PAID + 4 * DAY))
    directory = exported(world, tmp_path, world.container.now())
    easy = {**hard, "ranks": [{"code": "member"}, {"code": "gold", "promote": _sales_of(30_000)}]}
    span = PaidSpan(PAID - DAY, PAID + 30 * DAY)
    documents = (canonical_json({**hard, "code": "hard"}), canonical_json({**easy, "code": "easy"}))
    question = FileQuestion(directory, documents, world.policies, span, ranks=REPLAYED)
    less, more = simulate_files(question, Engine())["candidates"]
    # The third order makes it gold from the next day on: six orders pay 10 % in place of 5.
    assert more["cost_minor"] - less["cost_minor"] == 6 * 500
    assert (
        more["cost_minor"] == by_database(world, question, world.container.now()).result["candidates"][1]["cost_minor"]
    )


def _sales_of(minor: int) -> dict[str, Any]:
    return {"metric": "personal_sales_minor", "window": "ever", "at_least": minor}


def test_a_condition_on_earnings_is_refused_by_name(world: World, tmp_path: Path) -> None:
    world.publish({**PLAN, "ranks": RANKS}, signed_off_by="Han")
    directory = exported(world, tmp_path, world.container.now())
    promote = {"metric": "earned_minor", "window": "month", "at_least": 5}
    plan = {**PLAN, "code": "earning", "ranks": [{"code": "member"}, {"code": "gold", "promote": promote}]}
    with pytest.raises(Refusal) as refused:
        question_of(directory, world.policies, Wish([plan], EARLIEST, LATEST, ranks=REPLAYED))
    assert [problem.pointer for problem in refused.value.problems] == ["/ranks"]
