"""Withdrawals as they are sent and shown."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.schemas.fields import Amount, Choice, Currency, Identifier, Instant, PlainText, Shape, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.domain.payouts.withdrawals import STATES


class WithdrawalDraftSchema(Shape):
    """What a shop asks for, the fee included; a partner's key asks for its own shop."""

    id = Identifier(required=True)
    amount_minor = Amount(low=1, required=True)
    shop_id = Identifier(allow_none=True, load_default=None, metadata={"description": "needed with an admin's key"})


class WithdrawalRefusalSchema(Shape):
    """Why a withdrawal is refused; the shop reads it."""

    reason = PlainText(has_lines=True, required=True)


class WithdrawalQuerySchema(PageQuerySchema):
    """Which withdrawals."""

    shop_id = Identifier(load_default=None)
    status = Choice(STATES, load_default=None)


class ShopWithdrawalSchema(Shape):
    """A withdrawal; the shop gets the amount less the fee less tax. Once a batch pays it, its status is its line's."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True)
    status = Choice(STATES, required=True)
    amount_minor = Whole(low=1, required=True)
    fee_minor = Whole(required=True)
    currency = Currency(required=True)
    requested_at = Instant(required=True)
    requested_by = PlainText(required=True, metadata={"description": "id of the key"})
    approved_at = Instant(required=True, allow_none=True)
    approved_by = PlainText(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True, metadata={"description": "refused or cancelled"})
    ended_by = PlainText(required=True, allow_none=True)
    payout_id = Identifier(required=True, allow_none=True)
    settled_at = Instant(required=True, allow_none=True)
    reason = PlainText(has_lines=True, low=0, required=True, allow_none=True)


WithdrawalsPageSchema: Any = page_of(ShopWithdrawalSchema, "WithdrawalsPage")

# Who sees what: a shop sees of its withdrawals all that staff sees, as the list says.
_WITHDRAWAL = (
    "id",
    "shop_id",
    "status",
    "amount_minor",
    "fee_minor",
    "currency",
    "requested_at",
    "requested_by",
    "approved_at",
    "approved_by",
    "ended_at",
    "ended_by",
    "payout_id",
    "settled_at",
    "reason",
)
WITHDRAWAL = Visible(ShopWithdrawalSchema, dict.fromkeys((PARTNER, *STAFF), _WITHDRAWAL))
WITHDRAWALS = Visible(WithdrawalsPageSchema, dict.fromkeys((PARTNER, *STAFF), paged(_WITHDRAWAL)))
