"""Reads the rows of UCI's Online Retail file as published (xlsx), or the same as CSV or Parquet.

A row comes out with exact types, whatever the container: prices are decimals, times are naive
local times. What a row means is decided elsewhere; no rule about sales or credits may enter.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

from distrib.cli.demo.facts import DemoFailed
from distrib.domain.texts import Text

COLUMNS = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
CSV_TIMES = ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M")  # as in the copies that go round, and as a British export
MILLS = Decimal("0.001")  # prices have up to three decimals; a float's noise lies far below


class Row(NamedTuple):
    """One line of the file; ``number`` is its place, from 1."""

    number: int
    invoice: str
    sku: str
    quantity: int
    invoiced_at: datetime
    price: Decimal
    customer: str | None


def read_rows(path: Path) -> list[Row]:
    """Every row of the file, in its order.

    Raises:
        DemoFailed: the file is not there, is none of the three kinds, or has other columns.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DemoFailed(Text("{name}: expected .xlsx, .csv or .parquet", name=path.name))
    if not path.is_file():
        raise DemoFailed(Text("{path}: no such file", path=path))
    try:
        return list(reader(path))
    except (OSError, ValueError, InvalidOperation, KeyError, BadZipFile) as error:
        raise DemoFailed(Text("{name} could not be read", name=path.name), error) from error


def _read_xlsx(path: Path) -> Iterator[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415  (large, and needed for this kind of file alone)

    with closing(load_workbook(path, read_only=True, data_only=True)) as book:
        yield from _rows(book.worksheets[0].iter_rows(values_only=True))


def _read_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding=_encoding(path), newline="") as file:
        yield from _rows(csv.reader(file), _time_reader(path))


def _read_parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ModuleNotFoundError:
        words = Text("{name} is read by what `pip install 'distrib[parquet]'` brings", name=path.name)
        raise DemoFailed(words) from None

    with ParquetFile(path) as file:
        _places(file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=50_000, columns=list(COLUMNS)):
            for cells in zip(*(batch.column(name).to_pylist() for name in COLUMNS), strict=True):
                number += 1
                yield _row(number, cells, _time)


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".xlsx": _read_xlsx,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _rows(table: Iterable[Sequence[object]], time: Callable[[object], datetime] | None = None) -> Iterator[Row]:
    """The rows of a table whose first row names the columns; empty rows at the end are none."""
    cells = iter(table)
    places = _places([str(name).strip() for name in next(cells, ())])
    number = 0
    for row in cells:
        if len(row) > places[0] and row[places[0]] not in (None, ""):
            number += 1
            yield _row(number, [row[place] for place in places], time or _time)


def _places(names: Sequence[str]) -> list[int]:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise DemoFailed(Text("columns are missing"), ", ".join(missing))
    return [list(names).index(name) for name in COLUMNS]


def _row(number: int, cells: Sequence[object], time: Callable[[object], datetime]) -> Row:
    invoice, sku, quantity, invoiced_at, price, customer = cells
    return Row(
        number,
        str(invoice).strip(),
        str(sku).strip(),
        int(str(quantity)),
        time(invoiced_at),
        _price(price),
        _customer(customer),
    )


def _price(cell: object) -> Decimal:
    """Exact, also where a spreadsheet keeps it as a binary float.

    >>> _price(0.1 + 0.2), _price("2.55"), _price(Decimal("1.250"))
    (Decimal('0.300'), Decimal('2.550'), Decimal('1.250'))
    """
    return (cell if isinstance(cell, Decimal) else Decimal(str(cell))).quantize(MILLS)


def _customer(cell: object) -> str | None:
    """The customer's number without the ``.0`` that spreadsheets and data frames put behind it.

    >>> _customer(17850.0), _customer("17850"), _customer(""), _customer(None)
    ('17850', '17850', None, None)
    """
    text = "" if cell is None else str(cell).strip().removesuffix(".0")
    return text if text and text != "nan" else None


def _time(cell: object) -> datetime:
    return cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is, else Latin-1, in which the copies with pound signs go round."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _time_reader(path: Path) -> Callable[[object], datetime]:
    """How the times of a CSV file are written: decided once, by the first form that all of its times have."""
    with path.open(encoding=_encoding(path), newline="") as file:
        table = csv.reader(file)
        place = _places([name.strip() for name in next(table, [])])[COLUMNS.index("InvoiceDate")]
        distinct = {row[place].strip() for row in table if len(row) > place}
    for form in (None, *CSV_TIMES):
        read = _in_form(form)
        try:
            known = {text: read(text) for text in distinct}
        except ValueError:
            continue
        return lambda cell: known[str(cell).strip()]
    raise DemoFailed(Text("{name}: InvoiceDate is in no known form", name=path.name))


def _in_form(form: str | None) -> Callable[[str], datetime]:
    if form is None:
        return datetime.fromisoformat
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007  (the file has no zone; the source's is put on later)
