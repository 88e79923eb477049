"""Penalties as they are sent and shown."""

from __future__ import annotations

from marshmallow import Schema

from distrib.api.http.auth import ADMIN, COMPLIANCE, FINANCE
from distrib.api.schemas.fields import Choice, Day, Identifier, Instant, PlainText, Shape, Whole
from distrib.api.schemas.lists import PageQuerySchema, page_of
from distrib.api.schemas.visible import Visible, paged
from distrib.domain.penalties import KINDS, STATUSES


class PenaltyDraftSchema(Shape):
    """A decision about the person who runs a shop, or about an organiser; not both."""

    id = Identifier(required=True)
    shop_id = Identifier(load_default=None)
    organiser_id = PlainText(high=64, load_default=None)
    kind = Choice(KINDS, required=True)
    decided_on = Day(required=True, metadata={"description": "today at the latest, in the program's time zone"})
    authority = PlainText(load_default=None, metadata={"description": "who decided"})
    reference = PlainText(load_default=None, metadata={"description": "number of the decision"})
    reason = PlainText(has_lines=True, required=True)


class PenaltyQuerySchema(PageQuerySchema):
    """Which penalties."""

    shop_id = Identifier(load_default=None)
    organiser_id = PlainText(high=64, load_default=None)


class WithdrawalSchema(Shape):
    """Why a penalty no longer stands."""

    reason = PlainText(has_lines=True, required=True)


class _PenaltyFactsSchema(Shape):
    """What every view of a penalty says."""

    id = Identifier(required=True)
    shop_id = Identifier(required=True, allow_none=True)
    organiser_id = PlainText(high=64, required=True, allow_none=True)
    kind = Choice(KINDS, required=True)
    decided_on = Day(required=True)
    lapses_on = Day(required=True, allow_none=True, metadata={"description": "null: for ever"})
    authority = PlainText(required=True, allow_none=True)
    reference = PlainText(required=True, allow_none=True)
    reason = PlainText(has_lines=True, required=True)
    recorded_at = Instant(required=True)


class PenaltySchema(_PenaltyFactsSchema):
    """A penalty; an administrative one counts for a year, up to the day before ``lapses_on``."""

    status = Choice(STATUSES, required=True)
    recorded_by = PlainText(required=True, metadata={"description": "id of the key"})
    withdrawn_at = Instant(required=True, allow_none=True)
    withdrawn_by = PlainText(required=True, allow_none=True)
    withdrawal_reason = PlainText(has_lines=True, required=True, allow_none=True)


class PenaltyInForceSchema(_PenaltyFactsSchema):
    """A penalty that counts, and how many trees it counts for.

    ``persons`` and ``levels`` are those of a penalised shop with all below it.
    """

    subject = PlainText(required=True, allow_none=True)
    trees = Whole(required=True)
    persons = Whole(required=True, allow_none=True)
    levels = Whole(required=True, allow_none=True)


PenaltiesPageSchema: type[Schema] = page_of(PenaltySchema, "PenaltiesPage")

# Who sees what: decisions against people are for those who answer for money and for compliance.
_FACTS = (
    "id",
    "shop_id",
    "organiser_id",
    "kind",
    "decided_on",
    "lapses_on",
    "authority",
    "reference",
    "reason",
    "recorded_at",
)
_PENALTY = (*_FACTS, "status", "recorded_by", "withdrawn_at", "withdrawn_by", "withdrawal_reason")
PENALTY_IN_FORCE_FIELDS = (*_FACTS, "subject", "trees", "persons", "levels")
"""Of one that a compliance report names."""
_READERS = (FINANCE, ADMIN, COMPLIANCE)
PENALTY = Visible(PenaltySchema, dict.fromkeys(_READERS, _PENALTY))
PENALTIES = Visible(PenaltiesPageSchema, dict.fromkeys(_READERS, paged(_PENALTY)))
