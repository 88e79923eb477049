"""What a rule requires of its earner and how much one earner may get by it, as frozen values.

What they come to on an order is computed by ``settlement.seats`` and ``settlement.caps``; amounts must not enter.
"""

from __future__ import annotations

from typing import NamedTuple


class Requires(NamedTuple):
    """What the earner must have at ``paid_at``: a rank, personal sales, or both.

    ``window_days`` None: sales ever. Otherwise sales after ``paid_at`` - N times 24 hours, up to and including it.
    """

    min_rank: str | None = None
    min_personal_sales_minor: int | None = None
    window_days: int | None = None


class Cap(NamedTuple):
    """The most that one earner gets by a rule's id; None: no such bound."""

    per_order_minor: int | None = None
    per_month_minor: int | None = None
    per_customer_minor: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether it also bounds what is earned over several orders: by month or by customer.

        >>> Cap(per_order_minor=5).is_counted, Cap(per_month_minor=5).is_counted
        (False, True)
        """
        return self.per_month_minor is not None or self.per_customer_minor is not None
