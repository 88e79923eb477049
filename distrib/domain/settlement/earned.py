"""A commission as a plain value, and what identifies it within its order. No rule may enter."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


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


Key: TypeAlias = tuple[int, int, int, int]
"""line_index, rule_index, tier, shop_no: what identifies a commission within its order."""
