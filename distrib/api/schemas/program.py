"""Programs as they are shown."""

from __future__ import annotations

from marshmallow import fields

from distrib.api.http.auth import STAFF
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
from distrib.api.schemas.held_changes import PENDING_FIELDS, PendingChangeSchema
from distrib.api.schemas.lists import page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.domain.customers import RULES
from distrib.domain.webhooks import MOST_URL
from distrib.services.programs.tenants import ADMISSIONS
from distrib.services.programs.wanted_settings import (
    APPROVALS,
    MAX_TIMES,
    MOST_DAYS,
    MOST_HOLD_DAYS,
    MOST_WAIT_HOURS,
    WITHHOLDINGS,
)


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
    key_approval = Choice(APPROVALS, metadata={"description": "how keys made over the API come to confirm money"})
    key_wait_hours = Whole(high=MOST_WAIT_HOURS, metadata={"description": "with key_approval wait"})
    payee_hold_days = Whole(
        high=MOST_HOLD_DAYS, metadata={"description": "how long a change of money waits that one person asked for"}
    )
    signed_off_by = PlainText(allow_none=True, metadata={"description": "who answers for a policy pack that is looser"})


class ProgramChangeSchema(Shape):
    """What was set differently, by which key."""

    changed_at = Instant(required=True)
    changed_by = PlainText(required=True)
    signed_off_by = PlainText(required=True, allow_none=True)
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)


class PendingSettingsSchema(PendingChangeSchema):
    """Settings that wait, with what they are to be."""

    settings = fields.Dict(required=True)


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
    key_approval = Choice(APPROVALS, required=True)
    key_wait_hours = Whole(high=MOST_WAIT_HOURS, required=True)
    payee_hold_days = Whole(high=MOST_HOLD_DAYS, required=True)
    pending = Inner(PendingSettingsSchema, required=True, allow_none=True)


ProgramChangesPageSchema = page_of(ProgramChangeSchema, "ProgramChangesPage")

# Who sees what: a program's settings are for staff, and all of them sees the same.
_RULES = ("least_minor", "most_minor", "per_day", "per_month", "fee_minor")
_PROGRAM = (
    "code",
    "currency",
    "time_zone",
    "policy",
    "admission",
    "identity_required",
    *within("binding", ("rule", "protect_days", "expire_days")),
    "withholding",
    *within("withdrawals", _RULES),
    "title",
    "join_url",
    "key_approval",
    "key_wait_hours",
    "payee_hold_days",
    *within("pending", (*PENDING_FIELDS, "settings")),
)
_CHANGE = ("changed_at", "changed_by", "signed_off_by", "before", "after")
PROGRAM = Visible(ProgramSchema, dict.fromkeys(STAFF, _PROGRAM))
PROGRAM_CHANGES = Visible(ProgramChangesPageSchema, dict.fromkeys(STAFF, paged(_CHANGE)))
