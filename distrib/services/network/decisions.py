"""Decides many shops at once: lets them in, or closes them; each by itself, with the history of a single decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.network.refusals import BeforeJoining, ShopUnknown
from distrib.services.context import Unit
from distrib.store.network import shops, standing
from distrib.store.network.standing import NewStatus

DECISIONS = ("active", "closed")
CHANGED, UNCHANGED, REFUSED = "changed", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class ShopDecision:
    """What a shop is to be (``DECISIONS``), from when on (None: now), and why."""

    shop_id: str
    status: str
    reason: str
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision; ``before`` is the newest status that the shop had, None where it is refused."""

    shop_id: str
    outcome: str
    before: str | None = None
    refusal: Refusal | None = None


class _Newest(NamedTuple):
    status: str
    since: datetime


def decide_shops(unit: Unit, decisions: Sequence[ShopDecision]) -> list[Decided]:
    """Writes the status of each shop, in the order sent; one refusal touches no other.

    A shop that is what it is to be, by its newest status, is left ``unchanged``: whoever sends a decision twice changes
    nothing. Refused is ``shop_unknown``, or ``before_joining``.
    """
    known = shops.lock_many(unit.conn, unit.program_id, {decision.shop_id for decision in decisions})
    newest = {shop_id: _Newest(shop.status, shop.status_since) for shop_id, shop in known.items()}
    decided, statuses = list[Decided](), list[NewStatus]()
    for decision in decisions:
        shop, since = known.get(decision.shop_id), decision.effective_at or unit.now
        if shop is None:
            decided.append(_refused(decision, ShopUnknown(id=decision.shop_id)))
            continue
        if since < shop.joined_at:
            decided.append(_refused(decision, BeforeJoining()))
            continue
        before = newest[decision.shop_id]
        if before.status == decision.status and before.since <= since:
            decided.append(Decided(decision.shop_id, UNCHANGED, before.status))
            continue
        statuses.append(NewStatus(shop.shop_no, since, decision.status, decision.reason))
        decided.append(Decided(decision.shop_id, CHANGED, before.status))
        if before.since <= since:
            newest[decision.shop_id] = _Newest(decision.status, since)
    if statuses:
        standing.add_statuses(unit.conn, unit.program_id, statuses, unit.now, unit.actor.key_id)
    return decided


def _refused(decision: ShopDecision, refusal: Refusal) -> Decided:
    return Decided(decision.shop_id, REFUSED, refusal=refusal)
