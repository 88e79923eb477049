"""Who may call what: by role one table, by scope another. How a key is kept and compared is the keys service's
business.
"""

from __future__ import annotations

from typing import Final

PARTNER: Final = "partner"
ORDERS: Final = "orders"
FINANCE: Final = "finance"
ADMIN: Final = "admin"
ROLES: Final = (PARTNER, ORDERS, FINANCE, ADMIN)

_READERS: Final = frozenset({FINANCE, ADMIN})
_READERS_AND_SELF: Final = frozenset({PARTNER, FINANCE, ADMIN})
_ADMIN: Final = frozenset({ADMIN})

# An operation that is not listed here cannot be registered, so nothing is open by oversight.
MAY_CALL: Final[dict[str, frozenset[str]]] = {
    "get_program": _READERS,
    "change_program": _ADMIN,
    "list_program_changes": _READERS,
    "show_retention": _READERS,
    "set_customer": frozenset({ORDERS, ADMIN}),
    "get_customer": frozenset({ORDERS, FINANCE, ADMIN}),
    "merge_customer": frozenset({ORDERS, ADMIN}),
    "bind_customer": frozenset({ORDERS, ADMIN}),
    "bind_customers": frozenset({ORDERS, ADMIN}),
    "list_bindings": frozenset({ORDERS, FINANCE, ADMIN}),
    "change_shop": _ADMIN,
    "erase_shop": _ADMIN,
    "export_subtree": _READERS_AND_SELF,
    "get_metrics": _READERS_AND_SELF,
    "get_funnel": _READERS,
    "get_poster": _READERS_AND_SELF,
    "put_poster_background": _ADMIN,
    "get_poster_background": _READERS,
    "end_poster_background": _ADMIN,
    "get_qr_code": _READERS_AND_SELF,
    "create_shop_session": _ADMIN,
    "end_shop_sessions": _ADMIN,
    "list_keys": _ADMIN,
    "create_key": _ADMIN,
    "get_key": _ADMIN,
    "change_key": _ADMIN,
    "approve_key": _ADMIN,
    "rotate_key": frozenset(ROLES),
    "finish_rotation": frozenset(ROLES),
    "revoke_key": _ADMIN,
    "list_people": _ADMIN,
    "seat_person": _ADMIN,
    "create_password_link": _ADMIN,
    "require_signing": _ADMIN,
    "end_signing": _ADMIN,
    "register_shop": frozenset({PARTNER, ADMIN}),
    "register_shops": frozenset({PARTNER, ADMIN}),
    "list_shops": _READERS,
    "get_shop": _READERS_AND_SELF,
    "list_upline": _READERS,
    "list_downline": _READERS_AND_SELF,
    "get_tree": _READERS,
    "list_shop_changes": _READERS,
    "move_shop": _ADMIN,
    "set_status": _ADMIN,
    "set_statuses": _ADMIN,
    "set_rank": _ADMIN,
    "list_ranks": _READERS_AND_SELF,
    "list_evaluations": _READERS,
    "list_rank_changes": _READERS,
    "list_near_ranks": _READERS,
    "get_next_rank": _READERS_AND_SELF,
    "get_balance": _READERS_AND_SELF,
    "get_earnings": _READERS_AND_SELF,
    "get_commission": _READERS_AND_SELF,
    "list_balances": _READERS,
    "list_releases": _READERS,
    "list_shop_commissions": _READERS_AND_SELF,
    "create_plan": _ADMIN,
    "publish_plan": _ADMIN,
    "list_plans": _READERS,
    "get_plan": _READERS,
    "start_simulation": _READERS,
    "get_simulation": _READERS,
    "cancel_simulation": _READERS,
    "list_simulated_orders": _READERS,
    "post_events": frozenset({ORDERS, ADMIN}),
    "get_event": frozenset({ORDERS, FINANCE, ADMIN}),
    "list_events": frozenset({ORDERS, FINANCE, ADMIN}),
    "retry_event": frozenset({ORDERS, ADMIN}),
    "get_queue": frozenset({ORDERS, FINANCE, ADMIN}),
    "show_workers": frozenset({ORDERS, FINANCE, ADMIN}),
    "get_order": frozenset({ORDERS, FINANCE, ADMIN}),
    "list_orders": frozenset({ORDERS, FINANCE, ADMIN}),
    "explain_order": frozenset(ROLES),
    "list_commissions": _READERS_AND_SELF,
    "get_statements": _READERS,
    "get_shop_statement": _READERS_AND_SELF,
    "export_statements": _READERS_AND_SELF,
    "list_months": _READERS,
    "get_close": _READERS,
    "propose_close": _READERS,
    "confirm_close": _READERS,
    "get_manifest": _READERS,
    "propose_adjustment": _READERS,
    "approve_adjustment": _READERS,
    "list_adjustments": _READERS,
    "get_adjustment": _READERS,
    "list_accounts": _READERS,
    "get_account": _READERS,
    "list_account_versions": _READERS,
    "list_transfers": _READERS,
    "list_seals": _READERS,
    "get_seal": _READERS,
    "get_seal_content": _READERS,
    "list_webhooks": _READERS,
    "create_webhook": _ADMIN,
    "get_webhook": _READERS,
    "change_webhook": _ADMIN,
    "end_webhook": _ADMIN,
    "rotate_webhook_secret": _ADMIN,
    "list_deliveries": _READERS,
    "get_delivery": _READERS,
    "resend_delivery": _ADMIN,
    "test_webhook": _ADMIN,
    "put_payee": _ADMIN,
    "get_payee": _READERS_AND_SELF,
    "approve_payee": _READERS,
    "cancel_payee": _READERS,
    "approve_webhook_change": _READERS,
    "cancel_webhook_change": _READERS,
    "approve_program_change": _READERS,
    "cancel_program_change": _READERS,
    "list_held_changes": _READERS,
    "list_inbox": _READERS,
    "create_payout": _READERS,
    "list_payouts": _READERS_AND_SELF,
    "get_payout": _READERS_AND_SELF,
    "list_refused_lines": _READERS,
    "approve_payout": _READERS,
    "cancel_payout": _READERS,
    "record_payout_results": _READERS,
    "list_payout_files": _READERS,
    "export_payout": _READERS,
    "list_payable": _READERS,
    "report_platform": _READERS,
    "report_us_1099": _READERS,
    "propose_closing_payment": _ADMIN,
    "approve_closing_payment": _READERS,
    "request_withdrawal": frozenset({PARTNER, ADMIN}),
    "list_withdrawals": _READERS_AND_SELF,
    "get_withdrawal": _READERS_AND_SELF,
    "approve_withdrawal": _READERS,
    "refuse_withdrawal": _READERS,
    "cancel_withdrawal": frozenset({PARTNER, ADMIN}),
    "ask_question": frozenset({PARTNER}),
    "list_questions": _READERS_AND_SELF,
    "get_question": _READERS_AND_SELF,
    "answer_question": _READERS,
    "close_question": _READERS_AND_SELF,
    "request_audit": _READERS,
    "get_audit": _READERS,
    "list_audits": _READERS,
    "get_compliance_report": _READERS,
    "list_findings": _READERS,
    "get_latest_run": _READERS,
    "run_monitors": _ADMIN,
    "list_cases": _READERS,
    "get_case": _READERS,
    "open_case": _ADMIN,
    "decide_case": _ADMIN,
    "list_penalties": _READERS,
    "get_penalty": _READERS,
    "record_penalty": _ADMIN,
    "withdraw_penalty": _ADMIN,
    "list_trail": _ADMIN,
    "export_trail": _ADMIN,
    "start_task": _READERS,
    "list_tasks": _READERS,
    "get_task": _READERS,
    "cancel_task": _READERS,
    "get_task_file": _READERS,
}

