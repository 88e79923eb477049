"""Long work at the console: left to a worker, found again at the foot of every page, with its end and its result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from distrib.api.calls.tasks import TaskRunner
from tests.integration.console.conftest import Browser
from tests.world.api import Api
from tests.world.documents import PAID
from tests.world.payouts import earn, open_shops

Person = Callable[..., Browser]


@pytest.fixture
def large(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A program that counts as large from its first month of an account on."""
    monkeypatch.setattr("distrib.services.statements.totals.LEAST_MONTHS", 1)
    earn(open_shops(api.world, "a"), "a", 10_000, PAID)
    return api


def where_to(browser: Browser, path: str, **form: str) -> str:
    """The page of the program on which a form ends."""
    answer = browser.do(path, **form)
    assert answer.status_code == 204, (answer.status, answer.text)
    return answer.headers["HX-Redirect"].removeprefix("/console/p/test")


def test_what_takes_long_is_left_to_a_worker_and_found_again_in_the_tray(large: Api, person: Person) -> None:
    runner = TaskRunner(large.app, large.world.container.begin)
    ann, ben = person("ann"), person("ben", "finance")
    ann.page("/statements/2026-03/close")
    assert "<summary" not in ann.page("/tasks/tray")
    task = where_to(ann, "/statements/2026-03/close/propose", typed="2026-03")
    shown = ann.page(task)
    assert "Propose the close of Mar 2026" in shown
    assert f'hx-get="/console/p/test{task}/part"' in shown
    tray = ann.page("/tasks/tray")
    assert 'data-said="1 under way"' in tray
    assert 'hx-trigger="every 2s"' in tray
    assert 'id="tray"' in ann.page("/orders")
    assert "<summary" not in ben.page("/tasks/tray")

    runner.run_waiting()
    assert "hx-trigger" not in ann.page(f"{task}/part")
    tray = ann.page("/tasks/tray")
    assert 'data-said="1 ended"' in tray
    assert 'href="/console/p/test/statements/2026-03/close"' in tray
    assert "<summary" not in ann.do("/tasks/seen").text
    assert "<summary" not in ann.page("/tasks/tray")
    assert "Propose the close of Mar 2026" in ann.page("/tasks")

    file = where_to(ben, "/statements/2026-03/export", file="shops csv")
    assert "waits for a worker" in ben.page(file)
    assert where_to(ben, f"{file}/cancel") == file
    assert "cancelled" in ben.page(file)
    again = where_to(ben, f"{file}/again")
    assert again != file
    runner.run_waiting()
    assert f'href="/console/p/test{again}/file"' in ben.page(again)
    assert "2026-03,a,CNY" in ben.get(f"/console/p/test{again}/file").text


def test_the_report_of_compliance_and_the_monitors_are_left_to_a_worker_where_there_are_many_shops(
    large: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = TaskRunner(large.app, large.world.container.begin)
    han = person("han", "compliance")
    han.page("/compliance")
    assert where_to(han, "/compliance/report", language="zh") == "/compliance/report?language=zh"
    monkeypatch.setattr("distrib.console.pages.compliance.MOST_AT_ONCE", 0)
    report, run = where_to(han, "/compliance/report", language="zh"), where_to(han, "/compliance/runs")
    assert "Report of compliance" in han.page(report)
    assert runner.run_waiting() == 2
    made = han.get(f"/console/p/test{report}/file")
    assert (made.mimetype, made.data[:5]) == ("application/pdf", b"%PDF-")
    assert 'href="/console/p/test/compliance/structure"' in han.page(run)
    assert "The monitors have not run yet" not in han.page("/compliance/structure")


def test_a_task_that_failed_says_why_in_the_language_it_was_asked_for_in(large: Api, person: Person) -> None:
    ann = person("ann")
    ann.language = "zh"
    ann.page("/statements/2026-03/close")
    ann.do("/statements/2026-03/close/propose", typed="2026-03")
    own = where_to(ann, "/statements/2026-03/close/confirm", typed="2026-03")
    TaskRunner(large.app, large.world.container.begin).run_waiting()
    shown = ann.page(own)
    assert "<code>same_key</code>" in shown
    assert "需要另一人的密钥" in shown
    assert f'hx-post="/console/p/test{own}/again"' in shown
    assert "2 项已结束" in ann.page("/tasks/tray")
