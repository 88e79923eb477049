"""Who works is known by what it says of itself; who falls silent without a word is seen to be dead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from distrib.services.heartbeats import DRAINS, LOST_AFTER, WORKER
from tests.world.api import Api
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.processes import wait_until
from tests.world.world import chain
from workers import periodic
from workers.heartbeat import Heartbeat
from workers.jobs import drain
from workers.periodic import Periodic, Tending
from workers.runtime import install
from workers.supervisor import Supervisor


def processes(api: Api) -> dict[str, dict[str, Any]]:
    """Who is known, by its id."""
    return {row["id"]: row for row in api.caller("orders").get("/v1/workers")["processes"]}


def test_a_worker_tells_what_it_is_at_and_is_taken_for_dead_when_it_falls_silent(api: Api) -> None:
    world, container = api.world, api.world.container
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a"))
    worker, killed = Heartbeat(container, WORKER), Heartbeat(container, WORKER)
    killed.beat()
    worker.beat()
    assert {row["state"] for row in processes(api).values()} == {"idle"}
    install(container, worker)
    world.post(settled("e", "o", "a", line(1_000)))
    drain()
    with worker.engaged_in(DRAINS):
        worker.beat()
    own = processes(api)[worker.process_id]
    assert (own["state"], own["activity"], own["orders"], own["kind"]) == ("busy", "drains", 1, "worker")
    worker.end()
    seen_at = datetime.fromisoformat(processes(api)[killed.process_id]["seen_at"])
    api.stop_clock(seen_at + LOST_AFTER + timedelta(seconds=1))
    states = {name: row["state"] for name, row in processes(api).items()}
    assert states == {worker.process_id: "ended", killed.process_id: "lost"}
    install(container)


def test_a_supervisor_beats_while_it_watches_and_who_is_gone_for_a_day_is_forgotten(api: Api) -> None:
    container = api.world.container
    with api.world.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO service_processes (process_id, kind, began_at, seen_at, orders)"
            " VALUES ('old', 'worker', now() - interval '2 days', now() - interval '2 days', 0)"
        )
    supervisor = Supervisor(container, 0)
    supervisor.keep_watching()
    try:
        wait_until(lambda: len(processes(api)) == 1 and "old" not in processes(api), "it says that it lives")
    finally:
        supervisor.stop_watching()
    [own] = processes(api).values()
    assert (own["kind"], own["state"], own["activity"]) == ("supervisor", "idle", None)


def test_periodic_jobs_say_when_they_went_well_or_did_not_and_which_is_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise DBAPIError("SELECT", None, ValueError())

    table = (Periodic("goes_well", 60.0, lambda _: None), Periodic("fails", 60.0, fails))
    monkeypatch.setattr(periodic, "TABLE", table)
    tending = Tending(api.world.container)

    def jobs() -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in api.caller("finance").get("/v1/workers")["jobs"]}

    tending.keep()
    wait_until(lambda: len(jobs()) == len(table), "both have run")
    tending.stop()
    good, bad = jobs()["goes_well"], jobs()["fails"]
    assert (bad["last_success_at"], bad["error"], good["error"]) == (None, "DBAPIError", None)
    done_at = datetime.fromisoformat(good["last_success_at"])
    assert datetime.fromisoformat(good["next_at"]) == done_at + timedelta(minutes=1)
    assert not good["is_late"]
    api.stop_clock(done_at + timedelta(minutes=4))
    assert jobs()["goes_well"]["is_late"]
