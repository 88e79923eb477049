"""Instants as people type them: RFC 3339, or a day of the program's. Nothing here knows what they are for."""

from __future__ import annotations

from datetime import date, datetime, time

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text
from distrib.services.context import Program


def instant_of(text: str, program: Program, option: str) -> datetime:
    """Reads an instant, or the first of a day in the program's time zone.

    Raises:
        Refusal: ``invalid`` with the option, where it is neither.
    """
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=program.zone)
    except ValueError:
        pass
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Refusal("invalid", [Problem(option, Text("{problem}, nor a day", problem=error))]) from error
