"""Figures and thresholds are values: equal when they say the same, and read back from the text they are kept as."""

from __future__ import annotations

import pytest

from distrib.domain.plans.measures import PlanFigure, PlanThreshold
from distrib.domain.policies.figures import Measured, Threshold, Thresholds, read_thresholds


@pytest.mark.parametrize("each", [0, 10_000_000])
def test_thresholds_that_are_kept_as_text_are_read_back_as_they_were(each: int) -> None:
    bounds = (Threshold("persons", "at_least", 30), Threshold("retail_share", "below", 812_500))
    kept = Thresholds((*bounds, Threshold("levels", "above", 3)), each)
    assert read_thresholds(str(kept)) == kept
    assert len({kept, read_thresholds(str(kept)), Thresholds(bounds, each)}) == 2
    assert kept != str(kept)
    assert Thresholds(bounds) == Thresholds(bounds, 0)


@pytest.mark.parametrize("text", ["", "persons", "persons ~ 3", "> 0.30", "persons ≥ x", "persons  ≥ 30"])
def test_a_text_that_holds_no_thresholds_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_thresholds(text)


def test_figures_are_equal_that_measure_the_same() -> None:
    assert len({Measured({"persons": 1}), Measured({"persons": 1}), Measured({"persons": 2})}) == 2
    assert Measured({"persons": 1}) != "persons 1"
    tiers = PlanFigure("tiers", 1)
    assert len({tiers, PlanFigure("tiers", 1), PlanFigure("claims", 1, ["rich"])}) == 2
    assert tiers != "1"
    above = PlanThreshold("tiers", "above", 1)
    assert len({above, PlanThreshold("tiers", "above", 1), PlanThreshold("tiers", "below", 1)}) == 2
    assert above != "> 1"
