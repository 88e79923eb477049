"""Long calls as tasks: made once by a worker as over HTTP, whatever dies, in the name of who asked for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from distrib import failpoints
from distrib.api.calls.tasks import TaskRunner
from distrib.services import tasks as service
from tests.world.api import Api, Caller
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops
from workers.tasks import forget_task_files, run_tasks

CLOSE = {"operation": "confirm_close", "path": {"period": "2026-03"}}
FILE = {"operation": "export_statements", "path": {"period": "2026-03"}, "query": {"format": "csv", "detail": "shops"}}


class Died(BaseException):
    """What ends a process, as far as a transaction can tell."""


@pytest.fixture
def funded(api: Api) -> Api:
    """Shop a with 100.00 of March 2026."""
    earn(open_shops(api.world, "a"), "a", 10_000, PAID)
    return api


@pytest.fixture
def runner(api: Api) -> TaskRunner:
    """The one worker."""
    return TaskRunner(api.app, api.world.container.begin)


def start(caller: Caller, wish: dict[str, Any]) -> str:
    """Asks for a task and answers its id."""
    return str(caller.post("/v1/tasks", wish)["id"])


def status_of(caller: Caller, task_id: str) -> str:
    """How a task stands."""
    return str(caller.get(f"/v1/tasks/{task_id}")["status"])


def die() -> None:
    raise Died


def test_a_month_is_closed_by_a_task_as_over_http_in_the_name_of_who_asked(funded: Api, runner: TaskRunner) -> None:
    ann, ben = funded.caller(), funded.caller("finance")
    proposed = start(ann, {"operation": "propose_close", "path": {"period": "2026-03"}})
    assert status_of(ann, proposed) == "waiting"
    assert runner.run_waiting() == 1
    done = ann.get(f"/v1/tasks/{proposed}")
    assert (done["status"], done["attempts"], done["answer"]["status"]) == ("done", 1, "proposed")

    own = start(ann, CLOSE)
    confirmed = start(ben, CLOSE)
    assert runner.run_waiting() == 2
    refused = ann.get(f"/v1/tasks/{own}")
    assert (refused["status"], refused["problem"]["code"]) == ("failed", "same_key")
    assert status_of(ben, confirmed) == "done"
    assert ann.get("/v1/statements/2026-03/close")["confirmed_by"] == ben.key_id
    deeds = [(row["operation"], row["request_id"]) for row in ann.get("/v1/trail")["data"]]
    assert ("confirm_close", f"task-{confirmed}") in deeds
    assert sum(operation == "start_task" for operation, _ in deeds) == 3
    assert ben.get(f"/v1/tasks/{confirmed}")["expected_seconds"] is None
    assert runner.run_waiting() == 0


def test_what_a_worker_dies_at_waits_whole_and_is_made_by_the_next(funded: Api, runner: TaskRunner) -> None:
    ann, ben = funded.caller(), funded.caller("finance")
    ann.post("/v1/statements/2026-03/close")
    task = start(ben, CLOSE)
    failpoints.arm("close.sealed", die)
    with pytest.raises(Died):
        runner.run_waiting()
    assert status_of(ben, task) == "running"
    assert ann.get("/v1/statements/2026-03/close")["status"] == "proposed"
    assert runner.run_waiting() == 1
    done = ben.get(f"/v1/tasks/{task}")
    assert (done["status"], done["attempts"]) == ("done", 2)
    assert ann.get("/v1/statements/2026-03/close")["status"] == "closed"


def test_a_task_that_ends_every_worker_is_given_up(funded: Api, runner: TaskRunner) -> None:
    ann, ben = funded.caller(), funded.caller("finance")
    ann.post("/v1/statements/2026-03/close")
    task = start(ben, CLOSE)
    for _ in range(service.MOST_ATTEMPTS):
        failpoints.arm("close.written", die)
        with pytest.raises(Died):
            runner.run_waiting()
    assert runner.run_waiting() == 1
    problem = ben.get(f"/v1/tasks/{task}")["problem"]
    assert (problem["code"], problem["detail"]) == (
        "task_given_up",
        "It was begun 3 times and came to no end; start it again.",
    )
    again = start(ben, CLOSE)
    assert again != task
    assert runner.run_waiting() == 1
    assert status_of(ben, again) == "done"


def test_of_two_workers_one_makes_the_call_and_what_is_cancelled_meanwhile_is_undone(
    funded: Api, runner: TaskRunner
) -> None:
    ann, ben = funded.caller(), funded.caller("finance")
    ann.post("/v1/statements/2026-03/close")
    task = start(ben, CLOSE)
    others: list[int] = []

    def meanwhile() -> None:
        others.append(TaskRunner(funded.app, funded.world.container.begin).run_waiting())
        assert ben.post(f"/v1/tasks/{task}/cancel")["status"] == "cancelled"

    failpoints.arm("close.sealed", meanwhile)
    runner.run_waiting()
    assert others == [0]
    assert ann.get("/v1/statements/2026-03/close")["status"] == "proposed"
    assert ben.post(f"/v1/tasks/{task}/cancel")["status"] == "cancelled"
    assert runner.run_waiting() == 0


def test_a_file_is_kept_in_pieces_for_some_days_and_is_the_one_of_the_call(
    funded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distrib.api.calls.tasks.PIECE_BYTES", 100)
    ann = funded.caller()
    task = start(ann, FILE)
    assert ann.refused("GET", f"/v1/tasks/{task}/file") == (404, "task_has_no_file")
    run_tasks(funded.world.container)
    run_tasks(funded.world.container)
    direct = ann.call("GET", "/v1/statements/2026-03/export?format=csv&detail=shops")
    kept = ann.call("GET", f"/v1/tasks/{task}/file")
    assert (kept.data, kept.content_type) == (direct.data, direct.content_type)
    assert kept.headers["Content-Disposition"] == direct.headers["Content-Disposition"]
    view = ann.get(f"/v1/tasks/{task}")
    assert (view["bytes"], view["file"]["name"]) == (len(direct.data), "statement-2026-03-shops.csv")
    assert len(funded.world.rows("SELECT 1 FROM task_files")) > 1

    later = funded.world.now() + timedelta(days=service.KEPT_DAYS, hours=1)
    with funded.world.container.begin() as conn:
        assert service.forget_past_files(conn, later) > 1
    forget_task_files(funded.world.container)
    funded.stop_clock(later)
    assert ann.get(f"/v1/tasks/{task}")["file"] is None
    assert ann.refused("GET", f"/v1/tasks/{task}/file") == (404, "task_has_no_file")


def test_what_does_not_fit_is_said_as_a_whole_before_anything_is_kept(funded: Api) -> None:
    ann = funded.caller()
    wish = {
        "operation": "export_statements",
        "path": {"month": "x"},
        "query": {"format": "doc", "cat": "1"},
        "body": {},
    }
    problem = ann.problem("POST", "/v1/tasks", wish)
    assert sorted(entry["pointer"] for entry in problem["errors"]) == [
        "/body",
        "/path/month",
        "/path/period",
        "/query/cat",
        "/query/format",
    ]
    wish = {"operation": "create_payout", "body": {"id": "p", "up_to": "soon", "colour": 1}}
    pointers = {entry["pointer"] for entry in ann.problem("POST", "/v1/tasks", wish)["errors"]}
    assert pointers == {"/body/up_to", "/body/colour"}
    assert ann.refused("POST", "/v1/tasks", {"operation": "get_shop"}) == (422, "invalid")
    wish = {"operation": "propose_close", "path": {"period": "2026-13"}, "body": "now"}
    errors = ann.problem("POST", "/v1/tasks", wish)["errors"]
    assert [entry["pointer"] for entry in errors] == ["/path/period", "/body"]
    assert ann.get("/v1/tasks")["data"] == []


def test_a_task_is_for_its_person_alone_within_what_the_key_may_and_only_so_many_wait(
    funded: Api, runner: TaskRunner
) -> None:
    ann = funded.caller(scopes=("read",))
    assert ann.refused("POST", "/v1/tasks", CLOSE) == (403, "scope_missing")
    ben, eve = funded.caller("finance", owner="ben"), funded.caller("finance", owner="eve")
    task = start(ben, FILE)
    assert start(ben, FILE) == start(funded.caller("admin", owner="ben"), FILE) == task
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/file")):
        assert eve.refused(method, f"/v1/tasks/{task}{path}") == (404, "task_unknown")
    assert [row["id"] for row in ben.get("/v1/tasks")["data"]] == [task]
    assert eve.get("/v1/tasks")["data"] == []
    for month in range(1, service.MOST_WAITING):
        start(ben, FILE | {"path": {"period": f"20{month + 10}-01"}})
    assert ben.refused("POST", "/v1/tasks", FILE | {"path": {"period": "2040-01"}}) == (409, "tasks_waiting")
    page = ben.get("/v1/tasks?limit=15")
    assert len(ben.get(f"/v1/tasks?limit=15&cursor={page['next_cursor']}")["data"]) == 5

    assert funded.caller().call("DELETE", f"/v1/keys/{ben.key_id}").status_code < 300
    runner.run_waiting()
    mine = funded.caller("finance", owner="ben")
    assert mine.get(f"/v1/tasks/{task}")["problem"]["code"] == "unauthorized"
