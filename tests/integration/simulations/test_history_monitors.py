"""Structure monitors over files: what the database measures and finds at that instant, key by key, by any engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import MEASURES, PAYEE, PROGRAM, TREE, Monitor
from distrib.domain.policies.policy import Policy
from distrib.services.compliance.by_name import as_json, by_name
from distrib.services.compliance.monitors import structure_view
from distrib.services.compliance.structure import Structure, measure_structure
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.history import orders, parquet
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.engines import Engine
from distrib.services.history.exporting import export_history
from distrib.services.history.structure import structure_of_files
from distrib.services.ledger.adjustments import AdjustmentDraft, approve_adjustment, propose_adjustment
from distrib.services.programs.settings import set_program
from distrib.services.programs.wanted_settings import ProgramSettings
from distrib.services.simulations.running import enter_history
from distrib.services.statements.pools import pay_pools
from distrib.store import customer_merges
from distrib.store.customers import insert_customer_shop
from distrib.store.recorded import Recorded
from tests.integration.compliance.test_penalties import organise, penalise, withdraw
from tests.integration.simulations.test_history_simulated import by_a_worker_that_dies, cluster
from tests.integration.simulations.test_in_columns import seed
from tests.integration.simulations.test_in_columns import told as eventful
from tests.integration.simulations.test_simulations import PLAN, told
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, refunded, settled
from tests.world.payouts import pay, payee, put
from tests.world.world import World, chain

__all__ = ["cluster", "eventful", "seed", "told"]

DAY = timedelta(days=1)
SALES = {"metric": "personal_sales_minor", "at_least": 1_000}
RANKED: dict[str, Any] = {
    **PLAN,
    "code": "ranked",
    "ranks": [
        {"code": "member"},
        {
            "code": "gold",
            "promote": {"any": [{**SALES, "window": window} for window in ("30d", "month", "ever")]},
        },
    ],
}


@pytest.fixture(autouse=True)
def _many_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of few orders have several row groups, as those of many have."""
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", 11)
    monkeypatch.setattr(orders, "ORDERS_AT_ONCE", 7)


def watching(policies: Mapping[str, Policy], each: int) -> dict[str, Policy]:
    """The packs, each of which watches everything that can be measured of trees, payees and programs."""
    monitors = tuple(
        Monitor(f"ALL-{scope}-{measure}", scope, (Threshold(measure, "at_least", 0),), "hold", "law", "en", "zh", each)
        for scope in (TREE, PAYEE, PROGRAM)
        for measure in MEASURES[scope]
    )
    return {name: replace(policies[name], monitors=monitors) for name in ("open", "cn", "cn-strict")}


def exported(world: World, directory: Path) -> HistoryDirectory:
    """The history of a program as it stands, in files."""
    with world.container.worker_engine.begin() as conn:
        enter_history(conn)
        export_history(Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.policies, directory)
    return HistoryDirectory.open(directory)


def measured(world: World, policies: Mapping[str, Policy], as_of: datetime) -> Structure:
    """What the database comes to."""
    with world.container.begin() as conn:
        return measure_structure(conn, world.program, policies, as_of)


def same(world: World, directory: HistoryDirectory, as_of: datetime) -> Structure:
    """The structure at an instant, which is the same by files and by the database."""
    for each in (2, 1_000):
        policies = watching(world.container.policies, each)
        by_files = structure_of_files(directory, policies, as_of, Engine())
        expected = measured(world, policies, as_of)
        assert by_files.figures == expected.figures
        assert by_files == expected
        assert structure_view(world.program, by_files) == structure_view(world.program, expected)
    return expected


@pytest.fixture
def crowded(world: World) -> World:
    """Trees of which everything is known that a monitor can ask: buyers, entry lines, refunds, payees, penalties."""
    world.publish(RANKED)
    world.join(*chain("a", "b", "c", "d"), ("e", "a"), ("f", "b"), *chain("x", "y"), ("z", None))
    world.join(("late", "e"), joined_at=PAID + 20 * DAY)
    world.move("f", "z", PAID + 15 * DAY)
    customers = ("ann", "bob", "cid", "x", "buyer", None)
    events = []
    for number in range(60):
        customer = customers[number % 6]
        sold = [line(900 + 100 * (number % 3)), line(3_000, "2", entry=True)] if number % 5 == 0 else [line(1_000)]
        more = {} if customer is None else {"customer_id": customer}
        paid_at = PAID + (number * 2 - 40) * DAY
        events.append(settled(f"s{number}", f"o{number}", "abcdefxyz"[number % 9], *sold, paid_at=paid_at, **more))
    world.earn(*events)
    world.earn(
        refunded("r1", "o20", {"1": 300, "2": 1_000}, PAID + 20 * DAY),
        refunded("r2", "o45", {"2": 3_000}, PAID + 60 * DAY),
        refunded("r3", "o7", None, PAID + 61 * DAY),
        {
            "id": "u1",
            "type": "refund.reversed",
            "refund_id": "r3",
            "occurred_at": (PAID + 62 * DAY).isoformat(),
        },
    )
    number = world.program.program_id
    shop_no = world.rows("SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = 'e'")[0][0]
    with world.container.begin() as conn:
        for customer, into, day in (("ann", "bob", 8), ("bob", "cid", 30), ("buyer", "y", 40)):
            customer_merges.insert_merge(conn, number, customer, into, Recorded(PAID + day * DAY, "test"))
        insert_customer_shop(conn, number, "cid", shop_no, Recorded(PAID + 35 * DAY, "test"))
        insert_customer_shop(conn, number, "cid", None, Recorded(PAID + 50 * DAY, "test"))
    for shop, identity in (("a", "1"), ("c", "1"), ("e", "1"), ("x", "2"), ("y", "2"), ("z", "3"), ("d", "4")):
        put(world, shop, payee(f"11010119900307{identity:0>4}"))
    ben, now = Actor("ben", "Ben", "finance"), world.container.now()
    with world.container.begin() as conn:
        for month in (202603, 202604):
            pay_pools(Unit(conn, world.program, COMMAND_LINE, now), month)
        adjustment = AdjustmentDraft("adjusted", "x", -70, "a test")
        propose_adjustment(Unit(conn, world.program, COMMAND_LINE, now), adjustment)
        approve_adjustment(Unit(conn, world.program, ben, now), "adjusted")
    pay(world, "paid", now - timedelta(seconds=2))  # the files are exported after the result, a second later
    lately = world.program.day_of(now) - timedelta(days=30)  # such a penalty counts for a year
    penalise(world, "p-1", shop_id="b", decided_on=lately)
    penalise(world, "p-2", organiser_id="boss", kind="criminal", decided_on=date(2020, 1, 1))
    penalise(world, "p-3", shop_id="y", decided_on=lately)
    organise(world, "boss", "a", "x")
    organise(world, "other", "z")
    organise(world, None, "z")
    return world


