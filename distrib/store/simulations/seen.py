"""What history had at an instant besides events, by the newest numbers of its tables: whether anything came since.

A row may be committed after one with a higher number. So the sum of the newest numbers is taken with the highest.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from distrib.store.sql import value

_NEWEST: Final = """
SELECT '{table}' AS what, sum(n.{number}) AS sum, max(n.{number})::text AS newest
FROM (SELECT {number} FROM {table} WHERE program_id = %(program)s{which} ORDER BY {number} DESC LIMIT %(most)s) n
"""
# Few rows: what people decide, a month at a time or now and then.
_ALL: Final = """
SELECT '{table}', count(*), max({column})::text FROM {table} WHERE program_id = %(program)s
"""
_NUMBERED: Final = (
    ("referrals", "seq"),
    ("shop_statuses", "seq"),
    ("shop_ranks", "seq"),
    ("bindings", "seq"),
    ("customer_shops", "seq"),
    ("customer_merges", "seq"),
    ("program_changes", "seq"),
)
_DECIDED: Final = (
    ("pool_payments", "cause_no"),
    ("plan_publications", "published_at"),
    ("rank_evaluations", "evaluated_at"),
    ("case_decisions", "recorded_at"),
)
_OPEN: Final = ("failed", "waiting")
"""An event that waits or failed may be worked on again without another one."""
_PARTS: Final = (
    *(_NEWEST.format(table=table, number=number, which="") for table, number in _NUMBERED),
    *(
        _NEWEST.format(
            table="event_outcomes", number="event_no", which=f" AND status = '{status}' AND status <> 'done'"
        )
        for status in _OPEN
    ),
    *(_ALL.format(table=table, column=column) for table, column in _DECIDED),
)
_SEEN: Final = "SELECT string_agg(concat_ws(' ', what, sum, newest), ', ') FROM ({}) parts".format(
    " UNION ALL ".join(_PARTS)
)
_MOST: Final = 1_000
"""So many of the newest rows of a table are looked at."""


def newest_facts(conn: Connection, program_id: int) -> str:
    """What a program's history has besides events: the same text means that nothing came since."""
    return value(conn, str, _SEEN, {"program": program_id, "most": _MOST})
