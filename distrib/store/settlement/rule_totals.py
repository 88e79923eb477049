"""What earners got by a rule's id, by month and by customer: running totals that caps are held against.

A batch opens and locks the rows it will pay by, in the order of their keys, and adds to them at its end. No rule may
enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.store.database import driver


class RuleTotal(NamedTuple):
    """Whose total by which rule, of which month or customer (``of``)."""

    rule_id: str
    shop_no: int
    of: int | str


Totals: TypeAlias = dict[RuleTotal, int]

MONTHS, CUSTOMERS = "rule_months", "rule_customers"
_OF: Final = {MONTHS: ("period", "integer"), CUSTOMERS: ("customer_id", "text")}
# A row that is opened starts at what was earned before anything was counted: under versions without the cap.
_EARNED = {
    MONTHS: "COALESCE(t.belongs_to_period, t.period) AS of FROM transfers t",
    CUSTOMERS: "s.customer_id AS of FROM transfers t JOIN settlements s"
    " ON s.program_id = t.program_id AND s.order_no = t.cause_no AND s.customer_id IS NOT NULL",
}
_ASKED = "unnest(%(rules)b::text[], %(shops)b::bigint[], %(ofs)b::{type}[]) AS a (rule_id, shop_no, of)"
_OPEN = """
WITH missing AS MATERIALIZED (
    SELECT a.rule_id COLLATE "C" AS rule_id, a.shop_no, a.of {collate} AS of FROM {asked}
    WHERE NOT EXISTS (SELECT 1 FROM {table} r WHERE r.program_id = (SELECT %(program)s::integer)
      AND r.rule_id = a.rule_id
                      AND r.shop_no = a.shop_no AND r.{of} = a.of)
), past AS (
    SELECT rule_id, shop_no, of, sum(amount_minor)::bigint AS minor FROM (
        SELECT t.rule_id, t.shop_no, t.amount_minor, {earned}
        WHERE %(has_past)s AND t.program_id = (SELECT %(program)s::integer) AND t.kind = 'earned'
          AND t.shop_no IN (SELECT shop_no FROM missing) AND t.rule_id IN (SELECT rule_id FROM missing)
    ) e GROUP BY rule_id, shop_no, of
)
INSERT INTO {table} (program_id, rule_id, shop_no, {of}, earned_minor)
SELECT %(program)s, m.rule_id, m.shop_no, m.of, COALESCE(p.minor, 0)
FROM missing m LEFT JOIN past p ON p.rule_id = m.rule_id AND p.shop_no = m.shop_no AND p.of = m.of
ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT r.rule_id, r.shop_no, r.{of}, r.earned_minor
FROM {table} r JOIN {asked} ON r.rule_id = a.rule_id AND r.shop_no = a.shop_no AND r.{of} = a.of
WHERE r.program_id = (SELECT %(program)s::integer) ORDER BY 1, 2, 3 FOR UPDATE OF r
"""
_ADD = """
UPDATE {table} r SET earned_minor = r.earned_minor + a.minor
FROM unnest(%(rules)b::text[], %(shops)b::bigint[], %(ofs)b::{type}[], %(minors)b::bigint[])
     AS a (rule_id, shop_no, of, minor)
WHERE r.program_id = (SELECT %(program)s::integer) AND r.rule_id = a.rule_id AND r.shop_no = a.shop_no AND r.{of} = a.of
"""


def lock_totals(conn: Connection, program_id: int, table: str, asked: Sequence[RuleTotal], has_past: bool) -> Totals:
    """What was earned so far by each of these, whose rows this transaction holds from now on.

    Args:
        table: ``MONTHS`` or ``CUSTOMERS``.
        has_past: whether some of it may have been earned before anything was counted.
    """
    params = {**_columns(program_id, asked), "has_past": has_past}
    cursor = driver(conn).cursor()
    cursor.execute(_spelled(_OPEN, table), params)
    rows = cursor.execute(_spelled(_LOCK, table), params).fetchall()
    return {RuleTotal(rule_id, shop_no, of): minor for rule_id, shop_no, of, minor in rows}


def add_totals(conn: Connection, program_id: int, table: str, added: Mapping[RuleTotal, int]) -> None:
    """Adds to rows that ``lock_totals`` has locked."""
    params = {**_columns(program_id, list(added)), "minors": list(added.values())}
    driver(conn).execute(_spelled(_ADD, table), params)


def _columns(program_id: int, totals: Sequence[RuleTotal]) -> dict[str, object]:
    return {
        "program": program_id,
        "rules": [total.rule_id for total in totals],
        "shops": [total.shop_no for total in totals],
        "ofs": [total.of for total in totals],
    }


def _spelled(statement: str, table: str) -> bytes:
    of, kind = _OF[table]
    collate = 'COLLATE "C"' if kind == "text" else ""
    parts = {"table": table, "of": of, "type": kind, "collate": collate, "earned": _EARNED[table]}
    return statement.format(**parts, asked=_ASKED.format(type=kind)).encode()
