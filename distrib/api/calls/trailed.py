"""Which calls stand in the trail, and what their rows say; a row is written in the transaction of the call.

Every call of a trailed role that may change something does, and the reads that show what is personal; a call that
changes many shops leaves one a shop, too. What a row may hold is decided below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import asdict, is_dataclass, replace
from typing import Any, Final

from flask import g

from distrib.api.calls.call import Call, Handler
from distrib.api.http.answers import Answer, Drawing, EntryChange, Stream
from distrib.api.http.auth import ADMIN, COMPLIANCE, FINANCE, OPERATIONS, VIEWER
from distrib.domain.errors import Refusal
from distrib.domain.trail import READ
from distrib.services.trail import Deed, hold_subject, note, note_many

TRAILED_ROLES: Final = frozenset({FINANCE, ADMIN, OPERATIONS, COMPLIANCE, VIEWER})
HANDLERS: Final[dict[str, Handler]] = {}
"""Every operation by its name, so that the state before a change is read as its own GET reads it."""


def _has_notes(view: Any) -> bool:
    return isinstance(view, Mapping) and view.get("attributes") is not None


def _always(_view: Any) -> bool:
    return True


# What shows names, identities, accounts, notes about people or decisions against them. The name of a shop is its sign.
PERSONAL_READS: Final[dict[str, Callable[[Any], bool]]] = {
    "get_payee": _always,
    "export_payout": _always,
    "report_platform": _always,
    "report_us_1099": _always,
    "export_subtree": _always,
    "list_penalties": _always,
    "get_penalty": _always,
    "get_shop": _has_notes,
}
# The GET that shows before what an operation changes, as the operation's own answer shows it after.
STATES: Final = {
    "change_program": "get_program",
    "change_key": "get_key",
    "approve_key": "get_key",
    "rotate_key": "get_key",
    "finish_rotation": "get_key",
    "revoke_key": "get_key",
    "require_signing": "get_key",
    "end_signing": "get_key",
    "change_shop": "get_shop",
    "erase_shop": "get_shop",
    "move_shop": "get_shop",
    "set_status": "get_shop",
    "set_rank": "get_shop",
    "put_payee": "get_payee",
    "approve_payee": "get_payee",
    "cancel_payee": "get_payee",
    "approve_program_change": "get_program",
    "cancel_program_change": "get_program",
    "approve_webhook_change": "get_webhook",
    "cancel_webhook_change": "get_webhook",
    "set_customer": "get_customer",
    "publish_plan": "get_plan",
    "retry_event": "get_event",
    "approve_adjustment": "get_adjustment",
    "approve_payout": "get_payout",
    "cancel_payout": "get_payout",
    "record_payout_results": "get_payout",
    "approve_withdrawal": "get_withdrawal",
    "refuse_withdrawal": "get_withdrawal",
    "cancel_withdrawal": "get_withdrawal",
    "answer_question": "get_question",
    "close_question": "get_question",
    "decide_case": "get_case",
    "withdraw_penalty": "get_penalty",
    "change_webhook": "get_webhook",
    "rotate_webhook_secret": "get_webhook",  # nosec B105  # names of operations
    "resend_delivery": "get_delivery",
}
_FIRST_PAGE: Final = {"cursor": None, "limit": 1}
_ALL_SHOPS: Final = {**_FIRST_PAGE, "shop_id": None}


def trailed(name: str, method: str, handler: Handler) -> Handler:
    """Returns the handler that leaves a row in the trail for each call of a trailed role, where the operation is one.

    Of what is read to show the state before, nothing changes until the call's own change: two calls about the same
    subject come one after the other.
    """
    if method == "GET":
        return _reading(name, handler) if name in PERSONAL_READS else handler
    state_name = STATES.get(name)

    def change(call: Call, **path: str) -> Answer | Stream | Drawing:
        if call.actor.role not in TRAILED_ROLES:
            return handler(call, **path)
        before = None
        if state_name is not None:
            hold_subject(call.conn, call.program, f"{state_name} {'/'.join(path.values())}")
            before = _state(call, state_name, path)
        answer = handler(call, **path)
        after = _answered(answer)
        if isinstance(answer, Answer) and answer.entries:
            _note_entries(call, name, answer.entries)
        _note(call, Deed(name, g.request_id, sent=_fields(call.body), before=before, after=after), path, after)
        return answer

    return change


def _reading(name: str, handler: Handler) -> Handler:
    def read(call: Call, **path: str) -> Answer | Stream | Drawing:
        answer = handler(call, **path)
        view = answer.view if isinstance(answer, Answer) else None
        if call.actor.role in TRAILED_ROLES and PERSONAL_READS[name](view):
            asked = {key: value for key, value in call.query.items() if key not in _FIRST_PAGE}
            _note(call, Deed(name, g.request_id, READ, sent=asked), path, None)
        return answer

    return read


def _note(call: Call, deed: Deed, path: Mapping[str, str], after: Mapping[str, Any] | None) -> None:
    sent: Mapping[str, Any] = deed.sent or {}
    subject = "/".join(path.values()) or sent.get("id") or (after or {}).get("id")
    shop_id = path.get("shop_id") or sent.get("shop_id") or (after or {}).get("shop_id")
    whole = replace(deed, subject=subject, shop_id=shop_id)
    note(call.unit, whole, call.backend.identity_pepper)


def _note_entries(call: Call, name: str, entries: Sequence[EntryChange]) -> None:
    """Leaves a row for each shop that an entry of the call changed, before the row of the call itself."""
    deeds = [
        Deed(
            name,
            g.request_id,
            subject=entry.shop_id,
            shop_id=entry.shop_id,
            sent=entry.sent,
            before=entry.before,
            after=entry.after,
        )
        for entry in entries
    ]
    note_many(call.unit, deeds, call.backend.identity_pepper)


def _state(call: Call, name: str, path: Mapping[str, str]) -> dict[str, Any] | None:
    """What the GET of that name shows now; None where it shows nothing."""
    try:
        answer = HANDLERS[name](replace(call, query=_ALL_SHOPS), **path)
    except Refusal:
        return None
    return _answered(answer)


def _answered(answer: Answer | Stream | Drawing) -> dict[str, Any] | None:
    return _fields(answer.view) if isinstance(answer, Answer) else None


def _fields(value: Any) -> dict[str, Any] | None:
    """A body or a view as fields; of a list, how many entries it has."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sized):
        return None if isinstance(value, str | bytes) else {"count": len(value)}
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else None
