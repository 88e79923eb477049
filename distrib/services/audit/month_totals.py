"""The part of the audit that holds each month's statement against the transfers by date. No SQL may enter.

Transfers are added up in pages, those posted up to a horizon, as all of them are there and none changes; what came
later is added in the snapshot that tells the month's totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection

from distrib.services.context import Program, period_bounds
from distrib.services.steps import Steps, step
from distrib.store.audit import pages, postings
from distrib.store.audit.pages import By, Page
from distrib.store.audit.postings import Buckets
from distrib.store.audit.questions import MOST_ROWS, AuditAnswer
from distrib.store.database import Bound
from distrib.store.ledger import seals
from distrib.store.statements import months

STATEMENTS = "statements_add_up"


def statement_steps(program: Program) -> Steps[AuditAnswer]:
    """Checks each month's statement against the transfers by date (freezes, reservations apart), and its opening."""
    horizon: int = yield from step(seals.posting_horizon)
    bound = {"program": program.program_id, "time_zone": program.time_zone, "horizon": horizon}
    posted: Counter[tuple[int, int]] = Counter()
    newest: int = yield from step(pages.newest, program_id=program.program_id, by=By.ORDERS)
    page = Page(last=pages.FIRST)
    while page.last < pages.LAST:
        following = step(pages.page_after, program_id=program.program_id, by=By.ORDERS, after=page.last)
        page = (yield from following) if page.last < newest else Page(page.last)
        _add(posted, (yield from step(postings.money_of_page, page=page, bound=bound)))
    periods: list[int] = yield from step(months.periods_with_movement, program_id=program.program_id)
    wrong: list[dict[str, object]] = []
    for period in periods:
        wrong += yield from step(_wrong_in, program=program, period=period, posted=posted, bound=bound)
    return AuditAnswer(len(periods), len(wrong), wrong[:MOST_ROWS])


def _wrong_in(
    conn: Connection, program: Program, period: int, posted: Mapping[tuple[int, int], int], bound: Bound
) -> list[dict[str, object]]:
    """The figures of one month's totals that are not what the transfers come to, all as of this transaction."""
    buckets = Counter(posted)
    _add(buckets, postings.money_since(conn, bound))
    _, end = period_bounds(period, program.zone)
    totals = months.statement_totals(conn, program.program_id, period, end)
    held_against = {
        "opening_minor": totals.opening_minor,
        "closing_minor": totals.closing_minor,
        "held_minor": totals.held_minor - totals.frozen_minor,
        "available_minor": totals.available_minor + totals.frozen_minor + totals.reserved_minor,
    }
    amounts = buckets.items()
    expected = {
        "opening_minor": sum(amount for (counted, _), amount in amounts if counted < period),
        "closing_minor": sum(amount for (counted, _), amount in amounts if counted <= period),
        "held_minor": sum(amount for (counted, free), amount in amounts if counted <= period < free),
        "available_minor": sum(amount for (counted, free), amount in amounts if max(counted, free) <= period),
    }
    return [
        {"period": period, "figure": name, "expected_minor": amount, "told_minor": held_against[name]}
        for name, amount in expected.items()
        if held_against[name] != amount
    ]


def _add(buckets: Counter[tuple[int, int]], rows: Buckets) -> None:
    for counted, free, amount_minor in rows:
        buckets[counted, free] += amount_minor
