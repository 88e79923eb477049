"""What waits, as it is asked for and shown."""

from __future__ import annotations

from typing import Any

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import (
    Choice,
    Currency,
    Flag,
    Identifier,
    Inner,
    Instant,
    Listed,
    PlainText,
    QueryWhole,
    Shape,
    Whole,
)
from distrib.api.schemas.visible import Visible, within
from distrib.domain.money import MAX_SUM_MINOR
from distrib.services.undecided import KINDS, MOST_COUNTED

MOST_OF_EACH = 100


class InboxQuerySchema(Shape):
    """Which kind, all without one; and how many of each."""

    kind = Choice(KINDS, load_default=None)
    limit = QueryWhole(
        low=0, high=MOST_OF_EACH, load_default=20, metadata={"description": "of each kind; 0: the counts alone"}
    )


class WaitingSchema(Shape):
    """One that waits; null where its kind has no such figure."""

    kind = Choice(KINDS, required=True)
    id = PlainText(required=True, metadata={"description": "of a close its period, of a change chg_n"})
    since = Instant(required=True, data_key="at", metadata={"description": "since when it waits"})
    by = PlainText(required=True, allow_none=True, metadata={"description": "id of the key that asked for it"})
    mine = Flag(required=True, metadata={"description": "whether the reader's person asked for it"})
    may_decide = Flag(required=True, metadata={"description": "whether the reader's key may make that call now"})
    operation = PlainText(required=True, metadata={"description": "the call that decides it"})
    link = PlainText(high=2_000, required=True, metadata={"description": "where it is read"})
    shop_id = Identifier(required=True, allow_none=True)
    order_id = Identifier(required=True, allow_none=True)
    amount_minor = Whole(low=-MAX_SUM_MINOR, required=True, allow_none=True)
    currency = Currency(required=True, allow_none=True)
    count = Whole(required=True, allow_none=True, metadata={"description": "lines of a payout, shops of a close"})
    code = PlainText(
        required=True,
        allow_none=True,
        metadata={"description": "why an event failed, which finding, the role of a key, the channel of a payout"},
    )
    subject = PlainText(
        required=True, allow_none=True, metadata={"description": "whom a finding is about, the type of an event"}
    )
    changed_fields = Listed(
        PlainText(),
        data_key="fields",
        required=True,
        allow_none=True,
        metadata={"description": "what a change makes another, the scopes of a key"},
    )
    due_at = Instant(required=True, allow_none=True, metadata={"description": "when it holds without a decision"})


class WaitingCountSchema(Shape):
    """How many of a kind wait."""

    count = Whole(high=MOST_COUNTED, required=True)
    more = Flag(required=True, metadata={"description": f"whether more than {MOST_COUNTED} wait"})


WaitingCountsSchema: Any = Shape.from_dict(
    {kind: Inner(WaitingCountSchema) for kind in KINDS}, name="WaitingCountsSchema"
)
"""How many wait, by kind."""


class InboxSchema(Shape):
    """What waits, and how many of each kind."""

    data = Listed(Inner(WaitingSchema), required=True)
    counts = Inner(WaitingCountsSchema, required=True)


# Who sees what: of what waits all of staff sees the same; which kinds is for who reads them.
_WAITING = (
    "kind",
    "id",
    "since",
    "by",
    "mine",
    "may_decide",
    "operation",
    "link",
    "shop_id",
    "order_id",
    "amount_minor",
    "currency",
    "count",
    "code",
    "subject",
    "changed_fields",
    "due_at",
)
_COUNTS = tuple(name for kind in KINDS for name in within(kind, ("count", "more")))
INBOX = Visible(InboxSchema, dict.fromkeys(STAFF, (*within("data", _WAITING), *within("counts", _COUNTS))))
