"""The types that openapi-typescript makes of the description are those of a walk from a plan to a statement."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.world.live import live_service
from tests.world.typescript import NODE, PLACE, PROGRAMS
from tests.world.world import World


def test_a_walk_in_typescript_compiles_with_the_types_and_ends_with_the_statement(world: World, tmp_path: Path) -> None:
    for name in ("package.json", "tsconfig.json", "walk.ts"):
        shutil.copy2(PLACE / name, tmp_path / name)
    described = PLACE.parents[1] / "docs" / "openapi.json"
    named = ("--default-non-nullable", "false", "-o", str(tmp_path / "distrib.ts"))
    run(str(PROGRAMS / "openapi-typescript"), str(described), *named)
    run(str(PROGRAMS / "tsc"), "-p", str(tmp_path))
    with live_service(world.container) as live:
        key = live.client(world.program).key
        walked = run(str(NODE), str(tmp_path / "built" / "walk.js"), f"http://127.0.0.1:{live.port}", key)
    assert json.loads(walked) == [["lin", 597], ["mei", 2388]]


def run(*command: str) -> str:
    """What a command prints, which has to end well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
