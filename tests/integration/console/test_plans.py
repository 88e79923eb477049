"""Plans at the console: written, compared, published; what is in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.integration.console.conftest import Browser
from tests.world.world import World

Person = Callable[..., Browser]
FIRST = 'code: tea\ncurrency: CNY\nrules:\n  - {id: s, pay: seller, rate: "0.10"}\n'
SECOND = FIRST.replace("0.10", "0.12") + '  - {id: u, pay: upline, tier: 1, rate: "0.02"}\n'
UNSOUND = 'code: tea\ncurrency: CNY\nhold_day: 3\nrules:\n  - {id: s, pay: seller, rate: "0.10"}\n'


def _document(rate: str = "0.10") -> dict[str, Any]:
    return {"code": "tea", "currency": "CNY", "rules": [{"id": "s", "pay": "seller", "rate": rate}]}


def test_a_draft_is_written_compared_with_what_is_in_force_and_published_for_ever(world: World, person: Person) -> None:
    world.publish(_document())
    ann = person("ann")
    assert "tea 1" in ann.page("/plans")
    assert "in force" in ann.page("/plans/tea/1")
    assert 'name="beside" value="tea/1"' in ann.page("/plans/draft?from=tea/1")
    checked = ann.do("/plans/draft/check", text=SECOND, beside="tea/1").text
    assert "Differences to tea 1, which is in force" in checked
    assert "the selling shop · 12% · what was paid for the line · all lines" in checked
    saved = ann.do("/plans/draft", text=SECOND)
    assert saved.headers["HX-Redirect"] == f"/console/p/{world.program.code}/plans/tea/2"

    compared = ann.page("/plans/compare?old=tea/1&new=tea/2")
    assert "the selling shop · 10% · what was paid for the line · all lines" in compared
    assert "the selling shop · 12% · what was paid for the line · all lines" in compared
    assert "added" in compared
    assert "removed" not in compared

    body = {"effective_from": "2031-03-01T00:00", "signed_off_by": "Li Lei"}
    ann.page("/plans/tea/2")
    mistyped = ann.do("/plans/tea/2/publish", typed="tea 1", **body)
    assert (mistyped.status_code, "Type tea 2 to go on" in mistyped.text) == (422, True)
    assert ann.do("/plans/tea/2/publish", typed="tea 2", **body).status_code == 204
    listed = ann.page("/plans")
    assert "coming" in listed
    assert "from 1 Mar 2031, 00:00, until another is published" in listed
    assert [
        row.operation for row in world.rows("SELECT operation FROM trail WHERE program_id = :program ORDER BY trail_no")
    ] == [
        "create_plan",
        "publish_plan",
    ]


def test_what_is_wrong_with_a_draft_is_said_with_its_line_and_nothing_is_kept(world: World, person: Person) -> None:
    ann = person("ann")
    assert "No plan yet" in ann.page("/plans")
    checked = ann.do("/plans/draft/check", text=UNSOUND)
    assert (checked.status_code, "<html" in checked.text) == (200, False)
    assert 'data-mark-line="3" data-pointer="hold_day"' in checked.text
    assert "hold_day" in checked.text
    refused = ann.do("/plans/draft", text=UNSOUND)
    assert (refused.status_code, "plan_invalid" in refused.text) == (422, True)
    assert ann.do("/plans/draft", text="[1, 2").status_code == 422
    without_script = ann.send(f"/console/p/{world.program.code}/plans/draft", text=UNSOUND)
    assert (without_script.status_code, "<html" in without_script.text) == (422, True)
    assert "hold_day: 3" in without_script.text
    assert world.rows("SELECT 1 FROM plan_versions WHERE program_id = :program") == []


def test_who_only_reads_sees_plans_and_has_no_button_to_change_one(world: World, person: Person) -> None:
    world.publish(_document())
    vera = person("vera", "viewer")
    assert "Write a draft" not in vera.page("/plans/tea/1")
    assert vera.get(f"/console/p/{world.program.code}/plans/draft").status_code == 403
    assert vera.do("/plans/draft", text=FIRST).status_code == 403
    assert vera.get(f"/console/p/{world.program.code}/plans/tea/9").status_code == 404
