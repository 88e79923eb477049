"""The kinds of value the API knows: ids, texts, whole numbers, instants. Each says what is wrong.

marshmallow's own fields convert what looks similar (``"7"`` to 7, ``1.0`` to 1); these take a value as it is, or
refuse it.
No shape of a noun may enter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from marshmallow import RAISE, Schema, ValidationError, fields

from distrib.api.http.words import CallerText, say
from distrib.domain.currencies import is_currency
from distrib.domain.errors import Refusal
from distrib.domain.identifiers import MAX_TEXT, is_identifier, is_text, parse_day
from distrib.services.context import parse_period
from distrib.services.orders.codec import MAX_AMOUNT_MINOR, MAX_SUM_MINOR

FIRST_YEAR, LAST_YEAR = 1970, 8999  # what every time zone and PostgreSQL can hold, with room for arithmetic
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_DIGITS = re.compile(r"[0-9]{1,18}")
_COMMON: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": [say("required")],
    "null": [say("null")],
    "validator_failed": [say("unknown")],
}


class Shape(Schema):
    """A JSON object whose every key is known."""

    class Meta:
        """Unknown keys are refused, never dropped."""

        unknown = RAISE

    error_messages: dict[str, Any] = {"unknown": say("unknown"), "type": [say("object")]}  # noqa: RUF012 - marshmallow's way


class PlainText(fields.String):
    """A text of ``low`` to ``high`` characters without control characters.

    Args:
        has_lines: whether it may have several lines: a reason may, a name may not.
    """

    default_error_messages = _COMMON | {"invalid": [say("text")], "invalid_utf8": [say("text")]}

    def __init__(self, *, low: int = 1, high: int = MAX_TEXT, has_lines: bool = False, **options: Any) -> None:
        self.low, self.high, self.has_lines = low, high, has_lines
        metadata = {"minLength": low, "maxLength": high} | options.pop("metadata", {})
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError([say("text")])
        if not self.low <= len(value) <= self.high:
            raise ValidationError([say("length", low=self.low, high=self.high)])
        if not is_text(value, has_lines=self.has_lines):
            is_half = any("\ud800" <= letter <= "\udfff" for letter in value)
            raise ValidationError([say("surrogate" if is_half else "control")])
        return value


class Identifier(fields.String):
    """An id of the caller's own."""

    default_error_messages = _COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"minLength": 1, "maxLength": 64} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError([say("text")])
        if not is_identifier(value):
            raise ValidationError([say("identifier")])
        return value


