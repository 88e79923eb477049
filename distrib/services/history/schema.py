"""Which files a program's history is kept in, and what stands in their columns. docs/history.md says it to people.

What is here binds whoever reads the files: a change that a reader of today would take wrongly needs another
``SCHEMA_VERSION``. No library of files may enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

SCHEMA_VERSION: Final = 3
READABLE: Final = (2, SCHEMA_VERSION)
"""The versions of files that are read; of the older one, orders that failed do not say what came back of them."""
INTEGER, SMALL, TEXT, TRUTH, INSTANT = "int64", "int16", "text", "bool", "instant"
"""What a column holds; an instant is in microseconds, UTC."""
ORDERS, FAILED, REFUNDS, TRANSFERS = "orders", "failed", "refunds", "transfers"
SHOPS, REFERRALS, STATUSES, RANKS, MERGES = (
    "shops",
    "referrals",
    "statuses",
    "ranks",
    "merges",
)
FAILURES, CUSTOMERS, ORGANISERS, PAYEES, PENALTIES = (
    "failures",
    "customers",
    "organisers",
    "payees",
    "penalties",
)
WHOLE: Final = (FAILED, PAYEES, PENALTIES)
"""Kinds of one file that is of no month: what stands in it may change, so that each export writes it anew."""
SELLER, LEADER, OPENER = 0, -1, -2
"""Places around an order; the nine above the seller have 1 to 9."""


class FileColumn(NamedTuple):
    """A column: its name, what it holds, and whether it may be empty; ``parts`` of a list of records."""

    name: str
    type: str
    is_optional: bool = False
    parts: tuple[FileColumn, ...] = ()


class Records(NamedTuple):
    """A column of lists: how many records each row has, and the records' values by part, one after another."""

    counts: Sequence[int]
    parts: Mapping[str, Sequence[object]]


Columns: TypeAlias = Mapping[str, Sequence[object] | Records]
"""A page of rows by column: values of what the column holds, or the records of a column of lists."""

