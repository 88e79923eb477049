"""The rows of a program of platform size, made by the server itself: ``shape`` in SQL, as the drain leaves them.

The drain's own order decides numbers: events as they were posted, postings by batches of ``BATCH_ORDERS``, refunds
after all orders are settled. Everything goes into a database that has nothing but the program and its plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql

from distrib.cli.bench.platform_world.shape import (
    DELIVERY,
    OPENED,
    RETURN_AFTER,
    SINGLE_LINE,
    SOLD_FOR_S,
    SOLD_FROM,
    TIME_ZONE,
    WHOLE,
    PlatformWorld,
)
from distrib.cli.bench.world import PLAN, STRIDE
from distrib.domain.ledger import EXPENSE
from distrib.services.context import COMMAND_LINE

BATCH_ORDERS = 2_000
"""Orders a batch of the drain, as ``DISTRIB_DRAIN_BATCH_ORDERS`` has it by default."""

_VIEWS = """
CREATE FUNCTION pg_temp.paid_minor(n bigint, line bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT (990 + mod(n * 37 + line * 1013, 20000)) * (1 + mod(n + line, 3)) $$;
CREATE FUNCTION pg_temp.in_text(instant timestamptz) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;
CREATE FUNCTION pg_temp.line_json(n bigint, line bigint) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT format('{{"id":"%s","sku":"SKU-%s","quantity":%s,"paid_minor":%s,"category":"%s"}}', line,
        lpad(mod(n * 31 + line, 5000)::text, 5, '0'), 1 + mod(n + line, 3), pg_temp.paid_minor(n, line),
        (ARRAY['beauty', 'food', 'home'])[1 + mod(n + line, 3)]) $$;
CREATE TEMP VIEW sales AS
SELECT n, seller, CASE WHEN seller > {roots} THEN seller / 5 END AS upline_1,
    CASE WHEN seller / 5 > {roots} THEN seller / 25 END AS upline_2,
    CASE WHEN seller / 25 > {roots} THEN seller / 125 END AS upline_3,
    'c-' || lpad(mod(n * {prime}, {customers})::text, 8, '0') AS customer_id, lines, paid_at,
    paid_at + {delivery} AS settled_at, 1 + (n - 1) / {batch} AS posting_no
FROM (SELECT n, CASE WHEN mod(n, 1000) = 0 THEN {largest} ELSE 1 + mod(n * {prime}, {shops}) END AS seller,
          {sold_from} + (n - 1) * {seconds} / {orders} * interval '1 second' AS paid_at,
          CASE WHEN mod(n, 10) = 3 THEN 3 ELSE 1 END AS lines
      FROM generate_series(CAST(1 AS bigint), {orders}) AS numbered (n)) s;
CREATE TEMP VIEW earnings AS
SELECT s.*, line, tier, (line - 1) * (1 + (upline_1 IS NOT NULL)::int + (upline_2 IS NOT NULL)::int) + tier + 1 AS seq,
    CASE tier WHEN 0 THEN seller WHEN 1 THEN upline_1 ELSE upline_2 END AS earner,
    (ARRAY['seller', 'upline-1', 'upline-2'])[tier + 1] AS rule_id, rate_ppm, base_minor,
    (base_minor * rate_ppm + 500000) / 1000000 AS amount_minor, settled_at + interval '168 hours' AS available_at,
    {program} AS program_id, CAST(NULL AS integer) AS nothing
FROM sales s, generate_series(CAST(1 AS bigint), lines) AS l (line),
    LATERAL (SELECT pg_temp.paid_minor(n, line) AS base_minor) b,
    (VALUES (0, 100000), (1, 30000), (2, 10000)) AS rules (tier, rate_ppm)
WHERE tier = 0 OR tier = 1 AND upline_1 IS NOT NULL OR tier = 2 AND upline_2 IS NOT NULL;
CREATE TEMP VIEW refunds AS
SELECT s.*, nth, settled_at + {return_after} AS refunded_at, {orders} + nth AS event_no,
    1 + ({orders} - 1) / {batch} + 1 + (nth - 1) / {batch} AS refund_posting_no,
    CASE WHEN mod(n, 50) = {single_line} THEN 2 ELSE 1 END AS line
FROM sales s, LATERAL (SELECT n / 50 * 2 + CASE WHEN mod(n, 50) = {whole} THEN 1 ELSE 2 END AS nth) r
WHERE mod(n, 50) IN ({whole}, {single_line});
"""
_SHOPS = """
INSERT INTO shops (program_id, shop_no, shop_id, digest, name, invite_code, sponsor_no, uplines, level, chain_since,
    joined_at, status, status_since, rank_since, recorded_at, root_no)
SELECT {program}, n, shop_id, sha256(convert_to(format('["%s",%s,null,"Shop %s","%s",null,null]', shop_id,
        coalesce('"shop-' || lpad(upline_1::text, 7, '0') || '"', 'null'), n, {opened_text}), 'UTF8')),
    'Shop ' || n, {invite_code}, upline_1, array_remove(ARRAY[upline_1, upline_2, upline_3], NULL),
    1 + (upline_1 IS NOT NULL)::int + (upline_2 IS NOT NULL)::int + (upline_3 IS NOT NULL)::int, {opened}, {opened},
    'active', {opened}, '0001-01-02 00:00+00', {now}, coalesce(upline_3, upline_2, upline_1, n)
FROM (SELECT n, 'shop-' || lpad(n::text, 7, '0') AS shop_id, CASE WHEN n > {roots} THEN n / 5 END AS upline_1,
          CASE WHEN n / 5 > {roots} THEN n / 25 END AS upline_2,
          CASE WHEN n / 25 > {roots} THEN n / 125 END AS upline_3
      FROM generate_series(CAST(1 AS bigint), {shops}) AS numbered (n)) s
"""
# Ten digits of 31 letters; the factor has no divisor with their count, so that no code comes twice.
_INVITE_CODE = """
(SELECT string_agg(substr('23456789ABCDEFGHJKMNPQRSTUVWXYZ',
    1 + mod(n * 530428561 / power(31, place)::bigint, 31)::int, 1), '' ORDER BY place)
 FROM generate_series(0, 9) AS places (place))
"""
_REFERRALS = """
INSERT INTO referrals (program_id, shop_no, effective_at, sponsor_no, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, joined_at, sponsor_no, 'joined', recorded_at, {by} FROM shops ORDER BY shop_no
"""
_STATUSES = """
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, joined_at, status, 'joined', recorded_at, {by} FROM shops ORDER BY shop_no
"""
_ORDERS = """
INSERT INTO orders (program_id, order_no, order_id)
SELECT {program}, n, 'o-' || lpad(n::text, 8, '0') FROM generate_series(CAST(1 AS bigint), {orders}) AS numbered (n)
"""
# The payload comes first, as its digest is put before it on the way.
_EVENTS = "events (digest, payload, program_id, order_no, event_no, event_id, type, occurred_at, day, received_at)"
_SETTLED_EVENTS = """
SELECT format('{{"type":"order.settled","id":"evt-%s","occurred_at":"%s","order":{{"id":"o-%s","currency":"CNY",'
        '"paid_at":"%s","lines":[%s],"channel":"retail","shop_id":"shop-%s","customer_id":"%s"}}}}',
        lpad(n::text, 8, '0'), pg_temp.in_text(settled_at), lpad(n::text, 8, '0'), pg_temp.in_text(paid_at),
        pg_temp.line_json(n, 1) || CASE WHEN lines = 3
            THEN ',' || pg_temp.line_json(n, 2) || ',' || pg_temp.line_json(n, 3) ELSE '' END,
        lpad(seller::text, 7, '0'), customer_id),
    {program}, n, n, 'evt-' || lpad(n::text, 8, '0'), 'order.settled', settled_at,
    (settled_at AT TIME ZONE {zone})::date, {now}
FROM sales
"""
_REFUNDED_EVENTS = """
SELECT format('{{"type":"order.refunded","id":"ret-%s","occurred_at":"%s",'
        '"refund":{{"id":"r-%s","order_id":"o-%s"%s}}}}',
        lpad(n::text, 8, '0'), pg_temp.in_text(refunded_at), lpad(n::text, 8, '0'), lpad(n::text, 8, '0'),
        CASE WHEN line = 2 THEN format(',"lines":[{{"line_id":"2","amount_minor":%s}}]', pg_temp.paid_minor(n, 2)) END),
    {program}, n, event_no, 'ret-' || lpad(n::text, 8, '0'), 'order.refunded', refunded_at,
    (refunded_at AT TIME ZONE {zone})::date, {now}
FROM refunds
"""
_OUTCOMES = """
INSERT INTO event_outcomes (program_id, order_no, event_no, status, attempts, done_at)
SELECT program_id, order_no, event_no, 'done', 1, {now} FROM events
"""
_SETTLEMENTS = """
INSERT INTO settlements (program_id, order_no, event_no, version_no, seller_no, settled_at, paid_at, paid_minor,
    sales_minor, customer_id, snapshot)
SELECT {program}, n, n, {version}, seller, settled_at, paid_at, total, total, customer_id,
    '{{"v":2,"seller":{{"shop_no":' || seller || {rank} || '}}' || CASE WHEN upline_1 IS NULL THEN ''
        ELSE ',"uplines":[{{"shop_no":' || upline_1 || {rank} || '}}'
        || coalesce(',{{"shop_no":' || upline_2 || {rank} || '}}', '')
        || coalesce(',{{"shop_no":' || upline_3 || {rank} || '}}', '') || ']' END || {limits}
FROM sales, LATERAL (SELECT CASE WHEN lines = 1 THEN pg_temp.paid_minor(n, 1) ELSE pg_temp.paid_minor(n, 1)
    + pg_temp.paid_minor(n, 2) + pg_temp.paid_minor(n, 3) END AS total) t
"""
# What is given back is numbered after the order's commissions.
_TRANSFERS = """
INSERT INTO transfers (program_id, cause_no, kind, event_no, version_no, occurred_at, period, belongs_to_period,
    available_at, reverses_seq, seq, debit_account, credit_account, amount_minor, tier, base_minor, rate_ppm, line_id,
    rule_id, is_first_of_shop, posting_no)
{chosen}
"""
_EARNED = """
SELECT program_id, n, 'earned'::transfer_kind, n, {version}, settled_at, {month_settled}, nothing, available_at,
    nothing, seq, {expense}, earner, amount_minor, tier, base_minor, rate_ppm, line::text, rule_id,
    nullif(line = 1, false), posting_no
FROM earnings
"""
_REVERSED = """
SELECT program_id, n, 'reversed'::transfer_kind, event_no, {version}, refunded_at, {month_refunded}, nothing,
    available_at, seq, kept + row_number() OVER (PARTITION BY n ORDER BY seq), earner, {expense}, amount_minor, tier,
    base_minor, rate_ppm, line::text, rule_id, true, refund_posting_no
FROM (SELECT e.*, r.line AS refunded_line, r.event_no, r.refunded_at, r.refund_posting_no,
          max(e.seq) OVER (PARTITION BY n) AS kept
      FROM earnings e JOIN refunds r USING (n)) e
WHERE line = refunded_line ORDER BY n, seq
"""
_REFUND_LINES = """
INSERT INTO refund_lines (program_id, order_no, refund_id, line_id, event_no, amount_minor, sales_minor, seller_no,
    sold_at, occurred_at)
SELECT {program}, n, 'r-' || lpad(n::text, 8, '0'), line::text, event_no, pg_temp.paid_minor(n, line),
    pg_temp.paid_minor(n, line), seller, settled_at, refunded_at
FROM refunds
"""
_MONTHS = """
INSERT INTO account_months (program_id, account_no, period, earned_minor, reversed_minor, orders, refunds, version)
SELECT {program}, shop_no, period, coalesce(sum(minor) FILTER (WHERE kind = 'earned'), 0),
    coalesce(-sum(minor) FILTER (WHERE kind = 'reversed'), 0), count(*) FILTER (WHERE kind = 'earned'),
    count(*) FILTER (WHERE kind = 'reversed'), count(DISTINCT posting_no)
FROM (SELECT shop_no, period, kind, event_no, posting_no, sum(amount_minor) AS minor FROM transfers
      GROUP BY shop_no, period, kind, event_no, posting_no) t
GROUP BY shop_no, period ORDER BY min(posting_no), shop_no, period
"""
# As the triggers would, which are off meanwhile (migration 0021).
_TRANSFER_BLOCKS = """
INSERT INTO transfer_blocks (program_id, block, kind, period, occurred_on, available_on)
SELECT DISTINCT program_id, cause_no >> 7, kind, period, CAST(occurred_at AT TIME ZONE 'UTC' AS date),
    CAST(available_at AT TIME ZONE 'UTC' AS date)
FROM transfers ORDER BY 1, 2, 3, 4, 5, 6
"""
_ORDER_BLOCKS = """
INSERT INTO order_blocks (program_id, block, paid_on)
SELECT DISTINCT program_id, order_no >> 7, CAST(paid_at AT TIME ZONE 'UTC' AS date) FROM settlements ORDER BY 1, 2, 3
"""
_MONTH_OF = "CAST(to_char({instant} AT TIME ZONE {zone}, 'YYYYMM') AS integer)"
# A post draws a number for the head of every order it names, whether that is known or not.
_SEQUENCES = "SELECT setval('shop_no_seq', {shops}), setval('cause_no_seq', {events}), setval('event_no_seq', {events})"
_POSTINGS = "SELECT setval('posting_no_seq', max(posting_no)) FROM transfers"


_ALL = (
    _VIEWS,
    _SHOPS,
    _INVITE_CODE,
    _REFERRALS,
    _STATUSES,
    _ORDERS,
    _EVENTS,
    _SETTLED_EVENTS,
    _REFUNDED_EVENTS,
    _OUTCOMES,
    _SETTLEMENTS,
    _TRANSFERS,
    _EARNED,
    _REVERSED,
    _REFUND_LINES,
    _MONTHS,
    _TRANSFER_BLOCKS,
    _ORDER_BLOCKS,
    _MONTH_OF,
    _SEQUENCES,
    _POSTINGS,
)


@dataclass(frozen=True, slots=True)
class Origins:
    """What was there before: the program's number, its plan's, how a snapshot ends, the clock reading for all rows."""

    program_id: int
    version_no: int
    lowest_rank: str
    limits: str
    now: datetime


def fill(
    conn: psycopg.Connection[Any],
    reader: psycopg.Connection[Any],
    world: PlatformWorld,
    origins: Origins,
    say: Callable[[str], None],
) -> None:
    """Writes all rows of the world; both connections act for the workers, and the first one commits.

    Args:
        conn: writes.
        reader: reads payloads while the first one writes them.
        world: what there is to be.
        origins: what there was.
        say: gets the name of each table as it begins.
    """
    words = _words(world, origins)
    for connection in (conn, reader):
        connection.execute(_composed(_VIEWS, words))
    for table, statement in (("shops", _SHOPS), ("referrals", _REFERRALS), ("shop_statuses", _STATUSES)):
        say(table)
        conn.execute(_composed(statement, words))
        conn.commit()
    say("events")
    conn.execute(_composed(_ORDERS, words))
    for statement in (_SETTLED_EVENTS, _REFUNDED_EVENTS):
        _copy_events(conn, reader, _composed(statement, words))
    conn.execute(_composed(_OUTCOMES, words))
    conn.commit()
    for table, statement, chosen in (
        ("settlements", _SETTLEMENTS, ""),
        ("refund_lines", _REFUND_LINES, ""),
        ("transfers", _TRANSFERS, _EARNED),
        ("transfers", _TRANSFERS, _REVERSED),
        ("account_months", _MONTHS, ""),
        ("transfer_blocks", _TRANSFER_BLOCKS, ""),
        ("order_blocks", _ORDER_BLOCKS, ""),
    ):
        say(table)
        conn.execute(_composed(statement, {**words, "chosen": _composed(chosen, words)}))
        conn.commit()


def number_on(conn: psycopg.Connection[Any], world: PlatformWorld) -> None:
    """Lets what comes next be numbered on from the world's rows."""
    words = {"shops": world.shops, "events": world.orders + world.refunds}
    conn.execute(_composed(_SEQUENCES, {name: sql.Literal(value) for name, value in words.items()}))
    conn.execute(_POSTINGS)


def form_of(world: PlatformWorld) -> str:
    """A digest of all that decides the world's rows but the schema and the clock."""
    return hashlib.sha256(repr((_ALL, PLAN, _values(world))).encode()).hexdigest()


def _values(world: PlatformWorld) -> dict[str, Any]:
    return {
        "by": COMMAND_LINE.key_id,
        "shops": world.shops,
        "roots": world.roots,
        "largest": world.largest_shop,
        "orders": world.orders,
        "customers": world.customers,
        "opened": OPENED,
        "opened_text": OPENED.isoformat(),
        "sold_from": SOLD_FROM,
        "seconds": SOLD_FOR_S,
        "delivery": DELIVERY,
        "return_after": RETURN_AFTER,
        "zone": TIME_ZONE,
        "prime": STRIDE,
        "batch": BATCH_ORDERS,
        "whole": WHOLE,
        "single_line": SINGLE_LINE,
        "expense": EXPENSE,
    }


def _words(world: PlatformWorld, origins: Origins) -> dict[str, sql.Composable]:
    values = {
        **_values(world),
        "program": origins.program_id,
        "version": origins.version_no,
        "rank": f',"rank":"{origins.lowest_rank}"',
        "limits": origins.limits,
        "now": origins.now,
    }
    words: dict[str, sql.Composable] = {name: sql.Literal(value) for name, value in values.items()}
    month = {name: _composed(_MONTH_OF, {"instant": sql.SQL(name), "zone": words["zone"]}) for name in _DATED}
    return {
        **words,
        "invite_code": sql.SQL(_INVITE_CODE),
        "month_settled": month["settled_at"],
        "month_refunded": month["refunded_at"],
    }


_DATED = ("settled_at", "refunded_at")
_FILE_HEAD_BYTES = 19
_END = b"\xff\xff"


def _composed(statement: str, words: Mapping[str, sql.Composable]) -> sql.Composed:
    return sql.SQL(statement).format(**words)


def _copy_events(conn: psycopg.Connection[Any], reader: psycopg.Connection[Any], query: sql.Composed) -> None:
    """Copies events from one connection to the other and puts the digest of each before its payload.

    The server knows no BLAKE2b. A row begins with the count of its fields (2 bytes) and the length of its payload (4).
    """
    read = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(query)
    write = f"COPY {_EVENTS} FROM STDIN (FORMAT BINARY)"
    blake2b, head = hashlib.blake2b, b"\x00\x0a\x00\x00\x00\x10"
    with reader.cursor() as source, source.copy(read) as rows, conn.cursor() as target, target.copy(write) as copy:
        first = bytes(next(iter(rows)))
        copy.write(first[:_FILE_HEAD_BYTES])
        for data in chain([first[_FILE_HEAD_BYTES:]], map(bytes, rows)):
            if data and data != _END:
                end = 6 + int.from_bytes(data[2:6])
                copy.write(head + blake2b(data[6:end], digest_size=16).digest() + data[2:])
        copy.write(_END)
    reader.commit()