OPERATIONS: Final = "operations"
COMPLIANCE: Final = "compliance"
VIEWER: Final = "viewer"
STAFF: Final = (FINANCE, ADMIN, OPERATIONS, COMPLIANCE, VIEWER)
"""The roles of those who work for the platform and read what it has: not of shops, nor of what sends orders."""
_READS: Final = ("get_", "list_", "show_", "export_", "report_", "explain_")
_READ: Final = "read"
_OWN: Final = ""
SCOPE_OF: Final[dict[str, str]] = {
    "change_program": "program",
    "put_poster_background": "program",
    "end_poster_background": "program",
    "create_webhook": "program",
    "change_webhook": "program",
    "end_webhook": "program",
    "rotate_webhook_secret": "program",  # nosec B105  # names of an operation and a scope
    "resend_delivery": "program",
    "test_webhook": "program",
    "list_keys": "keys",
    "get_key": "keys",
    "create_key": "keys",
    "change_key": "keys",
    "approve_key": "keys",
    "revoke_key": "keys",
    "list_people": "keys",
    "seat_person": "keys",
    "create_password_link": "keys",
    "require_signing": "keys",
    "end_signing": "keys",
    "rotate_key": _OWN,
    "finish_rotation": _OWN,
    "start_task": _OWN,
    "cancel_task": _OWN,
    "set_customer": "customers",
    "merge_customer": "customers",
    "bind_customer": "customers",
    "bind_customers": "customers",
    "post_events": "events",
    "retry_event": "events",
    "register_shop": "shops",
    "register_shops": "shops",
    "change_shop": "shops",
    "erase_shop": "shops",
    "move_shop": "shops",
    "set_status": "shops",
    "set_statuses": "shops",
    "set_rank": "shops",
    "create_shop_session": "sessions",
    "end_shop_sessions": "sessions",
    "put_payee": "payees",
    "get_payee": "payees",
    "export_payout": "payees",
    "report_platform": "payees",
    "report_us_1099": "payees",
    "create_plan": "plans",
    "publish_plan": "plans",
    "propose_close": "propose",
    "propose_adjustment": "propose",
    "create_payout": "propose",
    "cancel_payout": "propose",
    "propose_closing_payment": "propose",
    "request_withdrawal": "propose",
    "cancel_withdrawal": "propose",
    "ask_question": "propose",
    "answer_question": "propose",
    "close_question": "propose",
    "cancel_payee": "propose",
    "cancel_webhook_change": "propose",
    "cancel_program_change": "propose",
    "approve_payee": "confirm",
    "approve_webhook_change": "confirm",
    "approve_program_change": "confirm",
    "confirm_close": "confirm",
    "approve_adjustment": "confirm",
    "approve_payout": "confirm",
    "approve_closing_payment": "confirm",
    "approve_withdrawal": "confirm",
    "refuse_withdrawal": "confirm",
    "record_payout_results": "results",
    "request_audit": _READ,
    "start_simulation": _READ,
    "cancel_simulation": _READ,
    "run_monitors": "compliance",
    "open_case": "compliance",
    "decide_case": "compliance",
    "record_penalty": "compliance",
    "withdraw_penalty": "compliance",
}
"""The scope (``services.programs.scopes``) that a key with scopes needs for a call: that of reading where a call only
reads and is not listed, none for what a key does with itself. Every other call has to be listed to be registered."""

