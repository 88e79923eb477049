"""Programs and keys as they are shown."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import ROLES
from distrib.api.schemas.fields import (
    Amount,
    Choice,
    Currency,
    Flag,
    Identifier,
    Inner,
    Instant,
    PlainText,
    Shape,
    Whole,
)
from distrib.api.schemas.lists import page_of
from distrib.domain.customers import RULES
from distrib.domain.webhooks import MOST_URL
from distrib.services.programs.settings import MAX_TIMES, MOST_DAYS, WITHHOLDINGS
from distrib.services.programs.tenants import ADMISSIONS


class BindingRuleSchema(Shape):
    """How customers are bound; it is set as a whole."""

    rule = Choice(RULES, required=True)
    protect_days = Whole(high=MOST_DAYS, allow_none=True, metadata={"description": "with the rule protected only"})
    expire_days = Whole(low=1, high=MOST_DAYS, allow_none=True, metadata={"description": "none binds without end"})


class WithdrawalRulesSchema(Shape):
    """What the program allows of withdrawals; set as a whole. What is null does not bound."""

    least_minor = Amount(low=1, required=True)
    most_minor = Amount(low=1, allow_none=True)
    per_day = Whole(low=1, high=MAX_TIMES, allow_none=True)
    per_month = Whole(low=1, high=MAX_TIMES, allow_none=True)
    fee_minor = Amount(allow_none=True, metadata={"description": "what the shop bears for each; below least_minor"})


class ProgramPatchSchema(Shape):
    """Settings that are to change; what is not named stays."""

    time_zone = PlainText(metadata={"description": "fixed once there are events"})
    policy = PlainText()
    admission = Choice(ADMISSIONS)
    identity_required = Flag()
    binding = Inner(BindingRuleSchema)
    withholding = Choice(WITHHOLDINGS)
    withdrawals = Inner(WithdrawalRulesSchema, allow_none=True, metadata={"description": "null: none are taken"})
    title = PlainText(allow_none=True, metadata={"description": "what invitations call the program; null: its code"})
    join_url = PlainText(
        high=MOST_URL,
        allow_none=True,
        metadata={"description": "https, public: the platform's own page for joining; invite_code is added to it"},
    )
    signed_off_by = PlainText(allow_none=True, metadata={"description": "who answers for a policy pack that is looser"})


class ProgramChangeSchema(Shape):
    """What was set differently, by which key."""

    changed_at = Instant(required=True)
    changed_by = PlainText(required=True)
    signed_off_by = PlainText(required=True, allow_none=True)
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)


class ProgramSchema(Shape):
    """A program and its settings."""

    code = Identifier(required=True)
    currency = Currency(required=True)
    time_zone = fields.String(required=True)
    policy = fields.String(required=True)
    admission = Choice(("open", "invite", "review"), required=True)
    identity_required = Flag(required=True)
    binding = Inner(BindingRuleSchema, required=True)
    withholding = Choice(WITHHOLDINGS, required=True)
    withdrawals = Inner(WithdrawalRulesSchema, required=True, allow_none=True)
    title = PlainText(required=True, allow_none=True)
    join_url = PlainText(high=MOST_URL, required=True, allow_none=True)


class KeyDraftSchema(Shape):
    """A key that is to be made."""

    role = Choice(ROLES, required=True)
    name = PlainText(required=True)
    shop_id = Identifier(allow_none=True, load_default=None, metadata={"description": "with role partner only"})


class KeySchema(Shape):
    """A key without its secret."""

    id = PlainText(required=True)
    name = PlainText(required=True)
    role = Choice(ROLES, required=True)
    shop_id = Identifier(required=True, allow_none=True)
    created_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)
    signed = Flag(required=True, metadata={"description": "whether what it posts of events must be signed"})


class SigningSecretSchema(Shape):
    """The secret of a key that must sign, seen once."""

    id = PlainText(required=True)
    secret = PlainText(required=True, metadata={"description": "whsec_ and base64, as Standard Webhooks has it"})
    former_until = Instant(
        required=True, allow_none=True, metadata={"description": "until when the one before is good as well"}
    )


class NewKeySchema(Shape):
    """A key, seen once."""

    id = PlainText(required=True)
    key = PlainText(required=True, metadata={"description": "kept as a keyed hash only: it cannot be shown again"})
    name = PlainText(required=True)
    role = Choice(ROLES, required=True)
    shop_id = Identifier(required=True, allow_none=True)


ProgramChangesPageSchema = page_of(ProgramChangeSchema, "ProgramChangesPage")
KeysPageSchema = page_of(KeySchema, "KeysPage")
