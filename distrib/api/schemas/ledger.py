"""Accounts, transfers and seals as the ledger shows them."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import STAFF
from distrib.api.schemas.commissions import PlanVersionSchema
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, Period, PlainText, Shape, Total, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.services.ledger.accounts import CAUSES, KINDS

_ACCOUNT = {"examples": ["expense", "clearing", "tax", "payable:shop-7"]}


class AccountSchema(Shape):
    """One account. All balances of a program add up to 0: what is owed to shops stands above zero."""

    id = PlainText(required=True, metadata=_ACCOUNT)
    kind = Choice(("expense", "clearing", "tax", "payable"), required=True)
    shop_id = Identifier(required=True, allow_none=True)
    currency = PlainText(required=True)
    balance_minor = Total(required=True)
    version = Whole(required=True, metadata={"description": "how often a posting moved it"})


class AccountViewsSchema(Shape):
    """What a payable account holds, by what may be done with it."""

    held_minor = Total(required=True)
    reserved_minor = Total(required=True)
    available_minor = Total(required=True)
    as_of = Instant(required=True)


class AccountWithViewsSchema(AccountSchema):
    """One account; a payable one with its views."""

    views = Inner(AccountViewsSchema, required=True, allow_none=True)


AccountWithViewsSchema.__name__ = "OneAccountSchema"
"""What the OpenAPI document has always called it; who generated a client from it relies on that."""


class AccountChangeSchema(Shape):
    """One version of an account: previous_minor + amount_minor = balance_minor, versions without a gap."""

    version = Whole(required=True, low=1)
    posting_no = Whole(required=True)
    period = Period(required=True)
    previous_minor = Total(required=True)
    amount_minor = Total(required=True)
    balance_minor = Total(required=True)


class TransfersQuerySchema(PageQuerySchema):
    """Which transfers; ``to`` is not part of what it ends."""

    account = PlainText(load_default=None, metadata=_ACCOUNT)
    cause = PlainText(load_default=None, metadata={"examples": ["order:o-1", "payout:p-1", "pool:2026-03:stars"]})
    kind = Choice(KINDS, load_default=None)
    period = Period(load_default=None)
    since = Instant(load_default=None, data_key="from")
    until = Instant(load_default=None, data_key="to")


class CauseSchema(Shape):
    """What a transfer rests on."""

    type = Choice(CAUSES, required=True)
    id = PlainText(required=True)


class TransferSchema(Shape):
    """One transfer: one amount, out of one account and into another."""

    id = PlainText(required=True)
    cause = Inner(CauseSchema, required=True, allow_none=True)
    debit = PlainText(required=True, metadata=_ACCOUNT)
    credit = PlainText(required=True, metadata=_ACCOUNT)
    amount_minor = Whole(required=True, low=1)
    currency = PlainText(required=True)
    kind = Choice(KINDS, required=True)
    occurred_at = Instant(required=True)
    available_at = Instant(required=True)
    period = Period(required=True)
    belongs_to_period = Period(required=True, allow_none=True)
    posting_no = Whole(required=True)
    event_id = Identifier(required=True, allow_none=True)
    line_id = Identifier(required=True, allow_none=True)
    rule = PlainText(required=True, allow_none=True)
    tier = Whole(required=True, allow_none=True)
    base_minor = Total(required=True, allow_none=True)
    rate = PlainText(required=True, allow_none=True)
    plan_version = Inner(PlanVersionSchema, required=True, allow_none=True)
    reverses_id = PlainText(required=True, allow_none=True)


class SealSchema(Shape):
    """One link of the chain over transfers; digests are SHA-256 in hex."""

    seal_no = Whole(required=True, low=1)
    digest = PlainText(required=True)
    previous_digest = PlainText(required=True, allow_none=True)
    after_posting = Whole(required=True, low=-1)
    through_posting = Whole(required=True)
    transfers = Whole(required=True, low=1)
    total_minor = Whole(required=True, low=1, high=10**40)
    sealed_at = Instant(required=True)


AccountsPageSchema: Any = page_of(AccountSchema, "AccountsPage")
AccountChangesPageSchema: Any = page_of(AccountChangeSchema, "AccountChangesPage")
TransfersPageSchema: Any = page_of(TransferSchema, "TransfersPage")
SealsPageSchema: Any = page_of(SealSchema, "SealsPage")

# Who sees what: the ledger is for staff, and all of them sees the same.
_OF_ACCOUNT = ("id", "kind", "shop_id", "currency", "balance_minor", "version")
_VIEWS = ("held_minor", "reserved_minor", "available_minor", "as_of")
_WITH_VIEWS = (*_OF_ACCOUNT, *within("views", _VIEWS))
_VERSION = ("version", "posting_no", "period", "previous_minor", "amount_minor", "balance_minor")
_TRANSFER = (
    "id",
    *within("cause", ("type", "id")),
    "debit",
    "credit",
    "amount_minor",
    "currency",
    "kind",
    "occurred_at",
    "available_at",
    "period",
    "belongs_to_period",
    "posting_no",
    "event_id",
    "line_id",
    "rule",
    "tier",
    "base_minor",
    "rate",
    *within("plan_version", ("code", "version")),
    "reverses_id",
)
_SEAL = (
    "seal_no",
    "digest",
    "previous_digest",
    "after_posting",
    "through_posting",
    "transfers",
    "total_minor",
    "sealed_at",
)
ACCOUNT = Visible(AccountWithViewsSchema, dict.fromkeys(STAFF, _WITH_VIEWS))
ACCOUNTS = Visible(AccountsPageSchema, dict.fromkeys(STAFF, paged(_OF_ACCOUNT)))
ACCOUNT_VERSIONS = Visible(AccountChangesPageSchema, dict.fromkeys(STAFF, paged(_VERSION)))
TRANSFERS = Visible(TransfersPageSchema, dict.fromkeys(STAFF, paged(_TRANSFER)))
SEAL = Visible(SealSchema, dict.fromkeys(STAFF, _SEAL))
SEALS = Visible(SealsPageSchema, dict.fromkeys(STAFF, paged(_SEAL)))
