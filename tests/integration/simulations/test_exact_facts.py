"""What a simulation takes as facts is what the ledger would have known, had the candidate been in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.simulations.test_simulations import DAY, answered
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, refunded, settled

TRUSTED: dict[str, Any] = {
    "code": "trusted",
    "currency": "CNY",
    "rules": [
        {
            "id": "r",
            "pay": "seller",
            "rate": "0.1",
            "requires": {"min_personal_sales_minor": 5_000, "window_days": 30},
        }
    ],
}


def by_files(directory: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What the same question comes to from exported files."""
    assert run("history", "export", "--to", directory / "h").exit_code == 0
    (directory / "plan.json").write_text(json.dumps(document), "utf-8")
    span = ("--from", "2026-03-01T00:00:00+08:00", "--to", "2026-06-01T00:00:00+08:00")
    said = run("simulate", directory / "plan.json", *span, "--history", directory / "h", "--json")
    assert said.exit_code == 0, said.output
    result: dict[str, Any] = json.loads(said.stdout)["result"]
    return result


def test_an_order_that_settles_when_it_is_paid_is_not_among_its_own_sales(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = api.world
    world.publish(TRUSTED)
    world.join(("a", None))
    at_once = [PAID + place * DAY for place in range(3)]
    world.earn(settled("s1", "o1", "a", line(60_000), line(900, "2", entry=True), paid_at=PAID, occurred_at=PAID))
    world.earn(refunded("r1", "o1", {"1": 59_000}, PAID))
    for place, instant in enumerate(at_once[1:], 2):
        world.earn(settled(f"s{place}", f"o{place}", "a", line(4_000), paid_at=instant, occurred_at=instant))
    paid = world.rows("SELECT cause_no FROM transfers WHERE program_id = :program AND kind = 'earned'")
    assert len(paid) == 1
    view = answered(api, api.caller(), plan={"code": "trusted", "version": 1})
    [candidate] = view["result"]["candidates"]
    assert candidate["cost_minor"] == view["result"]["as_it_was"]["cost_minor"] == 400
    name_servers(world.container.settings, monkeypatch)
    assert by_files(tmp_path, TRUSTED) == view["result"]
