"""What people see of a benchmark."""

from typing import Any

import pytest

from distrib.cli.bench.report import show

FIGURES: dict[str, Any] = {
    "bench": "settle",
    "scale": "small",
    "orders_per_second": 9_876,
    "ratio": 0.412,
    "goal": 0.3,
    "memory_growth": 0.02,
    "memory_growth_goal": None,
    "memory_at_end_bytes": 3 * 2**20,
    "met": True,
}


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["measured", "Every goal is met"]), ("zh", ["实测", "全部达标"])]
)
def test_the_table_speaks_the_language_asked_for(
    language: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    show(FIGURES, language)
    shown = capsys.readouterr().out
    assert all(word in shown for word in [*words, "9,876", "0.412", "≥ 0.3", "3.0 MiB"])


def test_a_goal_that_is_not_judged_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show(FIGURES, "en")
    assert "≤" not in capsys.readouterr().out
