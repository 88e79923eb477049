"""What if on a program of platform size: plans tried on its history, by ranks as they were and replayed; checks.

What a simulation comes to is tested elsewhere; here every statement of it only has to run, on many rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.history.exporting import export_history
from distrib.services.history.schema import COLUMNS
from distrib.services.plans.versions import load_timeline
from distrib.services.simulations.checking import check_as_published
from distrib.services.simulations.files import ORDERS, SHOPS, SimulationFile, file_of
from distrib.services.simulations.own_tables import TableRanks
from distrib.services.simulations.replaying import Replayed, replay
from distrib.services.simulations.running import PaidSpan, enter_history, own_ranks
from distrib.store.simulations import ranks as rank_rows
from tests.world.documents import line, settled
from workers.simulations import run_simulations

if TYPE_CHECKING:
    from tests.world.platform_day import PlatformDay

SPAN = {"from": "2024-03-20T00:00:00Z", "to": "2024-05-01T00:00:00Z"}
ALL = PaidSpan(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
LATE = datetime(2024, 4, 20, tzinfo=UTC)
APRIL = datetime(2024, 4, 10, 2, tzinfo=UTC)
CANDIDATE: dict[str, Any] = {
    "code": "dearer",
    "currency": "CNY",
    "hold_days": 7,
    "tiers": 2,
    "ranks": [
        {"code": "member"},
        {
            "code": "owner",
            "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 40_000},
            "keep": {
                "all": [
                    {"metric": "personal_orders", "window": "month", "at_least": 1},
                    {"metric": "customers", "window": "month", "at_least": 1},
                ]
            },
        },
    ],
    "rules": [
        {"id": "seller", "pay": "seller", "rate": "0.11", "cap": {"per_month_minor": 60_000_000}},
        {"id": "own", "pay": "seller", "rate": "0.01", "group": "own", "requires": {"min_personal_sales_minor": 9}},
        {"id": "welcome", "pay": "seller", "rate": "0.02", "group": "welcome", "where": {"customer": "new"}},
    ],
    "pools": [{"id": "all", "rate": "0.01", "weights": {"owner": 1}}],
}


def simulate_day(day: PlatformDay) -> None:
    """Asks, answers, opens figures, cancels, writes files, and holds the ledger and its ranks against their plans."""
    world, shop = day.api.world, day.shop(1)
    world.post(settled("sim-evt", "sim-o", shop, line(100), currency="USD", paid_at=APRIL))
    day.drain()
    for more in ({}, {"ranks": "replayed"}):
        asked = day.good("POST", "/v1/simulations", SPAN | {"plan": CANDIDATE} | more)
        run_simulations(world.container)
        answered = day.good("GET", f"/v1/simulations/{asked['id']}")
        assert answered["status"] == "done", answered["problem"]
        for query in ("", f"?shop_id={shop}", "?rule=seller", "?reason=order_cap"):
            day.good("GET", f"/v1/simulations/{asked['id']}/orders{query}")
        with world.container.begin() as conn:
            for detail in (SHOPS, ORDERS):
                wanted = SimulationFile(asked["id"], "csv", detail, "en")
                assert b"".join(file_of(conn, world.program, wanted))
    plain = CANDIDATE | {"code": "plain", "rules": [{"id": "seller", "pay": "seller", "rate": "0.11"}], "pools": []}
    day.good("POST", "/v1/simulations", SPAN | {"plan": plain})
    run_simulations(world.container)
    waiting = day.good("POST", "/v1/simulations", SPAN | {"plan": CANDIDATE, "refunds": "none"})
    day.good("DELETE", f"/v1/simulations/{waiting['id']}")
    day.good("POST", "/v1/plans", CANDIDATE)
    _check(day)
    _export(day)


def _export(day: PlatformDay) -> None:
    container, program = day.api.world.container, day.api.world.program
    with TemporaryDirectory() as directory, container.worker_engine.begin() as conn:
        enter_history(conn)
        unit = Unit(conn, program, COMMAND_LINE, container.now())
        exported = export_history(unit, container.policies, Path(directory))
    assert {file.kind for file in exported.written} == {*COLUMNS}


def _check(day: PlatformDay) -> None:
    container, program, now = day.api.world.container, day.api.world.program, day.api.world.now()
    with container.worker_engine.begin() as conn:
        enter_history(conn)
        checked = check_as_published(conn, program, container.policies, ALL)
        assert checked.shown == []
        timeline = load_timeline(conn, program)
        with own_ranks(conn, container.worker_engine.begin) as own:
            rank_rows.evaluated_months(own, program.program_id)
            months = Replayed(LATE, ALL.until, lambda _period: None)
            replay(TableRanks(own, program, now), program, container.policies, timeline, months)
            rank_rows.unlike_ranks(own, program.program_id)
