"""The page on imports names every column, every map of ours and every key of one, and its map is read as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from distrib.cli.imports import event_rows, shops
from distrib.cli.imports.maps import reading
from distrib.cli.imports.maps.loading import shipped_maps
from distrib.cli.imports.maps.reading import read_map
from distrib.services.yaml_documents import read_yaml

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "imports.md").read_text("utf-8")


def test_the_map_of_the_page_is_read_as_it_stands() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    event_map, problems = read_map(read_yaml(block))
    assert (event_map is not None, problems) == (True, [])


def test_the_page_names_every_column() -> None:
    assert [name for name in (*event_rows.COLUMNS, *shops.COLUMNS) if f"`{name}`" not in PAGE] == []


def test_the_page_names_every_key_of_a_map() -> None:
    order = [f"order.{name}" for name in (*reading.ORDER_FIELDS, "lines_total", "lines_total_over", "discounts")]
    line = [f"line.{name}" for name in (*reading.LINE_FIELDS, *reading.LINE_AMOUNTS, "rows", "split", "numbered")]
    events = [f"events.{name}" for name in (*reading.EVENTS, "refunded")]
    refund = [f"events.refunded.{name}" for name in reading.REFUND_KEYS if name not in ("when", "spread")]
    keys = [*order, *line, *events, *refund, "map", "source", "encoding", "optional", "money.unit", "times.zone"]
    assert [key for key in keys if f"`{key}`" not in PAGE] == []


def test_the_page_has_a_walk_through_for_every_map_of_ours() -> None:
    headings = " ".join(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)).lower()
    systems = {name for name in shipped_maps() if name in headings}
    assert systems == set(shipped_maps()) - {"generic"}
    assert "`--map generic`" in PAGE
