"""What plain orders pay, all at once, in exact int64: the twin in columns of the engine of one order.

The engine (``distrib.domain.settlement.commission``) is the judge; a property test holds both equal. Which plans are
plain is said here, and which orders have figures that an int64 could not carry: those are left to the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from distrib.columns.tree import Integers, Truths
from distrib.domain.money import PPM
from distrib.domain.plans.plan import Plan
from distrib.domain.plans.rules import SLAB_WHOLE, Rule
from distrib.domain.settlement.earners import STEP_OF_BASE, STEP_OF_REMAINING, Earners, Step

MOST_MINOR = 10**12
"""Larger amounts are left to the engine, which bounds what a transfer can carry."""
_WIDEST = 2**62


class KindOfLine(NamedTuple):
    """Who is paid on a kind of line, and how many rates are multiplied with each other at most."""

    earners: Earners
    depth: int


class OrderedLines(NamedTuple):
    """The lines of all orders, those of an order together: the place of the order and of the kind, and two figures."""

    order: Integers
    kind: Integers
    base_minor: Integers
    quantity: Integers


@dataclass(frozen=True, slots=True)
class Earnings:
    """The commissions of all orders, in the order of work, by column; every amount is above 0.

    ``order`` and ``line`` are places, ``place`` says where the earner stands (``earners.numbers_of``); ``rate_ppm`` is
    -1 where there is none; ``seq`` numbers an order's commissions from 1.
    """

    order: Integers
    line: Integers
    rule: Integers
    tier: Integers
    place: Integers
    base_minor: Integers
    rate_ppm: Integers
    amount_minor: Integers
    seq: Integers


def is_plain(plan: Plan) -> bool:
    """Whether what a line earns depends on nothing but its order: the line, its people, and what was paid for it.

    A cap by order and rule, or what a rule asks of customers or sales, leaves the plan to the engine of one order.
    """
    book = plan.book
    return not (plan.needs_whole_order or book.per_order or book.counted or book.on_customers or book.on_sales)


def settle_orders(
    rounding: str, kinds: Sequence[KindOfLine], lines: OrderedLines, paid_minor: Integers, order_cap_ppm: int | None
) -> tuple[Earnings, Truths]:
    """Computes the commissions of plain orders, and which of the orders are to be left to the engine instead.

    Args:
        rounding: of the plan.
        kinds: of line.
        lines: of all orders.
        paid_minor: what was paid for each order.
        order_cap_ppm: of the plan and the packs.
    """
    table = _Table.of([kind.earners for kind in kinds])
    rates = table.rates[lines.kind]
    basis = np.broadcast_to(lines.base_minor[:, None], rates.shape)
    is_wide = lines.base_minor > MOST_MINOR
    base_minor = np.where(is_wide, 0, lines.base_minor)
    amounts = _rounded(base_minor[:, None] * np.maximum(rates, 0), PPM, rounding)
    if table.has_fixed:
        fixed = table.fixed[lines.kind]
        is_wide |= fixed.max(axis=1, initial=0) * lines.quantity > MOST_MINOR
        amounts += np.where(is_wide[:, None], 0, fixed * lines.quantity[:, None])
    for number, kind in enumerate(kinds):
        if not _is_linear(kind.earners.steps):
            if basis.base is not None:
                basis = basis.copy()
            rows = np.flatnonzero(lines.kind == number)
            count = len(kind.earners.steps)
            figures = _figures(kind, base_minor[rows], lines.quantity[rows], rounding)
            is_wide[rows] |= figures.is_wide
            amounts[rows, :count] = figures.amount_minor
            basis[rows, :count] = figures.base_minor
            rates[rows, :count] = figures.rate_ppm
    unsure = np.zeros(paid_minor.size, np.bool_)
    unsure[lines.order[is_wide | (amounts > MOST_MINOR).any(axis=1)]] = True
    amounts[unsure[lines.order]] = 0
    if order_cap_ppm is not None:
        unsure |= paid_minor > MOST_MINOR
        limits = np.where(unsure, 0, paid_minor) * order_cap_ppm // PPM
        _cap_orders(table, lines, amounts, limits, unsure)
    line, step = np.nonzero(amounts)
    order, kind_of_line = lines.order[line], lines.kind[line]
    counts = np.bincount(order, minlength=paid_minor.size)
    return Earnings(
        order=order,
        line=line,
        rule=table.rules[kind_of_line, step],
        tier=table.tiers[kind_of_line, step],
        place=table.places[kind_of_line, step],
        base_minor=basis[line, step],
        rate_ppm=rates[line, step],
        amount_minor=amounts[line, step],
        seq=np.arange(1, order.size + 1) - np.repeat(np.cumsum(counts) - counts, counts),
    ), unsure


@dataclass(frozen=True, slots=True)
class _Table:
    """The steps of all kinds as matrices, a kind a row; where a kind has fewer steps, the rest pay 0.

    ``rates`` are -1 where an amount is paid; ``fixed`` are the amounts a piece.
    """

    rates: Integers
    fixed: Integers
    rules: Integers
    tiers: Integers
    places: Integers
    has_fixed: bool

    @staticmethod
    def of(kinds: Sequence[Earners]) -> _Table:
        shape = len(kinds), max([len(kind.steps) for kind in kinds], default=0)
        rates, fixed, rules, tiers, places = (np.zeros(shape, np.int64) for _ in range(5))
        for row, kind in enumerate(kinds):
            is_linear = _is_linear(kind.steps)
            for column, (step, (_, _, place)) in enumerate(zip(kind.steps, kind.places, strict=True)):
                rules[row, column], tiers[row, column], places[row, column] = step.rule_index, step.tier, place
                if is_linear:
                    rates[row, column] = -1 if step.rate is None else step.rate
                    fixed[row, column] = step.fixed
        return _Table(rates, fixed, rules, tiers, places, bool(fixed.any()))


def _is_linear(steps: Sequence[Step]) -> bool:
    """Whether every step takes a rate of the line's base or an amount a piece."""
    return all(step.of == STEP_OF_BASE and step.slabs is None for step in steps)


