"""Plans: kept as versions, published once, and in force from their instant on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.plans import versions
from distrib.services.plans.versions import PublicationDraft
from tests.world.documents import plan_document
from tests.world.world import NOW, World, web_world

DAY = timedelta(days=1)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with web_world(database_url) as opened:
        yield opened


def create(world: World, document: object) -> versions.PlanView:
    with world.begin() as conn:
        return versions.create_plan(Unit(conn, world.program, COMMAND_LINE, world.now()), document, world.policies)


def publish(
    world: World, version: int, effective_from: datetime, signed_off_by: str | None = None, code: str = "main"
) -> versions.PlanView:
    with world.begin() as conn:
        return versions.publish_plan(
            Unit(conn, world.program, COMMAND_LINE, world.now()),
            world.policies,
            code,
            version,
            PublicationDraft(effective_from, signed_off_by),
        )


def timeline(world: World) -> versions.Timeline:
    with world.begin() as conn:
        return versions.load_timeline(conn, world.program)


def refused(call: Any, *args: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(*args)
    return caught.value


def test_versions_of_a_code_count_from_one(world: World) -> None:
    assert [create(world, plan_document(hold_days=days)).version for days in (1, 2, 3)] == [1, 2, 3]
    assert create(world, plan_document(code="other")).version == 1


def test_the_newest_document_again_is_the_same_draft(world: World) -> None:
    first = create(world, plan_document())
    assert create(world, dict(reversed(plan_document(title=None).items()))) == first
    assert (first.status, first.effective_from, first.version) == ("draft", None, 1)
    create(world, plan_document(hold_days=3))
    assert create(world, plan_document()).version == 3


def test_a_document_with_problems_is_refused_with_all_of_them(world: World) -> None:
    document = plan_document(currency="USD", policy="nowhere", tiers=7, pools={})
    pointers = {problem.pointer for problem in refused(create, world, document).problems}
    assert {"currency", "policy", "tiers", "pools"} <= pointers
    assert refused(create, world, [1]).code == "plan_invalid"


def test_a_plan_may_name_a_stricter_pack_only(world: World) -> None:
    strict = create(world, plan_document(policy="cn", rules=[{"id": "up", "pay": "upline", "tier": 1, "rate": "0.1"}]))
    assert {finding.severity for finding in strict.findings} >= {"sign_off"}
    world.program = _with_policy(world, "cn-strict")
    assert [p.pointer for p in refused(create, world, plan_document(policy="open")).problems] == ["policy"]


def test_the_newest_effective_from_not_after_paid_at_wins_over_all_codes(world: World) -> None:
    world.publish(plan_document(), NOW)
    world.publish(plan_document(code="later"), NOW + 10 * DAY)
    world.publish(plan_document(code="between"), NOW + 5 * DAY)
    line = timeline(world)
    entries = [line.in_force(NOW + n * DAY) for n in (-1, 0, 4, 5, 10, 99)]
    assert [entry and entry.code for entry in entries] == [None, "main", "main", "between", "later", "later"]
    assert line.in_force(NOW + 5 * DAY - timedelta(microseconds=1)).version_no == 1  # type: ignore[union-attr]
    assert [entry.plan.code for entry in line.entries] == ["main", "between", "later"]


def test_a_draft_is_on_no_timeline(world: World) -> None:
    create(world, plan_document())
    assert timeline(world).entries == ()


def test_publishing_again_answers_as_the_first_time_and_never_moves_a_version(world: World) -> None:
    create(world, plan_document())
    first = publish(world, 1, NOW)
    assert publish(world, 1, NOW) == first
    assert refused(publish, world, 1, NOW + DAY).code == "plan_published"
    assert refused(publish, world, 2, NOW).code == "plan_unknown"
    create(world, plan_document(hold_days=1))
    assert refused(publish, world, 2, NOW).code == "effective_from_taken"


def test_what_the_pack_refuses_is_not_published_and_what_it_wants_signed_needs_a_name(database_url: str) -> None:
    paying_up = plan_document(rules=[{"id": "up", "pay": "upline", "tier": 1, "rate": "0.1"}], ranks=None)
    with web_world(database_url, "cn") as world:
        create(world, paying_up)
        refusal = refused(publish, world, 1, NOW)
        assert refusal.code == "sign_off_required"
        assert refusal.problems
        assert publish(world, 1, NOW, "Han Meimei").signed_off_by == "Han Meimei"
        world.program = _with_policy(world, "cn-strict")
        create(world, paying_up | {"hold_days": 1})
        assert refused(publish, world, 2, NOW + DAY, "Han Meimei").code == "plan_refused"


@pytest.mark.tampers
def test_a_version_may_start_in_the_past_until_an_order_paid_since_has_been_worked_on(world: World) -> None:
    create(world, plan_document())
    publish(world, 1, NOW - 50 * DAY)
    with world.container.worker_engine.begin() as conn:
        statement = (
            "INSERT INTO settlements (program_id, order_no, event_no, settled_at, paid_at, paid_minor, sales_minor,"
            " snapshot) VALUES (:p, 1, 1, :at, :at, 0, 0, '')"
        )
        conn.execute(text(statement), {"p": world.program.program_id, "at": NOW - 20 * DAY})
    create(world, plan_document(hold_days=1))
    assert refused(publish, world, 2, NOW - 20 * DAY).code == "orders_worked_on"
    assert publish(world, 2, NOW - 19 * DAY).status == "published"


def test_a_plan_that_drops_a_rank_some_shop_holds_is_refused(world: World) -> None:
    world.register("a")
    world.publish(plan_document(), NOW - DAY)
    world.set_rank("a", "owner")
    create(world, plan_document(ranks=[{"code": "member"}]))
    refusal = refused(publish, world, 2, NOW)
    assert (refusal.code, refusal.params) == ("rank_map_required", {"ranks": "owner (1)"})


def test_a_plan_published_after_the_fact_looks_at_who_gained_recruits_since(world: World) -> None:
    world.register("a")
    world.register("b", "a", joined_at=NOW - 3 * DAY)
    world.register("c", "b", joined_at=NOW - 30 * DAY)
    world.publish(plan_document(), NOW - 10 * DAY)
    assert world.rows("SELECT s.shop_id FROM rank_signals r JOIN shops s USING (program_id, shop_no)") == [("a",)]


def test_versions_are_listed_newest_first_and_in_pages(world: World) -> None:
    for days in range(5):
        create(world, plan_document(hold_days=days))
    with world.begin() as conn:
        first, follows = versions.list_plans(conn, world.program, world.policies, None, 3)
        rest, end = versions.list_plans(conn, world.program, world.policies, follows, 3)
        second = versions.get_plan(conn, world.program, world.policies, "main", 2)
    assert [view.version for view in first + rest] == [5, 4, 3, 2, 1]
    assert (end, second) == (None, rest[0])
    assert second.document["hold_days"] == 1


def test_one_document_sent_ten_times_at_once_is_one_version(world: World) -> None:
    with ThreadPoolExecutor(10) as pool:
        views = list(pool.map(lambda _: create(world, plan_document()), range(10)))
    assert {view.version for view in views} == {1}
    assert world.rows("SELECT count(*) FROM plan_versions") == [(1,)]


def test_two_documents_at_once_are_two_versions(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        views = list(pool.map(lambda days: create(world, plan_document(hold_days=days)), range(8)))
    assert sorted(view.version for view in views) == list(range(1, 9))


def _with_policy(world: World, policy: str) -> Program:
    return replace(world.program, policy=policy)
