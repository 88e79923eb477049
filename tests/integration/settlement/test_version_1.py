"""A database that an earlier version filled explains, refunds and audits right after the migration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from distrib.bootstrap import Container
from distrib.domain.settlement.snapshot import Snapshot
from distrib.services.orders.explanations import Explanation, explain_order
from distrib.services.programs.tenants import find_program
from distrib.settings import Settings
from distrib.store import migrate
from tests.world import audited, databases
from tests.world.documents import PAID, cancelled, line, refunded, settled
from tests.world.world import World

ROWS = Path(__file__).parents[2] / "data" / "version_1.sql"
LATER = PAID + timedelta(days=40)
EARNED = {"a": 1_849, "b": 6_364, "c": 3_567, "x": 90, "y": 488, "z": 800}
EXPECTED = {"a": 275, "b": 600, "c": 600}
"""What the version that wrote the rows said of its own orders."""
REASONS = {
    "o-capped": [2_400, 1_500, 0, 0, 0, 0, 1_000, 0, 0, 0],
    "o-own": [0, 500, 250, 0, 0, 0],
    "o-frozen": [800, 400, 0, 0, 0],
    "o-led": [900, 0, 0, 90, 0, 10, 0, 0, 0, 0],
    "o-group": [600, 300, 0, 0, 88],
    "o-plain": [900, 375, 0, 0, 0, 267, 111, 0, 0, 0],
}


@pytest.fixture
def kept(desk: databases.Desk, settings: Settings, redis_url: str) -> Iterator[World]:
    """The program of the rows, migrated to today's schema, and audited after the test."""
    with databases.older_database(desk, "0011", ROWS) as url:
        migrate.upgrade(url)
        container = Container(settings, url, redis_url)
        with container.begin() as conn:
            program = find_program(conn, "test")
        yield World(container, program)
        container.close()
        audited.audit_all(url)


def explained(world: World, order_id: str) -> Explanation:
    with world.container.begin() as conn:
        return explain_order(conn, world.program, order_id)


def test_every_order_explains_itself_as_the_version_that_kept_it_did(kept: World) -> None:
    for (order_id,) in kept.rows("SELECT o.order_id FROM settlements JOIN orders o USING (program_id, order_no)"):
        explanation = explained(kept, order_id)
        assert explanation.agrees, order_id
        amounts = [look.amount_minor for look in explanation.looks]
        assert amounts == REASONS.get(order_id, amounts)
    assert (kept.earned(), kept.expected()) == (EARNED, EXPECTED)


def test_old_snapshots_refund_cancel_and_settle_to_the_unit(kept: World) -> None:
    refunds = [refunded(f"back-{order_id}", order_id, None, LATER) for order_id in ("o-plain", "o-own", "o-led")]
    kept.post(*refunds, cancelled("cancel-capped", "o-capped", LATER), refunded("part", "o-group", {"1": 2_000}, LATER))
    kept.post(
        settled(
            "e-open",
            "o-open",
            "c",
            line(4_000),
            line(1_000, "2"),
            paid_at=PAID + timedelta(days=6),
            customer_id="k",
            occurred_at=LATER,
        ),
        settled(
            "e-early",
            "o-early",
            "b",
            line(4_000),
            line(1_000, "2"),
            paid_at=PAID + timedelta(days=6),
            customer_id="k",
            occurred_at=LATER,
        ),
    )
    kept.drain()
    left = {order_id: explained(kept, order_id) for order_id in ("o-plain", "o-own", "o-led", "o-capped")}
    for order_id, explanation in left.items():
        assert explanation.agrees, order_id
        assert {look.amount_minor for look in explanation.looks} == {0}
    amounts = {order: [look.amount_minor for look in explained(kept, order).looks] for order in ("o-group", "o-early")}
    assert amounts == {"o-group": [400, 200, 0, 0, 59], "o-early": [250, 125, 0, 0, 0, 100, 50, 0, 0, 0]}
    assert kept.outcome("e-open") == ("done", None)
    assert set(kept.expected().values()) == {0}


def test_new_orders_beside_old_ones_are_kept_by_name_and_sql_reads_both(kept: World) -> None:
    kept.earn(
        settled("new", "o-new", "c", line(0), paid_at=LATER, customer_id="c"),
        settled("new-2", "o-new-2", "c", line(500), paid_at=LATER, customer_id="other"),
    )
    rows = kept.rows(
        "SELECT o.order_id, s.snapshot, snapshot_is_self_purchase(s.snapshot) FROM settlements s"
        " JOIN orders o USING (program_id, order_no)"
    )
    assert {json.loads(snapshot)["v"] for order_id, snapshot, _ in rows if order_id.startswith("o-new")} == {2}
    assert {order_id for order_id, _, is_self_purchase in rows if is_self_purchase} == {"o-own", "o-free", "o-new"}
    for _, snapshot, is_self_purchase in rows:
        assert Snapshot.from_json(snapshot).is_self_purchase == is_self_purchase