def test_files_measure_and_find_at_every_instant_what_the_database_does(crowded: World, tmp_path: Path) -> None:
    then = crowded.container.now()
    withdraw(crowded, "p-3")
    put(crowded, "y", payee("110101199003070009"))
    directory = exported(crowded, tmp_path)
    ends = [PAID + days * DAY for days in (-41, -20, 0, 8, 31, 36, 45, 61, 63, 100)]
    month_end = datetime(2026, 3, 31, 16, tzinfo=UTC)
    seen = [
        same(crowded, directory, as_of)
        for as_of in (*ends, month_end, month_end - timedelta(microseconds=1), then, directory.manifest.now)
    ]
    last = seen[-1]
    assert last.figures["buyers"]
    assert last.figures["entry_minor"]
    assert [unit.subject for unit in last.organisers] == ["organiser:boss"]
    assert {finding.subject for finding in last.findings if finding.monitor.scope == PAYEE} == {"shop:a"}
    assert [len(structure.penalties) for structure in seen[-2:]] == [3, 2]
    [paid] = [finding for finding in last.findings if finding.monitor.id == "ALL-program-year_payees"]
    assert paid.figures["year_payees"]


def test_a_pack_of_before_judges_the_instants_of_before(crowded: World, tmp_path: Path) -> None:
    before = crowded.container.now()
    with crowded.container.begin() as conn:
        wanted: ProgramSettings = {"policy": "cn"}
        now = crowded.container.now()
        crowded.program = set_program(Unit(conn, crowded.program, COMMAND_LINE, now), wanted, crowded.policies, None)
    directory = exported(crowded, tmp_path)
    policies = watching(crowded.container.policies, 1)
    packs = []
    for as_of in (before, directory.manifest.now):
        by_files = structure_of_files(directory, policies, as_of, Engine())
        assert by_files == measured(crowded, policies, as_of)
        packs.append({finding.pack for finding in by_files.findings})
    assert packs == [{policies["open"].version}, {policies["cn"].version}]


def test_a_random_program_comes_to_the_same(eventful: World, seed: int, tmp_path: Path) -> None:
    directory = exported(eventful, tmp_path)
    for days in (-5, 10, 33, 61, 100):
        by_files = structure_of_files(directory, watching(eventful.container.policies, 2), PAID + days * DAY, Engine())
        expected = measured(eventful, watching(eventful.container.policies, 2), PAID + days * DAY)
        assert by_files == expected, seed


def test_the_command_answers_without_a_database_whoever_sums_the_months(
    told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = told.world
    name_servers(world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    answers = [
        run("history", "monitors", tmp_path / "h", "--on", "2026-04-15", "--json", *words)
        for words in ((), ("--engine", "dask"))
    ]
    assert len({answer.stdout for answer in answers}) == 1
    view = json.loads(answers[0].stdout)
    expected = structure_view(
        world.program, measured(world, world.container.policies, datetime(2026, 4, 14, 16, tzinfo=UTC))
    )
    shown = json.loads(json.dumps(by_name(expected), default=as_json))
    assert {name: view[name] for name in shown} == shown | {"as_of": view["as_of"]}
    assert answers[0].exit_code == any(finding["severity"] != "info" for finding in view["findings"])
    assert "From the files of" in run("history", "monitors", tmp_path / "h", "--lang", "en").output
    for words in (("--on", "2999-01-01"), ("--on", "never"), ("--scheduler", "tcp://127.0.0.1:1")):
        refused = run("history", "monitors", tmp_path / "h", *words).exception
        assert isinstance(refused, Refusal)
        assert refused.code == ("history_too_little" if words[1] == "2999-01-01" else "invalid")


def test_a_worker_that_dies_in_the_middle_changes_nothing(
    told: Api,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cluster: Callable[..., subprocess.Popen[bytes]],
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    asked = ("history", "evaluate", tmp_path / "h", "--period", "2026-04", "--json")
    by_dask = by_a_worker_that_dies(cluster, tmp_path, lambda scheduler: run(*asked, *scheduler))
    assert json.loads(by_dask.stdout) == json.loads(run(*asked).stdout)
