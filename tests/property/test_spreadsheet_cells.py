"""Laws of the mark that keeps a spreadsheet from running a cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from distrib.domain.spreadsheet_cells import FORMULA_STARTS, neutralised, restored

TEXTS = st.text() | st.text(st.sampled_from([*FORMULA_STARTS, "'", "a", "1"]), max_size=6)


@given(TEXTS)
def test_every_text_is_read_back_as_it_was_written(text: str) -> None:
    assert restored(neutralised(text)) == text


@given(TEXTS)
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    assert not neutralised(text).startswith(FORMULA_STARTS)


@given(TEXTS, TEXTS)
def test_two_texts_never_share_a_cell(text: str, other: str) -> None:
    assert (neutralised(text) == neutralised(other)) == (text == other)


@given(TEXTS.filter(lambda text: not text.startswith("'")))
def test_a_text_is_read_with_or_without_its_mark(text: str) -> None:
    assert restored(text) == restored(neutralised(text)) == text
