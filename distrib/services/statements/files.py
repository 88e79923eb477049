"""A month's files in every format: CSV, XLSX, Parquet, and a PDF for one shop. Streamed, with bounded memory.

What stands in them is the store's; how a format is written stands in a module of its own, brought in when a file asks
for it: the libraries behind them are large, and most processes never need them. No SQL may enter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.languages.readers import BOTH, READERS, reader_of
from distrib.services.context import Unit, format_period
from distrib.services.statements.columns import LINES_TABLE, SHOPS_TABLE, SheetColumn
from distrib.services.statements.months import LINES, SHOPS, export_csv, file_facts, file_head
from distrib.store.statements import exports

CSV, XLSX, PARQUET, PDF = "csv", "xlsx", "parquet", "pdf"
FORMATS = (CSV, XLSX, PARQUET, PDF)
DETAILS = (SHOPS, LINES)
WORDED = (XLSX, PDF)
"""The formats with headings for people, in a language; the others have the names of the contract."""

MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    PARQUET: "application/vnd.apache.parquet",
    PDF: "application/pdf",
}


class FileWish(NamedTuple):
    """The file that is asked for; ``shop_id`` leaves only what concerns that shop, and a PDF needs it.

    ``language`` is that of a format with headings for people: ``zh``, ``en`` or ``both``.
    """

    period: int
    format: str = CSV
    detail: str = SHOPS
    shop_id: str | None = None
    language: str = BOTH

    @property
    def filename(self) -> str:
        """The name under which the file is saved."""
        return f"statement-{format_period(self.period)}-{'shop' if self.format == PDF else self.detail}.{self.format}"


def check_wish(wish: FileWish) -> None:
    """Checks that there is such a file, and a PDF for one shop; raises ``invalid`` with all that is wrong."""
    asked = (
        ("?format", wish.format, FORMATS),
        ("?detail", wish.detail, DETAILS),
        ("?language", wish.language, READERS),
    )
    problems = [
        Problem(pointer, Text("must be one of {choices}", "field", choices=", ".join(choices)))
        for pointer, choice, choices in asked
        if choice not in choices
    ]
    if wish.format == PARQUET and find_spec("pyarrow") is None:
        problems.append(Problem("?format", Text("needs what `pip install 'distrib[parquet]'` brings to the server")))
    if wish.format == PDF and wish.shop_id is None:
        problems.append(Problem("?shop_id", Text("is required for a PDF, which is for one shop")))
    if problems:
        raise Refusal("invalid", problems)


def export_file(unit: Unit, wish: FileWish) -> Generator[bytes, None, int | None]:
    """Streams the file; the connection is the file's own until the last piece.

    Raises:
        Refusal: ``invalid`` as ``check_wish`` says, before the first piece.
    """
    check_wish(wish)
    return _WRITERS[wish.format](unit, wish)


def _csv(unit: Unit, wish: FileWish) -> Generator[bytes, None, int | None]:
    return export_csv(unit, wish.period, wish.detail, wish.shop_id)


class _WorkbookTable(NamedTuple):
    """What a workbook's sheets are called, their columns, and which of those a month's file has."""

    name: Text
    columns: Sequence[SheetColumn]
    names: Callable[[exports.FileHead], Sequence[str]]


_TABLES = {
    SHOPS: _WorkbookTable(Text("Shops", "sheet"), SHOPS_TABLE, lambda _: exports.SHOPS_COLUMNS),
    LINES: _WorkbookTable(Text("Commissions", "sheet"), LINES_TABLE, exports.lines_columns),
}


def _xlsx(unit: Unit, wish: FileWish) -> Generator[bytes, None, None]:
    from distrib.services.statements.workbook import SheetPlan, write_workbook  # noqa: PLC0415 - see the module

    head = file_head(unit, wish.period, wish.shop_id)
    table = _TABLES[wish.detail]
    names = {*table.names(head), "shop_name"}
    columns = [column for column in table.columns if column.name in names]
    facts = file_facts(unit, wish.period)
    plan = SheetPlan(table.name, columns, reader_of(wish.language), unit.program.currency, unit.program.zone, facts)
    rows = exports.shop_rows if wish.detail == SHOPS else exports.line_rows
    return write_workbook(plan, rows(unit.conn, head, with_names=True))


def _parquet(unit: Unit, wish: FileWish) -> Generator[bytes, None, None]:
    from distrib.services.statements.parquet import write_parquet  # noqa: PLC0415 - see the module

    head = file_head(unit, wish.period, wish.shop_id)
    if wish.detail == SHOPS:
        return write_parquet(exports.SHOPS_COLUMNS, exports.shop_rows(unit.conn, head))
    return write_parquet(exports.lines_columns(head), exports.line_rows(unit.conn, head))


def _pdf(unit: Unit, wish: FileWish) -> Generator[bytes, None, None]:
    from distrib.services.statements.paper import write_paper  # noqa: PLC0415 - see the module

    return write_paper(unit, wish.period, str(wish.shop_id), wish.language)


_WRITERS: dict[str, Callable[[Unit, FileWish], Generator[bytes, None, int | None]]] = {
    CSV: _csv,
    XLSX: _xlsx,
    PARQUET: _parquet,
    PDF: _pdf,
}
