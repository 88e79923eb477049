"""Withdrawals: a shop asks, finance or admin approves or refuses; batches pay what is approved."""

from __future__ import annotations

from urllib.parse import quote

from distrib.api.calls.documentation import TAKES_SECOND_PERSON
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.partners import is_partner, must_be_own
from distrib.api.http.answers import Answer, shown
from distrib.api.http.words import say
from distrib.api.schemas.withdrawals import (
    WITHDRAWAL,
    WITHDRAWALS,
    WithdrawalDraftSchema,
    WithdrawalQuerySchema,
    WithdrawalRefusalSchema,
)
from distrib.domain.errors import Problem, Refusal
from distrib.services.payouts import withdrawals as service
from distrib.services.payouts.withdrawals import WithdrawalDraft

withdrawals = Resource("withdrawals", "Withdrawals that shops ask for 提现")

_UNPAYABLE = ("shop_frozen", "shop_closed", "payee_missing", "exceeds_available")
_DECIDED = ("withdrawal_unknown", "withdrawal_decided")


@withdrawals.operation(
    "POST",
    "/withdrawals",
    {201: WITHDRAWAL, 200: WITHDRAWAL},
    Takes(body=WithdrawalDraftSchema),
    refusals=(
        "id_conflict",
        "shop_unknown",
        "withdrawals_off",
        *_UNPAYABLE,
        "withdrawal_below_least",
        "withdrawal_above_most",
        "withdrawals_used_today",
        "withdrawals_used_this_month",
    ),
)
def request_withdrawal(call: Call) -> Answer:
    """Asks for money of a shop, within the program's rules; nothing is reserved yet. 200 when repeated."""
    draft = WithdrawalDraft(call.body["id"], _shop_of(call, call.body["shop_id"]), call.body["amount_minor"])
    view, is_new = service.request_withdrawal(call.unit, draft)
    return Answer(shown(view), 201 if is_new else 200, {"Location": f"/v1/withdrawals/{quote(draft.id, safe='')}"})


@withdrawals.operation("GET", "/withdrawals", {200: WITHDRAWALS}, Takes(query=WithdrawalQuerySchema))
def list_withdrawals(call: Call) -> Answer:
    """Withdrawals, the newest first; a partner sees those of its own shop."""
    shop_id, status = call.query["shop_id"], call.query["status"]
    if shop_id is None and is_partner(call):
        shop_id = call.actor.shop_id
    if shop_id is not None:
        must_be_own(call, shop_id)
    listing = call.listing(f"withdrawals {shop_id} {status}")
    before = listing.key(call.query["cursor"])
    views, follows = service.list_withdrawals(call.unit, shop_id, status, before, call.query["limit"])
    return Answer(listing.page_by_key(views, follows))


@withdrawals.operation("GET", "/withdrawals/<id:withdrawal_id>", {200: WITHDRAWAL}, refusals=("withdrawal_unknown",))
def get_withdrawal(call: Call, withdrawal_id: str) -> Answer:
    """One withdrawal as it stands."""
    return Answer(shown(service.get_withdrawal(call.unit, withdrawal_id)))


@withdrawals.operation(
    "POST",
    "/withdrawals/<id:withdrawal_id>/approve",
    {200: WITHDRAWAL},
    refusals=(*_DECIDED, *TAKES_SECOND_PERSON, *_UNPAYABLE),
)
def approve_withdrawal(call: Call, withdrawal_id: str) -> Answer:
    """Approves a withdrawal, so that a batch may name it; approved again it changes nothing."""
    return Answer(shown(service.approve_withdrawal(call.unit, withdrawal_id)))


@withdrawals.operation(
    "POST",
    "/withdrawals/<id:withdrawal_id>/refuse",
    {200: WITHDRAWAL},
    Takes(body=WithdrawalRefusalSchema),
    refusals=_DECIDED,
)
def refuse_withdrawal(call: Call, withdrawal_id: str) -> Answer:
    """Refuses a withdrawal that no batch pays, approved or not, with a reason."""
    reason = call.body["reason"]
    return Answer(shown(service.refuse_withdrawal(call.unit, withdrawal_id, reason)))


@withdrawals.operation("POST", "/withdrawals/<id:withdrawal_id>/cancel", {200: WITHDRAWAL}, refusals=_DECIDED)
def cancel_withdrawal(call: Call, withdrawal_id: str) -> Answer:
    """Takes a withdrawal back before a batch pays it: the shop itself, or an admin for it."""
    return Answer(shown(service.cancel_withdrawal(call.unit, withdrawal_id)))


def _shop_of(call: Call, named: str | None) -> str:
    """Whose money is asked for: a partner's own, or of the shop named with an admin's key.

    Raises:
        Refusal: ``invalid`` where an admin names none, ``forbidden`` or ``shop_unknown`` where a partner names
            another's.
    """
    if named is None and is_partner(call) and call.actor.shop_id is not None:
        return call.actor.shop_id
    if named is None:
        raise Refusal("invalid", [Problem("/shop_id", say("required"))])
    must_be_own(call, named)
    return named
