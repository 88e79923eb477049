"""Commissions as their callers know them: ids in place of numbers, ratios as decimal strings.

Amounts taken back are rows of their own, below zero. No SQL may enter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from distrib.domain.money import show_ratio
from distrib.domain.orders.refusals import CommissionUnknown
from distrib.services.context import Program, Unit, format_period
from distrib.store.orders import commissions as rows
from distrib.store.orders import expected
from distrib.store.orders.commissions import CommissionRow
from distrib.store.orders.expected import ExpectedFilters, ExpectedRow

HELD, AVAILABLE, EXPECTED = "held", "available", "expected"
_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class PlanVersionView:
    """A published version of a plan."""

    code: str
    version: int


@dataclass(frozen=True, slots=True)
class CommissionView:
    """A commission as it is shown, posted or expected; of the latter it is not known when it counts."""

    id: str
    event_id: str | None
    order_id: str | None
    line_id: str | None
    shop_id: str
    rule: str | None
    tier: int | None
    kind: str
    base_minor: int | None
    rate: str | None
    amount_minor: int
    currency: str
    plan_version: PlanVersionView | None
    occurred_at: datetime
    available_at: datetime | None = None
    state: str = EXPECTED
    period: str | None = None
    belongs_to_period: str | None = None
    reverses_id: str | None = None
    adjustment_id: str | None = None
    reason: str | None = None
    withdrawal_id: str | None = None
    refunded_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CommissionQuery:
    """Which commissions are asked for; what is None does not matter.

    ``period`` is a month as 202603, ``kind`` one of ``earned reversed pool adjusted``, ``state`` one of
    ``held available expected``. ``is_newest_first``: not of what is only expected.
    """

    shop_id: str | None = None
    shop_no: int | None = None
    order_id: str | None = None
    period: int | None = None
    kind: str | None = None
    state: str | None = None
    is_newest_first: bool = False


def list_commissions(
    unit: Unit, query: CommissionQuery, after: tuple[int, int] | None, limit: int
) -> tuple[list[CommissionView], tuple[int, int] | None]:
    """Lists the commissions that a query asks for, by cause and number.

    Returns:
        Up to ``limit`` of them, and the key to go on after (None at the end).
    """
    if query.state == EXPECTED:
        return _list_expected(unit.conn, unit.program, query, after, limit)
    filters = rows.CommissionFilters(
        shop_id=query.shop_id,
        shop_no=query.shop_no,
        order_id=query.order_id,
        period=query.period,
        kind=query.kind,
        held_at=unit.now if query.state == HELD else None,
        available_at=unit.now if query.state == AVAILABLE else None,
        is_newest_first=query.is_newest_first,
    )
    commissions = rows.list_commissions(unit.conn, unit.program_id, filters, after, limit + 1)
    return [commission_view(unit.program, row, unit.now) for row in commissions[:limit]], _key_after(commissions, limit)


def get_commission(unit: Unit, commission_id: str, only_shop_no: int | None = None) -> CommissionView:
    """Reads one commission by id.

    Args:
        only_shop_no: the shop whose it has to be.

    Raises:
        Refusal: ``commission_unknown``, also for another shop's.
    """
    place = place_of(commission_id)
    row = None if place is None else rows.find_commission(unit.conn, unit.program_id, place, only_shop_no)
    if row is None:
        raise CommissionUnknown(id=commission_id)
    return commission_view(unit.program, row, unit.now)


def _list_expected(
    conn: Connection, program: Program, query: CommissionQuery, after: tuple[int, int] | None, limit: int
) -> tuple[list[CommissionView], tuple[int, int] | None]:
    """Lists expected commissions, which belong to no period yet and are of no kind but earned."""
    if query.period is not None or query.kind not in (None, "earned"):
        return [], None
    wanted = ExpectedFilters(query.shop_id, query.shop_no, query.order_id)
    commissions = expected.list_expected(conn, program.program_id, wanted, after or (0, 0), limit + 1)
    return [_expected_view(program, row) for row in commissions[:limit]], _key_after(commissions, limit)


def _key_after(listed: Sequence[CommissionRow] | Sequence[ExpectedRow], limit: int) -> tuple[int, int] | None:
    """The key of a page's last row where one row more was found than it takes."""
    return (listed[limit - 1].cause_no, listed[limit - 1].seq) if len(listed) > limit else None


def _expected_view(program: Program, row: ExpectedRow) -> CommissionView:
    """One expected commission as it is shown; when it is available and in which period it counts is not known yet."""
    return _view(program, row, f"{row.cause_no}-expected-{row.seq}")


def commission_view(program: Program, row: CommissionRow, now: datetime) -> CommissionView:
    """One row of the ledger as a commission (contract, "Orders, commissions, plans")."""
    cause, reverses, late = row.cause_no, row.reverses_seq, row.belongs_to_period
    return replace(
        _view(program, row, commission_id(cause, row.seq)),
        available_at=row.available_at,
        state=state_at(row.available_at, now, is_case_held=row.is_case_held),
        period=format_period(row.period),
        belongs_to_period=None if late is None else format_period(late),
        reverses_id=None if reverses is None else commission_id(cause, reverses),
        adjustment_id=row.adjustment_id,
        reason=row.reason,
        withdrawal_id=row.withdrawal_id,
        refunded_minor=row.refunded_minor,
    )


def _view(program: Program, row: CommissionRow | ExpectedRow, shown_id: str) -> CommissionView:
    """What an earned and an expected commission share."""
    return CommissionView(
        id=shown_id,
        event_id=row.event_id,
        order_id=row.order_id,
        line_id=row.line_id,
        shop_id=row.shop_id,
        rule=row.rule,
        tier=row.tier,
        kind=row.kind,
        base_minor=row.base_minor,
        rate=rate_text(row.rate_ppm),
        amount_minor=row.amount_minor,
        currency=program.currency,
        plan_version=plan_view(row.plan_code, row.plan_version),
        occurred_at=row.occurred_at,
    )


def commission_id(cause_no: int, seq: int) -> str:
    """The id of a commission: its cause and its number there.

    >>> commission_id(69659, 3)
    '69659-3'
    """
    return f"{cause_no}-{seq}"


def place_of(commission: str) -> tuple[int, int] | None:
    """The cause and the number in the id of a commission; None for what is no such id.

    >>> place_of("69659-3"), place_of("69659")
    ((69659, 3), None)
    """
    match = _ID.fullmatch(commission)
    return (int(match[1]), int(match[2])) if match else None


def rate_text(rate_ppm: int | None) -> str | None:
    """A rate as a decimal string, None for a fixed amount."""
    return None if rate_ppm is None else show_ratio(rate_ppm)


def state_at(available_at: datetime, now: datetime, *, is_case_held: bool = False) -> str:
    """Whether money is ``held``, by its date or by a case, or ``available``."""
    return HELD if available_at > now or is_case_held else AVAILABLE


def plan_view(code: str | None, version: int | None) -> PlanVersionView | None:
    """A plan version as it is shown; None without one."""
    return None if code is None or version is None else PlanVersionView(code, version)