class _Figures(NamedTuple):
    """Of lines of one kind, step by step: amount, what it was taken of, its rate; and which lines are too large."""

    amount_minor: Integers
    base_minor: Integers
    rate_ppm: Integers
    is_wide: Truths


def _figures(kind: KindOfLine, base_minor: Integers, quantity: Integers, rounding: str) -> _Figures:
    """The figures of ``domain.settlement.figures``, for all lines of a kind, in units of 1 / PPM**depth."""
    steps, unit = kind.earners.steps, PPM**kind.depth
    most = _WIDEST // (unit * (len(steps) + 1))
    dearest = max(step.fixed for step in steps)
    is_wide = (base_minor > most) | (quantity * min(dearest, MOST_MINOR) > most)
    base = np.where(is_wide, 0, base_minor) * unit
    piece = np.where(is_wide, 0, quantity) * unit
    paid = below = np.zeros(base.size, np.int64)
    last_tier = 0
    by_rule: dict[int, Integers] = {}
    columns: list[tuple[Integers, Integers, Integers]] = []
    for rule_index, tier, of, own_rate, fixed, _, slabs, is_named in steps:
        if tier != last_tier:
            last_tier, below = tier, paid
        basis = base
        if of == STEP_OF_REMAINING:
            basis = np.maximum(base - below, 0)
        elif of != STEP_OF_BASE:
            basis = by_rule.get(of, np.zeros(base.size, np.int64))
        rate = np.full(base.size, -1 if own_rate is None else own_rate)
        if own_rate is not None:
            amount = basis // PPM * own_rate
        elif slabs is not None:
            rate, amount = _slab_amounts(slabs, basis, unit)
        else:
            amount = fixed * piece
        paid = paid + amount
        if is_named:
            by_rule[rule_index] = by_rule.get(rule_index, np.zeros(base.size, np.int64)) + amount
        columns.append((_rounded(amount, unit, rounding), basis // unit, rate))
    amounts, bases, rates = (np.stack(column, axis=1) for column in zip(*columns, strict=True))
    return _Figures(amounts, bases, rates, is_wide)


def _slab_amounts(rule: Rule, basis: Integers, unit: int) -> tuple[Integers, Integers]:
    """The rate of each basis, -1 where several slabs share it, and the exact amount."""
    is_whole = rule.kind == SLAB_WHOLE
    rates = np.zeros(basis.size, np.int64)
    amounts = np.zeros(basis.size, np.int64)
    starts = [from_minor * unit for from_minor, _ in rule.slabs]
    ends = [*starts[1:], 2 * _WIDEST]
    for start, end, (_, rate) in zip(starts, ends, rule.slabs, strict=True):
        if start > _WIDEST:  # no basis here is so large
            break
        reached = basis >= start
        rates[reached] = rate
        if not is_whole:
            amounts += np.maximum(np.minimum(basis, min(end, 2 * _WIDEST - 1)) - start, 0) // PPM * rate
    if is_whole:
        return rates, basis // PPM * rates
    return np.full(basis.size, -1), amounts


def _rounded(numerators: Integers, denominator: int, rounding: str) -> Integers:
    """Rounds as ``money.round_ratio`` does; the denominator is even."""
    if rounding == "half_up":
        return (numerators + denominator // 2) // denominator
    whole = numerators // denominator
    if rounding == "half_even":
        rest = numerators - whole * denominator
        half = denominator // 2
        whole += (rest > half) | ((rest == half) & (whole % 2 == 1))
    return whole


def _cap_orders(table: _Table, lines: OrderedLines, amounts: Integers, limits: Integers, unsure: Truths) -> None:
    """Scales the amounts of orders above their limit down to it, by largest remainder (``caps.cap_order``), in place.

    Args:
        unsure: the orders that are left to the engine; those whose products would be too wide are added.
    """
    of_lines = amounts.sum(axis=1)
    totals = np.zeros(limits.size, np.int64)
    np.add.at(totals, lines.order, of_lines)
    is_over = totals > limits
    unsure |= is_over & (totals > _WIDEST // np.maximum(limits, 1))
    is_over &= ~unsure
    line, step = np.nonzero(amounts * is_over[lines.order][:, None])
    order, kind = lines.order[line], lines.kind[line]
    amount, limit, total = amounts[line, step], limits[order], totals[order]
    shares = amount * limit // total
    remainders = amount * limit - shares * total
    ranked = np.lexsort((line, table.rules[kind, step], table.tiers[kind, step], -remainders, order))
    counts = np.bincount(order, minlength=limits.size)
    given = np.zeros(limits.size, np.int64)
    np.add.at(given, order, shares)
    rank = np.arange(order.size) - np.repeat(np.cumsum(counts) - counts, counts)
    shares[ranked] += rank < (limits - given)[order[ranked]]
    amounts[line, step] = shares
    amounts[unsure[lines.order]] = 0
