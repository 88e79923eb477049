"""The figures ranks are decided by come out of files as out of the database: of all shops, and look by look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from distrib.domain.plans.conditions import EARNINGS
from distrib.domain.plans.plan import compile_plan
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.evaluating import months_of, question_of
from distrib.services.history.exporting import export_history
from distrib.services.history.ranking import ranking_source
from distrib.services.history.ranks import FileRanks
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry, ladder_of, load_timeline
from distrib.services.ranks.basis import ALL_REFUNDS
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import RankFigures, shops_at, touched_shops
from distrib.services.ranks.promotion import PromotionCheck, queries_of, ranks_from
from distrib.services.simulations.own_arrays import ArrayRanks
from distrib.services.simulations.running import enter_history
from tests.property.ranks.test_figures import LAST, METRICS, PLAN, Story, opened, play, stories
from tests.world.world import World

__all__ = ["opened"]

LATER = LAST + timedelta(days=30)
ASKING = PLAN | {
    "ranks": [
        {"code": "member"},
        {"code": "owner", "promote": {"metric": "customers", "window": "ever", "at_least": 1}},
    ]
}
"""A plan that asks for all that was sold ever, and for who bought it."""


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(story=stories())
def test_files_and_the_database_agree_on_every_figure_of_every_shop(opened: World, story: Story) -> None:
    world, plan = play(opened, story), compile_plan(PLAN)
    program = world.program
    with TemporaryDirectory() as path, world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, program, COMMAND_LINE, world.container.now()), world.policies, Path(path))
        directory = HistoryDirectory.open(Path(path))
        question = question_of(directory, METRICS, LAST, with_earnings=True)
        stored, files = StoredRanks(conn, program.program_id), FileRanks(question, months_of(question, Engine()), None)
        ladder = ladder_of(load_timeline(conn, program))
        shops = shops_at(stored, LAST)
        by_files = shops_at(files, LAST)
        assert [column.tolist() for column in (by_files.numbers, by_files.parents, by_files.joined)] == [
            column.tolist() for column in (shops.numbers, shops.parents, shops.joined)
        ]
        columns = [RankFigures(facts, program, ladder, shops, LAST).read(plan, METRICS) for facts in (stored, files)]
        for metric in METRICS:
            assert columns[0][metric].tolist() == columns[1][metric].tolist(), metric
        touched = [touched_shops(facts, shops, METRICS).tolist() for facts in (stored, files)]
        assert touched[0] == touched[1]
        instants = [LAST - timedelta(days=days) for days in (0, 5, 20, 33, 59)]
        looks = [
            PromotionCheck(int(shop), instant, instant, ALL_REFUNDS) for shop in shops.numbers for instant in instants
        ]
        for metric in METRICS:
            queries, ranks = queries_of(program, metric, looks), ranks_from(plan, metric)
            figures = [facts.figures(metric.name, metric.levels, queries, ranks) for facts in (stored, files)]
            assert list(figures[0]) == list(figures[1]), metric


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(story=stories())
def test_arrays_and_the_database_agree_on_every_figure_of_every_look_and_of_every_bound(
    opened: World, story: Story
) -> None:
    world, plan = play(opened, story), compile_plan(PLAN)
    program, metrics = world.program, [metric for metric in METRICS if metric.name != EARNINGS]
    with TemporaryDirectory() as path, world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, program, COMMAND_LINE, world.container.now()), world.policies, Path(path))
        directory, timeline = HistoryDirectory.open(Path(path)), load_timeline(conn, program)
        asking = Timeline((TimelineEntry(0, LAST, "asking", 0, compile_plan(ASKING)),))
        source = ranking_source(directory, [asking], LAST, LATER)
        stored, arrays = StoredRanks(conn, program.program_id), ArrayRanks(program, source)
        arrays.begin(TermsBook(program, timeline, world.policies), LATER)
        arrays.know_refunds(ALL_REFUNDS, None)
        ladder = ladder_of(timeline)
        shops = [shops_at(facts, LAST) for facts in (stored, arrays)]
        assert shops[0].parents.tolist() == shops[1].parents.tolist()
        columns = [
            RankFigures(facts, program, ladder, shops[0], LAST).read(plan, metrics) for facts in (stored, arrays)
        ]
        touched = [touched_shops(facts, shops[0], METRICS).tolist() for facts in (stored, arrays)]
        assert touched[0] == touched[1]
        instants = [LAST - timedelta(days=days, hours=hours) for days in (0, 5, 20, 33, 59) for hours in (0, 7)]
        looks = [
            PromotionCheck(int(shop), instant, until, back)
            for shop in shops[0].numbers
            for instant in instants
            for until in (instant, instant + timedelta(days=3))
            for back in (ALL_REFUNDS, instant, instant - timedelta(days=4))
        ]
        for metric in metrics:
            assert columns[0][metric].tolist() == columns[1][metric].tolist(), metric
            queries, ranks = queries_of(program, metric, looks), ranks_from(plan, metric)
            figures = [facts.figures(metric.name, metric.levels, queries, ranks) for facts in (stored, arrays)]
            assert list(figures[0]) == list(figures[1]), metric
