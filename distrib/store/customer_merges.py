"""Customers that turned out to be one person: their merges, and the id that each goes on under.

Stands below the nouns, because all that counts customers has to count persons. Rows only grow; the newest row of a
customer names its surviving id, with no chain to follow.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from distrib.domain.customers import Merge
from distrib.store.recorded import Recorded
from distrib.store.sql import execute, execute_as

# All who are one person with those asked for: those merged into the same id by now, each with its own merge. Steps
# from row to row by the indexes, however many merges there are; where there is none, nothing is looked up.
_MERGES = """
SELECT DISTINCT o.merged_at, o.seq, o.customer_id, o.into_id FROM unnest(%(customers)b::text[]) AS c (id)
CROSS JOIN LATERAL (SELECT COALESCE((
    SELECT m.into_id FROM customer_merges m WHERE m.program_id = %(program)s AND m.customer_id = c.id
    ORDER BY m.seq DESC LIMIT 1), c.id) AS into_id OFFSET 0) person
CROSS JOIN LATERAL (
    SELECT m.customer_id FROM customer_merges m
    WHERE m.program_id = %(program)s AND m.into_id = person.into_id OFFSET 0) merged
CROSS JOIN LATERAL (
    SELECT m.merged_at, m.seq, m.customer_id, m.into_id FROM customer_merges m
    WHERE m.program_id = %(program)s AND m.customer_id = merged.customer_id AND m.merged_id = m.customer_id
    LIMIT 1) o
WHERE (SELECT EXISTS (SELECT 1 FROM customer_merges WHERE program_id = %(program)s))
ORDER BY o.merged_at, o.seq
"""
_ALL = """
SELECT merged_at, seq, customer_id, into_id FROM customer_merges
WHERE program_id = %(program)s AND merged_id = customer_id ORDER BY merged_at, seq
"""
# The customer itself, and all that were merged into it before.
_INSERT = """
INSERT INTO customer_merges (program_id, customer_id, into_id, merged_id, merged_at, recorded_by)
SELECT %(program)s, c.customer_id, %(into)s, %(customer)s, %(at)s, %(by)s FROM (
    SELECT %(customer)s::text COLLATE "C" AS customer_id
    UNION SELECT customer_id FROM customer_merges WHERE program_id = %(program)s AND into_id = %(customer)s
) c ORDER BY c.customer_id <> %(customer)s, c.customer_id
"""
_KNOWN = """
SELECT c.id FROM unnest(%(customers)b::text[]) AS c (id)
WHERE EXISTS (SELECT 1 FROM bindings WHERE program_id = %(program)s AND customer_id = c.id)
   OR EXISTS (SELECT 1 FROM customer_shops WHERE program_id = %(program)s AND customer_id = c.id)
   OR EXISTS (SELECT 1 FROM customer_merges WHERE program_id = %(program)s AND customer_id = c.id)
   OR EXISTS (SELECT 1 FROM customer_merges WHERE program_id = %(program)s AND into_id = c.id)
   OR EXISTS (SELECT 1 FROM settlements WHERE program_id = %(program)s AND customer_id = c.id)
"""


def merges_of(conn: Connection, program_id: int, customer_ids: Collection[str]) -> list[Merge]:
    """Lists the merges of everyone who is one person with one of those customers, the earliest first."""
    values = {"program": program_id, "customers": list(customer_ids)}
    return execute_as(conn, Merge, _MERGES, values).fetchall()


def all_merges(conn: Connection, program_id: int) -> list[Merge]:
    """Lists all merges of a program, the earliest first."""
    return execute_as(conn, Merge, _ALL, {"program": program_id}).fetchall()


def insert_merge(conn: Connection, program_id: int, customer_id: str, into_id: str, recorded: Recorded) -> None:
    """Writes that a customer, and all that were merged into it, go on under another id."""
    values = {"program": program_id, "customer": customer_id, "into": into_id}
    execute(conn, _INSERT, values | {"at": recorded.instant, "by": recorded.by})


def known_customers(conn: Connection, program_id: int, customer_ids: Collection[str]) -> set[str]:
    """Finds those of whom anything is known: a claim, a record, a merge or a settled order."""
    rows = execute(conn, _KNOWN, {"program": program_id, "customers": list(customer_ids)})
    return {customer_id for (customer_id,) in rows}
