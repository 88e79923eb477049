"""The typeface: documents are finished one at a time, bring their characters along, and can be read."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from pypdf import PdfReader

from distrib.services.typeface import FONT, FONT_FILE, STAND_IN, Paper, on_paper, open_typeface

FIRST_HAN = 0x4E00


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
