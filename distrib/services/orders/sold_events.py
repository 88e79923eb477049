"""Settlements and refunds as columns are made of them: many read at once from what the inbox keeps, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from distrib.domain.events import REFUNDED, SETTLED

SETTLED_PREFIX: Final = f'{{"type":"{SETTLED}",'
REFUNDED_PREFIX: Final = f'{{"type":"{REFUNDED}",'
"""How the payloads of every settlement and every refund begin, as canonical JSON has them."""


class SoldLine(msgspec.Struct, gc=False):
    """A line of a settled order, read from what the inbox keeps."""

    id: str
    sku: str
    quantity: int
    paid_minor: int
    list_minor: int | None = None
    cost_minor: int | None = None
    category: str | None = None
    entry: bool = False


class SoldOrder(msgspec.Struct, gc=False):
    """An order that settled, without its id: the same fields as ``distrib.domain.events.Order``."""

    currency: str
    paid_at: datetime
    lines: list[SoldLine]
    channel: str = "retail"
    shop_id: str | None = None
    customer_id: str | None = None
    leader_id: str | None = None
    opener_id: str | None = None
    group_id: str | None = None


class SoldEvent(msgspec.Struct, gc=False):
    """A settlement as columns are made of it; to be read from nothing but what was accepted."""

    occurred_at: datetime
    order: SoldOrder


class SoldBackLine(msgspec.Struct, gc=False):
    """How much of one line is given back."""

    line_id: str
    amount_minor: int


class SoldBack(msgspec.Struct, gc=False):
    """A refund without its order's id: the same fields as ``distrib.domain.events.Refund``."""

    id: str
    lines: list[SoldBackLine] | None = None
    amount_minor: int | None = None


class SoldBackEvent(msgspec.Struct, gc=False):
    """A refund as columns are made of it; to be read from nothing but what was accepted."""

    occurred_at: datetime
    refund: SoldBack


_sold = msgspec.json.Decoder(list[SoldEvent])
_given_back = msgspec.json.Decoder(list[SoldBackEvent])


def decode_settled(payloads: Sequence[str]) -> list[SoldEvent]:
    """Decodes payloads of settlements that the inbox keeps, many at once: half the price of one by one."""
    return _sold.decode(f"[{','.join(payloads)}]")


def decode_refunds(payloads: Sequence[str]) -> list[SoldBackEvent]:
    """Decodes payloads of refunds that the inbox keeps, many at once."""
    return _given_back.decode(f"[{','.join(payloads)}]")
