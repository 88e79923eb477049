"""The figures ranks are decided by come out of files as out of the database: of all shops, and look by look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from distrib.domain.plans.plan import compile_plan
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.evaluating import months_of, question_of
from distrib.services.history.exporting import export_history
from distrib.services.history.ranks import FileRanks
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.services.ranks.basis import ALL_REFUNDS
from distrib.services.ranks.facts import StoredRanks
from distrib.services.ranks.figures import RankFigures, shops_at, touched_shops
from distrib.services.ranks.promotion import PromotionCheck, queries_of, ranks_from
from distrib.services.simulations.running import enter_history
from tests.property.ranks.test_figures import LAST, METRICS, PLAN, Story, opened, play, stories
from tests.world.world import World

__all__ = ["opened"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(story=stories())
def test_files_and_the_database_agree_on_every_figure_of_every_shop(opened: World, story: Story) -> None:
    world, plan = play(opened, story), compile_plan(PLAN)
    program = world.program
    with TemporaryDirectory() as path, world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(conn, program, world.policies, Path(path), world.container.now())
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
