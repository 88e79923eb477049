"""What earners got by a rule's id, by month and by customer: running totals that caps are held against.

A batch opens and locks the rows it will pay by, in the order of their keys, and adds to them at its end. No rule may
enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection

from distrib.store.sql import execute


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
    MONTHS: "COALESCE(t.belongs_to_period, t.period) AS of FROM shop_transfers t",
    CUSTOMERS: "s.customer_id AS of FROM shop_transfers t JOIN settlements s"
    " ON s.program_id = t.program_id AND s.order_no = t.cause_no AND s.customer_id IS NOT NULL",
}
_ASKED = "unnest(%(rules)b::text[], %(shops)b::bigint[], %(ofs)b::{type}[]) AS a (rule_id, shop_no, of)"
# What is missing and what was earned are added up as one list: statistics know neither, and a join of the two would
# compare each with each. What is there is looked up by its key, what a shop earned by the shop's index.
_OPEN = """
WITH missing AS MATERIALIZED (
    SELECT a.rule_id COLLATE "C" AS rule_id, a.shop_no, a.of {collate} AS of FROM {asked}
    WHERE (SELECT r.shop_no FROM {table} r WHERE r.program_id = (SELECT %(program)s::integer)
        AND r.rule_id = a.rule_id AND r.shop_no = a.shop_no AND r.{of} = a.of) IS NULL
)
INSERT INTO {table} (program_id, rule_id, shop_no, {of}, earned_minor)
SELECT %(program)s, rule_id, shop_no, of, sum(minor)::bigint FROM (
    SELECT rule_id, shop_no, of, 0 AS minor, true AS is_missing FROM missing
    UNION ALL
    SELECT e.rule_id, m.shop_no, e.of, e.amount_minor, false
    FROM (SELECT DISTINCT shop_no FROM missing WHERE %(has_past)s) m
    CROSS JOIN LATERAL (
        SELECT t.rule_id, t.amount_minor, {earned}
        WHERE t.program_id = (SELECT %(program)s::integer) AND t.shop_no = m.shop_no AND t.kind = 'earned'
          AND t.rule_id = ANY(%(rule_ids)b::text[])
        OFFSET 0
    ) e
) t
GROUP BY rule_id, shop_no, of HAVING bool_or(is_missing)
ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING
"""
# Each row by its key, in the order of keys: the planner expects one row of the whole join and would turn it around.
_LOCK = """
SELECT a.rule_id, a.shop_no, a.of, r.earned_minor
FROM (SELECT rule_id COLLATE "C" AS rule_id, shop_no, of {collate} AS of FROM {asked} ORDER BY 1, 2, 3) a
CROSS JOIN LATERAL (
    SELECT t.earned_minor FROM {table} t WHERE t.program_id = (SELECT %(program)s::integer)
        AND t.rule_id = a.rule_id AND t.shop_no = a.shop_no AND t.{of} = a.of FOR UPDATE
) r
"""
_ADD = """
UPDATE {table} r SET earned_minor = r.earned_minor + a.minor
FROM unnest(%(rules)b::text[], %(shops)b::bigint[], %(ofs)b::{type}[], %(minors)b::bigint[])
     AS a (rule_id, shop_no, of, minor)
WHERE r.program_id = (SELECT %(program)s::integer) AND r.rule_id = a.rule_id AND r.shop_no = a.shop_no AND r.{of} = a.of
"""


def _spelled(statement: str, table: str) -> str:
    of, kind = _OF[table]
    collate = 'COLLATE "C"' if kind == "text" else ""
    parts = {"table": table, "of": of, "type": kind, "collate": collate, "earned": _EARNED[table]}
    return statement.format(**parts, asked=_ASKED.format(type=kind))


_OPENED, _LOCKED, _ADDED = (
    {table: _spelled(statement, table) for table in (MONTHS, CUSTOMERS)} for statement in (_OPEN, _LOCK, _ADD)
)


def lock_totals(conn: Connection, program_id: int, table: str, asked: Sequence[RuleTotal], has_past: bool) -> Totals:
    """What was earned so far by each of these, whose rows this transaction holds from now on.

    Args:
        table: ``MONTHS`` or ``CUSTOMERS``.
        has_past: whether some of it may have been earned before anything was counted.
    """
    params = {**_columns(program_id, asked), "has_past": has_past}
    execute(conn, _OPENED[table], params)
    rows = execute(conn, _LOCKED[table], params)
    return {RuleTotal(rule_id, shop_no, of): minor for rule_id, shop_no, of, minor in rows}


def add_totals(conn: Connection, program_id: int, table: str, added: Mapping[RuleTotal, int]) -> None:
    """Adds to rows that ``lock_totals`` has locked."""
    params = {**_columns(program_id, list(added)), "minors": list(added.values())}
    execute(conn, _ADDED[table], params)


def _columns(program_id: int, totals: Sequence[RuleTotal]) -> dict[str, object]:
    return {
        "program": program_id,
        "rules": [total.rule_id for total in totals],
        "rule_ids": sorted({total.rule_id for total in totals}),
        "shops": [total.shop_no for total in totals],
        "ofs": [total.of for total in totals],
    }
