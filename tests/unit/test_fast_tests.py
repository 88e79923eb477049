"""``dev.py test --fast``: what it runs is there, and needs no server."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEED_SERVERS = ("desk: ", "database_url: ", "redis_url: ", "settings: Settings", "api: Api", "live: Live")


@pytest.mark.parametrize("path", runpy.run_path(str(ROOT / "dev.py"), run_name="dev")["FAST_TESTS"])
def test_each_of_the_fast_tests_is_there_and_asks_for_no_fixture_with_a_server(path: str) -> None:
    place = ROOT / path
    files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    assert files
    for file in files:
        text = file.read_text("utf-8")
        arguments = [line for line in text.splitlines() if line.lstrip().startswith("def test_")]
        for line in arguments:
            assert not any(argument in line for argument in NEED_SERVERS), (file, line)
