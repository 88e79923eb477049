"""Sets the status and rank of a shop by hand, and lists the history of its ranks, statuses and sponsors.

Ranks earned by sales are written by ``ranks.promotion``. A change is a dated row with its reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import is_identifier
from distrib.domain.json_values import Json
from distrib.domain.network.refusals import BeforeJoining, ShopUnknown
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.refusals import RankUnknown
from distrib.domain.ranks.history import HAND, Ladder, RankHistory, row_reason
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit
from distrib.services.network.views import ShopView, get_shop
from distrib.services.plans.versions import ladder_of, load_timeline
from distrib.store.network import shops
from distrib.store.network import standing as store
from distrib.store.network.shops import KnownShop
from distrib.store.network.standing import NewRank, NewStatus
from distrib.store.ranks import figures
from distrib.store.ranks.evaluations import lock_promotions
from distrib.store.sharing import shop_sessions

CLOSED = "closed"
STATUSES = ("pending", "active", "frozen", CLOSED)
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RankChangeView:
    """A change of rank: from when, to what, and why. ``rank`` None ends what was set by hand."""

    effective_at: datetime
    rank: str | None
    cause: str
    reason: Json
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class StandingChange:
    """A change of a shop's ``status`` or ``sponsor`` (None: it became a root): from when, to what, and why."""

    kind: str
    effective_at: datetime
    value: str | None
    reason: str
    recorded_at: datetime
    recorded_by: str


def set_status(unit: Unit, shop_id: str, status: str, effective_at: datetime | None, reason: str) -> ShopView:
    """Sets a shop's status from ``effective_at`` (now, if None) on; answers the shop as it stands now.

    Raises:
        Refusal: ``invalid``, ``shop_unknown`` or ``before_joining``.
    """
    if status not in STATUSES:
        raise Refusal(
            "invalid", [Problem("status", Text("must be one of {choices}", "setting", choices=", ".join(STATUSES)))]
        )
    effective_at = effective_at or unit.now
    shop = _lock(unit.conn, unit.program, shop_id, effective_at)
    store.add_status(unit.conn, unit.program_id, NewStatus(shop.shop_no, effective_at, status, reason), unit.recorded)
    if status == CLOSED and effective_at <= unit.now:
        shop_sessions.end_sessions(unit.conn, unit.program_id, shop.shop_no, unit.actor.key_id, unit.now)
    return get_shop(unit, shop_id)


def set_rank(unit: Unit, shop_id: str, rank: str | None, effective_at: datetime | None, reason: str) -> ShopView:
    """Sets a shop's rank by hand from ``effective_at`` (now, if None) on: a floor, until None clears it.

    A shop that has earned a higher rank keeps that one (plan.md, Ranks).

    Raises:
        Refusal: ``shop_unknown``, ``before_joining``, or ``rank_unknown`` where the plan in force then lacks it.
    """
    effective_at = effective_at or unit.now
    lock_promotions(unit.conn, unit.program_id)  # one that is being decided would not know this rank, nor this one that
    shop = _lock(unit.conn, unit.program, shop_id, effective_at)
    program_id = unit.program_id
    timeline = load_timeline(unit.conn, unit.program)
    entry = timeline.in_force(effective_at) or next(iter(timeline.entries), None)
    if rank is not None and (entry is None or rank not in entry.plan.rank_indexes):
        raise RankUnknown(rank=rank)
    store.add_rank(unit.conn, program_id, NewRank(shop.shop_no, effective_at, rank, HAND, reason), unit.recorded)
    if entry is not None:
        _complete_ranks(unit, shop.shop_no, effective_at, ladder_of(timeline), entry.plan)
    return get_shop(unit, shop_id)


def rank_history(
    conn: Connection,
    program: Program,
    shop_id: str,
    cursor: tuple[str, int] | None = None,
    limit: int = 50,
) -> tuple[list[RankChangeView], tuple[str, int] | None]:
    """Lists a page of the changes of a shop's rank, earliest first, and the cursor of the next page."""
    shop = _known(conn, program, shop_id)
    after = cursor or (_BEFORE_ALL.isoformat(), 0)
    rows = store.rank_history(conn, program.program_id, shop.shop_no, after, limit + 1)
    changes = [
        RankChangeView(row.effective_at, row.rank, row.cause, _reason(row), row.recorded_at, row.recorded_by)
        for row in rows[:limit]
    ]
    return changes, (rows[limit - 1].effective_at.isoformat(), rows[limit - 1].seq) if len(rows) > limit else None


def standing_history(
    conn: Connection,
    program: Program,
    shop_id: str,
    cursor: tuple[str, str, int] | None = None,
    limit: int = 50,
) -> tuple[list[StandingChange], tuple[str, str, int] | None]:
    """Lists a page of a shop's statuses and sponsors, earliest first, and the cursor of the next page."""
    shop = _known(conn, program, shop_id)
    after = cursor or (_BEFORE_ALL.isoformat(), "", 0)
    rows = store.standing_history(conn, program.program_id, shop.shop_no, after, limit + 1)
    changes = [
        StandingChange(row.kind, row.effective_at, row.value, row.reason, row.recorded_at, row.recorded_by)
        for row in rows[:limit]
    ]
    if len(rows) <= limit:
        return changes, None
    last = rows[limit - 1]
    return changes, (last.effective_at.isoformat(), last.kind, last.seq)


def _known(conn: Connection, program: Program, shop_id: str) -> KnownShop:
    """Finds a shop by its id; raises ``shop_unknown``."""
    shop = shops.by_ids(conn, program.program_id, [shop_id]).get(shop_id) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    return shop


def _lock(conn: Connection, program: Program, shop_id: str, effective_at: datetime) -> KnownShop:
    """Locks the shop's row; raises ``shop_unknown``, or ``before_joining`` where it has not joined by then."""
    shop = shops.lock(conn, program.program_id, shop_id) if is_identifier(shop_id) else None
    if shop is None:
        raise ShopUnknown(id=shop_id)
    if effective_at < shop.joined_at:
        raise BeforeJoining()
    return shop


def _complete_ranks(unit: Unit, shop_no: int, since: datetime, ladder: Ladder, plan: Plan) -> None:
    """Writes the rows missing from an instant on for the higher of the ranks set by hand and earned to hold."""
    history = RankHistory(figures.rank_rows(unit.conn, unit.program_id, [shop_no]), ladder)
    changes = [
        figures.RankChange(shop_no, row.effective_at, row.rank, row.cause, json.dumps(row_reason(row)))
        for row in history.complete(shop_no, since, plan)
    ]
    if changes:
        figures.insert_rank_changes(unit.conn, unit.program_id, changes, unit.actor.key_id, unit.now)


def _reason(row: store.RankRow) -> Json:
    """Decodes the reason of a row: the figures that decided, or of a rank by hand the text given with it."""
    reason: Json = row.reason if row.cause == HAND else json.loads(row.reason)
    return reason
