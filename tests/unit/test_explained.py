"""What is wrong with a plan is seen, and what is not is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.explained import Explanation, findings_of
from tests.world.store_queries import pieces, pieces_of_store, unseen

SIZES = {"transfers": 100_000, "programs": 3}


def node(kind: str, planned: int, came: int, *plans: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A node of a plan that ran once."""
    return {"Node Type": kind, "Plan Rows": planned, "Actual Rows": came, "Actual Loops": 1, "Plans": plans, **more}


def scan(
    came: int, removed: int = 0, table: str = "transfers", planned: int | None = None, **more: Any
) -> dict[str, Any]:
    """A scan of a table that gave so many rows and left out others."""
    told = {"Relation Name": table, "Rows Removed by Filter": removed, **more}
    return node("Seq Scan", came if planned is None else planned, came, **told)


def kinds(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """The findings of a plan, as kind and subject."""
    return [(finding.kind, finding.subject) for finding in findings_of(Explanation("f", "q", plan), SIZES)]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (scan(100_000), [("reads", "transfers")]),
        (scan(0, removed=100_000, planned=1), [("reads", "transfers")]),
        (node("Limit", 50, 50, scan(50, removed=20_000)), [("reads", "transfers")]),
        (scan(50, removed=100), []),
        (scan(3, table="programs"), []),
        (node("Index Scan", 1, 1, **{"Relation Name": "transfers", "Actual Loops": 10_000}), [("reads", "transfers")]),
        (node("Index Scan", 1, 1, **{"Relation Name": "transfers", "Actual Loops": 9_999}), []),
    ],
)
def test_a_tenth_of_a_large_table_counts_as_the_whole_of_it(plan: dict[str, Any], expected: list[Any]) -> None:
    assert kinds(plan) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (node("Hash Join", 1, 2_000), [("estimates", "Hash Join")]),
        (node("Hash Join", 21, 2_000), []),
        (node("Hash Join", 1, 999), []),
        (node("Sort", 50_000, 5), [("estimates", "Sort")]),
        (node("Sort", 9_999, 5), []),
        (node("Limit", 5, 5, node("Sort", 50_000, 5)), []),
        (node("Nested Loop", 5, 5, node("Sort", 50_000, 5), **{"Join Type": "Semi"}), []),
        (node("Sort", 50_000, 0) | {"Actual Loops": 0}, []),
    ],
)
def test_a_hundredfold_is_wrong_unless_the_plan_was_to_end_early(plan: dict[str, Any], expected: list[Any]) -> None:
    assert kinds(plan) == expected


def test_the_sql_of_the_store_is_gathered_and_what_did_not_run_is_named() -> None:
    gathered = pieces_of_store()
    assert len(gathered) > 400
    assert unseen([]) == gathered
    place, parts = next(iter(gathered.items()))
    assert place not in unseen([" $1 ".join(parts)])


def test_parameters_of_every_writing_part_a_statement() -> None:
    written = "SELECT first_column FROM t WHERE a = {} AND second_column > 0 AND third_column = 'x'"
    parts = ["SELECT first_column FROM t WHERE a =", "AND second_column > 0 AND third_column = 'x'"]
    for parameter in ("%(shop)s", "%(shops)b", "$1", "$12::BIGINT", "%(from{n})s", "{condition}"):
        assert pieces(written.replace("{}", parameter)) == parts, parameter
