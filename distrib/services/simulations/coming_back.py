"""What came back of the orders of a block, as columns, whoever read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from distrib.columns.history.block import RefundColumns
from distrib.columns.tree import Integers, Truths
from distrib.domain.events import UNDONE
from distrib.domain.simulations.outcomes import Setback
from distrib.store.copying import microseconds


class CameBack(NamedTuple):
    """What refunds took of each order, which orders the engine has to work out, and the refunds of all others."""

    refunded_minor: Integers
    needs_engine: Truths
    refunds: RefundColumns


def columns_of_setbacks(
    setbacks: Mapping[int, Sequence[Setback]], decided: Truths, lines_of: Callable[[int], Mapping[str, int]]
) -> CameBack:
    """The setbacks of a block's orders as columns.

    Args:
        setbacks: by place of the order, as they were applied.
        decided: the orders that a case has decided about, which the engine works out; so it does those with a refund
            that was undone.
        lines_of: what was paid for each line of the order at a place, by line id in the order of its lines.
    """
    refunded_minor, needs_engine = np.zeros(decided.size, np.int64), decided.copy()
    order: list[int] = []
    instants = []
    left_minor: list[int] = []
    for place, of_order in sorted(setbacks.items()):
        refunded_minor[place] = sum(sum(setback.taken_minor.values()) for setback in of_order)
        needs_engine[place] |= any(setback.refund_id.startswith(UNDONE) for setback in of_order)
        if needs_engine[place]:
            continue
        left = dict(lines_of(place))
        for setback in of_order:
            for line_id, taken in setback.taken_minor.items():
                left[line_id] -= taken
            order.append(place)
            instants.append(setback.occurred_at)
            left_minor += left.values()
    columns = (np.array(column, np.int64) for column in (order, microseconds(instants), left_minor))
    return CameBack(refunded_minor, needs_engine, RefundColumns(*columns))
