"""Pages that say which of how many they are. How many is known at the end alone: it stands in a form, drawn last."""

from __future__ import annotations

from distrib.domain.texts import Text
from distrib.languages import render
from distrib.languages.readers import Readership
from distrib.services.typeface import FONT, Paper, on_paper, text_width

_PAGE = Text("Page {page} of {pages}")
_USUAL_COUNT = "9"
"""How many pages there are room for; a longer number reaches into the margin by its digits."""
_BETWEEN = 10.0
_LOW = -20
"""How far below its line what is drawn last may reach, in points."""


class NumberedPaper(Paper):
    """A document whose pages show their number and how many there are."""

    _numbered: tuple[Readership, float] | None = None

    def draw_page_number(self, readership: Readership, right: float, y: float, size: float) -> None:
        """Draws ``Page 3 of 12`` in the reader's languages, which end at ``right``; all pages in the same size."""
        self._numbered = readership, size
        for language in reversed(readership.languages):
            before, _, after = render(_PAGE.with_params(page=self.getPageNumber()), language).partition("{pages}")
            anchor = right - text_width(on_paper(_USUAL_COUNT + after), size)
            self.setFont(FONT, size)
            self.drawRightString(anchor, y, on_paper(before))
            self.saveState()
            self.translate(anchor, y)
            self.doForm(_name(language))
            self.restoreState()
            right = anchor - text_width(on_paper(before), size) - _BETWEEN

    def save(self) -> None:
        """Draws how many pages there are, and writes the document out."""
        if self._code:  # type: ignore[attr-defined]
            self.showPage()
        if self._numbered is not None:
            readership, size = self._numbered
            for language in readership.languages:
                self._draw_count(language, size)
        super().save()

    def _draw_count(self, language: str, size: float) -> None:
        after = render(_PAGE, language).partition("{pages}")[2]
        text = on_paper(f"{self.getPageNumber() - 1}{after}")
        self.beginForm(_name(language), 0, _LOW, round(text_width(text, size)) + 1, round(size * 2))
        self.setFont(FONT, size)
        self.drawString(0, 0, text)
        self.endForm()


def _name(language: str) -> str:
    return f"pages-{language}"
