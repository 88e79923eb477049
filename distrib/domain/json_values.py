"""What a JSON document can hold, as it is once read. Nothing that reads or writes one may enter."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
"""A value. Numbers are whole: what has a fraction is a text, so that nothing is lost of it."""
JsonObject: TypeAlias = dict[str, Json]
