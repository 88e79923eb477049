"""Who stood around orders that never settled, for whoever tries another plan on them. No SQL may enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from distrib.domain.events import Order
from distrib.domain.settlement.snapshot import Snapshot
from distrib.domain.settlement.terms import Terms
from distrib.services.settlement.freezes import Freezes
from distrib.services.settlement.people import People


def snapshots_of(
    conn: Connection, program_id: int, orders: Sequence[Order], terms_of: Callable[[Order], Terms]
) -> list[Snapshot | None]:
    """The people around each order as of ``paid_at``, with the case that freezes it; None where a shop is not known."""
    people, freezes = People(conn, program_id, orders), Freezes(conn, program_id)
    freezes.look_up(partial(people.chains, orders))
    return [
        freezes.mark(people.snapshot(order, terms_of(order)), order.paid_at) if people.missing(order) is None else None
        for order in orders
    ]