_LINES: Final = (
    FileColumn("id", TEXT),
    FileColumn("sku", TEXT),
    FileColumn("quantity", INTEGER),
    FileColumn("paid_minor", INTEGER),
    FileColumn("list_minor", INTEGER, True),
    FileColumn("cost_minor", INTEGER, True),
    FileColumn("category", TEXT, True),
    FileColumn("entry", TRUTH),
)
_PEOPLE: Final = (
    FileColumn("place", SMALL),
    FileColumn("shop_no", INTEGER),
    FileColumn("rank", TEXT, True),
    FileColumn("is_active", TRUTH),
)
_AS_SENT: Final = (
    FileColumn("order_no", INTEGER),
    FileColumn("event_no", INTEGER),
    FileColumn("order_id", TEXT),
    FileColumn("paid_at", INSTANT),
    FileColumn("channel", TEXT),
    FileColumn("currency", TEXT),
    FileColumn("group_id", TEXT, True),
    FileColumn("customer_id", TEXT, True),
    FileColumn("paid_minor", INTEGER),
    FileColumn("is_self_purchase", TRUTH),
    FileColumn("frozen_case", INTEGER, True),
    FileColumn("lines", "list", False, _LINES),
    FileColumn("people", "list", False, _PEOPLE),
)
_CAME_BACK: Final = FileColumn(
    "came_back",
    "list",
    False,
    (
        FileColumn("refund_id", TEXT),
        FileColumn("line_id", TEXT),
        FileColumn("event_no", INTEGER),
        FileColumn("amount_minor", INTEGER),
        FileColumn("occurred_at", INSTANT),
    ),
)
COLUMNS: Final[dict[str, tuple[FileColumn, ...]]] = {
    ORDERS: (
        FileColumn("settled_at", INSTANT),
        *_AS_SENT,
        FileColumn("version_no", INTEGER, True),
        FileColumn("seller_no", INTEGER, True),
        FileColumn("sales_minor", INTEGER),
        FileColumn("kept_earlier_orders", INTEGER, True),
        FileColumn("kept_first_paid_at", INSTANT, True),
        FileColumn("earlier_orders", INTEGER, True),
        FileColumn("earlier_first_paid_at", INSTANT, True),
    ),
    FAILED: (
        FileColumn("settled_at", INSTANT),
        *_AS_SENT,
        FileColumn("code", TEXT),
        FileColumn("has_plan", TRUTH),
        FileColumn("earlier_orders", INTEGER, True),
        FileColumn("earlier_first_paid_at", INSTANT, True),
        _CAME_BACK,
    ),
    REFUNDS: (
        FileColumn("settled_at", INSTANT),
        FileColumn("order_no", INTEGER),
        FileColumn("refund_id", TEXT),
        FileColumn("line_id", TEXT),
        FileColumn("event_no", INTEGER),
        FileColumn("amount_minor", INTEGER),
        FileColumn("seller_no", INTEGER, True),
        FileColumn("sales_minor", INTEGER),
        FileColumn("occurred_at", INSTANT),
        FileColumn("happened_at", INSTANT),
        FileColumn("done_at", INSTANT, True),
    ),
    TRANSFERS: (
        FileColumn("settled_at", INSTANT, True),
        FileColumn("cause_no", INTEGER),
        FileColumn("seq", INTEGER),
        FileColumn("kind", TEXT),
        FileColumn("event_no", INTEGER, True),
        FileColumn("line_id", TEXT, True),
        FileColumn("rule_id", TEXT, True),
        FileColumn("tier", SMALL, True),
        FileColumn("shop_no", INTEGER),
        FileColumn("base_minor", INTEGER, True),
        FileColumn("rate_ppm", INTEGER, True),
        FileColumn("version_no", INTEGER, True),
        FileColumn("amount_minor", INTEGER),
        FileColumn("occurred_at", INSTANT),
        FileColumn("available_at", INSTANT),
        FileColumn("belongs_to_period", INTEGER, True),
        FileColumn("pool_id", TEXT, True),
        FileColumn("pool_period", INTEGER, True),
        FileColumn("reverses_seq", INTEGER, True),
    ),
    SHOPS: (
        FileColumn("shop_no", INTEGER),
        FileColumn("shop_id", TEXT),
        FileColumn("joined_at", INSTANT),
    ),
    REFERRALS: (
        FileColumn("shop_no", INTEGER),
        FileColumn("effective_at", INSTANT),
        FileColumn("seq", INTEGER),
        FileColumn("sponsor_no", INTEGER, True),
        FileColumn("recorded_at", INSTANT),
    ),
    STATUSES: (
        FileColumn("shop_no", INTEGER),
        FileColumn("effective_at", INSTANT),
        FileColumn("seq", INTEGER),
        FileColumn("status", TEXT),
        FileColumn("recorded_at", INSTANT),
    ),
    RANKS: (
        FileColumn("shop_no", INTEGER),
        FileColumn("effective_at", INSTANT),
        FileColumn("seq", INTEGER),
        FileColumn("rank", TEXT, True),
        FileColumn("cause", TEXT),
        FileColumn("recorded_at", INSTANT),
        FileColumn("earned_at", INSTANT, True),
        FileColumn("earned_rank", TEXT, True),
    ),
    FAILURES: (
        FileColumn("shop_no", INTEGER),
        FileColumn("rank", TEXT),
        FileColumn("failures", INTEGER),
        FileColumn("is_lowered", TRUTH),
    ),
    CUSTOMERS: (
        FileColumn("customer_id", TEXT),
        FileColumn("seq", INTEGER),
        FileColumn("shop_no", INTEGER, True),
        FileColumn("recorded_at", INSTANT),
    ),
    ORGANISERS: (
        FileColumn("shop_no", INTEGER),
        FileColumn("effective_at", INSTANT),
        FileColumn("seq", INTEGER),
        FileColumn("organiser_id", TEXT, True),
    ),
    PAYEES: (
        FileColumn("shop_no", INTEGER),
        FileColumn("version", INTEGER),
        FileColumn("recorded_at", INSTANT),
        FileColumn("payee_no", INTEGER, True),
    ),
    PENALTIES: (
        FileColumn("penalty_no", INTEGER),
        FileColumn("shop_no", INTEGER, True),
        FileColumn("organiser_id", TEXT, True),
        FileColumn("begins_at", INSTANT),
        FileColumn("ends_at", INSTANT, True),
    ),
    MERGES: (
        FileColumn("merged_at", INSTANT),
        FileColumn("seq", INTEGER),
        FileColumn("customer_id", TEXT),
        FileColumn("into_id", TEXT),
    ),
}
"""The kinds of files, each with a file a month; those of ``WHOLE`` with one."""


def columns_of(kind: str, version: int = SCHEMA_VERSION) -> tuple[FileColumn, ...]:
    """The columns of a kind in a version that is read."""
    return tuple([column for column in COLUMNS[kind] if version >= SCHEMA_VERSION or column is not _CAME_BACK])
