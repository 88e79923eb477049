"""Whatever counts customers counts persons: ranks, monthly evaluations, structure monitors; each by its own instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from distrib.services.audit import run as audit
from distrib.services.compliance.structure import measure_structure
from distrib.services.context import COMMAND_LINE, Unit
from distrib.store import customer_merges
from distrib.store.compliance.structure import sponsors_with_few_buyers
from distrib.store.customers import insert_customer_shop
from distrib.store.ranks import columns
from distrib.store.recorded import Recorded
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, settled
from tests.world.world import EARLY, World

DAY = timedelta(days=1)


def sale(order: str, customer: str, when: datetime, shop: str = "s", **more: Any) -> dict[str, Any]:
    more = {"paid_at": when, "occurred_at": when, "customer_id": customer, **more}
    return settled(f"e-{order}", order, shop, line(1_000), **more)


def merge(world: World, customer: str, into: str, merged_at: datetime) -> None:
    """A merge as it was recorded then."""
    with world.container.begin() as conn:
        customer_merges.insert_merge(conn, world.program.program_id, customer, into, Recorded(merged_at, "test"))


def counted(world: World, until: datetime) -> list[int]:
    """How many customers a monthly evaluation counts for each seller."""
    with world.container.begin() as conn:
        _, customers = columns.customers(conn, world.program.program_id, None, until)
    return sorted(map(int, customers))


def test_an_evaluation_counts_those_merged_by_its_instant_once(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None), ("t", None))
    world.earn(*(sale(f"o-{name}", name, PAID) for name in "abc"), sale("o-t", "a", PAID, "t"))
    merge(world, "a", "b", PAID + DAY)
    merge(world, "b", "c", PAID + 2 * DAY)
    assert [counted(world, PAID + n * DAY - timedelta(seconds=1)) for n in (1, 2, 3)] == [[1, 3], [1, 2], [1, 1]]
    assert counted(world, PAID + DAY) == [1, 2], "the instant of the merge is after it"


def test_a_promotion_counts_those_merged_by_its_instant_once(world: World) -> None:
    asked = {"metric": "customers", "window": "30d", "at_least": 2}
    ranks = [{"code": "member"}, {"code": "owner", "promote": asked}]
    world.publish({**SELLER_TEN_PERCENT, "ranks": ranks})
    world.join(("s", None), ("t", None))
    merge(world, "a", "b", PAID)
    merge(world, "x", "y", PAID + 5 * DAY)
    world.earn(
        sale("o-1", "a", PAID + DAY),
        sale("o-2", "b", PAID + DAY),
        sale("o-3", "x", PAID + DAY, "t"),
        sale("o-4", "y", PAID + DAY, "t"),
    )
    assert world.shop("t").rank == "owner"
    assert world.shop("s").rank == "member"
    world.earn(sale("o-5", "c", PAID + 3 * DAY))
    assert world.shop("s").rank == "owner"


def figures(world: World, as_of: datetime) -> dict[str, int | None]:
    with world.container.begin() as conn:
        return measure_structure(conn, world.program, world.container.policies, as_of).figures


def test_the_structure_counts_a_person_as_one_buyer_of_the_shop_it_first_bought_from(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None), ("t", None))
    world.earn(sale("o-1", "a", PAID), sale("o-2", "b", PAID + DAY, "t"))
    merge(world, "a", "b", PAID + 3 * DAY)
    names = ("buyers", "persons_with_buyers", "retail_minor")
    seen = [[figures(world, PAID + n * DAY)[name] for name in names] for n in (2, 3)]
    assert seen == [[2, 4, 2_000], [1, 3, 2_000]]


def test_who_is_one_person_with_a_shop_is_no_retail_buyer(world: World) -> None:
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None), ("t", None))
    world.earn(sale("o-1", "a", PAID), sale("o-2", "b", PAID), sale("o-3", "c", PAID))
    with world.container.begin() as conn:
        shop_no = world.rows("SELECT shop_no FROM shops WHERE program_id = :program AND shop_id = 't'")[0][0]
        insert_customer_shop(conn, world.program.program_id, "b", shop_no, Recorded(EARLY, "test"))
    merge(world, "a", "b", PAID + DAY)
    merge(world, "c", "t", PAID + 2 * DAY)
    seen = [figures(world, PAID + n * DAY)["retail_minor"] for n in (0, 1, 2)]
    assert seen == [2_000, 1_000, 0]


def test_a_sponsors_retail_buyers_are_persons(world: World) -> None:
    upline = {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"}
    world.publish({**SELLER_TEN_PERCENT, "rules": [*SELLER_TEN_PERCENT["rules"], upline]})
    world.join(("s", None), ("t", "s"))
    world.earn(sale("o-1", "a", PAID), sale("o-2", "b", PAID), sale("o-3", "c", PAID, "t"))
    merge(world, "a", "b", PAID + DAY)

    def few(as_of: datetime) -> int:
        with world.container.begin() as conn:
            return sponsors_with_few_buyers(conn, world.program.program_id, EARLY, as_of, 2)

    assert [few(PAID + timedelta(hours=1)), few(PAID + DAY)] == [0, 1]


@pytest.mark.tampers
@pytest.mark.parametrize(
    "rows",
    [
        [("a", "b", "a"), ("b", "c", "b")],
        [("a", "b", "a"), ("b", "a", "b")],
        [("a", "b", "a"), ("x", "b", "a")],
        [("a", "b", "a"), ("a", "c", "x")],
    ],
    ids=["a chain", "a loop", "a row without a merge of its own", "another end than the merges lead to"],
)
def test_merges_that_are_no_longer_flat_are_noticed(world: World, owner: Engine, rows: list[tuple[str, ...]]) -> None:
    with owner.begin() as conn:
        for customer, into, merged in rows:
            values = {"program": world.program.program_id, "customer": customer, "into": into, "merged": merged}
            conn.execute(
                text(
                    "INSERT INTO customer_merges (program_id, customer_id, into_id, merged_id, merged_at, recorded_by)"
                    " VALUES (:program, :customer, :into, :merged, now(), 'test')"
                ),
                values,
            )
    with world.container.begin() as conn:
        audit.enter_snapshot(conn)
        result = audit.run_audit(
            Unit(conn, world.program, COMMAND_LINE, world.container.now()), world.container.policies
        )
    assert {check.name for check in result.checks if not check.ok} == {"customer_merges_flat"}
