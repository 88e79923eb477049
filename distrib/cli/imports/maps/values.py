"""Texts of an export as amounts, quantities and times. What cannot be read is refused by name, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from distrib.cli.imports.cells import read_count, read_time
from distrib.domain.amounts import read_amount
from distrib.domain.currencies import decimals_of
from distrib.domain.document import shown
from distrib.domain.identifiers import parse_instant
from distrib.domain.texts import Text

MAJOR, MINOR = "major", "minor"
SYMBOLS = "¥￥$€£₩฿₹₫₱₽₺元円"
_TURNED = str.maketrans(".,", ",.")
_MINOR = re.compile(r"[0-9]{1,16}", re.ASCII)
_ABOVE_ZERO = re.compile(r"[1-9]")


class ValueUnfit(ValueError):
    """A text that does not say what it should; ``text`` says why."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(str(text))


def read_money(text: str, currency: str, unit: str = MAJOR, decimal: str = ".") -> int:
    """Reads an amount into minor units, exactly: no digit is rounded away.

    A sign, brackets for less than nothing, the currency's code and a symbol may stand beside it.

    Args:
        unit: ``major`` (19.99) or ``minor`` (1999).
        decimal: what stands before the decimals, ``.`` or ``,``; the other parts thousands.

    Raises:
        ValueUnfit: no amount, or more decimals than the currency has.

    >>> read_money("¥1,299.00", "CNY"), read_money("-$2.5", "USD"), read_money("(2.00)", "USD")
    (129900, -250, -200)
    >>> read_money("1.299,5 EUR", "EUR", decimal=","), read_money("1999", "CNY", "minor"), read_money("12", "JPY")
    (129950, 1999, 12)
    """
    bare = text.strip().removeprefix(currency).removesuffix(currency).strip()
    is_bracketed = bare.startswith("(") and bare.endswith(")")
    signs = bare.count("-") + is_bracketed
    bare = bare.removeprefix("(").removesuffix(")") if is_bracketed else bare
    for _ in range(2):
        bare = bare.removeprefix("-").strip(SYMBOLS + "\u00a0 ")
    amount = _unsigned(bare, currency, unit, decimal) if signs <= 1 else None
    if amount is None:
        raise ValueUnfit(_no_amount(text, bare, currency, decimal))
    return -amount if signs else amount


def _unsigned(bare: str, currency: str, unit: str, decimal: str) -> int | None:
    if unit == MINOR:
        return int(bare) if _MINOR.fullmatch(bare) else None
    return read_amount(bare if decimal == "." else bare.translate(_TURNED), currency)


def _no_amount(text: str, bare: str, currency: str, decimal: str) -> Text:
    decimals = decimals_of(currency)
    if len(bare.rpartition(decimal)[2]) > decimals and decimal in bare:
        return Text(
            "{text} has more decimals than {currency} has ({decimals})",
            text=shown(text),
            currency=currency,
            decimals=decimals,
        )
    return Text("{text} is no amount of {currency}", text=shown(text), currency=currency)


def is_above_zero(text: str) -> bool:
    """Whether a text is an amount above zero, as far as a condition needs to know.

    >>> is_above_zero("¥0.01"), is_above_zero("0.00"), is_above_zero("-5"), is_above_zero("(5.00)")
    (True, False, False, False)
    """
    return _ABOVE_ZERO.search(text) is not None and "-" not in text and not text.strip().startswith("(")


def read_quantity(text: str) -> int:
    """Reads a whole quantity.

    >>> read_quantity("2.0")
    2
    """
    count = read_count(text.strip())
    if isinstance(count, str):
        raise ValueUnfit(Text("{text} is no whole quantity", text=shown(text)))
    return count


def read_moment(text: str, formats: tuple[str, ...], zone: ZoneInfo | None) -> datetime:
    """Reads a time into UTC: RFC 3339, or one of the formats (as ``strptime`` has them).

    Where no offset is written the time is that of ``zone``; of an hour that a clock shows twice, the first.

    >>> read_moment("2026-03-01 09:30", ("%Y-%m-%d %H:%M",), ZoneInfo("Asia/Shanghai")).isoformat()
    '2026-03-01T01:30:00+00:00'
    """
    bare = text.strip()
    try:
        return parse_instant(read_time(bare))
    except ValueError:
        moment = next((read for pattern in formats if (read := _by_format(bare, pattern)) is not None), None)
    if moment is None:
        raise ValueUnfit(Text("{text} is no time of the formats {formats}", text=shown(text), formats=list(formats)))
    if moment.tzinfo is None and zone is None:
        raise ValueUnfit(Text("{text} has no offset, and the map no times.zone", text=shown(text)))
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueUnfit(Text("{text} is outside the calendar", text=shown(text))) from error


def _by_format(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is the caller's
    except ValueError:
        return None
