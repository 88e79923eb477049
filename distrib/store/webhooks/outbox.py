"""The outbox: messages for the outside, written in the transaction of the facts they report.

Webhooks are delivered from these rows; a row never changes. Addresses, attempts and secrets must not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from distrib.store.sql import execute


class Message(NamedTuple):
    """A fact for the outside: its type, when it happened, and its data as JSON."""

    type: str
    occurred_at: datetime
    payload: str


class EventFailure(NamedTuple):
    """An event that failed: why, and at which attempt."""

    order_no: int
    event_no: int
    code: str | None
    attempts: int


_INSERT = """
INSERT INTO outbox (program_id, type, occurred_at, payload)
SELECT %(program)s, * FROM unnest(CAST(%(types)s AS text[]), CAST(%(times)s AS timestamptz[]),
    CAST(%(payloads)s AS text[]))
"""


def insert_messages(conn: Connection, program_id: int, messages: Sequence[Message]) -> None:
    """Writes messages, in their order."""
    if not messages:
        return
    columns = zip(*messages, strict=True)
    names = ("types", "times", "payloads")
    execute(conn, _INSERT, {"program": program_id} | dict(zip(names, map(list, columns), strict=True)))


# What the last statement of this transaction has posted, one message an event and kind; so it fits whatever makes
# commissions of orders.
_COMMISSION_MESSAGES = """
INSERT INTO outbox (program_id, type, occurred_at, payload)
SELECT CAST(%(program)s AS integer), 'commission.' || t.kind, t.occurred_at,
       json_build_object('event_id', e.event_id, 'order_id', o.order_id, 'currency', CAST(%(currency)s AS text),
                         'plan', CASE WHEN v.code IS NOT NULL THEN v.code || '@' || v.version END,
                         'amount_minor', sum(t.amount_minor), 'shops', json_agg(json_build_object(
                             'shop_id', s.shop_id, 'amount_minor', t.amount_minor) ORDER BY t.shop_no))::text
FROM (SELECT cause_no, event_no, kind::text AS kind, occurred_at, version_no, shop_no,
             sum(signed_minor(shop_no, credit_account, amount_minor))::bigint AS amount_minor
      FROM transfers
      WHERE program_id = %(program)s AND posting_no = current_setting('distrib.posting_no')::bigint
        AND kind = ANY(CAST(%(kinds)s AS transfer_kind[]))
      GROUP BY 1, 2, 3, 4, 5, 6) t
JOIN shops s ON s.program_id = %(program)s AND s.shop_no = t.shop_no
JOIN orders o ON o.program_id = %(program)s AND o.order_no = t.cause_no
LEFT JOIN events e ON e.program_id = %(program)s AND e.order_no = t.cause_no AND e.event_no = t.event_no
LEFT JOIN plan_versions v ON v.program_id = %(program)s AND v.version_no = t.version_no
GROUP BY t.kind, t.occurred_at, e.event_id, o.order_id, v.code, v.version, t.cause_no, t.event_no
ORDER BY t.occurred_at, t.cause_no, t.event_no
"""


def insert_commission_messages(conn: Connection, program_id: int, currency: str, kinds: Sequence[str]) -> None:
    """Writes a message for every event whose commissions the last posting statement posted, of these kinds.

    There must have been one in this transaction.
    """
    execute(conn, _COMMISSION_MESSAGES, {"program": program_id, "currency": currency, "kinds": list(kinds)})


_FAILURE_MESSAGES = """
INSERT INTO outbox (program_id, type, occurred_at, payload)
SELECT CAST(%(program)s AS integer), 'event.failed', CAST(%(now)s AS timestamptz), json_build_object(
    'event_id', e.event_id, 'event_type', e.type, 'order_id', o.order_id, 'code', f.code, 'attempts', f.attempts)::text
FROM unnest(CAST(%(orders)s AS bigint[]), CAST(%(events)s AS bigint[]), CAST(%(codes)s AS text[]),
    CAST(%(attempts)s AS integer[]))
    AS f (order_no, event_no, code, attempts)
JOIN events e ON e.program_id = %(program)s AND e.order_no = f.order_no AND e.event_no = f.event_no
LEFT JOIN orders o ON o.program_id = %(program)s AND o.order_no = f.order_no
ORDER BY f.event_no
"""


def insert_failure_messages(conn: Connection, program_id: int, failures: Sequence[EventFailure], now: datetime) -> None:
    """Writes a message for each event that failed."""
    orders, events, codes, attempts = map(list, zip(*failures, strict=True))
    values = {"program": program_id, "now": now, "orders": orders, "events": events}
    execute(conn, _FAILURE_MESSAGES, values | {"codes": codes, "attempts": attempts})
