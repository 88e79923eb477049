"""Arranging registrations agrees with networkx on any file; what an import has read it keeps as numbers."""

import json
import tracemalloc
from pathlib import Path

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from distrib.cli.imports.records import RecordsFile
from distrib.cli.imports.shops import COLUMNS, read_index
from distrib.domain.network.graph import NOBODY, arrange, arrange_places


@st.composite
def files(draw: st.DrawFn) -> list[int]:
    """Per place the place of its sponsor: forwards, backwards, itself, or nobody."""
    count = draw(st.integers(0, 12))
    return [draw(st.integers(NOBODY, count - 1)) for _ in range(count)]


def in_or_below_a_loop(sponsors: list[int]) -> set[int]:
    graph: nx.DiGraph[int] = nx.DiGraph((sponsor, place) for place, sponsor in enumerate(sponsors) if sponsor != NOBODY)
    loops = {place for loop in nx.simple_cycles(graph) for place in loop}
    return loops.union(*(nx.descendants(graph, place) for place in loops))


@given(files())
def test_sponsors_come_first_and_only_what_hangs_on_a_loop_is_left(sponsors: list[int]) -> None:
    order, stuck = arrange_places(sponsors)
    assert set(stuck) == in_or_below_a_loop(sponsors)
    assert sorted([*order, *stuck]) == list(range(len(sponsors)))
    position = {place: number for number, place in enumerate(order)}
    for place in order:
        assert sponsors[place] == NOBODY or position[sponsors[place]] < position[place]


@given(files())
def test_every_loop_is_named_once_by_all_its_members(sponsors: list[int]) -> None:
    named = {f"s{place}": None if sponsor == NOBODY else f"s{sponsor}" for place, sponsor in enumerate(sponsors)}
    graph: nx.DiGraph[str] = nx.DiGraph((shop, sponsor) for shop, sponsor in named.items() if sponsor is not None)
    loops = arrange(named).loops
    assert sorted(map(sorted, loops)) == sorted(map(sorted, nx.simple_cycles(graph)))
    for loop in loops:
        assert all(named[shop] == above for shop, above in zip(loop, loop[1:] + loop[:1], strict=True))


def test_what_an_import_keeps_of_a_file_it_has_read_is_numbers_alone(tmp_path: Path) -> None:
    count = 20_000
    file = tmp_path / "shops.ndjson"
    rows = [{"id": f"shop-number-{n}", "sponsor_id": f"shop-number-{n // 3 + 1}"} for n in reversed(range(2, count))]
    file.write_text("\n".join(map(json.dumps, [*rows, {"id": "shop-number-1"}])))
    with RecordsFile(file, COLUMNS) as source:
        read_index(source, lambda _offset: None)
        tracemalloc.start()
        index = read_index(source, lambda _offset: None)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(index.order) == count - 1
    assert kept < 64 * count
