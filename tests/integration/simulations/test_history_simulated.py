"""Simulated on files: what the same question comes to in the database, key by key, whoever works on the months."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from tests.integration.simulations.test_simulations import EVENTS, FLAT, PLAN, told
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.world import World

__all__ = ["told"]

COUNTED: dict[str, Any] = {
    **PLAN,
    "code": "counted",
    "rules": [{key: value for key, value in rule.items() if key != "requires"} for rule in PLAN["rules"]],
}
MONTHLY: dict[str, Any] = {
    **COUNTED,
    "code": "monthly",
    "rules": [rule for rule in COUNTED["rules"] if "per_customer_minor" not in rule.get("cap", {})],
}
WHOLE = ("--from", "2026-03-01", "--to", "2026-06-01")


def simulated(*words: object) -> dict[str, Any]:
    """What the command says."""
    result = run("simulate", *words, "--json")
    assert result.exit_code == 0, result.output
    view: dict[str, Any] = json.loads(result.stdout)
    return view


@pytest.fixture
def plans(tmp_path: Path) -> dict[str, Path]:
    """Plans as files."""
    files = {}
    for plan in (FLAT, COUNTED, MONTHLY):
        files[plan["code"]] = tmp_path / f"{plan['code']}.json"
        files[plan["code"]].write_text(json.dumps(plan), "utf-8")
    return files


@pytest.mark.parametrize("span", [WHOLE, ("--from", "2026-03-02", "--to", "2026-04-03")])
def test_files_come_to_what_the_database_comes_to(
    told: Api, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Path], tmp_path: Path, span: tuple[str, ...]
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    for refunds in ("known", "none"):
        for some in (["flat", "counted"], ["monthly", "flat"]):
            words = [*(plans[name] for name in some), *span, "--refunds", refunds]
            by_files = simulated(*words, "--history", tmp_path / "h")
            assert by_files["result"] == simulated(*words)["result"]
            assert by_files["result"]["orders"] > 2
