"""What a line of a wallet says: whose sale, which level and percent, from which day it is free, what was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import url_for

from distrib.console.commission_words import purpose_of_row
from distrib.console.owner.frame import OwnerVisit
from distrib.domain.texts import Text
from distrib.services.statements.line_words import LineWords

SHORT: Final = 4
"""So many characters at the end of an order's id tell it from the others of a week."""
_ORDER, _REFUND = Text("Order {end}", "owner"), Text("Refund {end}", "owner")
_FREE_FROM = Text("free from {day}", "owner")
_FREE = Text("released", "owner")
_HELD = Text("held until the platform has looked at it", "owner")
_RETURNED = Text("The customer got {refunded} back; {rate} of it was taken back", "owner")
_RETURNED_FIXED = Text("The customer got {refunded} back; its commission was taken back", "owner")
_UNDONE = Text("The refund was undone: this comes back to you", "owner")
_TAKEN_BACK = Text("Taken back by the platform", "owner")
_CANCELLED = Text("Taken back: the order was refunded or cancelled", "owner")


def line_view(visit: OwnerVisit, words: LineWords, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a commission shows in the list.

    Args:
        row: as ``list_shop_commissions`` answers it.
    """
    return {
        "id": row["id"],
        "href": url_for("owner.line", commission_id=row["id"]),
        "title": title_of_line(visit, words, row),
        "purpose": purpose(visit, words, row),
        "note": _note(visit, row),
        "day": visit.day(row["occurred_at"]),
        "amount_minor": row["amount_minor"],
        "is_held": row["state"] == "held" and row["amount_minor"] > 0,
    }


def title_of_line(visit: OwnerVisit, words: LineWords, row: Mapping[str, Any]) -> str:
    """The order by its last characters; of what is no order's, what it is."""
    if row["order_id"] is None:
        return visit.say(purpose_of_row(words, row))
    title = _REFUND if row["kind"] == "reversed" else _ORDER
    return visit.say(title.with_params(end=end_of(row["order_id"])))


def end_of(order_id: str) -> str:
    """The last characters of an order's id.

    >>> end_of("20261129000231"), end_of("o-1")
    ('…0231', 'o-1')
    """
    return order_id if len(order_id) <= SHORT else f"…{order_id[-SHORT:]}"


def purpose(visit: OwnerVisit, words: LineWords, row: Mapping[str, Any]) -> str:
    """Whose sale it was, and at which percent; what was adjusted, why; what was taken back, why."""
    if row["kind"] == "reversed":
        return _why_taken_back(visit, row)
    if row["order_id"] is None:
        return str(row["reason"] or "") if row["withdrawal_id"] is None else ""
    said = visit.say(purpose_of_row(words, row))
    return said if row["rate"] is None else f"{said} · {visit.reader.percent(row['rate'])}"


def _why_taken_back(visit: OwnerVisit, row: Mapping[str, Any]) -> str:
    if row["amount_minor"] > 0:
        return visit.say(_UNDONE)
    if row["event_id"] is None:
        return visit.say(_TAKEN_BACK)
    if not row["refunded_minor"]:
        return visit.say(_CANCELLED)
    refunded = visit.money(row["refunded_minor"])
    if row["rate"] is None:
        return visit.say(_RETURNED_FIXED.with_params(refunded=refunded))
    rate = visit.reader.percent(row["rate"])
    return visit.say(_RETURNED.with_params(refunded=refunded, rate=rate))


def _note(visit: OwnerVisit, row: Mapping[str, Any]) -> str:
    """From when on it can be withdrawn."""
    if row["amount_minor"] <= 0:
        return ""
    if row["state"] != "held":
        return visit.say(_FREE)
    if row["available_at"] <= visit.desk.now:
        return visit.say(_HELD)
    return visit.say(_FREE_FROM.with_params(day=visit.day(row["available_at"])))
