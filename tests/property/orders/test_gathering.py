"""The events of a file are the same in any order of its rows, and what is kept while it is read does not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.imports.event_rows import COLUMNS
from distrib.cli.imports.events import EventReading, events_in
from distrib.cli.imports.records import RecordsFile
from distrib.cli.imports.runs import index_runs

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HEADER = "id,type,occurred_at,order_id,shop_id,currency,paid_at,line_id,sku,quantity,paid_minor"


def row_of(event: int, line: int, shop: str = "s") -> str:
    times = "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"
    return f"e{event},order.settled,{times[0]},o{event},{shop},CNY,{times[1]},{line},tea,1,{100 * line}"


def read(rows: Iterable[str]) -> tuple[dict[str, Any], list[int]]:
    """The lines of each event, and the lines of the file that were refused."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "events.csv")
        file.write_text("\n".join([HEADER, *rows]), "utf-8")
        with RecordsFile(file, COLUMNS) as source, index_runs(source, "id", lambda _: None) as index:
            gathered = list(events_in(source, index, EventReading(), NOW))
    fit = {event["id"]: sorted(line["id"] for line in event["order"]["lines"]) for e in gathered for event in e.events}
    return fit, sorted(record.line for e in gathered if e.fault for record in e.rows.records)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, unique=True), st.randoms())
def test_any_order_of_the_rows_gives_the_same_events(lines: list[tuple[int, int]], random: Any) -> None:
    rows = [row_of(event, line) for event, line in lines]
    random.shuffle(rows)
    events, refused = read(rows)
    assert refused == []
    assert events == {f"e{event}": sorted(str(n) for e, n in lines if e == event) for event, _ in lines}


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=2, unique=True), st.data())
def test_one_row_that_contradicts_refuses_all_rows_of_its_event_and_no_other(
    lines: list[tuple[int, int]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    event = lines[place][0]
    rows = [row_of(*line, shop="other" if index == place else "s") for index, line in enumerate(lines)]
    own = [index + 2 for index, line in enumerate(lines) if line[0] == event]
    events, refused = read(rows)
    assert refused == (own if len(own) > 1 else [])
    assert (f"e{event}" in events) == (len(own) == 1)
    assert events.keys() | {f"e{event}"} == {f"e{e}" for e, _ in lines}


def test_what_is_kept_of_a_file_is_small_beside_it(tmp_path: Path) -> None:
    events = 8_000
    file = tmp_path / "events.csv"
    file.write_text("\n".join([HEADER, *(row_of(event, line) for line in (1, 2) for event in range(events))]), "utf-8")
    with RecordsFile(file, COLUMNS) as source:
        tracemalloc.start()
        with index_runs(source, "id", lambda _: None) as index:
            assert sum(1 for _ in events_in(source, index, EventReading(), NOW)) == events
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < file.stat().st_size / 3
