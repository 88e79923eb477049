"""The README's walk-through, run as it stands against a live service."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.world.live import Live

README = Path(__file__).parents[2] / "README.md"


def test_the_walk_through_of_the_readme_ends_with_the_figures_it_leads_to(live: Live) -> None:
    program = live.open_program("tea", policy="cn")
    key, second = (live.client(program, role).key for role in ("admin", "finance"))
    block = re.search(r"<!-- walk-through:.*?```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert block is not None
    environment = {**os.environ, "KEY": key, "SECOND": second, "URL": f"http://127.0.0.1:{live.port}"}
    run = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", block[1]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "problem" not in run.stdout
    lin = re.search(r"^tea,2026-03,lin,CNY,(.*)$", run.stdout, re.MULTILINE)
    mei = re.search(r"^tea,2026-03,mei,CNY,(.*)$", run.stdout, re.MULTILINE)
    assert lin is not None
    assert lin[1].split(",")[:3] == ["0", "597", "-298"]
    assert mei is not None
    assert mei[1].split(",")[:3] == ["0", "2388", "-1194"]
    assert_the_money_lived(answers(run.stdout))


def answers(output: str) -> list[dict[str, Any]]:
    """The JSON documents of the output, one a line, in their order."""
    lines = (line for line in output.splitlines() if line.startswith("{"))
    return [json.loads(line) for line in lines]


def assert_the_money_lived(shown: list[dict[str, Any]]) -> None:
    """Closed by the other key, paid, and taken back after that: the last answers say so."""
    closed = [answer for answer in shown if answer.get("status") == "closed"]
    assert [answer["period"] for answer in closed] == ["2026-03"]
    settled = [answer for answer in shown if answer.get("paid_count") == 1]
    assert settled[-1]["results"] == [{"shop_id": "mei", "status": "recorded"}]
    late, balance, accounts = shown[-3:]
    assert [(row["amount_minor"], row["belongs_to_period"]) for row in late["data"]] == [(-1194, "2026-03")]
    assert (balance["paid_minor"], balance["available_minor"]) == (1194, -1194)
    assert sum(account["balance_minor"] for account in accounts["data"]) == 0
