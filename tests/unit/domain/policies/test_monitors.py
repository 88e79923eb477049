"""Monitors: what reaches a threshold, when they are in force, and what a document may say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.policies.figures import Threshold
from distrib.domain.policies.monitors import MEASURES, Monitor
from distrib.domain.policies.policy import check_policy, policy_from_document
from distrib.services.policies import load_policies

PACKS = load_policies(Path(__file__).parents[4] / "config")
TODAY = date(2026, 3, 9)
FEE, NO_FEE = 1, 0


def findings_of(
    persons: int,
    levels: int,
    fee: int = NO_FEE,
    entry_minor: int = 0,
    pack: str = "cn",
    penalties: int = 0,
    day: date = TODAY,
) -> list[str]:
    figures: dict[str, int | None] = {
        "persons": persons,
        "levels": levels,
        "fee_or_head_count": fee,
        "entry_minor": entry_minor,
        "penalties": penalties,
    }
    watched = (m for m in PACKS[pack].monitors if m.scope == "tree" and m.is_in_force(day, "CNY"))
    return sorted({monitor.id for monitor in watched if monitor.figure(figures) is not None})


@pytest.mark.parametrize("pack", ["cn", "cn-strict"])
@pytest.mark.parametrize(
    ("persons", "levels", "fee", "ids"),
    [
        (30, 2, FEE, ["CN-M03", "CN-M09"]),
        (30, 3, FEE, ["CN-M01", "CN-M03", "CN-M09"]),
        (30, 3, NO_FEE, ["CN-M02", "CN-M03"]),
        (29, 3, FEE, ["CN-M03", "CN-M09"]),
        (51, 51, NO_FEE, ["CN-M02", "CN-M03"]),
        (14, 2, FEE, []),
        (15, 2, FEE, ["CN-M09"]),
        (15, 1, FEE, ["CN-M09"]),
        (23, 2, NO_FEE, []),
        (24, 2, FEE, ["CN-M03", "CN-M09"]),
        (119, 2, FEE, ["CN-M03", "CN-M09"]),
        (120, 2, NO_FEE, ["CN-M03", "CN-M04"]),
        (310_221, 4, FEE, ["CN-M01", "CN-M03", "CN-M04", "CN-M09"]),
    ],
)
def test_trees_are_judged_by_persons_levels_and_fees(
    pack: str, persons: int, levels: int, fee: int, ids: list[str]
) -> None:
    assert findings_of(persons, levels, fee, pack=pack) == ids


@pytest.mark.parametrize("pack", ["cn", "cn-strict"])
@pytest.mark.parametrize(
    ("persons", "levels", "penalties", "is_grave"),
    [
        (59, 2, 1, False),
        (60, 2, 1, True),
        (60, 1, 3, True),
        (119, 2, 0, False),
        (14, 3, 1, False),
        (15, 3, 1, True),
        (15, 2, 1, False),
        (15, 51, 2, True),
        (15, 3, 0, False),
    ],
)
def test_after_a_penalty_sixty_persons_or_fifteen_in_three_levels_are_grave(
    pack: str, persons: int, levels: int, penalties: int, is_grave: bool
) -> None:
    assert ("CN-M04" in findings_of(persons, levels, pack=pack, penalties=penalties)) is is_grave


def test_joining_money_of_two_and_a_half_million_is_grave_whatever_the_persons() -> None:
    assert findings_of(1, 1, FEE, 249_999_999) == ["CN-M09"]
    assert findings_of(1, 1, FEE, 250_000_000) == ["CN-M04", "CN-M09"]


@pytest.mark.parametrize("pack", ["cn", "cn-strict"])
def test_from_2026_on_fifteen_persons_or_two_hundred_thousand_with_a_fee_are_an_offence_in_any_levels(
    pack: str,
) -> None:
    last_of_2025, first_of_2026 = date(2025, 12, 31), date(2026, 1, 1)
    for persons, entry_minor, fee, is_offence in (
        (14, 19_999_999, FEE, False),
        (15, 0, FEE, True),
        (1, 20_000_000, FEE, True),
        (15, 20_000_000, NO_FEE, False),
    ):
        assert findings_of(persons, 2, fee, entry_minor, pack, day=last_of_2025) == []
        assert findings_of(persons, 2, fee, entry_minor, pack, day=first_of_2026) == ["CN-M09"] * is_offence
    sources = {monitor.source[:15] for monitor in PACKS[pack].monitors if monitor.id == "CN-M09"}
    assert sources == {"治安管理处罚法 art. 34"}


def figure_of(pack: str, finding: str, place: int = 0, **figures: int | None) -> str | None:
    watched = [monitor for monitor in PACKS[pack].monitors if monitor.id == finding]
    measured = watched[place].figure(figures)
    return None if measured is None else str(measured)


def test_shares_are_told_as_decimals_and_what_cannot_be_taken_is_no_finding() -> None:
    assert figure_of("cn", "CN-M06", retail_share=799_999) == "retail_share 0.799999"
    assert figure_of("cn", "CN-M06", retail_share=800_000) is None
    assert figure_of("cn", "CN-M06", retail_share=None) is None
    assert figure_of("cn", "CN-M06", 2, indirect_share=500_000) is None
    assert figure_of("cn", "CN-M06", 2, indirect_share=500_001) == "indirect_share 0.500001"


def test_more_new_shops_than_new_buyers_is_a_signal() -> None:
    assert figure_of("cn", "CN-M07", recruits_per_buyer=1_000_000) is None
    assert figure_of("cn", "CN-M07", recruits_per_buyer=1_000_001) is not None


def test_what_is_dated_watches_on_its_days_alone() -> None:
    limits = [monitor for monitor in PACKS["us"].monitors if monitor.id == "US-T01"]
    by_day = {
        day: [monitor.each for monitor in limits if monitor.is_in_force(day, "USD")]
        for day in (date(2025, 12, 31), date(2026, 1, 1))
    }
    assert by_day == {date(2025, 12, 31): [60_000], date(2026, 1, 1): [200_000]}
    assert not any(monitor.is_in_force(TODAY, "EUR") for monitor in limits)
    [vat] = [monitor for monitor in PACKS["cn"].monitors if monitor.id == "CN-T02"]
    days = (date(2025, 12, 31), TODAY, date(2028, 1, 1))
    assert [vat.is_in_force(day, "CNY") for day in days] == [False, True, False]


def test_every_monitor_names_its_source_and_speaks_both_languages() -> None:
    for pack in PACKS.values():
        for monitor in pack.monitors:
            assert monitor.source, monitor.id
            assert monitor.en.isascii() or "¥" in monitor.en, monitor.id
            assert not monitor.zh.isascii(), monitor.id
            assert all(bound.measure in MEASURES[monitor.scope] for bound in monitor.bounds)


MONITOR: dict[str, Any] = {
    "id": "X",
    "scope": "tree",
    "when": {"persons": {"at_least": 30}},
    "severity": "info",
    "source": "s",
    "en": "e",
    "zh": "z",
}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scope": "moon"}, ".scope"),
        ({"when": {}}, ".when"),
        ({"when": {"persons": None}}, ".when"),
        ({"when": dict.fromkeys(MEASURES["tree"])}, ".when"),
        ({"when": {"mood": {"at_least": 1}}}, ".when.mood"),
        ({"when": {"persons": {"at_least": 1, "above": 2}}}, ".when.persons"),
        ({"when": {"persons": {"at_least": "0.5"}}}, ".when.persons.at_least"),
        ({"when": {"retail_share": {"below": 1}}}, ".when.retail_share.below"),
        ({"severity": "sign_off"}, ".severity"),
        ({"each": 0}, ".each"),
        ({"valid_to": "soon"}, ".valid_to"),
        ({"colour": "red"}, ".colour"),
    ],
)
def test_a_monitor_with_a_mistake_is_refused_at_its_key(change: dict[str, Any], pointer: str) -> None:
    document = {
        "name": "x",
        "valid_from": "2026-01-01",
        "source": "s",
        "max_tiers": 1,
        "entry_pays_seller": True,
        "self_purchase_pays_uplines": True,
        "monitors": [MONITOR | change],
    }
    assert [problem.pointer for problem in check_policy(document)] == [f"monitors[0]{pointer}"]


def test_null_is_as_good_as_absent_in_what_a_monitor_measures() -> None:
    bounds = {"persons": {"at_least": 30, "below": None}, "levels": None}
    document = {
        "name": "x",
        "valid_from": "2026-01-01",
        "source": "s",
        "max_tiers": 1,
        "entry_pays_seller": True,
        "self_purchase_pays_uplines": True,
        "monitors": [MONITOR | {"when": bounds}],
    }
    (monitor,) = policy_from_document(document).monitors
    assert monitor.bounds == (Threshold("persons", "at_least", 30),)


def test_thresholds_are_told_as_people_read_them() -> None:
    monitor: Monitor = next(monitor for monitor in PACKS["cn"].monitors if monitor.id == "CN-M01")
    assert str(monitor.threshold()) == "persons ≥ 30, levels ≥ 3, fee_or_head_count ≥ 1"
