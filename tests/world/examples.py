"""A walk on which every request example of the description is sent, in an order that makes sense, and is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from distrib.api.http.auth import MAY_CALL
from distrib.api.openapi.examples import requests
from distrib.domain.webhooks import EVENT_TYPES
from tests.world.api import Api, Caller
from workers.audits import run_requested_audits
from workers.seals import seal_days
from workers.simulations import run_simulations

JSON = "application/json"
ADMIN, FINANCE, PARTNER = "admin", "finance", "partner"
WATCHES_ALL = {"id": "all", "url": "https://hooks.example.com/all", "events": list(EVENT_TYPES)}


class Answered(NamedTuple):
    """A call of the walk: which operation, which of its examples, and what it was answered."""

    operation: str
    example: str
    status: int
    media_type: str
    body: Any


class Walk:
    """Goes through a world in which nothing happened yet."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.callers: dict[str, Caller] = {
            ADMIN: api.caller(ADMIN, owner="han"),
            FINANCE: api.caller(FINANCE, owner="wang"),
        }
        self.requests = requests()
        self.answered: list[Answered] = []

    def go(self) -> list[Answered]:
        """The whole walk, every call with its answer; all that was refused is told at once."""
        self._open()
        self._sell()
        self._ask()
        self._pay()
        self._watch()
        self._end()
        refused = [answer for answer in self.answered if not 200 <= answer.status < 300]
        assert refused == [], "\n".join(str(answer) for answer in refused)
        return self.answered

    def call(self, who: str, operation: str, route: str) -> Any:
        """One call without a body, or with each of the operation's examples in their order; the last one's answer."""
        method, path = route.split(" ")
        last = None
        for name, body in examples_of(self.requests.get(operation)):
            answer = self.callers[who].call(method, path, body)
            media_type = str(answer.mimetype)
            last = json.loads(answer.text) if media_type == JSON or media_type.endswith("+json") else None
            self.answered.append(Answered(operation, name, answer.status_code, media_type, last))
        return last

    def _open(self) -> None:
        """The program, its plan, shops, customers, keys and endpoints."""
        self.callers[ADMIN].post("/v1/webhooks", WATCHES_ALL)
        for operation, route in (
            ("change_program", "PATCH /v1/program"),
            ("get_program", "GET /v1/program"),
            ("list_program_changes", "GET /v1/program/changes"),
            ("create_plan", "POST /v1/plans"),
            ("publish_plan", "POST /v1/plans/two-level/1/publish"),
            ("get_plan", "GET /v1/plans/two-level/1"),
            ("list_plans", "GET /v1/plans"),
            ("register_shop", "POST /v1/shops"),
            ("register_shops", "POST /v1/shops/batch"),
            ("change_shop", "PATCH /v1/shops/shop-7"),
            ("set_status", "POST /v1/shops/shop-9/status"),
            ("set_statuses", "POST /v1/shops/status/batch"),
            ("move_shop", "POST /v1/shops/shop-8/move"),
            ("set_rank", "PUT /v1/shops/shop-7/rank"),
            ("bind_customer", "PUT /v1/customers/customer-5/binding"),
            ("bind_customers", "POST /v1/bindings/batch"),
            ("merge_customer", "POST /v1/customers/customer-51/merge"),
            ("set_customer", "PUT /v1/customers/customer-8"),
            ("get_customer", "GET /v1/customers/customer-5"),
            ("list_bindings", "GET /v1/customers/customer-5/binding"),
            ("create_webhook", "POST /v1/webhooks"),
            ("change_webhook", "PATCH /v1/webhooks/orders-desk"),
            ("seat_person", "POST /v1/people"),
            ("list_people", "GET /v1/people"),
        ):
            self.call(ADMIN, operation, route)
        seated = self.callers[ADMIN].get("/v1/people")["data"][0]
        self.call(ADMIN, "create_password_link", f"POST /v1/people/{seated['id']}/password-link")
        admin = self.callers[ADMIN]
        admin.patch("/v1/program", {"admission": "review"})
        admin.post("/v1/shops", {"id": "shop-10", "sponsor_id": "shop-7"})
        self.callers[PARTNER] = self.api.caller(PARTNER, "shop-7")

    def _sell(self) -> None:
        """Events of every type, worked on, and what they came to."""
        self.call(ADMIN, "post_events", "POST /v1/events")
        self.call(ADMIN, "get_queue", "GET /v1/queue")
        before_any_plan = {"id": "order-5", "paid_at": "2025-03-01T10:00:00+08:00"}
        early = self.requests["post_events"]["order.settled"]
        failing = early | {"id": "event-11", "order": early["order"] | before_any_plan}
        self.callers[ADMIN].post("/v1/events", failing)
        self.api.world.drain()
        self.call(ADMIN, "retry_event", "POST /v1/events/event-11/retry")
        self.api.world.drain()
        for operation, route in (
            ("get_event", "GET /v1/events/event-2"),
            ("list_events", "GET /v1/events"),
            ("get_order", "GET /v1/orders/order-1"),
            ("list_orders", "GET /v1/orders"),
            ("explain_order", "GET /v1/orders/order-1/explanation"),
            ("list_commissions", "GET /v1/commissions"),
            ("list_shop_commissions", "GET /v1/shops/shop-7/commissions"),
            ("get_balance", "GET /v1/shops/shop-7/balance"),
            ("get_earnings", "GET /v1/shops/shop-7/earnings"),
            ("list_balances", "GET /v1/balances"),
            ("list_releases", "GET /v1/balances/releases"),
            ("get_shop", "GET /v1/shops/shop-7"),
            ("list_shops", "GET /v1/shops"),
            ("list_upline", "GET /v1/shops/shop-7/upline"),
            ("list_downline", "GET /v1/shops/shop-1/downline"),
            ("get_tree", "GET /v1/shops/shop-1/tree"),
            ("list_shop_changes", "GET /v1/shops/shop-8/changes"),
            ("list_ranks", "GET /v1/shops/shop-7/ranks"),
            ("get_next_rank", "GET /v1/shops/shop-8/next-rank"),
            ("list_evaluations", "GET /v1/ranks/evaluations"),
            ("list_rank_changes", "GET /v1/ranks/changes"),
            ("list_near_ranks", "GET /v1/ranks/near"),
            ("get_metrics", "GET /v1/shops/shop-7/metrics?period=2026-03"),
            ("show_retention", "GET /v1/program/retention"),
            ("export_subtree", "GET /v1/shops/shop-1/subtree"),
            ("get_funnel", "GET /v1/funnel?from=2026-03-01&to=2026-03-31&by=month"),
        ):
            self.call(ADMIN, operation, route)

    def _ask(self) -> None:
        """A shop's question, its session and its withdrawals; an adjustment."""
        self.call(ADMIN, "get_commission", f"GET /v1/commissions/{self.requests['ask_question']['commission_id']}")
        self.call(PARTNER, "ask_question", "POST /v1/questions")
        for operation, route in (
            ("list_questions", "GET /v1/questions"),
            ("get_question", "GET /v1/questions/question-1"),
            ("answer_question", "POST /v1/questions/question-1/answer"),
            ("close_question", "POST /v1/questions/question-1/close"),
            ("create_shop_session", "POST /v1/shops/shop-7/session"),
            ("end_shop_sessions", "POST /v1/shops/shop-7/session/end"),
            ("put_payee", "PUT /v1/shops/shop-7/payee"),
            ("get_payee", "GET /v1/shops/shop-7/payee"),
            ("request_withdrawal", "POST /v1/withdrawals"),
            ("list_withdrawals", "GET /v1/withdrawals"),
            ("get_withdrawal", "GET /v1/withdrawals/withdrawal-1"),
            ("propose_adjustment", "POST /v1/adjustments"),
        ):
            self.call(ADMIN, operation, route)
        self.call(FINANCE, "approve_withdrawal", "POST /v1/withdrawals/withdrawal-1/approve")
        self.call(ADMIN, "refuse_withdrawal", "POST /v1/withdrawals/withdrawal-1/refuse")
        self.callers[ADMIN].post("/v1/withdrawals", {"id": "withdrawal-2", "shop_id": "shop-7", "amount_minor": 500})
        self.call(ADMIN, "cancel_withdrawal", "POST /v1/withdrawals/withdrawal-2/cancel")
        self.call(FINANCE, "approve_adjustment", "POST /v1/adjustments/adjustment-1/approve")
        self.call(ADMIN, "get_adjustment", "GET /v1/adjustments/adjustment-1")
        self.call(ADMIN, "list_adjustments", "GET /v1/adjustments")

    def _pay(self) -> None:
        """A month that is closed, a batch that is paid, and the last money of a closed shop."""
        self.call(ADMIN, "get_statements", "GET /v1/statements?period=2026-03")
        self.call(ADMIN, "get_close", "GET /v1/statements/2026-03/close")
        self.call(ADMIN, "list_payable", "GET /v1/payouts/reports/available")
        self.call(ADMIN, "propose_close", "POST /v1/statements/2026-03/close")
        self.call(ADMIN, "create_payout", "POST /v1/payouts")
        self.call(ADMIN, "list_inbox", "GET /v1/inbox")
        self.call(FINANCE, "confirm_close", "POST /v1/statements/2026-03/close/confirm")
        self.call(FINANCE, "approve_payout", "POST /v1/payouts/payout-1/approve")
        for operation, route in (
            ("get_shop_statement", "GET /v1/statements/2026-03/shops/shop-7"),
            ("get_manifest", "GET /v1/statements/2026-03/export/manifest"),
            ("list_months", "GET /v1/statements/months"),
            ("list_payout_files", "GET /v1/payouts/payout-1/files"),
            ("record_payout_results", "POST /v1/payouts/payout-1/results"),
            ("get_payout", "GET /v1/payouts/payout-1"),
            ("list_payouts", "GET /v1/payouts"),
            ("list_refused_lines", "GET /v1/payouts/payout-1/refused"),
        ):
            self.call(ADMIN, operation, route)
        admin = self.callers[ADMIN]
        returned = {"shop_id": "shop-7", "status": "returned", "reason": "account closed"}
        admin.post("/v1/payouts/payout-1/results", {"results": [returned]})
        admin.post("/v1/payouts", {"id": "payout-2", "up_to": "2026-05-01T00:00:00Z", "shop_ids": ["shop-7"]})
        self.call(ADMIN, "cancel_payout", "POST /v1/payouts/payout-2/cancel")
        admin.put("/v1/shops/shop-1/payee", self.requests["put_payee"] | {"id_number": "110101199003075678"})
        admin.post("/v1/shops/shop-1/status", {"status": "closed", "reason": "gave up"})
        self.call(ADMIN, "propose_closing_payment", "POST /v1/shops/shop-1/closing-payment")
        self.call(FINANCE, "approve_closing_payment", "POST /v1/shops/shop-1/closing-payment/approve")

    def _watch(self) -> None:
        """Compliance, the ledger, the audit, webhooks and the trail."""
        self.call(ADMIN, "request_audit", "POST /v1/audit")
        run_requested_audits(self.api.world.container)
        seal_days(self.api.world.container)
        opened = self.call(ADMIN, "open_case", "POST /v1/compliance/cases")
        self.call(ADMIN, "decide_case", f"POST /v1/compliance/cases/{opened['case_no']}/decisions")
        self.call(ADMIN, "get_case", f"GET /v1/compliance/cases/{opened['case_no']}")
        for operation, route in (
            ("get_audit", "GET /v1/audit"),
            ("list_audits", "GET /v1/audits"),
            ("list_cases", "GET /v1/compliance/cases"),
            ("run_monitors", "POST /v1/compliance/runs"),
            ("get_latest_run", "GET /v1/compliance/runs/latest"),
            ("list_findings", "GET /v1/compliance/findings"),
            ("get_compliance_report", "GET /v1/compliance/report"),
            ("record_penalty", "POST /v1/compliance/penalties"),
            ("withdraw_penalty", "POST /v1/compliance/penalties/penalty-1/withdraw"),
            ("get_penalty", "GET /v1/compliance/penalties/penalty-1"),
            ("list_penalties", "GET /v1/compliance/penalties"),
            ("list_accounts", "GET /v1/ledger/accounts"),
            ("get_account", "GET /v1/ledger/accounts/payable:shop-7"),
            ("list_account_versions", "GET /v1/ledger/accounts/payable:shop-7/versions"),
            ("list_transfers", "GET /v1/ledger/transfers"),
            ("list_seals", "GET /v1/ledger/seals"),
            ("report_platform", "GET /v1/payouts/reports/platform?quarter=2026-Q4"),
            ("report_us_1099", "GET /v1/payouts/reports/us-1099?year=2026"),
            ("list_webhooks", "GET /v1/webhooks"),
            ("get_webhook", "GET /v1/webhooks/orders-desk"),
            ("list_held_changes", "GET /v1/changes"),
            ("put_poster_background", "PUT /v1/program/poster-background"),
            ("get_poster_background", "GET /v1/program/poster-background"),
            ("end_poster_background", "DELETE /v1/program/poster-background"),
            ("list_trail", "GET /v1/trail"),
            ("show_workers", "GET /v1/workers"),
            ("list_tasks", "GET /v1/tasks"),
        ):
            self.call(ADMIN, operation, route)
        task = self.call(ADMIN, "start_task", "POST /v1/tasks")
        self.call(ADMIN, "get_task", f"GET /v1/tasks/{task['id']}")
        self.call(ADMIN, "cancel_task", f"POST /v1/tasks/{task['id']}/cancel")
        asked = self.call(ADMIN, "start_simulation", "POST /v1/simulations")
        run_simulations(self.api.world.container)
        self.call(ADMIN, "get_simulation", f"GET /v1/simulations/{asked['id']}")
        self.call(ADMIN, "list_simulated_orders", f"GET /v1/simulations/{asked['id']}/orders")
        later = self.requests["start_simulation"] | {"refunds": "none"}
        waiting = self.callers[ADMIN].post("/v1/simulations", later)
        self.call(ADMIN, "cancel_simulation", f"DELETE /v1/simulations/{waiting['id']}")
        tried = self.call(ADMIN, "test_webhook", "POST /v1/webhooks/orders-desk/test")
        self.call(ADMIN, "get_delivery", f"GET /v1/webhooks/orders-desk/deliveries/{tried['id']}")
        self.call(ADMIN, "resend_delivery", f"POST /v1/webhooks/orders-desk/deliveries/{tried['id']}/resend")
        self.call(ADMIN, "list_deliveries", "GET /v1/webhooks/orders-desk/deliveries")
        self.call(ADMIN, "rotate_webhook_secret", "POST /v1/webhooks/orders-desk/rotate")

    def _end(self) -> None:
        """Keys that are made, changed and ended; what is ended for ever."""
        made = self.call(ADMIN, "create_key", "POST /v1/keys")
        for operation, route in (
            ("list_keys", "GET /v1/keys"),
            ("get_key", f"GET /v1/keys/{made['id']}"),
            ("change_key", f"PATCH /v1/keys/{made['id']}"),
            ("rotate_key", f"POST /v1/keys/{made['id']}/rotate"),
            ("finish_rotation", f"POST /v1/keys/{made['id']}/rotate/finish"),
            ("require_signing", f"POST /v1/keys/{made['id']}/signing"),
            ("end_signing", f"DELETE /v1/keys/{made['id']}/signing"),
            ("revoke_key", f"DELETE /v1/keys/{made['id']}"),
            ("end_webhook", "DELETE /v1/webhooks/orders-desk"),
            ("erase_shop", "POST /v1/shops/shop-9/erase"),
        ):
            self.call(ADMIN, operation, route)


def examples_of(requests_of: Any) -> Iterator[tuple[str, Any]]:
    """The examples of one operation, each by its name: of events there are several, of the others one or none."""
    if isinstance(requests_of, dict) and "batch" in requests_of:
        yield from requests_of.items()
    else:
        yield "", requests_of


def never_walked(answered: list[Answered]) -> set[str]:
    """The operations that a walk left out."""
    return set(MAY_CALL) - {answer.operation for answer in answered}


def messages_of(api: Api) -> list[tuple[str, Any]]:
    """What the endpoints of a world were told: each message's type and data, in their order."""
    rows = api.world.rows("SELECT type, payload FROM outbox WHERE program_id = :program ORDER BY message_no")
    return [(row.type, json.loads(row.payload)) for row in rows]
