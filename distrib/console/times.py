"""What a form says of a time becomes an instant. Nothing that judges one may enter."""

from __future__ import annotations

from datetime import date, datetime

from distrib.console.frame import Visit


def instant_of(visit: Visit, text: str) -> str:
    """Turns a day and a time of day in the program's time zone into an instant; any other text is left as it is."""
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return (local if local.tzinfo else local.replace(tzinfo=visit.reader.zone)).isoformat()


def day_words(visit: Visit, day: str | None) -> str:
    """A day that is answered as a text, in the reader's form."""
    return visit.reader.day(None if day is None else date.fromisoformat(day))
