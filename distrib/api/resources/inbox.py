"""What waits for whoever asks: one list over all kinds, each with where it is decided."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.http.answers import Answer
from distrib.api.http.auth import may_call, scope_of
from distrib.api.schemas.inbox import INBOX, InboxQuerySchema
from distrib.services import undecided as service
from distrib.services.undecided import KINDS, WaitingItem

inbox = Resource("inbox", "What waits for me 待办")

# The call that decides each kind: who may make it may decide.
_DECIDED_BY: Final = {
    service.CLOSE: "confirm_close",
    service.PAYOUT: "approve_payout",
    service.CLOSING_PAYMENT: "approve_closing_payment",
    service.ADJUSTMENT: "approve_adjustment",
    service.WITHDRAWAL: "approve_withdrawal",
    service.PAYEE: "approve_payee",
    service.WEBHOOK: "approve_webhook_change",
    service.PROGRAM: "approve_program_change",
    service.KEY: "approve_key",
    service.SHOP: "set_status",
    service.EVENT: "retry_event",
    service.QUESTION: "answer_question",
    service.CASE: "decide_case",
    service.FINDING: "open_case",
}
_PATHS: Final = {
    service.CLOSE: "/v1/statements?period={id}",
    service.PAYOUT: "/v1/payouts/{id}",
    service.CLOSING_PAYMENT: "/v1/payouts/{id}",
    service.ADJUSTMENT: "/v1/adjustments/{id}",
    service.WITHDRAWAL: "/v1/withdrawals/{id}",
    service.PAYEE: "/v1/shops/{shop_id}/payee",
    service.WEBHOOK: "/v1/webhooks/{webhook_id}",
    service.PROGRAM: "/v1/program",
    service.KEY: "/v1/keys/{id}",
    service.SHOP: "/v1/shops/{id}",
    service.EVENT: "/v1/events/{id}",
    service.QUESTION: "/v1/questions/{id}",
    service.CASE: "/v1/compliance/cases/{id}",
    service.FINDING: "/v1/compliance/findings?id={code}",
}


@inbox.operation("GET", "/inbox", {200: INBOX}, Takes(query=InboxQuerySchema))
def list_inbox(call: Call) -> Answer:
    """What waits for a decision or a look, the newest first, up to ``limit`` of each kind, and how many wait."""
    readable = KINDS if _may(call, "get_key") else tuple(kind for kind in KINDS if kind != service.KEY)
    kinds = [kind for kind in readable if call.query["kind"] in (None, kind)]
    waiting, counts = service.list_waiting(call.unit, kinds, call.query["limit"])
    shown = {kind: {"count": count.count, "more": count.has_more} for kind, count in counts.items()}
    return Answer({"data": [_view(call, item) for item in waiting], "counts": shown})


def _view(call: Call, item: WaitingItem) -> dict[str, Any]:
    row = item.row
    operation = _DECIDED_BY[item.kind]
    ids = {name: quote(getattr(row, name) or "", safe="") for name in ("id", "shop_id", "webhook_id", "code")}
    return {
        "kind": item.kind,
        "id": row.id,
        "at": row.waiting_since,
        "by": row.by,
        "mine": item.is_mine,
        "may_decide": item.is_open and _may(call, operation),
        "operation": operation,
        "link": _PATHS[item.kind].format(**ids),
        "shop_id": row.shop_id,
        "order_id": row.order_id,
        "amount_minor": row.amount_minor,
        "currency": None if row.amount_minor is None else call.program.currency,
        "count": row.figure,
        "code": row.code,
        "subject": row.subject,
        "fields": None if row.fields is None else list(row.fields),
        "due_at": row.due_at,
    }


def _may(call: Call, operation: str) -> bool:
    """Whether the role and the scopes of the reader's key reach a call."""
    has_scope = call.actor.scopes is None or scope_of(operation) in call.actor.scopes
    return has_scope and may_call(call.actor.role, operation)
