"""The typeface: documents are finished one at a time, bring their characters along, and can be read."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from distrib.services.typeface import (
    FONT,
    FONT_FILE,
    STAND_IN,
    Paper,
    break_lines,
    on_paper,
    open_typeface,
    share_width,
    text_width,
    word_width,
)

FIRST_HAN = 0x4E00
PARTS = ("佣", "金，", "（比）", "《例》、", "率。", "【人】；", "Rate ", "7%, ", "a.b ", " 店", "10 %", "s(")


class Full(io.BytesIO):
    """A file that takes nothing until there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.has_room = Event(), Event()

    def write(self, content: Any, /) -> int:
        """Waits for room."""
        self.is_asked.set()
        assert self.has_room.wait(60)
        return super().write(content)


def document(number: int, file: io.BytesIO | None = None) -> bytes:
    """A page of characters that no other document has."""
    open_typeface()
    buffer = file or io.BytesIO()
    paper = Paper(buffer, invariant=1, pageCompression=1)
    paper.setFont(FONT, 9)
    for row in range(30):
        start = FIRST_HAN + (number * 30 + row) * 10
        paper.drawString(30, 30 + 20 * row, on_paper("".join(map(chr, range(start, start + 10)))))
    paper.showPage()
    paper.save()
    return buffer.getvalue()


def test_documents_drawn_side_by_side_are_what_they_are_alone() -> None:
    numbers = list(range(8))
    alone = [document(number) for number in numbers]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(document, numbers)) == alone


def test_while_one_document_is_finished_another_waits() -> None:
    full = Full()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(document, 1, full)
        assert full.is_asked.wait(60)
        second = threads.submit(document, 2)
        with pytest.raises(TimeoutError):
            second.result(0.5)
        full.has_room.set()
        assert (first.result(60), second.result(60)) == (document(1), document(2))


def test_a_document_brings_its_characters_along_and_its_text_can_be_read() -> None:
    content = document(0)
    page = PdfReader(io.BytesIO(content)).pages[0]
    assert "一丁丂七丄丅丆万丈三" in page.extract_text()
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    embedded = [font["/BaseFont"] for font in fonts if "/FontDescriptor" in font]
    assert embedded
    assert all(name.endswith("+NotoSansSC-Regular") for name in embedded)
    assert len(content) < 400_000


def test_the_typeface_has_the_characters_of_gbk_and_comes_with_its_licence() -> None:
    pairs = [bytes((high, low)) for high in range(0x81, 0xFF) for low in range(0x40, 0xFF)]
    letters_of_gbk = {letters for pair in pairs if len(letters := pair.decode("gbk", "ignore")) == 1}
    assert len(letters_of_gbk) > 21_000
    assert {letter for letter in letters_of_gbk if on_paper(letter) == STAND_IN} == {STAND_IN, "≒", "\x7f"}
    assert "SIL OPEN FONT LICENSE" in FONT_FILE.with_name("OFL.txt").read_text("utf-8")


@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join), st.floats(40, 120))
def test_no_line_begins_with_a_mark_or_ends_with_an_opening_bracket_and_nothing_is_lost(
    text: str, width: float
) -> None:
    open_typeface()
    lines = break_lines(text, width, 8.0)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for before, line in pairwise(lines):
        assert line[0] not in "，。、；：）】》%.", lines
        assert before[-1] not in "（《【(", lines
    assert all(text_width(line, 8.0) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("比例 Rate", 40.0, ["比例 Rate"]),
        ("比例 Rate", 24.0, ["比例", "Rate"]),
        ("已付款，未结算。", 24.0, ["已付", "款，未", "结算。"]),
        ("佣金（比例）", 24.0, ["佣金", "（比", "例）"]),
        ("order-0000000001", 40.0, ["order-000", "0000001"]),
        ("超过 10 %。", 34.0, ["超过", "10 %。"]),
        ("店s（人）", 24.0, ["店s", "（人）"]),
        ("", 40.0, [""]),
    ],
)
def test_a_text_is_broken_between_words_and_between_chinese_letters(text: str, width: float, lines: list[str]) -> None:
    open_typeface()
    assert break_lines(text, width, 8.0) == lines


def test_a_column_gets_its_part_and_never_less_than_it_needs() -> None:
    assert share_width(100.0, [0.0, 0.0], [1, 3]) == [25.0, 75.0]
    assert share_width(100.0, [40.0, 0.0, 40.0], [1, 3, 1]) == [40.0, 20.0, 40.0]
    assert share_width(100.0, [80.0, 120.0], [1, 1]) == [40.0, 60.0]


def test_the_widest_part_of_a_text_is_its_widest_word_with_the_marks_that_stay_with_it() -> None:
    open_typeface()
    assert word_width("for information", 8.0) == text_width("information", 8.0)
    assert (word_width("超过 10 %。", 8.0), word_width("", 8.0)) == (text_width("10 %。", 8.0), 0.0)
