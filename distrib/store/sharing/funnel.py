"""From visit to repeat purchase: figures of a span of days, worked out of sales and shops, and kept of programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.recorded import TimeSpan
from distrib.store.sql import column, execute, only

# What counts of an order: its sales (no entry lines, no purchase from oneself) net of every refund of it known by now.
_SOLD = """
SELECT s.seller_no, s.customer_id, s.settled_at, n.net
FROM settlements s CROSS JOIN LATERAL (
    SELECT s.sales_minor - COALESCE(sum(r.sales_minor), 0)::bigint AS net FROM refund_lines r
    WHERE r.program_id = s.program_id AND r.order_no = s.order_no OFFSET 0) n
WHERE s.program_id = %(program)s AND s.settled_at >= %(from_at)s AND s.settled_at < %(to_at)s AND s.sales_minor > 0
    AND n.net > 0
"""
_FIGURES = """
WITH sold AS MATERIALIZED ({sold}
), buyers AS (SELECT customer_id, count(*) AS orders FROM sold WHERE customer_id IS NOT NULL GROUP BY customer_id
), sellers AS (SELECT DISTINCT seller_no FROM sold WHERE seller_no IS NOT NULL)
SELECT ({registrations}) AS registrations, ({sharing}) AS sharing_shops, ({shops}) AS shops,
       (SELECT count(*) FROM sold) AS orders, (SELECT COALESCE(sum(net), 0)::bigint FROM sold) AS sales_minor,
       (SELECT count(*) FROM buyers) AS buyers,
       (SELECT count(*) FROM buyers b WHERE b.orders > 1 OR EXISTS (
            SELECT 1 FROM settlements e WHERE e.program_id = %(program)s AND e.customer_id = b.customer_id
              AND e.settled_at < %(from_at)s {earlier})) AS repeat_buyers,
       (SELECT count(*) FROM sellers k WHERE NOT EXISTS (
            SELECT 1 FROM settlements e WHERE e.program_id = %(program)s AND e.seller_no = k.seller_no
              AND e.settled_at < %(from_at)s AND e.sales_minor > 0)) AS first_orders,
       CAST(%(now)s AS timestamptz) AS as_of
"""
_JOINED = "FROM shops h WHERE h.program_id = %(program)s AND h.joined_at >= %(from_at)s AND h.joined_at < %(to_at)s"
_OF_PROGRAM = _FIGURES.format(
    sold=_SOLD,
    registrations=f"SELECT count(*) {_JOINED} AND h.sponsor_no IS NOT NULL",
    sharing=f"SELECT count(DISTINCT h.sponsor_no) {_JOINED} AND h.sponsor_no IS NOT NULL",
    shops="SELECT count(*) FROM shops h WHERE h.program_id = %(program)s AND h.joined_at < %(to_at)s",
    earlier="",
)
_BROUGHT = "h.sponsor_no = %(shop)s"
_OF_SHOP = _FIGURES.format(
    sold=f"{_SOLD} AND s.seller_no = %(shop)s",
    registrations=f"SELECT count(*) {_JOINED} AND {_BROUGHT}",
    sharing=f"SELECT count(DISTINCT h.sponsor_no) {_JOINED} AND {_BROUGHT}",
    shops="SELECT 1",
    earlier="AND e.seller_no = %(shop)s",
)
_NAMES = (
    "registrations",
    "sharing_shops",
    "shops",
    "orders",
    "sales_minor",
    "buyers",
    "repeat_buyers",
    "first_orders",
    "as_of",
)
_KEEP = (
    f"INSERT INTO funnel_spans (program_id, grain, starts_on, {', '.join(_NAMES)})"
    f" VALUES (%(program)s, %(grain)s, %(starts_on)s, {', '.join(f'%({name})s' for name in _NAMES)})"
    " ON CONFLICT (program_id, grain, starts_on) DO UPDATE"
    f" SET {', '.join(f'{name} = EXCLUDED.{name}' for name in _NAMES)}"
)
_KEPT = (
    f"SELECT starts_on, {', '.join(_NAMES)} FROM funnel_spans"
    " WHERE program_id = %(program)s AND grain = %(grain)s AND starts_on >= %(from_day)s AND starts_on < %(to_day)s"
    " ORDER BY starts_on"
)
_SETTLED = (
    "SELECT DISTINCT date_trunc('month', settled_at AT TIME ZONE %(zone)s)::date AS month FROM settlements"
    " WHERE program_id = %(program)s AND settled_at < (CAST(%(today)s AS date)::timestamp AT TIME ZONE %(zone)s)"
    " ORDER BY month DESC LIMIT %(limit)s"
)
_DUE = (
    "SELECT p.program_id FROM programs p WHERE NOT EXISTS ("
    " SELECT 1 FROM funnel_spans f WHERE f.program_id = p.program_id AND f.grain = 'day'"
    " AND f.starts_on = (CAST(%(now)s AS timestamptz) AT TIME ZONE p.time_zone)::date - 1)"
    " ORDER BY p.program_id LIMIT %(limit)s"
)


class FunnelFigures(NamedTuple):
    """What a span of days came to; amounts in minor units.

    ``shops``: how many there were at its end. ``sharing_shops``: those that brought another one in.
    """

    registrations: int
    sharing_shops: int
    shops: int
    orders: int
    sales_minor: int
    buyers: int
    repeat_buyers: int
    first_orders: int
    as_of: datetime


def figures_of_span(
    conn: Connection, program_id: int, shop_no: int | None, span: TimeSpan, now: datetime
) -> FunnelFigures:
    """Works out the figures of a span, of a shop or of the whole program."""
    values = {"program": program_id, "from_at": span.since, "to_at": span.until, "now": now}
    if shop_no is None:
        return FunnelFigures._make(only(conn, _OF_PROGRAM, values))
    return FunnelFigures._make(only(conn, _OF_SHOP, values | {"shop": shop_no}))


def keep_figures(conn: Connection, program_id: int, grain: str, starts_on: date, figures: FunnelFigures) -> None:
    """Writes the figures of a span, in the place of those that were."""
    execute(conn, _KEEP, {"program": program_id, "grain": grain, "starts_on": starts_on, **figures._asdict()})


def kept_figures(
    conn: Connection, program_id: int, grain: str, from_day: date, to_day: date
) -> dict[date, FunnelFigures]:
    """Reads the kept figures of spans that begin from a day to before another."""
    values = {"program": program_id, "grain": grain, "from_day": from_day, "to_day": to_day}
    return {starts_on: FunnelFigures._make(figures) for starts_on, *figures in execute(conn, _KEPT, values)}


def settled_months(conn: Connection, program_id: int, zone: str, today: date, limit: int) -> list[date]:
    """Lists the first days of the months in which an order settled before a day, the newest first."""
    values = {"program": program_id, "zone": zone, "today": today, "limit": limit}
    return column(conn, date, _SETTLED, values)


def programs_due(conn: Connection, now: datetime, limit: int) -> Sequence[int]:
    """Lists programs of which yesterday is not worked out yet."""
    return column(conn, int, _DUE, {"now": now, "limit": limit})
