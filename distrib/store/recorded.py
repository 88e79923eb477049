"""What functions of every noun take: who records something and when, a span of time, and the part of a list."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

_Place = TypeVar("_Place")


class Recorded(NamedTuple):
    """When something is recorded, and by which key."""

    instant: datetime
    by: str


class TimeSpan(NamedTuple):
    """From an instant on, and before another."""

    since: datetime
    until: datetime


class Part(NamedTuple, Generic[_Place]):
    """The part of a list that begins right after ``place``, in the order of the list, and how many at the most."""

    place: _Place
    limit: int
