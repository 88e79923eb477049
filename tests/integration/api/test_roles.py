"""Who may call what: every operation with every role, and what lies in another program."""

from __future__ import annotations

from typing import Any

import pytest

from distrib.api.http.auth import MAY_CALL, ROLES
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.shops import ShopDraft, register_shops
from tests.world.api import Api, Caller
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import EARLY, chain

DRAFT = {"id": "new", "sponsor_id": "own"}
CLAIM = {"shop_id": "own", "source": "link", "bound_at": "2026-03-01T00:00:00Z"}
PAYEE = {"name": "n", "id_type": "id_card", "id_number": "1", "kind": "person", "accounts": {"bank_account": "2"}}
PENALTY = {"id": "p", "shop_id": "own", "kind": "criminal", "decided_on": "2020-01-01", "reason": "r"}
# An id that is no key's, so that nobody ends the key in use.
CALLS: dict[str, tuple[str, str, Any]] = {
    "get_program": ("GET", "/v1/program", None),
    "change_program": ("PATCH", "/v1/program", {"admission": "open"}),
    "list_program_changes": ("GET", "/v1/program/changes", None),
    "show_retention": ("GET", "/v1/program/retention", None),
    "set_customer": ("PUT", "/v1/customers/cust", {"shop_id": None}),
    "get_customer": ("GET", "/v1/customers/cust", None),
    "merge_customer": ("POST", "/v1/customers/cust/merge", {"into": "other"}),
    "bind_customer": ("PUT", "/v1/customers/cust/binding", CLAIM),
    "bind_customers": ("POST", "/v1/bindings/batch", {"bindings": [CLAIM | {"customer_id": "cust"}]}),
    "list_bindings": ("GET", "/v1/customers/cust/binding", None),
    "change_shop": ("PATCH", "/v1/shops/own", {"name": "n"}),
    "get_funnel": ("GET", "/v1/funnel?from=2026-03-01&to=2026-03-02", None),
    "get_poster": ("GET", "/v1/shops/own/poster.png", None),
    "get_qr_code": ("GET", "/v1/shops/own/qr.svg", None),
    "put_poster_background": ("PUT", "/v1/program/poster-background", {"image": "AA=="}),
    "get_poster_background": ("GET", "/v1/program/poster-background", None),
    "end_poster_background": ("DELETE", "/v1/program/poster-background", None),
    "create_shop_session": ("POST", "/v1/shops/own/session", None),
    "end_shop_sessions": ("POST", "/v1/shops/own/session/end", None),
    "erase_shop": ("POST", "/v1/shops/own/erase", None),
    "export_subtree": ("GET", "/v1/shops/own/subtree", None),
    "get_metrics": ("GET", "/v1/shops/own/metrics?period=2026-03", None),
    "list_keys": ("GET", "/v1/keys", None),
    "create_key": ("POST", "/v1/keys", {"role": "finance", "name": "n"}),
    "get_key": ("GET", "/v1/keys/nobody", None),
    "change_key": ("PATCH", "/v1/keys/nobody", {"owner": "ann"}),
    "approve_key": ("POST", "/v1/keys/nobody/approve", None),
    "rotate_key": ("POST", "/v1/keys/nobody/rotate", None),
    "finish_rotation": ("POST", "/v1/keys/nobody/rotate/finish", None),
    "revoke_key": ("DELETE", "/v1/keys/nobody", None),
    "require_signing": ("POST", "/v1/keys/nobody/signing", None),
    "end_signing": ("DELETE", "/v1/keys/nobody/signing", None),
    "list_months": ("GET", "/v1/statements/months", None),
    "get_close": ("GET", "/v1/statements/2026-03/close", None),
    "list_payable": ("GET", "/v1/payouts/reports/available", None),
    "list_people": ("GET", "/v1/people", None),
    "seat_person": ("POST", "/v1/people", {"login": "ann", "role": "viewer"}),
    "create_password_link": ("POST", "/v1/people/nobody/password-link", None),
    "register_shop": ("POST", "/v1/shops", DRAFT),
    "register_shops": ("POST", "/v1/shops/batch", {"shops": [DRAFT]}),
    "list_shops": ("GET", "/v1/shops", None),
    "get_shop": ("GET", "/v1/shops/own", None),
    "list_upline": ("GET", "/v1/shops/own/upline", None),
    "list_downline": ("GET", "/v1/shops/own/downline", None),
    "get_tree": ("GET", "/v1/shops/own/tree", None),
    "list_shop_changes": ("GET", "/v1/shops/own/changes", None),
    "move_shop": ("POST", "/v1/shops/own/move", {"sponsor_id": None, "reason": "r"}),
    "set_status": ("POST", "/v1/shops/own/status", {"status": "active", "reason": "r"}),
    "set_statuses": (
        "POST",
        "/v1/shops/status/batch",
        {"decisions": [{"shop_id": "own", "status": "active", "reason": "r"}]},
    ),
    "set_rank": ("PUT", "/v1/shops/own/rank", {"rank": "member", "reason": "r"}),
    "list_ranks": ("GET", "/v1/shops/own/ranks", None),
    "get_next_rank": ("GET", "/v1/shops/own/next-rank", None),
    "list_evaluations": ("GET", "/v1/ranks/evaluations", None),
    "list_rank_changes": ("GET", "/v1/ranks/changes", None),
    "list_near_ranks": ("GET", "/v1/ranks/near", None),
    "list_balances": ("GET", "/v1/balances", None),
    "list_releases": ("GET", "/v1/balances/releases", None),
    "get_earnings": ("GET", "/v1/shops/own/earnings", None),
    "get_commission": ("GET", "/v1/commissions/1-1", None),
    "get_balance": ("GET", "/v1/shops/own/balance", None),
    "list_shop_commissions": ("GET", "/v1/shops/own/commissions", None),
    "create_plan": ("POST", "/v1/plans", SELLER_TEN_PERCENT),
    "publish_plan": ("POST", "/v1/plans/plain/1/publish", {"effective_from": EARLY.isoformat()}),
    "list_plans": ("GET", "/v1/plans", None),
    "get_plan": ("GET", "/v1/plans/plain/1", None),
    "post_events": ("POST", "/v1/events", settled("evt", "order", "own", line(100))),
    "get_event": ("GET", "/v1/events/evt", None),
    "list_events": ("GET", "/v1/events", None),
    "get_queue": ("GET", "/v1/queue", None),
    "show_workers": ("GET", "/v1/workers", None),
    "retry_event": ("POST", "/v1/events/evt/retry", None),
    "get_order": ("GET", "/v1/orders/order", None),
    "list_orders": ("GET", "/v1/orders", None),
    "explain_order": ("GET", "/v1/orders/order/explanation", None),
    "list_commissions": ("GET", "/v1/commissions", None),
    "get_statements": ("GET", "/v1/statements?period=2026-03", None),
    "get_shop_statement": ("GET", "/v1/statements/2026-03/shops/own", None),
    "export_statements": ("GET", "/v1/statements/2026-03/export", None),
    "get_manifest": ("GET", "/v1/statements/2026-03/export/manifest", None),
    "propose_close": ("POST", "/v1/statements/2026-03/close", None),
    "confirm_close": ("POST", "/v1/statements/2026-03/close/confirm", None),
    "propose_adjustment": ("POST", "/v1/adjustments", {"id": "x", "shop_id": "own", "amount_minor": 1, "reason": "r"}),
    "approve_adjustment": ("POST", "/v1/adjustments/x/approve", None),
    "list_adjustments": ("GET", "/v1/adjustments", None),
    "get_adjustment": ("GET", "/v1/adjustments/x", None),
    "list_accounts": ("GET", "/v1/ledger/accounts", None),
    "get_account": ("GET", "/v1/ledger/accounts/payable:own", None),
    "list_account_versions": ("GET", "/v1/ledger/accounts/payable:own/versions", None),
    "list_transfers": ("GET", "/v1/ledger/transfers", None),
    "list_seals": ("GET", "/v1/ledger/seals", None),
    "get_seal": ("GET", "/v1/ledger/seals/1", None),
    "get_seal_content": ("GET", "/v1/ledger/seals/1/content", None),
    "list_webhooks": ("GET", "/v1/webhooks", None),
    "create_webhook": ("POST", "/v1/webhooks", {"url": "https://hooks.example.com/", "events": ["rank.changed"]}),
    "get_webhook": ("GET", "/v1/webhooks/hook", None),
    "change_webhook": ("PATCH", "/v1/webhooks/hook", {"status": "enabled"}),
    "end_webhook": ("DELETE", "/v1/webhooks/hook", None),
    "rotate_webhook_secret": ("POST", "/v1/webhooks/hook/rotate", None),
    "list_deliveries": ("GET", "/v1/webhooks/hook/deliveries", None),
    "get_delivery": ("GET", "/v1/webhooks/hook/deliveries/dlv_1", None),
    "test_webhook": ("POST", "/v1/webhooks/hook/test", None),
    "resend_delivery": ("POST", "/v1/webhooks/hook/deliveries/dlv_1/resend", None),
    "put_payee": ("PUT", "/v1/shops/own/payee", PAYEE),
    "get_payee": ("GET", "/v1/shops/own/payee", None),
    "create_payout": ("POST", "/v1/payouts", {"id": "batch", "up_to": EARLY.isoformat()}),
    "list_payouts": ("GET", "/v1/payouts", None),
    "get_payout": ("GET", "/v1/payouts/batch", None),
    "list_refused_lines": ("GET", "/v1/payouts/batch/refused", None),
    "approve_payout": ("POST", "/v1/payouts/batch/approve", None),
    "cancel_payout": ("POST", "/v1/payouts/batch/cancel", None),
    "record_payout_results": ("POST", "/v1/payouts/batch/results", {"results": [{"shop_id": "own", "status": "paid"}]}),
    "list_payout_files": ("GET", "/v1/payouts/batch/files", None),
    "export_payout": ("GET", "/v1/payouts/batch/export", None),
    "report_platform": ("GET", "/v1/payouts/reports/platform?quarter=2026-Q1", None),
    "report_us_1099": ("GET", "/v1/payouts/reports/us-1099?year=2026", None),
    "propose_closing_payment": ("POST", "/v1/shops/own/closing-payment", {"id": "last", "reason": "r"}),
    "approve_closing_payment": ("POST", "/v1/shops/own/closing-payment/approve", None),
    "request_withdrawal": ("POST", "/v1/withdrawals", {"id": "w", "amount_minor": 1, "shop_id": "own"}),
    "start_task": ("POST", "/v1/tasks", {"operation": "propose_close", "path": {"period": "2026-03"}}),
    "list_tasks": ("GET", "/v1/tasks", None),
    "get_task": ("GET", "/v1/tasks/t", None),
    "cancel_task": ("POST", "/v1/tasks/t/cancel", None),
    "get_task_file": ("GET", "/v1/tasks/t/file", None),
    "start_simulation": (
        "POST",
        "/v1/simulations",
        {"plan": SELLER_TEN_PERCENT, "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
    ),
    "get_simulation": ("GET", "/v1/simulations/s", None),
    "cancel_simulation": ("DELETE", "/v1/simulations/s", None),
    "list_simulated_orders": ("GET", "/v1/simulations/s/orders", None),
    "ask_question": ("POST", "/v1/questions", {"id": "q", "commission_id": "1-1", "text": "Why?"}),
    "list_questions": ("GET", "/v1/questions?shop_id=own", None),
    "get_question": ("GET", "/v1/questions/q", None),
    "answer_question": ("POST", "/v1/questions/q/answer", {"answer": "So."}),
    "close_question": ("POST", "/v1/questions/q/close", None),
    "list_withdrawals": ("GET", "/v1/withdrawals", None),
    "get_withdrawal": ("GET", "/v1/withdrawals/w", None),
    "approve_withdrawal": ("POST", "/v1/withdrawals/w/approve", None),
    "refuse_withdrawal": ("POST", "/v1/withdrawals/w/refuse", {"reason": "r"}),
    "cancel_withdrawal": ("POST", "/v1/withdrawals/w/cancel", None),
    "request_audit": ("POST", "/v1/audit", None),
    "list_audits": ("GET", "/v1/audits", None),
    "get_audit": ("GET", "/v1/audit", None),
    "get_compliance_report": ("GET", "/v1/compliance/report", None),
    "list_findings": ("GET", "/v1/compliance/findings", None),
    "get_latest_run": ("GET", "/v1/compliance/runs/latest", None),
    "run_monitors": ("POST", "/v1/compliance/runs", None),
    "list_cases": ("GET", "/v1/compliance/cases", None),
    "get_case": ("GET", "/v1/compliance/cases/1", None),
    "open_case": ("POST", "/v1/compliance/cases", {"shop_id": "own", "reason": "r"}),
    "decide_case": (
        "POST",
        "/v1/compliance/cases/1/decisions",
        {"decision": "dismiss", "decided_by": "Han", "reason": "r"},
    ),
    "list_penalties": ("GET", "/v1/compliance/penalties", None),
    "get_penalty": ("GET", "/v1/compliance/penalties/p", None),
    "record_penalty": ("POST", "/v1/compliance/penalties", PENALTY),
    "withdraw_penalty": ("POST", "/v1/compliance/penalties/p/withdraw", {"reason": "r"}),
    "approve_payee": ("POST", "/v1/shops/own/payee/approve", None),
    "cancel_payee": ("POST", "/v1/shops/own/payee/cancel", None),
    "approve_webhook_change": ("POST", "/v1/webhooks/hook/approve", None),
    "cancel_webhook_change": ("POST", "/v1/webhooks/hook/cancel", None),
    "approve_program_change": ("POST", "/v1/program/approve", None),
    "cancel_program_change": ("POST", "/v1/program/cancel", None),
    "list_held_changes": ("GET", "/v1/changes", None),
    "list_inbox": ("GET", "/v1/inbox", None),
    "list_trail": ("GET", "/v1/trail", None),
    "export_trail": ("GET", "/v1/trail/export?period=2026-03", None),
}


@pytest.fixture
def shop_world(api: Api) -> Api:
    """A chain above > own > below > deep > deeper > deepest, one beside it, a plan, an order."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("above", "own", "below", "deep", "deeper", "deepest"), ("beside", "above"))
    world.earn(settled("evt", "order", "own", line(100)), settled("evt-2", "order-2", "beside", line(100)))
    return api


def test_every_operation_is_in_the_table_and_tried_here(api: Api) -> None:
    served = {rule.endpoint.split(".")[-1] for rule in api.app.url_map.iter_rules() if rule.rule.startswith("/v1/")}
    assert served - {"openapi_json"} == set(MAY_CALL) == set(CALLS)


def test_finance_and_admin_read_everything_and_only_admin_reads_keys_and_the_trail() -> None:
    reads = {name for name, (method, _path, _body) in CALLS.items() if method == "GET"}
    of_admins = {"list_keys", "get_key", "list_people", "list_trail", "export_trail"}
    assert {name for name in reads if "finance" not in MAY_CALL[name]} == of_admins
    assert {name for name in reads if "admin" not in MAY_CALL[name]} == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(shop_world: Api, role: str) -> None:
    caller = shop_world.caller(role, "own" if role == "partner" else None)
    for name, (method, path, body) in CALLS.items():
        answer = caller.call(method, path, body)
        may = role in MAY_CALL[name]
        assert (answer.status_code != 403) == may, (name, answer.text)
        assert answer.status_code < 500


def test_a_partner_sees_its_downline_as_deep_as_the_policy_looks_and_not_their_money(shop_world: Api) -> None:
    partner = shop_world.caller("partner", "own")
    assert partner.get("/v1/shops/own")["invite_code"]
    below = partner.get("/v1/shops/below")
    assert below.keys() == {"id", "name", "level", "rank", "joined_at", "sales_minor", "currency"}
    rows = partner.get("/v1/shops/own/downline")["data"]
    assert [row["id"] for row in rows] == ["below", "deep", "deeper"]
    assert rows[0].keys() == {"id", "name", "level", "distance", "rank", "joined_at", "sales_minor", "currency"}
    assert [row["id"] for row in partner.get("/v1/shops/deep/downline?levels=9")["data"]] == ["deeper"]
    assert partner.get("/v1/shops/deeper/downline")["data"] == []
    for path in ("balance", "commissions", "ranks"):
        assert partner.refused("GET", f"/v1/shops/below/{path}") == (403, "forbidden")
    assert partner.refused("GET", "/v1/statements/2026-03/shops/below") == (403, "forbidden")


def test_a_partner_does_not_see_what_stands_beside_above_or_too_deep(shop_world: Api) -> None:
    partner = shop_world.caller("partner", "own")
    for shop in ("beside", "above", "deepest"):
        assert partner.refused("GET", f"/v1/shops/{shop}") == (403, "forbidden"), shop
        assert partner.refused("GET", f"/v1/shops/{shop}/downline") == (403, "forbidden"), shop
        assert partner.refused("GET", f"/v1/shops/{shop}/balance") == (403, "forbidden"), shop
    assert partner.refused("GET", "/v1/shops/nobody") == (404, "shop_unknown")


def test_a_partner_sees_its_own_commissions_and_its_own_rows_of_an_order(shop_world: Api) -> None:
    partner = shop_world.caller("partner", "own")
    assert {row["shop_id"] for row in partner.get("/v1/commissions")["data"]} == {"own"}
    assert partner.refused("GET", "/v1/commissions?shop_id=beside") == (403, "forbidden")
    explained = partner.get("/v1/orders/order/explanation")
    assert {look["shop_id"] for look in explained["looks"]} == {"own"}
    assert "customer_id" not in explained
    assert partner.refused("GET", "/v1/orders/order-2/explanation") == (404, "order_unknown")


def test_a_partner_registers_below_its_own_shop_and_nowhere_else(shop_world: Api) -> None:
    partner = shop_world.caller("partner", "own")
    assert partner.call("POST", "/v1/shops", {"id": "n1", "sponsor_id": "own"}).status_code == 201
    assert partner.call("POST", "/v1/shops", {"id": "n2", "sponsor_id": "n1"}).status_code == 201
    for body in ({"id": "n3", "sponsor_id": "above"}, {"id": "n3", "sponsor_id": "beside"}, {"id": "n3"}):
        assert partner.refused("POST", "/v1/shops", body) == (403, "forbidden"), body


def test_finance_reads_no_notes_about_people(shop_world: Api) -> None:
    admin, finance = shop_world.caller(), shop_world.caller("finance")
    admin.post("/v1/shops", {"id": "noted", "attributes": {"phone": "1"}})
    assert admin.get("/v1/shops/noted")["attributes"] == {"phone": "1"}
    assert "attributes" not in finance.get("/v1/shops/noted")


def test_what_lies_in_another_program_is_404(shop_world: Api) -> None:
    api = shop_world
    stranger = api.caller(program=api.other_program())
    admin = api.caller()
    key_id = admin.get("/v1/keys")["data"][0]["id"]
    admin.call("POST", "/v1/audit")
    admin.put("/v1/shops/own/payee", PAYEE)
    admin.post("/v1/payouts", {"id": "batch", "up_to": "2026-04-01T00:00:00Z"})
    for method, path, body in (
        ("GET", "/v1/shops/own", None),
        ("GET", "/v1/shops/own/upline", None),
        ("GET", "/v1/shops/own/downline", None),
        ("GET", "/v1/shops/own/ranks", None),
        ("GET", "/v1/shops/own/balance", None),
        ("GET", "/v1/shops/own/commissions", None),
        ("POST", "/v1/shops/own/move", {"sponsor_id": None, "reason": "r"}),
        ("POST", "/v1/shops/own/status", {"status": "closed", "reason": "r"}),
        ("PUT", "/v1/shops/own/rank", {"rank": None, "reason": "r"}),
        ("GET", "/v1/plans/plain/1", None),
        ("POST", "/v1/plans/plain/1/publish", {"effective_from": EARLY.isoformat()}),
        ("GET", "/v1/events/evt", None),
        ("POST", "/v1/events/evt/retry", None),
        ("GET", "/v1/orders/order", None),
        ("GET", "/v1/orders/order/explanation", None),
        ("GET", "/v1/statements/2026-03/shops/own", None),
        ("DELETE", f"/v1/keys/{key_id}", None),
        ("PUT", "/v1/shops/own/payee", PAYEE),
        ("GET", "/v1/shops/own/payee", None),
        ("GET", "/v1/payouts/batch", None),
        ("POST", "/v1/payouts/batch/approve", None),
        ("POST", "/v1/payouts/batch/results", {"results": [{"shop_id": "own", "status": "paid"}]}),
        ("GET", "/v1/payouts/batch/export", None),
        ("GET", "/v1/audit", None),
    ):
        assert stranger.call(method, path, body).status_code == 404, path
    for path in ("/v1/keys", "/v1/plans", "/v1/events", "/v1/orders", "/v1/commissions", "/v1/payouts"):
        assert len(stranger.get(path)["data"]) == (1 if path == "/v1/keys" else 0), path
    assert stranger.get("/v1/statements?period=2026-03")["data"] == []
    assert stranger.call("GET", "/v1/statements/2026-03/export").text.count("\n") == 1
    assert stranger.refused("POST", "/v1/shops", {"id": "x", "sponsor_id": "own"}) == (422, "sponsor_unknown")
    bound = {"role": "partner", "name": "p", "shop_id": "own"}
    assert stranger.refused("POST", "/v1/keys", bound) == (404, "shop_unknown")


def test_the_same_ids_in_two_programs_never_meet(shop_world: Api) -> None:
    api = shop_world
    other = api.other_program()
    container = api.world.container
    with container.begin() as conn:
        register_shops(
            Unit(conn, other, COMMAND_LINE, container.now()),
            container.policies["open"],
            [ShopDraft("own", joined_at=EARLY)],
            b"p",
        )
    stranger: Caller = api.caller("orders", program=other)
    event = settled("evt", "order", "own", line(999))
    assert stranger.post("/v1/events", event)["accepted"] == 1
    assert api.caller("orders").get("/v1/orders/order")["paid_minor"] == 100
