"""The made-up program of the benches on ranks and the network: a tree five wide, orders of three months, some refunds.

Put in by the server itself, row for row what the drain would have left of it for evaluations to read: millions of
orders through the drain would take longer than what is measured. The same on every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.plans.versions import Publication, create_plan, publish_plan
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.store.sql import execute

OPENED = datetime(2024, 1, 1, tzinfo=UTC)
SOLD_FROM = datetime(2024, 2, 1, tzinfo=UTC)
SOLD_FOR = timedelta(days=60)
BEFORE, MONTH = 202402, 202403
LAST_INSTANT = datetime(2024, 4, 1, tzinfo=UTC) - timedelta(microseconds=1)
PLAN: dict[str, Any] = {
    "code": "bench",
    "currency": "CNY",
    "tiers": 1,
    "ranks": [
        {"code": "member"},
        {
            "code": "owner",
            "promote": {"metric": "personal_sales_minor", "window": "30d", "at_least": 45_000},
            "keep": {"metric": "personal_orders", "window": "month", "at_least": 2},
        },
        {
            "code": "manager",
            "promote": {
                "all": [
                    {"metric": "team_sales_minor", "levels": 3, "window": "month", "at_least": 1_500_000},
                    {
                        "any": [
                            {"metric": "active_recruits", "min_rank": "owner", "window": "month", "at_least": 2},
                            {"metric": "customers", "window": "30d", "at_least": 5},
                        ]
                    },
                ]
            },
            "keep": {"metric": "personal_sales_minor", "window": "month", "at_least": 20_000},
            "grace": 1,
        },
    ],
    "rules": [{"id": "seller", "pay": "seller", "rate": "0.10"}],
}
_SHOPS = """
INSERT INTO shops (program_id, shop_no, shop_id, digest, invite_code, sponsor_no, uplines, level, chain_since,
    joined_at, status, status_since, rank_since, recorded_at, root_no)
SELECT %(program)s, n, 'shop-' || n, ''::bytea, 'i-' || n, sponsor, array_remove(ARRAY[sponsor], NULL), 1, %(opened)s,
    %(opened)s, 'active', %(opened)s, '-infinity', %(opened)s, n
FROM (SELECT n, CASE WHEN n > %(roots)s THEN n / 5 END AS sponsor FROM generate_series(1, %(shops)s) AS s (n)) s
"""
_REFERRALS = """
INSERT INTO referrals (program_id, shop_no, effective_at, sponsor_no, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, joined_at, sponsor_no, 'joined', joined_at,
    'bench' FROM shops WHERE program_id = %(program)s
"""
_ORDERS = """
INSERT INTO settlements (program_id, order_no, event_no, version_no, seller_no, settled_at, paid_at, paid_minor,
    sales_minor, customer_id, snapshot)
SELECT %(program)s, n, n, 1, 1 + n * 7919 %% %(shops)s, at, at, amount, amount,
    'c-' || n * 7919 %% (%(orders)s * 7 / 10 + 1),
    '{"v": 2}'
FROM (SELECT n, CAST(%(sold_from)s AS timestamptz) + n * (CAST(%(sold_for)s AS interval) / %(orders)s) AS at,
    990 + (n * 37) %% 20000 AS amount FROM generate_series(CAST(1 AS bigint), %(orders)s) AS o (n)) o
"""
_REFUNDS = """
INSERT INTO refund_lines (program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor, seller_no,
    sold_at, occurred_at)
SELECT program_id, order_no, 'r', '1', event_no, sales_minor, sales_minor, seller_no, settled_at,
    settled_at + interval '9 days'
FROM settlements WHERE program_id = %(program)s AND order_no %% 33 = %(part)s
"""


@dataclass(frozen=True, slots=True)
class RankWorld:
    """How many shops there are, and how many settled orders."""

    shops: int
    orders: int


def open_rank_world(container: Container, world: RankWorld) -> Program:
    """The bench's program with its plan in force, its shops, orders and refunds."""
    with container.begin() as conn:
        now, packs = container.now(), container.policies
        program = create_program(conn, ProgramDraft("bench", "CNY", "UTC", "open"), now, packs)
        plan = create_plan(Unit(conn, program, COMMAND_LINE, now), PLAN, packs)
        publish_plan(
            Unit(conn, program, COMMAND_LINE, now), packs, plan.code, plan.version, Publication(OPENED, "bench")
        )
    values = {
        "program": program.program_id,
        "opened": OPENED,
        "shops": world.shops,
        "roots": max(world.shops // 50, 5),
        "orders": world.orders,
        "sold_from": SOLD_FROM,
        "sold_for": SOLD_FOR,
        "part": 0,
    }
    for statement in (_SHOPS, _REFERRALS, _ORDERS, _REFUNDS):
        _execute(container, statement, values)
    return program


def refund_more(container: Container, program: Program) -> None:
    """Refunds that come after an evaluation, of sales that it counted."""
    _execute(container, _REFUNDS, {"program": program.program_id, "part": 1})


def _execute(container: Container, statement: str, values: dict[str, Any]) -> None:
    with container.begin() as conn:
        execute(conn, "SET LOCAL statement_timeout = '30min'")
        execute(conn, statement, values)
