"""What pages load of others is what was fetched, and is said with its licence."""

from __future__ import annotations

from tests.tools.vendor import SUMS, VENDORED, assets, sums


def test_nobody_edited_what_was_fetched() -> None:
    listed = (line.split("  ") for line in (VENDORED / SUMS).read_text("ascii").splitlines())
    assert {name: digest for digest, name in listed} == sums()


def test_all_that_is_pinned_stands_there_and_nothing_else() -> None:
    places = [place for package in assets().values() for place in package["files"].values()]
    places += [package["sprite"]["to"] for package in assets().values() if "sprite" in package]
    assert sorted(places) == sorted(sums())
    assert all(package["license"] and package["integrity"].startswith("sha512-") for package in assets().values())
