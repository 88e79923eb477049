"""Whether what orders keep of their customers' earlier orders is among what is known now. Nothing is repaired here."""

from __future__ import annotations

from distrib.domain.plans.document_limits import MAX_WITHIN_ORDERS
from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question

_KEPT = '"earlier_orders":{"orders":'
EARLIER_ORDERS = Question(
    "earlier_orders_known",
    "SELECT count(*) FROM settlements WHERE program_id = %(program)s AND order_no IN %(page)s"
    f" AND strpos(snapshot, '{_KEPT}') > 0",
    f"""
    SELECT k.order_no, k.customer_id, k.kept_orders, known.orders AS known_orders, k.kept_first, known.first_paid_at
    FROM (SELECT order_no, customer_id, paid_at,
                 substring(snapshot FROM '{_KEPT.replace("{", "[{]")}([0-9]+)')::bigint AS kept_orders,
                 substring(snapshot FROM '"first_paid_at":"([0-9T:.+-]+)"')::timestamptz AS kept_first
          FROM settlements WHERE program_id = %(program)s AND order_no IN %(page)s AND strpos(snapshot,
              '{_KEPT}') > 0) k
    CROSS JOIN LATERAL (SELECT COALESCE((
        SELECT m.into_id FROM customer_merges m WHERE m.program_id = %(program)s AND m.customer_id = k.customer_id
        ORDER BY m.seq DESC LIMIT 1), k.customer_id) AS person_id) who
    CROSS JOIN LATERAL (
        SELECT count(*) AS orders, min(paid_at) AS first_paid_at FROM (
            SELECT s.paid_at FROM settlements s
            WHERE s.program_id = %(program)s AND s.paid_at <= k.paid_at
              AND (s.customer_id = who.person_id OR s.customer_id IN (
                  SELECT m.customer_id FROM customer_merges m
                  WHERE m.program_id = %(program)s AND m.into_id = who.person_id))
              AND s.order_no <> k.order_no
            ORDER BY s.paid_at LIMIT {MAX_WITHIN_ORDERS}
        ) y
    ) known
    WHERE known.orders < k.kept_orders OR (k.kept_orders > 0) <> (k.kept_first IS NOT NULL)
       OR known.first_paid_at > k.kept_first
    """,
    By.ORDERS,
)
"""Orders and the ids of a person only grow: of a customer more may be known now than when an order was first worked
on, never less."""
