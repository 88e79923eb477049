"""The README's walk-through, run as it stands against a live service."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.live import Live

README = Path(__file__).parents[2] / "README.md"


def test_the_walk_through_of_the_readme_ends_with_the_figures_it_leads_to(live: Live) -> None:
    program = live.open_program("tea", policy="cn")
    key = live.client(program).key
    block = re.search(r"<!-- walk-through:.*?```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert block is not None
    environment = {**os.environ, "KEY": key, "URL": f"http://127.0.0.1:{live.port}"}
    run = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", block[1]], env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "problem" not in run.stdout
    lin = re.search(r"^tea,2026-03,lin,CNY,(.*)$", run.stdout, re.MULTILINE)
    mei = re.search(r"^tea,2026-03,mei,CNY,(.*)$", run.stdout, re.MULTILINE)
    assert lin is not None
    assert lin[1].split(",")[:3] == ["0", "597", "-298"]
    assert mei is not None
    assert mei[1].split(",")[:3] == ["0", "2388", "-1194"]
