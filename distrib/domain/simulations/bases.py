"""What an order adds to the bases of pools: that of its lines when it settles, less what refunds take of them.

Exact, in parts by what they are divided by; what a refund takes of a base is said in docs/plan.md, Refunds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from distrib.domain.events import Order, OrderLine
from distrib.domain.simulations.outcomes import Setback


def base_parts(
    base: str,
    order: Order,
    settled_at: datetime,
    setbacks: Sequence[Setback],
    period_of: Callable[[datetime], int],
) -> Mapping[tuple[int, int], int]:
    """What an order adds to the base of each month, by month and by what the part is to be divided by.

    A line that was free follows its order's proportion; an order that was free is gone with its first refund.

    Args:
        setbacks: without decisions of cases, which take nothing of lines.
        base: ``paid``, ``list`` or ``margin``; a line without a cost has no margin.
    """
    parts: defaultdict[tuple[int, int], int] = defaultdict(int)
    bases = [base_of(line, base) for line in order.lines]
    parts[period_of(settled_at), 1] = sum(bases)
    refunds = [(period_of(max(setback.occurred_at, settled_at)), setback.taken_minor) for setback in setbacks]
    for period, taken_minor in refunds:
        for line, base_minor in zip(order.lines, bases, strict=True):
            if line.paid_minor:
                parts[period, line.paid_minor] -= base_minor * taken_minor.get(line.id, 0)
            elif order.paid_minor:
                parts[period, order.paid_minor] -= base_minor * sum(taken_minor.values())
    if refunds and not order.paid_minor:
        parts[min(period for period, _ in refunds), 1] -= sum(bases)
    return parts


def base_of(line: OrderLine, base: str) -> int:
    """The base of a whole line, in minor units."""
    if base == "list":
        return line.paid_minor if line.list_minor is None else line.list_minor
    if base == "margin":
        return max(line.paid_minor - (line.paid_minor if line.cost_minor is None else line.cost_minor), 0)
    return line.paid_minor
