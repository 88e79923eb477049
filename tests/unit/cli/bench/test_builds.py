"""Another build of the service is given the settings that it knows, and its refusals are told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.bench.processes.builds import Build

OF_TODAY = {
    "DISTRIB_DATABASE_URL": "postgresql://localhost/before",
    "DISTRIB_KEY_PEPPER_FILE": "/run/pepper",
    "DISTRIB_HSTS_SECONDS": "1",
}


def build_with(directory: Path, settings: str) -> Build:
    (directory / "distrib").mkdir()
    (directory / "distrib" / "__init__.py").touch()
    (directory / "distrib" / "settings.py").write_text(settings, encoding="utf-8")
    return Build(directory, sys.executable)


BEFORE = """
from dataclasses import dataclass

@dataclass
class Settings:
    database_url: str
    key_pepper: str
"""


def test_a_build_from_before_a_setting_is_not_given_it(tmp_path: Path) -> None:
    known = build_with(tmp_path, BEFORE).understood(OF_TODAY)
    assert known == {name: OF_TODAY[name] for name in ("DISTRIB_DATABASE_URL", "DISTRIB_KEY_PEPPER_FILE")}


def test_this_build_is_given_every_setting() -> None:
    assert Build().understood(OF_TODAY) == OF_TODAY


def test_a_build_that_does_not_say_what_it_knows_ends_the_bench(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed) as told:
        build_with(tmp_path, "").understood(OF_TODAY)
    assert "a command of the other build failed" in str(told.value)
