"""Local overrides: tighter figures hold, looser ones are named, each by each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from distrib.domain.errors import Refusal
from distrib.domain.policies.override import Override, apply_override
from distrib.services.policies import PolicyBook, load_documents, load_policies

CONFIG = Path(__file__).parents[4] / "config"
CN = load_documents(CONFIG)["cn"]


def changed(**keys: Any) -> Override:
    return apply_override(CN, {"pack": "cn", **keys})


@pytest.mark.parametrize(
    "tighter",
    [
        {"max_tiers": 0},
        {"max_tree_levels": 2},
        {"on_excess": "refuse"},
        {"order_cap": "0.20"},
        {"findings": [{"id": "CN-P07", "measure": "order_ratio", "above": "0.20", "severity": "refuse"}]},
        {"findings": [{"id": "CN-P09", "measure": "minimum_age", "below": 21}]},
        {"monitors": [{"id": "CN-M04", "when": {"persons": {"at_least": 60}}}]},
        {"monitors": [{"id": "CN-M04", "when": {"persons": {"at_least": 30}, "penalties": {"at_least": 1}}}]},
        {"monitors": [{"id": "CN-M06", "when": {"retail_share": {"below": "0.90"}}, "severity": "hold"}]},
        {"monitors": [{"id": "CN-M01", "when": {"persons": {"at_least": 20}}}]},
        {"monitors": [{"id": "CN-M05", "severity": "alert"}]},
        {"findings": [{"id": "CN-P07", "above": "0.20"}]},
    ],
)
def test_what_is_tighter_needs_nobody(tighter: dict[str, Any]) -> None:
    override = changed(**tighter)
    assert override.loosened == ()
    assert override.policy.version.startswith("cn@2005-11-01~")


@pytest.mark.parametrize(
    ("looser", "names"),
    [
        ({"max_tiers": 2}, ["max_tiers: 1 → 2"]),
        ({"max_tree_levels": 4}, ["max_tree_levels: 3 → 4"]),
        ({"entry_pays_seller": True}, ["entry_pays_seller: False → True"]),
        ({"self_purchase_pays_uplines": True}, ["self_purchase_pays_uplines: False → True"]),
        ({"count_root": False}, ["count_root: True → False"]),
        (
            {"findings": [{"id": "CN-P04", "measure": "uplines_paid", "severity": "alert"}]},
            ["CN-P04 uplines_paid severity: sign_off → alert"],
        ),
        (
            {"findings": [{"id": "CN-P07", "measure": "order_ratio", "above": "0.50"}]},
            ["CN-P07 order_ratio above: 300000 → 500000"],
        ),
        (
            {"findings": [{"id": "CN-P09", "measure": "minimum_age", "below": 16}]},
            ["CN-P09 minimum_age below: 18 → 16"],
        ),
        ({"findings": [{"id": "CN-P08", "measure": "claims", "words": ["躺赚"]}]}, ["CN-P08 claims: words"]),
        (
            {"monitors": [{"id": "CN-M04", "when": {"persons": {"at_least": 200}}, "severity": "alert"}]},
            ["CN-M04: persons ≥ 120 → persons ≥ 200", "CN-M04 severity: hold → alert"],
        ),
    ],
)
def test_what_is_looser_is_named(looser: dict[str, Any], names: list[str]) -> None:
    assert list(changed(**looser).loosened) == names


def test_a_change_of_one_bound_leaves_the_others_of_its_entry() -> None:
    override = changed(monitors=[{"id": "CN-M01", "when": {"persons": {"at_least": 31}}}])
    assert override.loosened == ("CN-M01: persons ≥ 30 → persons ≥ 31",)
    [m01] = [monitor for monitor in override.policy.monitors if monitor.id == "CN-M01"]
    assert str(m01.threshold()) == "persons ≥ 31, levels ≥ 3, fee_or_head_count ≥ 1"


def test_everything_that_is_wrong_with_an_override_is_told_at_once() -> None:
    wrong = {"pack": "cn", "colour": 1, "max_tiers": 4, "findings": 5, "monitors": [{"id": "OWN-1"}]}
    with pytest.raises(Refusal) as refused:
        apply_override(CN, wrong)
    pointers = {problem.pointer for problem in refused.value.problems}
    assert {"colour", "max_tiers", "findings"} < pointers
    assert any(pointer.startswith("monitors[") for pointer in pointers)


def test_a_finding_that_is_new_is_added_and_loosens_nothing() -> None:
    check = {"id": "OWN-1", "measure": "tiers", "above": 0, "severity": "refuse", "source": "s", "en": "e", "zh": "z"}
    override = changed(findings=[check])
    assert override.loosened == ()
    assert override.policy.checks[-1].id == "OWN-1"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"pack": "us"}, "pack"),
        ({}, "pack"),
        ([], ""),
        ({"pack": "cn", "colour": 1}, "colour"),
        ({"pack": "cn", "max_tiers": 4}, "max_tiers"),
        ({"pack": "cn", "findings": {}}, "findings"),
        ({"pack": "cn", "findings": [{"id": "OWN-1", "measure": "tiers"}]}, None),
    ],
)
def test_an_override_with_a_mistake_is_refused(document: object, pointer: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        apply_override(CN, document)
    assert refused.value.code == "invalid"
    assert pointer is None or pointer in {problem.pointer for problem in refused.value.problems}


def write(directory: Path, **keys: Any) -> None:
    (directory / "cn.yaml").write_text(yaml.safe_dump({"pack": "cn", **keys}), "utf-8")


def test_a_stricter_file_holds_and_a_looser_one_needs_its_sign_off(tmp_path: Path) -> None:
    write(tmp_path, max_tree_levels=2)
    assert load_policies(CONFIG, tmp_path)["cn"].max_tree_levels == 2
    write(tmp_path, max_tree_levels=5)
    with pytest.raises(Refusal) as refused:
        load_policies(CONFIG, tmp_path)
    assert refused.value.code == "policy_loosened"
    assert [problem.detail for problem in refused.value.problems] == ["max_tree_levels: 3 → 5"]
    digest = changed(max_tree_levels=5).digest
    assert load_policies(CONFIG, tmp_path, lambda: {digest})["cn"].max_tree_levels == 5
    write(tmp_path, max_tree_levels=6)
    with pytest.raises(Refusal):
        load_policies(CONFIG, tmp_path, lambda: {digest})


def test_of_two_dated_versions_the_one_in_force_judges(tmp_path: Path) -> None:
    packs = tmp_path / "policies"
    packs.mkdir()
    later = dict(CN) | {"valid_from": "2027-01-01", "max_tiers": 0}
    (packs / "cn.yaml").write_text(yaml.safe_dump(dict(CN) | {"valid_to": "2026-12-31"}), "utf-8")
    (packs / "cn-2027-01-01.yaml").write_text(yaml.safe_dump(later), "utf-8")

    def book(year: int) -> PolicyBook:
        return load_policies(tmp_path, clock=lambda: datetime(year, 6, 1, tzinfo=UTC))

    assert (book(2026)["cn"].max_tiers, book(2027)["cn"].max_tiers) == (1, 0)
    assert book(2027).on("cn", date(2026, 12, 31)).version == "cn@2005-11-01"
    assert book(2026).on("cn", date(1999, 1, 1)).version == "cn@2005-11-01"
