"""The plans that were in force, simulated as any candidate is, and held against the ledger order by order.

What works is what works for a candidate: columns, and in the order of time what depends on orders before it. The rows
of the ledger are worked out again one by one in ``checking``. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from distrib.columns.sums import sums_by
from distrib.domain.policies.policy import Policy
from distrib.services.context import Unit
from distrib.services.plans.terms import TermsBook
from distrib.services.plans.versions import Timeline, TimelineEntry, load_timeline
from distrib.services.simulations.checking import MOST_SHOWN, Checked, name_shops
from distrib.services.simulations.figures import BlockFigures
from distrib.services.simulations.running import Begin, PaidSpan, SimulationQuestion, Watcher, simulate
from distrib.store.audit.runs import ids_of_orders

SIMULATED = "simulated"
"""What differs: the sums of an order by rule and shop, as a simulation has them and as they were posted."""


def check_simulation(
    unit: Unit, begin: Begin, policies: Mapping[str, Policy], span: PaidSpan, checked: Checked
) -> None:
    """Simulates every version on the orders that were paid while it was in force, and adds what differs.

    Orders under a plan by which other orders decide (caps of a month or a customer, sales that a rule requires, a
    customer's earlier orders) are counted apart where they differ: the ledger works in the order in which facts came
    in, a simulation in the order in which orders settled.

    Args:
        unit: in a transaction that ``enter_history`` opened.
        begin: opens another one, as ``running.simulate`` has it.
    """
    entries = load_timeline(unit.conn, unit.program).entries
    ends = [*(entry.effective_from for entry in entries[1:]), span.until]
    for entry, end in zip(entries, ends, strict=bool(entries)):
        own = PaidSpan(max(span.since, entry.effective_from), min(span.until, end))
        if own.since < own.until:
            unlike = _OrdersUnlike(unit, entry, policies, checked)
            simulate(unit, policies, SimulationQuestion((entry.plan,), own), begin, Watcher(keep_block=unlike.add))
    name_shops(unit.conn, unit.program, checked)


class _OrdersUnlike:
    """Counts the orders that a version comes to something else on than the ledger."""

    def __init__(self, unit: Unit, entry: TimelineEntry, policies: Mapping[str, Policy], checked: Checked) -> None:
        self._unit, self._checked = unit, checked
        self._others_decide = TermsBook(unit.program, Timeline((entry,)), policies).counts_over_orders

    def add(self, _number: int, figures: BlockFigures) -> None:
        """Adds a block."""
        checked = self._checked
        checked.simulated += figures.order_no.size
        signed = np.where(figures.side == 0, -figures.amount_minor, figures.amount_minor)
        (order, rule, shop_no), (minor,) = sums_by([figures.order, figures.rule, figures.shop_no], [signed])
        unlike = np.flatnonzero(minor)
        numbers = sorted(set(figures.order_no[order[unlike]].tolist()))
        if self._others_decide:
            checked.in_another_order += len(numbers)
            return
        shown = unlike[:MOST_SHOWN]
        ids = ids_of_orders(self._unit.conn, self._unit.program_id, figures.order_no[order[shown]].tolist())
        for place in shown.tolist():
            checked.add(
                {
                    "order_id": ids[int(figures.order_no[order[place]])],
                    "what": SIMULATED,
                    "rule": figures.rules[int(rule[place])],
                    "shop_no": int(shop_no[place]),
                    "amount_minor": int(minor[place]),
                }
            )
        checked.differences += len(unlike) - len(shown)
