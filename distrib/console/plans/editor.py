"""What the editor of a plan says, in the reader's language. What it completes and marks is not decided here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render

_PHRASES: Final[Mapping[str, Text]] = {
    "Completions": Text("Completions", "editor"),
    "Diagnostics": Text("Problems", "editor"),
    "No diagnostics": Text("No problems", "editor"),
    "close": Text("Close", "editor"),
    "Fold line": Text("Fold the lines below", "editor"),
    "Unfold line": Text("Unfold the lines below", "editor"),
    "Folded lines": Text("Folded lines", "editor"),
    "Unfolded lines": Text("Unfolded lines", "editor"),
    "folded code": Text("folded lines", "editor"),
    "unfold": Text("unfold", "editor"),
    "to": Text("to", "editor"),
    "Selection deleted": Text("What was selected is deleted", "editor"),
    "Control character": Text("Control character", "editor"),
}
"""By the English words that CodeMirror uses."""


@lru_cache(maxsize=len(LANGUAGES))
def editor_words(language: str) -> str:
    """Returns the editor's words as JSON: ``phrases`` by CodeMirror's English, and what stands beside keys."""
    return json.dumps(
        {
            "required": render(Text("required"), language),
            "byDefault": render(Text("by default:", "editor"), language),
            "phrases": {name: render(words, language) for name, words in _PHRASES.items()},
        },
        ensure_ascii=False,
    )
