"""How a benchmark says that it could not be run to its end."""

from __future__ import annotations

from distrib.domain.texts import Text
from distrib.languages import render_both


class BenchFailed(Exception):
    """A benchmark could not be run to its end; the message says why in both languages, with a detail or a log's end."""

    def __init__(self, text: Text, detail: object = None, log: str | None = None) -> None:
        more = ("" if detail is None else f": {detail}") + ("" if log is None else f":\n{log}")
        super().__init__(render_both(text) + more)
