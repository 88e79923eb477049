"""A month's file is read again as it was written, and one of other columns is refused by its name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from distrib.domain.errors import Refusal
from distrib.services.history.parquet import row_group, row_groups, row_groups_between, row_groups_with, write_month
from distrib.services.history.schema import MERGES, ORGANISERS, STATUSES, Columns
from distrib.store.copying import microseconds

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
PAGE: Columns = {
    "merged_at": [AT, AT],
    "seq": [1, 2],
    "customer_id": ["ann", "bob"],
    "into_id": ["bob", "cat"],
}


def written(directory: Path, kind: str) -> Path:
    (directory / kind).mkdir()
    return directory / kind / write_month(directory / kind, MERGES, 202603, {}, [PAGE, PAGE]).name


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = written(tmp_path, MERGES)
    rows = [row for group in row_groups(path) for row in group.to_pylist()]
    assert rows == [{name: values[place] for name, values in PAGE.items()} for place in (0, 1, 0, 1)]
    (since,) = microseconds([AT])
    for last, groups in ((since, 0), (since + 1, 1)):
        assert len(list(row_groups_between(path, ("seq",), "merged_at", (since - 1, last)))) == groups


def test_columns_come_in_the_order_in_which_they_are_asked_for_and_texts_as_places_where_that_is_asked(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, MERGES)
    [group] = row_groups(path, ["into_id", "seq"], ["into_id"])
    assert group.column_names == ["into_id", "seq"]
    assert group["into_id"].to_pylist() == ["bob", "cat"] * 2
    assert sorted(group["into_id"].chunk(0).dictionary.to_pylist()) == ["bob", "cat"]
    assert row_group(path, 0).column_names == [*PAGE]


def test_row_groups_in_which_a_column_is_empty_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ORGANISERS).mkdir()
    page: Columns = {"shop_no": [1, 2], "effective_at": [AT, AT], "seq": [1, 2], "organiser_id": [None, None]}
    path = tmp_path / ORGANISERS / write_month(tmp_path / ORGANISERS, ORGANISERS, 202603, {}, [page]).name
    assert list(row_groups_with(path, ["seq"], "organiser_id")) == []
    assert [group["shop_no"].to_pylist() for group in row_groups_with(path, ["shop_no"], "seq")] == [[1, 2]]


def test_a_file_of_other_columns_is_refused_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, STATUSES)
    for groups in (row_groups(path), row_groups_between(path, ("seq",), "effective_at", (0, 1))):
        with pytest.raises(Refusal) as refused:
            next(groups)
        [problem] = refused.value.problems
        assert (refused.value.code, problem.pointer) == ("history_unreadable", str(path))
        assert "its columns are not those of schema version" in str(problem.detail)
