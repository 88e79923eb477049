"""Whom shops are paid through, as they are sent and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, post_load

from distrib.api.http.auth import PARTNER, STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, PlainText, Shape, Whole
from distrib.api.schemas.held_changes import PendingChangeSchema
from distrib.api.schemas.visible import Visible, within
from distrib.domain.payouts.personal_data import ACCOUNT_FIELDS, is_account_text
from distrib.domain.payouts.withholding import KINDS


class AccountText(PlainText):
    """A number or name of an account: a text that is more than spaces."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        text = super()._deserialize(value, attr, data, **rest)
        if not text.strip() or not text.isprintable():
            raise ValidationError([say("control" if text.strip() else "required")])
        return text.strip()


class AccountNumber(AccountText):
    """A number that other machines read: it is written for them as it is, so it is nothing that a spreadsheet runs."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **rest: Any) -> Any:
        text = super()._deserialize(value, attr, data, **rest)
        if not is_account_text(text):
            raise ValidationError([say("account_number")])
        return text


class BankSchema(Shape):
    """A bank account."""

    account = AccountNumber(high=64, required=True)
    name = AccountText(high=128, allow_none=True, load_default=None)
    cnaps = AccountNumber(high=32, allow_none=True, load_default=None)


class AccountsSchema(Shape):
    """Where the payee can be paid; a bank account as its own fields or as ``bank``."""

    wechat_openid = AccountNumber(high=64, allow_none=True)
    alipay_login = AccountNumber(high=100, allow_none=True)
    alipay_user_id = AccountNumber(high=64, allow_none=True)
    alipay_open_id = AccountNumber(high=64, allow_none=True)
    bank_account = AccountNumber(high=64, allow_none=True)
    bank_name = AccountText(high=128, allow_none=True)
    bank_cnaps = AccountNumber(high=32, allow_none=True)
    mobile = AccountNumber(high=32, allow_none=True)
    bank = Inner(BankSchema, allow_none=True)

    @post_load
    def _flattened(self, data: dict[str, Any], **_: Any) -> dict[str, str]:
        bank = data.pop("bank", None) or {}
        spread = {f"bank_{name}": value for name, value in bank.items()}
        twice = [name for name, value in spread.items() if value and data.get(name)]
        if twice:
            raise ValidationError({"bank": [say("either_or", one="bank", other=twice[0])]})
        return {name: value for name, value in (data | spread).items() if value}


class PayeeDraftSchema(Shape):
    """Whom a shop is paid through. Kept encrypted."""

    name = AccountText(high=128, required=True)
    id_type = AccountText(high=32, required=True, metadata={"examples": ["id_card", "passport", "uscc", "ssn"]})
    id_number = AccountNumber(high=64, required=True)
    kind = Choice(KINDS, required=True)
    accounts = Inner(AccountsSchema, load_default=dict)


MaskedAccountsSchema: Any = Shape.from_dict({name: PlainText() for name in ACCOUNT_FIELDS}, name="MaskedAccountsSchema")


class PendingPayeeSchema(PendingChangeSchema):
    """A payee that waits; the shop itself is not shown by whom it was proposed."""

    proposed_by = PlainText(metadata={"description": "id of the key; not shown to the shop"})


class PayeeSchema(Shape):
    """A shop's payee in force, its numbers masked, and the one that waits; null where none is in force yet."""

    shop_id = Identifier(required=True)
    version = Whole(low=1, required=True, allow_none=True)
    name = PlainText(required=True, allow_none=True)
    id_type = PlainText(required=True, allow_none=True)
    id_number = PlainText(required=True, allow_none=True)
    kind = Choice(KINDS, required=True, allow_none=True)
    accounts = Inner(MaskedAccountsSchema, required=True, allow_none=True)
    recorded_at = Instant(required=True, allow_none=True)
    recorded_by = PlainText(allow_none=True, metadata={"description": "id of the key; not shown to the shop"})
    pending = Inner(PendingPayeeSchema, required=True, allow_none=True)


# Who sees what: which keys wrote and proposed a payee is not for the shop.
_OWN_PAYEE = (
    "shop_id",
    "version",
    "name",
    "id_type",
    "id_number",
    "kind",
    *within("accounts", ACCOUNT_FIELDS),
    "recorded_at",
    *within("pending", ("id", "changed_fields", "proposed_at", "due_at")),
)
PAYEE = Visible(
    PayeeSchema,
    {
        PARTNER: _OWN_PAYEE,
        **dict.fromkeys(STAFF, (*_OWN_PAYEE, "recorded_by", "pending.proposed_by")),
    },
)