class Whole(fields.Integer):
    """An integer from ``low`` to ``high``; ``true``, ``1.0`` and ``"1"`` are none."""

    default_error_messages = _COMMON

    def __init__(self, *, low: int = 0, high: int = MAX_SUM_MINOR, **options: Any) -> None:
        self.low, self.high = low, high
        super().__init__(metadata={"minimum": low, "maximum": high} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if type(value) is not int or not self.low <= value <= self.high:
            raise ValidationError([say("whole", low=self.low, high=self.high)])
        return value


class Amount(Whole):
    """Minor units of one line: 0 to 10^12."""

    def __init__(self, *, low: int = 0, **options: Any) -> None:
        super().__init__(low=low, high=MAX_AMOUNT_MINOR, **options)


class Total(Whole):
    """Minor units of a sum that the service answers; it may be negative."""

    def __init__(self, **options: Any) -> None:
        super().__init__(low=-(2**63), high=2**63 - 1, **options)


class QueryWhole(Whole):
    """An integer in a query, which is a text there: plain digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        return super()._deserialize(number, attr, data)


class Flag(fields.Boolean):
    """``true`` or ``false`` and nothing that looks like it."""

    default_error_messages = _COMMON

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not isinstance(value, bool):
            raise ValidationError([say("flag")])
        return value


class Choice(fields.String):
    """One of a few words."""

    default_error_messages = _COMMON

    def __init__(self, choices: Sequence[str], **options: Any) -> None:
        self.choices = tuple(choices)
        may_be_null = options.get("allow_none") or options.get("load_default", "") is None
        listed: list[str | None] = [*self.choices, *([None] if may_be_null else [])]
        super().__init__(metadata={"enum": listed} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not isinstance(value, str) or value not in self.choices:
            raise ValidationError([say("choice", choices=", ".join(self.choices))])
        return value


class Instant(fields.DateTime):
    """An RFC 3339 time with an offset, as an instant in UTC."""

    default_error_messages = _COMMON

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        try:
            instant = msgspec.convert(value, _Time, strict=True).astimezone(UTC) if isinstance(value, str) else None
        except (msgspec.ValidationError, UnicodeEncodeError, OverflowError, ValueError):
            instant = None
        if instant is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValidationError([say("time")])
        return instant


class Day(fields.Date):
    """A day of the calendar as ``2026-03-09``."""

    default_error_messages = _COMMON

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        try:
            day = parse_day(value) if isinstance(value, str) else None
        except ValueError:
            day = None
        if day is None:
            raise ValidationError([say("day")])
        return day


class Currency(fields.String):
    """A currency of ISO 4217."""

    default_error_messages = _COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"minLength": 3, "maxLength": 3, "examples": ["CNY"]}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not is_currency(value):
            raise ValidationError([say("currency")])
        return value


class Period(fields.String):
    """A calendar month as ``2026-03``."""

    default_error_messages = _COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-03"]}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        return period_of(value)


def period_of(value: object) -> int:
    """``2026-03`` as 202603.

    Raises:
        ValidationError: it is not a month, or one that no calendar of ours reaches.
    """
    try:
        period = parse_period(value) if isinstance(value, str) else 0
    except Refusal:
        period = 0
    if not FIRST_YEAR * 100 < period <= LAST_YEAR * 100 + 12:
        raise ValidationError([say("period")])
    return period


class Listed(fields.List[Any]):
    """A list of ``low`` to ``high`` entries."""

    default_error_messages = _COMMON | {"invalid": [say("list")]}

    def __init__(self, inner: fields.Field[Any], *, low: int = 0, high: int | None = None, **options: Any) -> None:
        self.low, self.high = low, high
        bounds = {"minItems": low, "maxItems": high}
        metadata = {name: bound for name, bound in bounds.items() if bound} | options.pop("metadata", {})
        super().__init__(inner, metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        """Counts before it looks into anything, so that a list too long costs nothing."""
        if not isinstance(value, list):
            raise ValidationError([say("list")])
        if len(value) < self.low or (self.high is not None and len(value) > self.high):
            raise ValidationError([say("count", low=self.low, high=self.high)])
        return super()._deserialize(value, attr, data, **rest)


class Inner(fields.Nested):
    """An object within an object."""

    default_error_messages = _COMMON | {"type": [say("object")]}


class Attributes(fields.Dict):
    """What a platform notes beside a shop: up to ``MOST`` texts, integers, flags and nulls."""

    MOST = 50
    default_error_messages = _COMMON | {"invalid": [say("object")]}

    def __init__(self, **options: Any) -> None:
        kinds = {"type": ["string", "integer", "boolean", "null"]}
        super().__init__(metadata={"maxProperties": self.MOST, "additionalProperties": kinds}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError([say("object")])
        wrong: dict[str, list[CallerText]] = {}
        for key, inner in value.items():
            if not self._is_plain(key) or not self._is_plain(inner):
                wrong[key] = [say("attributes", high=self.MOST)]
        if len(value) > self.MOST:
            wrong["_schema"] = [say("attributes", high=self.MOST)]
        if wrong:
            raise ValidationError(wrong)
        return value

    @staticmethod
    def _is_plain(value: object) -> bool:
        if isinstance(value, str):
            return len(value) <= MAX_TEXT and is_text(value, has_lines=True)
        if isinstance(value, int) and not isinstance(value, bool):
            return abs(value) < 2**53
        return value is None or isinstance(value, bool)
