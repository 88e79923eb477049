"""Who sees what of statements and audits: a shop sees of its own month all that staff sees; the rest is for staff."""

from __future__ import annotations

from distrib.api.http.auth import ADMIN, COMPLIANCE, FINANCE, OPERATIONS, PARTNER, STAFF
from distrib.api.schemas.commissions import COMMISSION_FIELDS
from distrib.api.schemas.statements import (
    AuditRequestSchema,
    AuditSchema,
    AuditsPageSchema,
    CloseSchema,
    CloseStateSchema,
    ManifestSchema,
    MonthsPageSchema,
    ShopStatementSchema,
    StatementsSchema,
)
from distrib.api.schemas.visible import Visible, paged, within

_FIGURES = (
    "opening_minor",
    "earned_minor",
    "reversed_minor",
    "adjusted_minor",
    "paid_minor",
    "tax_minor",
    "closing_minor",
    "held_minor",
    "reserved_minor",
    "available_minor",
    "orders",
    "refunds",
)
_TOTALS = (*_FIGURES, "shops")
_ROW = ("shop_id", *_FIGURES)
_HEAD = ("program", "period", "currency", "status", "as_of", "digest", "closed_at", "proposed_by", "confirmed_by")
_STATEMENTS = (*_HEAD, *within("totals", _TOTALS), *within("data", _ROW), "next_cursor", "sorted_as_of")
_SHOP_STATEMENT = (*_HEAD, *_ROW, *within("lines", COMMISSION_FIELDS), "next_cursor")
_MANIFEST = (
    *_HEAD,
    *within("shops", ("rows", *within("totals", _TOTALS), "digest")),
    *within("lines", ("rows", "amount_minor", "digest")),
)
_CLOSE = (
    "program",
    "period",
    "currency",
    "status",
    "count",
    *within("totals", _TOTALS),
    "digest",
    *within("lines", ("count", "amount_minor", "digest")),
    "proposed_at",
    "proposed_by",
    "confirmed_by",
    "closed_at",
    "cut_off_at",
)
_CLOSE_STATE = (*_CLOSE, *within("stops", ("code", "detail", "next", "events")))
_CHECK = ("name", "ok", "figure", "wrong", "rows")
_AUDIT = (
    "ok",
    "as_of",
    *within("covers", ("full", "rests_on", "closed_through")),
    *within("checks", _CHECK),
    *within("warnings", _CHECK),
    "requested_at",
)
SHOP_STATEMENT = Visible(ShopStatementSchema, dict.fromkeys((PARTNER, *STAFF), _SHOP_STATEMENT))
STATEMENTS = Visible(StatementsSchema, dict.fromkeys(STAFF, _STATEMENTS))
MANIFEST = Visible(ManifestSchema, dict.fromkeys(STAFF, _MANIFEST))
MONTHS = Visible(MonthsPageSchema, dict.fromkeys(STAFF, paged(_CLOSE)))
CLOSE_STATE = Visible(CloseStateSchema, dict.fromkeys(STAFF, _CLOSE_STATE))
CLOSE = Visible(CloseSchema, dict.fromkeys((FINANCE, ADMIN), _CLOSE))
AUDIT_REQUEST = Visible(AuditRequestSchema, dict.fromkeys((FINANCE, ADMIN, OPERATIONS, COMPLIANCE), ("requested_at",)))
AUDIT = Visible(AuditSchema, dict.fromkeys(STAFF, _AUDIT))
AUDITS = Visible(AuditsPageSchema, dict.fromkeys(STAFF, paged(("as_of", "ok", "failed"))))
