"""What a rule may ask of the customer of an order: to be new to the program, or to return to it.

Reads what is known of the customer's earlier orders; lines, earners and amounts must not enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

NEW, RETURNING = "new", "returning"
STANDINGS = (NEW, RETURNING)


class CustomerCondition(NamedTuple):
    """Whether the customer is new, or returns; None: no such bound (plan.md, ``customer``).

    New is who has no earlier order; with ``within_orders`` who has fewer, with ``within_days`` whose first one was paid
    less than so many times 24 hours before; with both, both. Returning is whoever is not new.
    """

    standing: str = NEW
    within_orders: int | None = 1
    within_days: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it says more than the word alone: a number of orders or of days."""
        return self[1:] != (1, None)

    def is_met(self, earlier: int, first_paid_at: datetime | None, paid_at: datetime) -> bool:
        """Whether the customer of an order paid at ``paid_at`` is as the rule asks.

        Args:
            earlier: how many earlier orders there are; more than ``within_orders`` need not be counted.
            first_paid_at: when the first of them was paid; None where there is none.

        >>> first, now = datetime(2026, 3, 1), datetime(2026, 3, 31)
        >>> [CustomerCondition(NEW, None, days).is_met(5, first, now) for days in (30, 31)]
        [False, True]
        """
        return self._is_new(earlier, first_paid_at, paid_at) == (self.standing == NEW)

    def _is_new(self, earlier: int, first_paid_at: datetime | None, paid_at: datetime) -> bool:
        if first_paid_at is None:
            return True
        if self.within_orders is not None and earlier >= self.within_orders:
            return False
        return self.within_days is None or paid_at - first_paid_at < timedelta(days=self.within_days)


def customer_condition(value: str | Mapping[str, Any]) -> CustomerCondition:
    """Compiles ``customer``: a word, or a mapping of ``is``, ``within_orders``, ``within_days``.

    >>> customer_condition("returning") == customer_condition({"is": "returning", "within_orders": 1})
    True
    """
    given: Mapping[str, Any] = {"is": value} if isinstance(value, str) else value
    orders, days = given.get("within_orders"), given.get("within_days")
    return CustomerCondition(given["is"], 1 if orders is None and days is None else orders, days)
