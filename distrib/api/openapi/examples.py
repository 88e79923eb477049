"""One example of every body that a call takes, as the description shows it. A test holds each against its shape."""

from __future__ import annotations

from typing import Any, Final

_PAID_AT: Final = "2026-03-01T10:00:00+08:00"
_SETTLED_AT: Final = "2026-03-09T10:00:00+08:00"
_SHOP: Final = {"id": "mei", "sponsor_id": "lin", "name": "Mei 小店", "joined_at": "2026-01-06T09:00:00+08:00"}
_LINE: Final = {"id": "1", "sku": "TEA-250", "quantity": 1, "paid_minor": 30_000}
_ORDER: Final = {
    "id": "o-1",
    "shop_id": "mei",
    "customer_id": "c-5",
    "currency": "CNY",
    "paid_at": _PAID_AT,
    "lines": [_LINE],
}
_CLAIM: Final = {"shop_id": "mei", "source": "poster", "bound_at": _PAID_AT}
_DOT_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
_RULES: Final = [
    {"id": "seller", "pay": "seller", "rate": "0.10"},
    {"id": "upline", "pay": "upline", "tiers": ["0.03"]},
]

EXAMPLES: Final[dict[str, Any]] = {
    "change_program": {"title": "春茶优选", "admission": "review", "join_url": "https://shop.example.com/join"},
    "create_key": {"role": "orders", "name": "order system", "owner": "ann"},
    "change_key": {"owner": "ann", "expires_at": "2027-01-01T00:00:00+08:00"},
    "rotate_key": {"keep_hours": 24},
    "finish_rotation": {"keep": "new"},
    "seat_person": {"login": "wang", "role": "finance", "name": "王敏"},
    "create_password_link": {"link_minutes": 60},
    "create_plan": {"code": "spring", "currency": "CNY", "hold_days": 7, "rules": _RULES},
    "publish_plan": {"effective_from": "2026-03-01T00:00:00+08:00", "signed_off_by": "王敏"},
    "register_shop": _SHOP,
    "register_shops": {"shops": [{"id": "lin"}, _SHOP]},
    "change_shop": {"name": "Mei 茶铺", "attributes": {"region": "杭州"}},
    "move_shop": {"sponsor_id": "bo", "reason": "introduced by bo, registered below lin"},
    "set_status": {"status": "frozen", "reason": "case 12"},
    "set_statuses": {"decisions": [{"shop_id": "mei", "status": "active", "reason": "papers are complete"}]},
    "set_rank": {"rank": "manager", "reason": "taken over from the former system"},
    "set_customer": {"shop_id": "mei"},
    "merge_customer": {"into": "c-5"},
    "bind_customer": _CLAIM,
    "bind_customers": {"bindings": [{"customer_id": "c-5", **_CLAIM}]},
    "create_shop_session": {"link_minutes": 10, "session_minutes": 720},
    "post_events": {
        "id": "evt-1",
        "type": "order.settled",
        "occurred_at": "2026-03-09T10:00:00+08:00",
        "order": _ORDER,
    },
    "propose_close": {"cut_off_at": "2026-04-02T00:00:00+08:00"},
    "request_audit": {"full": True},
    "propose_adjustment": {"id": "adj-1", "shop_id": "mei", "amount_minor": -500, "reason": "paid twice in February"},
    "put_payee": {
        "name": "韩梅",
        "id_type": "id_card",
        "id_number": "11010519491231002X",
        "kind": "person",
        "accounts": {"alipay_login": "mei@example.com"},
    },
    "create_payout": {"id": "2026-03", "up_to": "2026-04-01T00:00:00+08:00", "channel": "alipay", "min_minor": 100},
    "record_payout_results": {"results": [{"shop_id": "mei", "status": "paid", "paid_on": "2026-04-03"}]},
    "propose_closing_payment": {"id": "last-mei", "reason": "the shop closed in March"},
    "request_withdrawal": {"id": "wd-1", "shop_id": "mei", "amount_minor": 9_620},
    "refuse_withdrawal": {"reason": "the account's name is not the payee's"},
    "ask_question": {"id": "q-1", "commission_id": "1042-1", "text": "为什么是 2.99？"},
    "answer_question": {"answer": "顾客退了 0.30，收回 3 %。"},
    "open_case": {"shop_id": "mei", "reason": "a customer complained"},
    "decide_case": {"decision": "freeze", "decided_by": "王敏", "reason": "orders without goods"},
    "record_penalty": {
        "id": "pen-1",
        "shop_id": "mei",
        "kind": "administrative",
        "decided_on": "2026-02-11",
        "authority": "杭州市市场监督管理局",
        "reason": "organising pyramid selling",
    },
    "withdraw_penalty": {"reason": "the decision was revoked"},
    "create_webhook": {
        "url": "https://shop.example.com/hooks",
        "events": ["commission.earned", "rank.changed"],
    },
    "change_webhook": {"events": ["commission.earned"], "status": "enabled"},
    "put_poster_background": {"image": _DOT_PNG},
}


def with_examples(paths: dict[str, Any]) -> None:
    """Puts the examples beside the shapes of the bodies, in the paths of a description."""
    for methods in paths.values():
        for operation in methods.values():
            if isinstance(operation, dict) and operation.get("operationId") in EXAMPLES:
                operation["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[operation["operationId"]]
