"""The limits of closing and exporting a month: one aggregate query over its transfers, COPY of its lines to nowhere.

The first gives by shop what a statement says of the month's movement; it opens no other table, sorts no file, keeps and
digests nothing. The second is the very query of the file, and the server throws its rows away.
"""

from __future__ import annotations

import psycopg
from sqlalchemy import make_url

from distrib.cli.bench.failures import BenchFailed
from distrib.domain.texts import Text

_AGGREGATE = """
SELECT count(*) AS shops, sum(transfers)::bigint AS transfers, sum(earned_minor), sum(reversed_minor),
       sum(adjusted_minor), sum(paid_minor), sum(orders), sum(refunds)
FROM (
    SELECT shop_no, count(*) AS transfers,
           sum(amount_minor) FILTER (WHERE kind IN ('earned', 'pool')) AS earned_minor,
           sum(amount_minor) FILTER (WHERE kind = 'reversed') AS reversed_minor,
           sum(CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END)
               FILTER (WHERE kind = 'adjusted') AS adjusted_minor,
           sum(amount_minor) FILTER (WHERE kind IN ('paid', 'tax')) AS paid_minor,
           count(DISTINCT cause_no) FILTER (WHERE kind = 'earned') AS orders,
           count(DISTINCT event_no) FILTER (WHERE kind = 'reversed') AS refunds
    FROM transfers WHERE program_id = %s AND period = %s GROUP BY shop_no) m
"""


def aggregate_month(url: str, program_id: int, period: int) -> tuple[int, int]:
    """Adds up a month's transfers by shop in one query; answers how many shops and transfers there were."""
    with _connect(url) as conn:
        row = conn.execute(_AGGREGATE, (program_id, period)).fetchone()
    if row is None or not row[0]:
        raise BenchFailed(Text("not every part of an evaluation was measured: {row}", row=row))
    return row[0], row[1]


def copy_to_nowhere(url: str, query: str, settings: str) -> int:
    """Copies the rows of a query to /dev/null on the server; answers how many there were.

    Args:
        url: the database; the login must be allowed to write files of the server.
        query: with its values in it.
        settings: statements that prepare the transaction.
    """
    with _connect(url) as conn:
        conn.execute(settings)
        return conn.execute(f"COPY ({query}) TO '/dev/null' WITH (FORMAT csv)").rowcount


def _connect(url: str) -> psycopg.Connection[tuple[int, ...]]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