_OF_PEOPLE: Final = frozenset(
    {"get_payee", "export_payout", "report_platform", "report_us_1099", "list_penalties", "get_penalty"}
)
"""Reads that show names, identities or accounts, or decisions against somebody."""
_VIEWED: Final = frozenset(
    name for name, roles in MAY_CALL.items() if FINANCE in roles and name.startswith(_READS) and name not in _OF_PEOPLE
)
_OWN_TASKS: Final = frozenset({"start_task", "cancel_task"})
"""Of calls that the role may make itself."""
_OPERATED: Final = frozenset(
    {
        "set_customer",
        "merge_customer",
        "bind_customer",
        "bind_customers",
        "register_shop",
        "register_shops",
        "change_shop",
        "set_status",
        "set_statuses",
        "post_events",
        "retry_event",
        "request_audit",
    }
)
_JUDGED: Final = frozenset(
    {
        "request_audit",
        "run_monitors",
        "list_cases",
        "get_case",
        "open_case",
        "decide_case",
        "list_penalties",
        "get_penalty",
        "record_penalty",
        "withdraw_penalty",
        "list_trail",
        "export_trail",
    }
)
SEAT_MAY_CALL: Final[dict[str, frozenset[str]]] = {
    VIEWER: _VIEWED | _OWN_TASKS,
    OPERATIONS: _VIEWED | _OWN_TASKS | _OPERATED,
    COMPLIANCE: _VIEWED | _OWN_TASKS | _JUDGED,
}
"""What people may who sign in with a role that no key has; finance and admin may what keys of that role may."""


def may_call(role: str, operation: str) -> bool:
    """Whether a role may call an operation.

    >>> may_call("finance", "get_payee"), may_call("viewer", "get_payee"), may_call("viewer", "get_order")
    (True, False, True)
    """
    return role in MAY_CALL[operation] or operation in SEAT_MAY_CALL.get(role, ())


def roles_of(operation: str) -> frozenset[str]:
    """Every role that may call an operation, those of people who sign in among them."""
    return MAY_CALL[operation] | {seat for seat, names in SEAT_MAY_CALL.items() if operation in names}


_SCHEME: Final = "bearer"


def scope_of(operation: str) -> str:
    """The scope that an operation takes; empty where every key may. Raises KeyError for what is not listed.

    >>> scope_of("get_order"), scope_of("approve_payout"), scope_of("rotate_key")
    ('read', 'confirm', '')
    """
    if operation not in SCOPE_OF and operation.startswith(_READS):
        return _READ
    return SCOPE_OF[operation]


def presented_key(header: str | None) -> str | None:
    """The key in an ``Authorization`` header, None where there is none of our kind.

    >>> presented_key("Bearer dk_1_x"), presented_key("Basic eDp5"), presented_key(None)
    ('dk_1_x', None, None)
    """
    scheme, _, key = (header or "").partition(" ")
    key = key.strip()
    return key if scheme.lower() == _SCHEME and key.isascii() and key.isprintable() and key else None
