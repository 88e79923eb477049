"""docs/history.md names every column of every file, each with its type, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distrib.services.history.schema import COLUMNS, FAILED, ORDERS, SCHEMA_VERSION, FileColumn

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "history.md").read_text("utf-8")
TOGETHER = {"shops", "referrals", "statuses", "ranks"}


def section_of(kind: str) -> str:
    """What the page says of a kind: its section, or its row in that of several."""
    if kind in TOGETHER:
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
        return row.partition(" | ")[2]
    return re.split(r"^### ", PAGE.partition(f"### {kind}\n")[2], maxsplit=1, flags=re.MULTILINE)[0].partition("\n## ")[
        0
    ]


def named_in(section: str) -> set[str]:
    """The columns that a section describes: names in the first cell of a row, or before a type."""
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return set(re.findall(r"`([a-z_]+)`", " ".join(rows)))


def shown(column: FileColumn) -> str:
    return f"`{column.name}`{'*' if column.is_optional else ''}"


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_column_is_on_the_page_and_said_to_be_empty_where_it_may_be(kind: str) -> None:
    section = section_of(kind)
    columns = COLUMNS[kind]
    if kind == FAILED:
        columns = columns[columns.index(next(column for column in columns if column.name == "code")) :]
    for column in columns:
        assert re.search(re.escape(shown(column)) + r"(?!\*)", section), (kind, column.name)
        for part in column.parts:
            assert re.search(re.escape(shown(part)) + r"(?!\*)", section), (kind, part.name)
    if kind not in TOGETHER:
        assert named_in(section) == {column.name for column in columns}


def test_failed_orders_have_the_columns_of_orders_that_the_page_says() -> None:
    told = [column.name for column in COLUMNS[ORDERS]]
    failed = [column.name for column in COLUMNS[FAILED]]
    assert failed[: failed.index("people") + 1] == told[: told.index("people") + 1]
    assert f"**{SCHEMA_VERSION}**" in PAGE
