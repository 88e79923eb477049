"""Lists and pages: the query every list takes, and the envelope every list answers in."""

from __future__ import annotations

from marshmallow import Schema

from distrib.api.http.pagination import DEFAULT_LIMIT, MOST_LIMIT
from distrib.api.schemas.fields import Inner, Listed, PlainText, QueryWhole, Shape


class PageQuerySchema(Shape):
    """How much of a list, and from where."""

    limit = QueryWhole(low=1, high=MOST_LIMIT, load_default=DEFAULT_LIMIT)
    cursor = PlainText(high=1_000, load_default=None)


def page_of(entry: type[Schema], name: str) -> type[Schema]:
    """The envelope of a page of ``entry``."""
    members = {
        "data": Listed(Inner(entry), required=True),
        "next_cursor": PlainText(high=2_000, required=True, allow_none=True),
        "__doc__": "A page; next_cursor is null on the last.",
        "__module__": __name__,
    }
    return type(f"{name}Schema", (Shape,), members)
