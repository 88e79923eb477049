"""What pages load of others is what was fetched, and is said with its licence."""

from __future__ import annotations

import re

from tests.tools.vendor import SUMS, VENDORED, assets, bundles, sums


def test_nobody_edited_what_was_fetched() -> None:
    listed = (line.split("  ") for line in (VENDORED / SUMS).read_text("ascii").splitlines())
    assert {name: digest for digest, name in listed} == sums()


def test_all_that_is_pinned_stands_there_and_nothing_else() -> None:
    places = [place for package in assets().values() for place in package["files"].values()]
    places += [package["sprite"]["to"] for package in assets().values() if "sprite" in package]
    places += [bundle[name] for bundle in bundles().values() for name in ("to", "license_to")]
    assert sorted(places) == sorted(sums())
    pinned = [
        *assets().values(),
        *(package for bundle in bundles().values() for package in bundle["packages"].values()),
    ]
    assert all(package["license"] and package["integrity"].startswith("sha512-") for package in pinned)


def test_a_bundle_says_the_licence_of_every_package_in_it() -> None:
    for bundle in bundles().values():
        said = (VENDORED / bundle["license_to"]).read_text("utf-8")
        listed = re.findall(r"^(\S+) (\S+) \((.*)\)$", said, re.MULTILINE)
        pinned = [(name, package["version"], package["license"]) for name, package in bundle["packages"].items()]
        assert sorted(listed) == sorted(pinned)
