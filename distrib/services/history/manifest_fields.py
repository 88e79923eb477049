"""Fields of a document of JSON, each asked for by what it has to hold; one that holds something else is named.

What the fields are for must not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from distrib.domain.json_values import Json, JsonObject


class Fields:
    """The fields of an object.

    Each method raises ``ValueError`` with the place of a field that is not there or holds something else.

    >>> given = Fields({"rows": 7, "files": [{"kind": "orders"}, {"kind": 8}]})
    >>> given.whole("rows"), [file.text("kind") for file in given.each("files")]
    Traceback (most recent call last):
        ...
    ValueError: files/1/kind
    """

    def __init__(self, value: Json, place: str = "") -> None:
        if not isinstance(value, dict):
            raise ValueError(place)
        self._value, self._place = value, place

    def place(self, name: str) -> str:
        """Where a field stands."""
        return f"{self._place}/{name}" if self._place else name

    def text(self, name: str) -> str:
        """A text."""
        value = self._value.get(name)
        if not isinstance(value, str):
            raise ValueError(self.place(name))
        return value

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._value.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(self.place(name))
        return value

    def instant(self, name: str) -> str:
        """The text of an instant of RFC 3339."""
        text = self.text(name)
        try:
            is_instant = datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            is_instant = False
        if not is_instant:
            raise ValueError(self.place(name))
        return text

    def instant_or_none(self, name: str) -> str | None:
        """The same, where there may be none."""
        return None if self._value.get(name) is None else self.instant(name)

    def day_or_none(self, name: str) -> str | None:
        """The text of a day, where there may be none."""
        if self._value.get(name) is None:
            return None
        text = self.text(name)
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValueError(self.place(name)) from None
        return text

    def document(self, name: str) -> JsonObject:
        """An object as it is."""
        value = self._value.get(name)
        if not isinstance(value, dict):
            raise ValueError(self.place(name))
        return value

    def fields(self, name: str) -> Fields:
        """An object by its fields."""
        return Fields(self._value.get(name), self.place(name))

    def each(self, name: str) -> Iterator[Fields]:
        """Yields the objects of a list."""
        for number, value in enumerate(self._list(name)):
            yield Fields(value, f"{self.place(name)}/{number}")

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        values = self._list(name)
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) != len(values):
            raise ValueError(self.place(name))
        return texts

    def _list(self, name: str) -> list[Json]:
        value = self._value.get(name)
        if not isinstance(value, list):
            raise ValueError(self.place(name))
        return value
