"""What shops sold, net of refunds, between instants: what rules ask of their earners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute

_SPANS = (
    "unnest(%(places)b::integer[], %(shops)b::bigint[], %(afters)b::timestamptz[], %(tos)b::timestamptz[])"
    " AS a (place, shop_no, after_at, to_at)"
)
# A sum inside LATERAL is worked out once a span, by the shop's index, whatever the planner knows of the program.
_SOLD = f"""
SELECT a.place, x.minor FROM {_SPANS}
CROSS JOIN LATERAL (
    SELECT sum(s.sales_minor) AS minor FROM settlements s
    WHERE s.program_id = (SELECT %(program)s::integer) AND s.seller_no = a.shop_no
    AND s.settled_at > COALESCE(a.after_at, '-infinity') AND s.settled_at <= a.to_at
) x WHERE x.minor IS NOT NULL
"""
_BACK = f"""
SELECT a.place, x.minor FROM {_SPANS}
CROSS JOIN LATERAL (
    SELECT sum(r.sales_minor) AS minor FROM refund_lines r
    WHERE r.program_id = (SELECT %(program)s::integer) AND r.seller_no = a.shop_no
    AND r.sold_at > COALESCE(a.after_at, '-infinity') AND r.sold_at <= a.to_at AND r.occurred_at <= a.to_at
) x WHERE x.minor IS NOT NULL
"""


class Span(NamedTuple):
    """The sales of a shop after one instant (None: ever) up to and including another."""

    shop_no: int
    after: datetime | None
    to: datetime


def sold(conn: Connection, program_id: int, spans: Sequence[Span]) -> list[int]:
    """What was settled in each span, gross."""
    return _sums(conn, program_id, _SOLD, spans)


def taken_back(conn: Connection, program_id: int, spans: Sequence[Span]) -> list[int]:
    """What refunds up to the end of each span took back of its sales."""
    return _sums(conn, program_id, _BACK, spans)


def _sums(conn: Connection, program_id: int, statement: str, spans: Sequence[Span]) -> list[int]:
    columns = {
        "program": program_id,
        "places": list(range(len(spans))),
        "shops": [span.shop_no for span in spans],
        "afters": [span.after for span in spans],
        "tos": [span.to for span in spans],
    }
    sums = [0] * len(spans)
    for place, minor in execute(conn, statement, columns):
        sums[place] = int(minor)
    return sums
