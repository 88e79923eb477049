"""Which conditions on the customer an order meets, by what its snapshot keeps of the customer's earlier orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from distrib.domain.events import Order
from distrib.domain.plans.customer_conditions import CustomerCondition
from distrib.domain.plans.plan import Plan
from distrib.domain.settlement.snapshot import Snapshot

_NONE: frozenset[CustomerCondition] = frozenset()


class CustomerVerdict(NamedTuple):
    """Whether the customer is as a rule asks; ``leaves_out``: the rule is for whoever is not so."""

    rule_id: str
    condition: CustomerCondition
    leaves_out: bool
    is_met: bool


def conditions_met(plan: Plan, order: Order, snapshot: Snapshot) -> frozenset[CustomerCondition]:
    """Those of the plan's conditions on the customer that the order meets.

    An order without a customer meets none, so that it is neither a new customer's nor a returning one's.
    """
    earlier = snapshot.earlier_orders
    if earlier is None or not plan.book.on_customers:
        return _NONE
    return frozenset([asked for asked in plan.book.on_customers if asked.is_met(*earlier, order.paid_at)])


def customer_verdicts(plan: Plan, order: Order, snapshot: Snapshot) -> Iterator[CustomerVerdict]:
    """Yields rule by rule what each asks of the customer and whether that is met; rules that ask nothing have none."""
    met = conditions_met(plan, order, snapshot)
    for rule in plan.rules:
        for asked, leaves_out in ((rule.where.customer, False), (rule.where.not_customer, True)):
            if asked is not None:
                yield CustomerVerdict(rule.id, asked, leaves_out, asked in met)
