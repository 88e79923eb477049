"""The shops of a month in the order of what it closes with or of what they earned, and those in debt or owed alone.

A closed month stands in that order; of an open one it is kept for large programs (``sorted_statements``), and worked
out as asked for small ones. What is kept decides the order alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from distrib.store.ledger.sorted_balances import FigureKey
from distrib.store.sql import execute, execute_as
from distrib.store.statements.months import FIGURES, StatementRow

CLOSED, KEPT, COMPUTED = "closed", "kept", "computed"

_SOURCES = {
    CLOSED: """
SELECT c.shop_no, c.{figure} AS minor FROM closed_statements c
WHERE c.program_id = %(program)s AND c.period = %(period)s AND c.figures_no = %(figures_no)s {conditions}
ORDER BY c.{figure} {direction}, c.shop_no {direction} LIMIT %(limit)s
""",
    KEPT: """
SELECT c.shop_no, c.{figure} AS minor FROM sorted_statements c
WHERE c.program_id = %(program)s AND c.period = %(period)s {conditions}
ORDER BY c.{figure} {direction}, c.shop_no {direction} LIMIT %(limit)s
""",
    COMPUTED: """
SELECT c.shop_no, c.{figure} AS minor FROM (SELECT f.account_no AS shop_no, f.closing_minor, f.earned_minor
    FROM statement_figures(%(program)s, %(period)s, %(held_from)s) f) c
WHERE true {conditions} ORDER BY c.{figure} {direction}, c.shop_no {direction} LIMIT %(limit)s
""",
}
_STATES = {"owed": "AND c.closing_minor > 0", "in_debt": "AND c.closing_minor < 0"}
# Row by row along the page, whatever statistics know of a month that was closed a moment ago.
_CLOSED_ROWS = f"""
SELECT c.shop_id, {", ".join(f"c.{name}" for name in FIGURES)}
FROM unnest(CAST(%(numbers)s AS bigint[])) WITH ORDINALITY n (shop_no, place)
CROSS JOIN LATERAL (SELECT shop_id FROM shops WHERE program_id = %(program)s AND shop_no = n.shop_no OFFSET 0) s
CROSS JOIN LATERAL (SELECT * FROM closed_statements WHERE program_id = %(program)s AND period = %(period)s
                    AND figures_no = %(figures_no)s AND shop_id = s.shop_id OFFSET 0) c
ORDER BY n.place
"""
_OPEN_ROWS = f"""
SELECT s.shop_id, {", ".join(f"f.{name}" for name in FIGURES)}
FROM unnest(CAST(%(numbers)s AS bigint[])) WITH ORDINALITY n (shop_no, place)
CROSS JOIN LATERAL (SELECT shop_no, shop_id FROM shops WHERE program_id = %(program)s
    AND shop_no = n.shop_no OFFSET 0) s
CROSS JOIN LATERAL statement_figures_of(%(program)s, s.shop_no, %(period)s, %(held_from)s) f
ORDER BY n.place
"""
_KEEP = """
WITH worked_out AS MATERIALIZED (
    SELECT f.account_no AS shop_no, f.closing_minor, f.earned_minor
    FROM statement_figures(%(program)s, %(period)s, %(held_from)s) f
), gone AS (
    DELETE FROM sorted_statements k WHERE k.program_id = %(program)s AND k.period = %(period)s
      AND NOT EXISTS (SELECT 1 FROM worked_out n WHERE n.shop_no = k.shop_no)
)
INSERT INTO sorted_statements (program_id, period, shop_no, closing_minor, earned_minor)
SELECT %(program)s, %(period)s, n.shop_no, n.closing_minor, n.earned_minor FROM worked_out n
LEFT JOIN sorted_statements k ON k.program_id = %(program)s AND k.period = %(period)s AND k.shop_no = n.shop_no
WHERE (k.closing_minor, k.earned_minor) IS DISTINCT FROM (n.closing_minor, n.earned_minor)
ON CONFLICT (program_id, period, shop_no) DO UPDATE
SET closing_minor = EXCLUDED.closing_minor, earned_minor = EXCLUDED.earned_minor
"""
_FORGET = "DELETE FROM sorted_statements WHERE program_id = %(program)s AND period <> ALL(%(periods)s)"


@dataclass(frozen=True, slots=True)
class SortedMonth:
    """Which month in which order: from where (``CLOSED``, ``KEPT`` or ``COMPUTED``), by which figure, whose rows.

    ``held_from`` is as of a statement of an open month, ``figures_no`` the number of a closed one's figures.
    """

    period: int
    source: str
    figure: str
    is_descending: bool
    state: str | None
    held_from: datetime
    figures_no: int | None

    @property
    def bound(self) -> dict[str, object]:
        """What the statements are of."""
        return {"period": self.period, "held_from": self.held_from, "figures_no": self.figures_no}


def keys_of_month(
    conn: Connection, program_id: int, month: SortedMonth, after: FigureKey | None, limit: int
) -> list[FigureKey]:
    """Lists the keys of the first ``limit`` shops after ``after``, in the order of the month."""
    direction, sign = ("DESC", "<") if month.is_descending else ("ASC", ">")
    passed = "" if after is None else f" AND (c.{month.figure}, c.shop_no) {sign} (%(minor)s, %(shop_no)s)"
    conditions = (_STATES[month.state] if month.state else "") + passed
    statement = _SOURCES[month.source].format(figure=month.figure, direction=direction, conditions=conditions)
    bound = month.bound | {"program": program_id, "limit": limit} | ({} if after is None else after._asdict())
    return [FigureKey(*row) for row in execute(conn, statement, bound)]


def rows_of_month(conn: Connection, program_id: int, month: SortedMonth, numbers: Sequence[int]) -> list[StatementRow]:
    """Reads the statements of those shops, in that order, as they stand; a shop without one is left out."""
    statement = _CLOSED_ROWS if month.source == CLOSED else _OPEN_ROWS
    bound = month.bound | {"program": program_id, "numbers": list(numbers)}
    return execute_as(conn, StatementRow, statement, bound).fetchall()


def keep_month(conn: Connection, program_id: int, period: int, held_from: datetime) -> None:
    """Keeps the order of an open month as it stands now; what stays is not written."""
    execute(conn, _KEEP, {"program": program_id, "period": period, "held_from": held_from})


def forget_other_months(conn: Connection, program_id: int, periods: Sequence[int]) -> None:
    """Drops the order of the months that are kept no longer."""
    execute(conn, _FORGET, {"program": program_id, "periods": list(periods)})
