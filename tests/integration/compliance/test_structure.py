"""The monitors over real rows: trees, organisers, takings and shares, and what the packs make of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distrib.services.compliance import monitors
from distrib.services.compliance.cases import CaseDecision, decide_case
from distrib.services.compliance.monitors import MONITOR
from distrib.services.compliance.structure import Structure, measure_structure
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import shops
from distrib.services.network.moves import Move
from distrib.services.network.records import ShopChanges, change_shop
from tests.world.documents import PAID, line, refunded, settled
from tests.world.world import EARLY, World, chain

CN_PLAN: dict[str, Any] = {
    "code": "cn-plan",
    "currency": "CNY",
    "policy": "cn",
    "hold_days": 0,
    "declarations": {"minimum_age": 18},
    "rules": [
        {"id": "own", "pay": "seller", "rate": "0.10"},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
LATER = PAID + timedelta(days=10)


@pytest.fixture
def cn(world: World) -> World:
    """An open program whose plan names the pack of China, so that deep trees can be made and are judged."""
    world.publish(CN_PLAN)
    return world


def measure(world: World, as_of: datetime = LATER) -> Structure:
    with world.container.begin() as conn:
        return measure_structure(conn, world.program, world.container.policies, as_of)


def findings_of(world: World, as_of: datetime = LATER) -> set[tuple[str, str]]:
    return {(finding.monitor.id, finding.subject) for finding in measure(world, as_of).findings}


def children(root: str, count: int, prefix: str = "c") -> list[tuple[str, str | None]]:
    return [(f"{prefix}{number}", root) for number in range(count)]


def organise(world: World, organiser_id: str, *roots: str) -> None:
    with world.container.begin() as conn:
        for root in roots:
            wanted = ShopChanges(organiser_id=organiser_id)
            change_shop(Unit(conn, world.program, COMMAND_LINE, world.container.now()), root, wanted)


def test_thirty_persons_in_two_levels_raise_the_early_warning_alone(cn: World) -> None:
    cn.join(("a", None), *children("a", 29))
    assert findings_of(cn) == {("CN-M03", "tree:a")}


def test_thirty_persons_in_three_levels_are_team_pay_without_a_fee_and_a_case_with_one(cn: World) -> None:
    cn.join(("a", None), *children("a", 28), ("g", "c0"))
    ids = {finding for finding, subject in findings_of(cn) if subject == "tree:a"}
    assert ids == {"CN-M02", "CN-M03"}
    cn.earn(settled("e", "o", "g", line(39_900, entry=True)))
    ids = {finding for finding, subject in findings_of(cn) if subject == "tree:a"}
    assert ids == {"CN-M01", "CN-M03", "CN-M09"}


def test_twenty_nine_persons_in_three_levels_are_not_enough(cn: World) -> None:
    cn.join(("a", None), *children("a", 27), ("g", "c0"))
    assert {finding for finding, subject in findings_of(cn) if subject == "tree:a"} == {"CN-M03"}


def test_the_trees_of_one_organiser_are_added_when_one_of_them_is_deep(cn: World) -> None:
    cn.join(("a", None), *children("a", 18), ("g", "c0"), ("b", None), *children("b", 14, "d"))
    assert not {subject for finding, subject in findings_of(cn) if finding == "CN-M02"}
    organise(cn, "boss", "a", "b")
    assert measure(cn).organisers == []  # at that instant they had none
    structure = measure(cn, cn.container.now())
    assert ("CN-M02", "organiser:boss") in {(finding.monitor.id, finding.subject) for finding in structure.findings}
    [boss] = structure.organisers
    assert (boss.figures["persons"], boss.figures["levels"], boss.figures["trees"]) == (35, 3, 2)


def test_trees_of_one_organiser_without_a_deep_one_are_not_added(cn: World) -> None:
    cn.join(("a", None), *children("a", 19), ("b", None), *children("b", 14, "d"))
    organise(cn, "boss", "a", "b")
    assert measure(cn, cn.container.now()).organisers == []


def test_a_chain_of_51_levels_raises_what_it_should(cn: World) -> None:
    cn.join(*chain(*(f"s{number}" for number in range(51))))
    structure = measure(cn)
    assert {finding.monitor.id for finding in structure.findings if finding.subject == "tree:s0"} == {
        "CN-M02",
        "CN-M03",
    }
    assert (structure.figures["deepest_level"], structure.figures["deep_share"]) == (51, 1_000_000)
    [m05] = [finding for finding in structure.findings if finding.monitor.id == "CN-M05"]
    assert str(m05.figure) == "deep_trees 1, deepest_level 51, deep_share 1"


def test_a_buyer_is_counted_beside_and_a_shop_that_buys_is_no_buyer(cn: World) -> None:
    cn.join(("a", None), ("b", "a"))
    cn.earn(
        settled("e1", "o1", "b", line(100), customer_id="c"),
        settled("e2", "o2", "b", line(100), customer_id="c"),
        settled("e3", "o3", "b", line(100), customer_id="a"),
    )
    [tree] = measure(cn).largest
    figures = tree.figures
    assert (figures["persons"], figures["levels"]) == (2, 2)
    assert (figures["persons_with_buyers"], figures["levels_with_buyers"], figures["buyers"]) == (3, 3, 1)


def test_entry_takings_are_net_of_refunds_and_pay_is_split_by_whose_sale_it_was(cn: World) -> None:
    cn.join(("a", None), ("b", "a"))
    cn.earn(
        settled("e1", "o1", "b", line(10_000), line(30_000, "2", entry=True), customer_id="c"),
        settled("e2", "o2", "b", line(20_000), customer_id="b"),
        refunded("r1", "o1", {"1": 5_000, "2": 10_000}),
    )
    [tree] = measure(cn).largest
    figures = tree.figures
    assert (figures["entry_minor"], figures["recent_entry_minor"]) == (20_000, 20_000)
    assert (figures["sales_minor"], figures["retail_minor"]) == (45_000, 25_000)
    assert (figures["direct_minor"], figures["indirect_minor"]) == (500 + 2_000, 250)
    before = measure(cn, PAID + timedelta(days=1)).largest[0].figures
    assert (before["entry_minor"], before["sales_minor"], before["direct_minor"]) == (30_000, 60_000, 3_000)


def test_what_is_older_than_twelve_months_is_no_fee_of_today(cn: World) -> None:
    cn.join(("a", None), *children("a", 28), ("g", "c0"))
    cn.earn(settled("e", "o", "g", line(39_900, entry=True)))
    ids = {finding for finding, subject in findings_of(cn, PAID + timedelta(days=400)) if subject == "tree:a"}
    assert ids == {"CN-M02", "CN-M03"}


def test_the_tree_is_that_of_the_instant(cn: World) -> None:
    cn.join(*chain("a", "b", "c"))
    moved_at = PAID + timedelta(days=3)
    with cn.container.begin() as conn:
        pack = cn.container.policies["open"]
        shops.move_shop(
            Unit(conn, cn.program, COMMAND_LINE, cn.container.now()), pack, "c", Move(None, moved_at, "a test")
        )
    shapes = [
        [(tree.subject, tree.figures["persons"], tree.figures["levels"]) for tree in measure(cn, as_of).largest]
        for as_of in (PAID, moved_at, EARLY - timedelta(days=1))
    ]
    assert shapes == [[("tree:a", 3, 3)], [("tree:a", 2, 2), ("tree:c", 1, 1)], []]


def test_a_pack_that_leaves_the_organiser_out_counts_one_less_of_each(cn: World) -> None:
    cn.join(("a", None), *children("a", 28), ("g", "c0"))
    pack = replace(cn.container.policies["cn"], count_root=False)
    with cn.container.begin() as conn:
        policies = {"cn": pack, "open": cn.container.policies["open"]}
        structure = measure_structure(conn, cn.program, policies, LATER)
    figures = {finding.monitor.id: str(finding.figure) for finding in structure.findings if finding.subject == "tree:a"}
    assert figures == {"CN-M03": "persons 29"}


def test_program_wide_signals_are_raised(cn: World) -> None:
    cn.join(("a", None), ("b", "a"), joined_at=datetime(2026, 3, 2, tzinfo=UTC))
    cn.earn(
        settled("e1", "o1", "b", line(1_000), customer_id="a", paid_at=LATER),
        settled("e2", "o2", "b", line(1_000, entry=True), customer_id="c", paid_at=LATER),
    )
    ids = {finding for finding, subject in findings_of(cn, LATER + timedelta(days=1)) if subject == "program"}
    assert ids == {"CN-M06", "CN-M07"}


def test_many_shops_exactly_at_a_threshold_are_a_signal(world: World) -> None:
    promote = {"metric": "personal_sales_minor", "window": "30d", "at_least": 5_000}
    ranks = [{"code": "member"}, {"code": "gold", "promote": promote}]
    world.publish({**CN_PLAN, "ranks": ranks})
    world.join(*((f"s{number}", None) for number in range(12)))
    world.earn(*(settled(f"e{n}", f"o{n}", f"s{n}", line(5_000 if n < 10 else 9_000)) for n in range(12)))
    [signal] = [finding for finding in measure(world).findings if finding.monitor.id == "CN-M08"]
    assert str(signal.figure) == "at_rank_threshold 10, share_at_rank_threshold 0.833333"


def test_earners_of_the_quarter_before_and_of_the_month_are_counted(cn: World) -> None:
    cn.join(("a", None))
    cn.earn(settled("e", "o", "a", line(100_000_000)))
    in_month = {finding.monitor.id: str(finding.figure) for finding in measure(cn).findings}
    assert in_month["CN-T02"] == "month_earners 1"
    assert "CN-T01" not in in_month
    later = measure(cn, PAID + timedelta(days=40)).findings
    next_quarter = {finding.monitor.id: str(finding.figure) for finding in later}
    assert next_quarter["CN-T01"] == "quarter_earners 1"
    assert "CN-T02" not in next_quarter


def test_under_the_american_pack_sponsors_with_few_buyers_are_reported(world: World) -> None:
    world.publish({**CN_PLAN, "policy": "us"})
    world.join(("a", None), ("b", "a"))
    world.earn(settled("e", "o", "b", line(10_000), customer_id="c"))
    figures = {finding.monitor.id: str(finding.figure) for finding in measure(world).findings}
    assert figures == {"US-S02": "sponsors_with_few_buyers 1"}


def test_more_trees_than_are_reported_are_counted(cn: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distrib.services.compliance.tree_units.MOST_SUBJECTS", 2)
    cn.join(*(pair for n in range(5) for pair in chain(f"a{n}", f"b{n}", f"c{n}")))
    levels = [finding for finding in measure(cn).findings if finding.monitor.id == "CN-M03"]
    assert [(row.subject, str(row.figure)) for row in levels] == [
        ("tree:a0", "levels 3"),
        ("tree:a1", "levels 3"),
        ("more trees", "trees 3"),
    ]


def run(world: World) -> monitors.MonitorRun:
    with world.container.begin() as conn:
        return monitors.run_monitors(
            Unit(conn, world.program, MONITOR, world.container.now()), world.container.policies
        )


def test_every_tree_that_is_to_be_held_gets_its_case_however_many_are_reported(
    cn: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distrib.services.compliance.tree_units.MOST_SUBJECTS", 2)
    cn.join(*((root, None) for root in "abcd"))
    cn.join(*(pair for root in "abcd" for pair in children(root, 119, f"{root}-")))
    first = run(cn)
    held = [(finding.subject, str(finding.figure)) for finding in first.findings if finding.id == "CN-M04"]
    assert held == [("tree:a", "persons 120"), ("tree:b", "persons 120"), ("more trees", "trees 2")]
    assert first.cases_opened == ["tree:a", "tree:b", "tree:c", "tree:d"]
    cases = cn.rows("SELECT subject, evidence::jsonb ->> 'persons' FROM compliance_cases ORDER BY case_no")
    assert sorted(cases) == [(f"tree:{root}", "120") for root in "abcd"]
    assert run(cn).cases_opened == []


def test_a_case_that_was_dismissed_comes_back_only_with_other_figures(cn: World) -> None:
    cn.join(("a", None), *children("a", 119))
    assert run(cn).cases_opened == ["tree:a"]
    [(case_no,)] = cn.rows("SELECT case_no FROM compliance_cases")
    with cn.container.begin() as conn:
        decide_case(
            Unit(conn, cn.program, COMMAND_LINE, cn.container.now()),
            case_no,
            CaseDecision("dismiss", None, "Li", "seen"),
        )
    assert run(cn).cases_opened == []
    cn.join(("z", "a"))
    assert run(cn).cases_opened == ["tree:a"]


def test_a_run_keeps_what_is_new_and_opens_one_case_for_what_is_to_be_held(cn: World) -> None:
    recently = cn.container.now() - timedelta(days=30)
    cn.join(("a", None), *children("a", 28), ("g", "c0"))
    cn.earn(settled("e", "o", "g", line(39_900, entry=True), paid_at=recently))
    first, second = run(cn), run(cn)
    assert first.cases_opened == ["tree:a"]
    assert (second.cases_opened, second.new_findings) == ([], 0)
    kept = {row[0]: row[1] for row in cn.rows("SELECT id, action FROM compliance_findings WHERE subject = 'tree:a'")}
    assert kept == {"CN-M01": "case_opened", "CN-M03": "reported", "CN-M09": "reported"}
    cn.join(("h", "c1"))
    assert run(cn).new_findings > 0
    assert len(cn.rows("SELECT * FROM compliance_cases WHERE program_id = :program")) == 1


def test_a_program_is_due_once_a_day_of_its_own(cn: World) -> None:
    with cn.container.begin() as conn:
        now = cn.container.now()
        assert cn.program.program_id in monitors.programs_due(conn, now)
    run(cn)
    with cn.container.begin() as conn:
        assert cn.program.program_id not in monitors.programs_due(conn, cn.container.now())
        assert cn.program.program_id in monitors.programs_due(conn, now + timedelta(days=1))
