"""A simulation as a file: a row for each shop, or for each order, as CSV, XLSX or Parquet. Streamed, with flat memory.

The libraries behind the formats are large, and brought in when a file asks for them. No SQL may enter.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.spreadsheet_cells import neutralised
from distrib.domain.texts import Text
from distrib.languages.readers import reader_of
from distrib.services.context import Program
from distrib.services.simulations.asking import find_simulation
from distrib.services.simulations.blocks import shops_of
from distrib.services.simulations.orders import every_order
from distrib.services.simulations.tallies import AS_IT_WAS
from distrib.services.statements.columns import AMOUNT, SheetColumn
from distrib.store.network import shops
from distrib.store.simulations import kept as rows
from distrib.store.simulations.kept import SimulationRow

CSV, XLSX, PARQUET = FORMATS = ("csv", "xlsx", "parquet")
SHOPS, ORDERS = "shops", "orders"
ORDERS_AT_ONCE: Final = 2_000
_THEN = SheetColumn("then_minor", Text("As it was"), Text("what the ledger has"), AMOUNT, is_added=True)
_SHOP = SheetColumn("shop_id", Text("Shop"), Text("the shop, by the caller's id"), width=24)
_ORDER = SheetColumn("order_id", Text("Order"), Text("the order, by the caller's id"), width=24)
_REASONS = SheetColumn("reasons", Text("Reasons"), Text("caps that it meets, or why it would fail"), width=24)
Page = list[tuple[int | str | None, ...]]


class SimulationFile(NamedTuple):
    """Which file of a simulation is asked for.

    ``file_format`` is ``csv``, ``xlsx`` or ``parquet``, ``detail`` is ``shops`` or ``orders``, and ``language`` is that
    of the headings of a workbook.
    """

    simulation_id: str
    file_format: str
    detail: str
    language: str


def file_of(conn: Connection, program: Program, asked: SimulationFile) -> Iterator[bytes]:
    """Streams a simulation that is done.

    Raises:
        Refusal: ``invalid`` where there is no such format.
    """
    simulation_id, file_format, detail, language = asked
    if file_format not in FORMATS:
        choices = ", ".join(f".{name}" for name in FORMATS)
        raise Refusal("invalid", [Problem("--output", Text("must end with one of {choices}", choices=choices))])
    row = find_simulation(conn, program, simulation_id)
    codes = [plan.code for plan in rows.plans_of(conn, row.program_id, row.simulation_no)]
    columns = _columns(codes, detail)
    pages = _shops(conn, row) if detail == SHOPS else _orders(conn, program, row, len(codes))
    if file_format == CSV:
        return _csv(columns, pages)
    if file_format == PARQUET:
        from distrib.services.statements.parquet import write_parquet  # noqa: PLC0415 - see the module

        return write_parquet([column.name for column in columns], pages)
    from distrib.services.statements.workbook import SheetPlan, write_workbook  # noqa: PLC0415 - see the module

    plan = SheetPlan(Text("What if"), columns, reader_of(language), program.currency, program.zone)
    return write_workbook(plan, pages)


def _columns(codes: Sequence[str], detail: str) -> list[SheetColumn]:
    """One amount a candidate, and its difference; of several the names are numbered."""
    columns = [_SHOP if detail == SHOPS else _ORDER, _THEN]
    for place, code in enumerate(codes, 1):
        suffix = "" if len(codes) == 1 else f"_{place}"
        now = Text("Under {plan}", plan=code)
        apart = Text("Difference of {plan}", plan=code)
        columns.append(SheetColumn(f"now{suffix}_minor", now, Text("what the plan would have paid"), AMOUNT, True))
        columns.append(SheetColumn(f"difference{suffix}_minor", apart, Text("now less then"), AMOUNT, True))
    return columns if detail == SHOPS else [*columns, _REASONS]


def _shops(conn: Connection, row: SimulationRow) -> Iterator[Page]:
    for page in shops_of(conn, row.program_id, row.simulation_no):
        ids = shops.ids_of(conn, row.program_id, [shop_no for shop_no, *_ in page])
        yield [(ids.get(shop_no, ""), *_amounts(then, now)) for shop_no, then, *now in page]


def _orders(conn: Connection, program: Program, row: SimulationRow, candidates: int) -> Iterator[Page]:
    for page, ids, _ in every_order(conn, program, row, ORDERS_AT_ONCE):
        cells: Page = []
        for order in page:
            sums = [0] * (candidates + 1)
            for side, _, _, minor in order.amounts:
                sums[side] += minor
            reasons = "; ".join(sorted({reason for of_side in order.reasons.values() for reason in of_side}))
            cells.append((ids.get(order.order_no, ""), *_amounts(sums[AS_IT_WAS], sums[1:]), reasons))
        if cells:
            yield cells


def _amounts(then: int, now: Sequence[int]) -> list[int]:
    return [then, *(figure for minor in now for figure in (minor, minor - then))]


def _csv(columns: Sequence[SheetColumn], pages: Iterator[Page]) -> Iterator[bytes]:
    yield _lines([[column.name for column in columns]])
    for page in pages:
        yield _lines([[neutralised(cell) if isinstance(cell, str) else cell for cell in row] for row in page])


def _lines(cells: Sequence[Sequence[int | str | None]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue().encode()
