"""What pools of a month rest on, from files: the bases of the lines that settled, less what of them came back.

The files of orders and of refunds are by just these months. Exact: products and sums are decimals of 76 digits,
parts of lines fractions. What a refund takes of a base is said in docs/plan.md, Refunds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distrib.columns.tree import Integers
from distrib.domain.plans.pools import sum_in_pairs
from distrib.services.history.arrays import column_of, counts, numbers, records
from distrib.services.history.buying import codes_of
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.parquet import row_groups, row_groups_between
from distrib.services.history.placing import places_in, spread
from distrib.services.history.schema import ORDERS, REFUNDS

PAID: Final = "paid"
_LIST: Final = "list"
_WIDE: Final = pa.decimal256(19, 0)
_OF_ORDERS: Final = ("settled_at", "order_no", "paid_minor", "lines")
_OF_REFUNDS: Final = ("settled_at", "order_no", "line_id", "amount_minor")


class _Lines(NamedTuple):
    """The lines of some orders: the order of each by its place, its id, what was paid for it, and its base."""

    orders: Integers
    ids: pa.Array
    paid_minor: Integers
    base_minor: Integers


def base_of_month(directory: HistoryDirectory, base: str, period: int) -> Fraction:
    """The line bases of what settled in a month, less the refunds of that month; below 0 where more came back.

    Args:
        base: ``paid``, ``list`` or ``margin``; a line without a cost has no margin.
    """
    if base == PAID:
        return Fraction(
            _sum(directory, ORDERS, period, "paid_minor") - _sum(directory, REFUNDS, period, "amount_minor")
        )
    settled = sum(
        _total(_lines_of(group, base).base_minor)
        for path in directory.paths(ORDERS, period)
        for group in row_groups(path, ("lines",))
    )
    taken: dict[int, int] = {}
    for parts in _taken(directory, base, period):
        for divisor, part in parts.items():
            taken[divisor] = taken.get(divisor, 0) + part
    return settled - sum_in_pairs(Fraction(part, divisor) for divisor, part in taken.items())


def _taken(directory: HistoryDirectory, base: str, period: int) -> Iterator[Mapping[int, int]]:
    """Yields what the refunds of a month take of the bases of lines, by what each part is divided by."""
    refunds = _refunds_of(directory, period)
    settled_at = numbers(column_of(refunds, "settled_at"))
    if not settled_at.size:
        return
    refunded = np.unique(numbers(column_of(refunds, "order_no")))
    first, last = int(settled_at.min()), int(settled_at.max())
    for file in directory.manifest.files_of(ORDERS):
        start, end = directory.bounds(file.period)
        if start > last or end <= first:
            continue
        for orders in row_groups_between(directory.path / file.path, _OF_ORDERS, "settled_at", (first, last + 1)):
            matched = orders.filter(pa.array(np.isin(numbers(column_of(orders, "order_no")), refunded)))
            if matched.num_rows:
                yield _parts(directory, base, period, matched, refunds)


def _parts(
    directory: HistoryDirectory, base: str, period: int, orders: pa.Table, refunds: pa.Table
) -> Mapping[int, int]:
    """What is taken of some orders: by divisor the sum of what it divides.

    A line that was free follows its order's proportion; an order that was free is gone with its first refund.
    """
    order_no, paid = (numbers(column_of(orders, name)) for name in ("order_no", "paid_minor"))
    of, minor = numbers(column_of(refunds, "order_no")), numbers(column_of(refunds, "amount_minor"))
    lines = _lines_of(orders, base)
    codes = codes_of(pa.concat_arrays([lines.ids, column_of(refunds, "line_id")]))
    width = int(codes.max(initial=0)) + 1
    keys = order_no[lines.orders] * width + codes[: lines.orders.size]
    by_line = spread(keys, of * width + codes[lines.orders.size :], minor)
    by_order, order_paid = spread(order_no, of, minor)[lines.orders], paid[lines.orders]
    is_gone = _first_refunded(directory, period, order_no[paid == 0], refunds)
    gone = np.isin(order_no, is_gone)[lines.orders].astype(np.int64)
    divisor = np.where(lines.paid_minor > 0, lines.paid_minor, np.where(order_paid > 0, order_paid, 1))
    share = np.where(lines.paid_minor > 0, by_line, np.where(order_paid > 0, by_order, gone))
    parts = pc.multiply(_wide(lines.base_minor), _wide(share))
    summed = pa.table({"divisor": divisor, "part": parts}).group_by("divisor").aggregate([("part", "sum")])
    return {
        divisor: int(part)
        for divisor, part in zip(summed["divisor"].to_pylist(), summed["part_sum"].to_pylist(), strict=True)
    }


def _first_refunded(directory: HistoryDirectory, period: int, free: Integers, refunds: pa.Table) -> Integers:
    """Those of some orders of which no line that a month's refunds take of was refunded before."""
    if not free.size:
        return free
    now = refunds.filter(pa.array(np.isin(numbers(column_of(refunds, "order_no")), free)))
    known = np.zeros(0, np.int64)
    for file in directory.manifest.files_of(REFUNDS):
        if file.period >= period:
            break
        for group in row_groups(directory.path / file.path, _OF_REFUNDS):
            before = group.filter(pa.array(np.isin(numbers(column_of(group, "order_no")), free)))
            codes = codes_of(pa.concat_arrays([column_of(now, "line_id"), column_of(before, "line_id")]))
            width, size = int(codes.max(initial=0)) + 1, now.num_rows
            earlier = numbers(column_of(before, "order_no")) * width + codes[size:]
            own = numbers(column_of(now, "order_no")) * width + codes[:size]
            known = np.union1d(known, numbers(column_of(now, "order_no"))[places_in(earlier, own) >= 0])
    return np.setdiff1d(numbers(column_of(now, "order_no")), known)


def _lines_of(orders: pa.Table, base: str) -> _Lines:
    lines = column_of(orders, "lines")
    parts = records(lines)
    paid = numbers(parts["paid_minor"])
    if base == _LIST:
        figure = numbers(pc.coalesce(parts["list_minor"], parts["paid_minor"]))
    else:
        figure = np.maximum(paid - numbers(pc.coalesce(parts["cost_minor"], parts["paid_minor"])), 0)
    return _Lines(np.repeat(np.arange(orders.num_rows), counts(lines)), parts["id"], paid, figure)


def _refunds_of(directory: HistoryDirectory, period: int) -> pa.Table:
    """The refunds that count in a month: few, beside its orders."""
    groups = [group for path in directory.paths(REFUNDS, period) for group in row_groups(path, _OF_REFUNDS)]
    nothing = pa.table({"settled_at": pa.array([], pa.int64())})
    return pa.concat_tables(groups) if groups else nothing


def _sum(directory: HistoryDirectory, kind: str, period: int, column: str) -> int:
    return sum(
        _total(numbers(column_of(group, column)))
        for path in directory.paths(kind, period)
        for group in row_groups(path, [column])
    )


def _total(figures: Integers) -> int:
    """The sum of any amounts, exact."""
    return int(pc.sum(_wide(figures)).as_py() or 0)


def _wide(figures: Integers) -> pa.Array:
    return pa.array(figures).cast(_WIDE)
