"""Who sees what of payouts: of batches a shop sees its own line alone, and all of staff the same."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN, FINANCE, PARTNER, STAFF
from distrib.api.schemas.payouts import (
    OwnPayoutSchema,
    OwnPayoutsPageSchema,
    PayablePageSchema,
    PayoutFilesSchema,
    PayoutSchema,
    PayoutsPageSchema,
    RefusedPageSchema,
    SettledListSchema,
)
from distrib.api.schemas.visible import Visible, paged, within

_SUMMARY = (
    "id",
    "status",
    "up_to",
    "min_minor",
    "selection",
    "reason",
    "channel",
    "withholding",
    "currency",
    "count",
    "amount_minor",
    "tax_minor",
    "fee_minor",
    "net_minor",
    "paid_count",
    "failed_count",
    "returned_count",
    "paid_minor",
    "returned_minor",
    "created_at",
    "created_by",
    "decided_at",
    "decided_by",
)
_LINE = (
    "shop_id",
    "detail_no",
    "status",
    "amount_minor",
    "tax_minor",
    "fee_minor",
    "net_minor",
    "currency",
    "channel_no",
    "payee_kind",
    "payee_version",
    "account_changed_at",
    "fresh_account",
    "tax_period",
    "months_counted",
    "months_given",
    "income_before_minor",
    "tax_before_minor",
    "paid_on",
    "returned_on",
    "reference",
    "return_reference",
    "reason",
    "recorded_at",
)
_REFUSED = ("shop_id", "code", "amount_minor")
_PAYOUT = (
    *_SUMMARY,
    *within("lines", _LINE),
    *within("refused", _REFUSED),
    *within("refused_counts", ("code", "shops", "amount_minor")),
    "next_cursor",
)
_OWN_PAYOUT = (
    "id",
    "status",
    "amount_minor",
    "tax_minor",
    "fee_minor",
    "net_minor",
    "currency",
    "channel",
    "created_at",
    "approved_at",
    "paid_on",
    "returned_on",
    "reference",
    "reason",
)
_SETTLED = (
    *within("results", ("shop_id", "detail_no", "status", "code", "detail")),
    "status",
    "paid_count",
    "failed_count",
    "returned_count",
    "count",
)
_FILES = (
    "count",
    "total_minor",
    "format",
    "currency",
    *within("files", ("part", "count", "total_minor")),
    *within("notes", ("en", "zh")),
)
_PAYABLE = ("shop_id", "amount_minor", "tax_minor", "net_minor", "payee_kind", "code")
PAYOUT = Visible(PayoutSchema, dict.fromkeys(STAFF, _PAYOUT))
PAYOUTS = Visible(PayoutsPageSchema, dict.fromkeys(STAFF, paged(_SUMMARY)))
OWN_PAYOUT = Visible(OwnPayoutSchema, {PARTNER: _OWN_PAYOUT})
OWN_PAYOUTS = Visible(OwnPayoutsPageSchema, {PARTNER: paged(_OWN_PAYOUT)})
REFUSED_LINES = Visible(RefusedPageSchema, dict.fromkeys(STAFF, paged(_REFUSED)))
SETTLED = Visible(SettledListSchema, dict.fromkeys((FINANCE, ADMIN), _SETTLED))
PAYOUT_FILES = Visible(PayoutFilesSchema, dict.fromkeys(STAFF, _FILES))
PAYABLE = Visible(PayablePageSchema, dict.fromkeys(STAFF, paged(_PAYABLE)))
