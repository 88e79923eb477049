"""Chooses for all lines of a chunk at once the rules that apply: of each group the first whose ``where`` matches.

The twin in columns of ``distrib.domain.plans.rules.RuleBook``. People and amounts must not enter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

import numpy as np

from distrib.columns.commissions.chunk import NOBODY, Chunk, Codes
from distrib.columns.tree import Integers, Truths
from distrib.domain.plans.customer_conditions import NEW, CustomerCondition
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import Where

Mask: TypeAlias = Truths | None
"""Which lines; None: all of them."""

MICROSECONDS_A_DAY = 86_400_000_000


def named_codes(plan: Plan) -> Codes:
    """Gives a code to every channel, category and SKU that a plan's rules name, and to its ranks."""
    wheres = [rule.where for rule in plan.rules]
    return Codes(
        _numbered(names for where in wheres for names in (where.channels, where.not_channels)),
        _numbered(names for where in wheres for names in (where.categories, where.not_categories)),
        _numbered(names for where in wheres for names in (where.skus, where.not_skus)),
        plan.rank_indexes,
    )


def _numbered(named: Iterable[Collection[str] | None]) -> dict[str, int]:
    return {text: code for code, text in enumerate(sorted({text for names in named for text in names or ()}))}


def choose_lines(plan: Plan, chunk: Chunk) -> list[Mask]:
    """Computes by rule index on which lines the rule applies."""
    taken: dict[str, Mask] = {}
    chosen: list[Mask] = []
    for rule in plan.rules:
        mask = _matching(rule.where, chunk)
        if rule.group in taken:
            before = taken[rule.group]
            mask = _and_not(mask, before, len(chunk.order_of_lines))
            taken[rule.group] = None if before is None else before | mask
        else:
            taken[rule.group] = mask
        chosen.append(mask)
    return chosen


def _and_not(mask: Mask, before: Mask, count: int) -> Truths:
    """The lines of one mask that another has not taken before it."""
    if before is None:
        return np.zeros(count, np.bool_)
    return ~before if mask is None else mask & ~before


def _matching(where: Where, chunk: Chunk) -> Mask:
    """Which lines are such as a rule is for."""
    codes, orders, lines = chunk.codes, chunk.orders, chunk.lines
    by_order = [
        _within(orders.channel, where.channels, codes.channels),
        _outside(orders.channel, where.not_channels, codes.channels),
        None if where.customer is None else is_met(where.customer, chunk),
        None if where.not_customer is None else ~is_met(where.not_customer, chunk),
    ]
    by_line = [
        _within(lines.category, where.categories, codes.categories),
        _outside(lines.category, where.not_categories, codes.categories),
        _within(lines.sku, where.skus, codes.skus),
        _outside(lines.sku, where.not_skus, codes.skus),
    ]
    masks = [mask[chunk.order_of_lines] for mask in by_order if mask is not None]
    masks += [mask for mask in by_line if mask is not None]
    return np.logical_and.reduce(masks) if masks else None


def _within(values: Integers, wanted: Collection[str] | None, codes: Mapping[str, int]) -> Mask:
    return None if wanted is None else _is_any(values, wanted, codes)


def _outside(values: Integers, left_out: Collection[str], codes: Mapping[str, int]) -> Mask:
    return ~_is_any(values, left_out, codes) if left_out else None


def _is_any(values: Integers, wanted: Collection[str], codes: Mapping[str, int]) -> Truths:
    """Whether each value is one of those wanted; a text that no chunk has named has no code."""
    table = np.zeros(len(codes) + 1, np.bool_)
    table[[codes[text] for text in wanted if text in codes]] = True
    return table[values]


def is_met(asked: CustomerCondition, chunk: Chunk) -> Truths:
    """Whether the customer of each order is as asked; an order without a customer meets nothing."""
    orders = chunk.orders
    is_known = np.zeros(len(chunk), np.bool_)
    if asked.within_orders is not None:
        is_known |= orders.earlier_orders >= asked.within_orders
    if asked.within_days is not None:
        is_known |= orders.paid_at - orders.first_paid_at >= asked.within_days * MICROSECONDS_A_DAY
    is_known &= orders.earlier_orders > 0
    is_as_asked: Truths = (~is_known if asked.standing == NEW else is_known) & (orders.earlier_orders != NOBODY)
    return is_as_asked
