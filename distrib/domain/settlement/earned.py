"""A commission as a plain value, and what identifies it within its order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple


class CommissionKey(NamedTuple):
    """What identifies a commission within its order: the line, the rule, the tier and the earner."""

    line_index: int
    rule_index: int
    tier: int
    shop_no: int

    @property
    def slot(self) -> tuple[int, int, int]:
        """The rule, the tier and the earner: what bounds a refund over all lines of the order (plan.md, Refunds)."""
        return self[1:]


_key: Callable[[tuple[int, ...]], CommissionKey] = partial(tuple.__new__, CommissionKey)
"""A key of its fields, without the detour over a call in Python."""


class Commission(NamedTuple):
    """What one earner gets by one rule for one line; the amount is above 0.

    ``base_minor`` is what it was taken of, rounded down; ``rate_ppm`` is None for fixed amounts
    and marginal slabs, and for a differential rule the difference that was paid.
    """

    line_index: int
    rule_index: int
    tier: int
    shop_no: int
    base_minor: int
    rate_ppm: int | None
    amount_minor: int

    @property
    def key(self) -> CommissionKey:
        """What identifies it within its order."""
        return _key(self[:4])
