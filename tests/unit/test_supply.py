"""What is known about what we are made of: the bill of materials names it all, advisories fail only for holes."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from tests.tools.advisories import ask, verdict
from tests.tools.materials import bill

ROOT = Path(__file__).resolve().parents[2]


def test_the_bill_of_materials_names_every_pinned_package_with_a_hash() -> None:
    packages = tomllib.loads((ROOT / "pylock.toml").read_text("utf-8"))["packages"]
    components = bill()["components"]
    assert [part["purl"] for part in components] == [f"pkg:pypi/{p['name']}@{p['version']}" for p in packages]
    for part in components:
        hashes = [entry["content"] for file in part["externalReferences"] for entry in file["hashes"]]
        assert hashes, part["name"]
        assert all(len(digest) == 64 for digest in hashes)


def test_the_same_lock_gives_the_same_bill() -> None:
    assert bill() == bill()
    assert "timestamp" not in bill()["metadata"]


def test_a_registry_that_does_not_answer_fails_nothing_and_a_hole_does() -> None:
    assert ask([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert verdict(None)[0] == 0
    unknown = {"name": "a", "skip_reason": "not found"}
    hole = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]}
    assert verdict([unknown])[0] == 0
    assert verdict([unknown, hole]) == (
        1,
        ["b 1: CVE-1, mended in none", "advisories: 1 holes in 2 packages, 1 packages unknown"],
    )
