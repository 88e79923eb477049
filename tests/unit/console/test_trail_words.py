"""The words of the trail's fields: whatever it can show, a reader is told what it is."""

from __future__ import annotations

from distrib.console.trail_words import FIELDS
from distrib.domain.trail import SHOWN
from distrib.languages import CHINESE, render


def test_every_field_that_the_trail_shows_has_words_in_both_languages() -> None:
    assert not SHOWN - FIELDS.keys()
    assert not [name for name in SHOWN if render(FIELDS[name], CHINESE) == str(FIELDS[name])]
