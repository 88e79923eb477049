"""Orders as rows of their files, as a library of files of columns answers them: the fields of ``schema.COLUMNS``.

Nothing is read here.
"""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict


class LineOfFile(TypedDict):
    """A line of an order."""

    id: str
    sku: str
    quantity: int
    paid_minor: int
    list_minor: int | None
    cost_minor: int | None
    category: str | None
    entry: bool


class PersonOfFile(TypedDict):
    """Who stood at a place around an order; ``rank`` is None where none was held."""

    place: int
    shop_no: int
    rank: str | None
    is_active: bool


class CameBackOfFile(TypedDict):
    """What a refund, or what undid one, took of a line of an order that failed."""

    refund_id: str
    line_id: str
    event_no: int
    amount_minor: int
    occurred_at: datetime


class OrderOfFile(TypedDict):
    """An order that settled, or one that failed: that one alone has the last three, and has no sales."""

    settled_at: datetime
    order_no: int
    event_no: int
    order_id: str
    paid_at: datetime
    channel: str
    currency: str
    group_id: str | None
    customer_id: str | None
    paid_minor: int
    is_self_purchase: bool
    frozen_case: int | None
    lines: list[LineOfFile]
    people: list[PersonOfFile]
    earlier_orders: int | None
    earlier_first_paid_at: datetime | None
    version_no: NotRequired[int | None]
    seller_no: NotRequired[int | None]
    sales_minor: NotRequired[int]
    kept_earlier_orders: NotRequired[int | None]
    kept_first_paid_at: NotRequired[datetime | None]
    code: NotRequired[str]
    has_plan: NotRequired[bool]
    came_back: NotRequired[list[CameBackOfFile]]
