"""Money, dates and numbers in the reader's form; what templates call filters. What is shown is not decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, get_currency_symbol

from distrib.domain.currencies import decimals_of

LOCALES = {"en": "en", "zh": "zh_Hans"}


@dataclass(frozen=True, slots=True)
class PageReader:
    """Who reads: the language, and the program's currency and time zone.

    >>> reader = PageReader("zh", "CNY", ZoneInfo("Asia/Shanghai"))
    >>> reader.money(123456), reader.money(-5), reader.money(None)
    ('1,234.56', '−0.05', '')
    >>> reader.day(date(2026, 3, 8)), PageReader("en", "CNY", ZoneInfo("UTC")).day(date(2026, 3, 8))
    ('2026年3月8日', '8 Mar 2026')
    """

    language: str
    currency: str
    zone: ZoneInfo

    @property
    def locale(self) -> str:
        """The locale of the language."""
        return LOCALES.get(self.language, "en")

    @property
    def symbol(self) -> str:
        """The sign of the currency."""
        return str(get_currency_symbol(self.currency, self.locale))

    def money(self, amount_minor: int | None, currency: str | None = None) -> str:
        """An amount in major units with all decimals of its currency, without its sign; exact, whatever its size."""
        if amount_minor is None:
            return ""
        decimals = decimals_of(currency or self.currency)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        text = format_decimal(Decimal(abs(amount_minor)).scaleb(-decimals), pattern, self.locale)
        return f"−{text}" if amount_minor < 0 else str(text)

    def signed(self, amount_minor: int | None, currency: str | None = None) -> str:
        """An amount with a plus where it is above zero."""
        text = self.money(amount_minor, currency)
        return f"+{text}" if amount_minor is not None and amount_minor > 0 else text

    def number(self, number: int | None) -> str:
        """A whole number with its thousands parted."""
        return "" if number is None else str(format_decimal(number, "#,##0", self.locale))

    def percent(self, rate: str | None) -> str:
        """A rate that is a decimal text, as a percentage.

        >>> PageReader("en", "CNY", ZoneInfo("UTC")).percent("0.125")
        '12.5%'
        """
        if rate is None:
            return ""
        return f"{format((Decimal(rate) * 100).normalize(), 'f')}%"

    def before_rounding(self, rate: str, base_minor: int, amount_minor: int) -> str:
        """What a rate of a base comes to exactly, where the amount is that rounded; empty where it is the amount.

        >>> reader = PageReader("en", "CNY", ZoneInfo("UTC"))
        >>> reader.before_rounding("0.03", 9_980, 299), reader.before_rounding("0.03", 9_000, 270)
        ('2.994', '')
        """
        exact_minor = Decimal(rate) * base_minor
        if exact_minor == amount_minor or abs(exact_minor - amount_minor) >= 1:
            return ""
        return format(exact_minor.scaleb(-decimals_of(self.currency)).normalize(), ",f")

    def day(self, day: date | datetime | None) -> str:
        """A day in the program's time zone."""
        if day is None:
            return ""
        local = day.astimezone(self.zone).date() if isinstance(day, datetime) else day
        return str(format_date(local, "y年M月d日" if self.language == "zh" else "d MMM y", self.locale))

    def time(self, instant: datetime | None) -> str:
        """A day and a time of day in the program's time zone."""
        if instant is None:
            return ""
        form = "y年M月d日 HH:mm" if self.language == "zh" else "d MMM y, HH:mm"
        return str(format_datetime(instant.astimezone(self.zone), form, locale=self.locale))

    def month(self, period: str | None) -> str:
        """A month such as ``2026-03``."""
        if not period:
            return ""
        year, month = (int(part) for part in period.split("-"))
        return str(format_date(date(year, month, 1), "y年M月" if self.language == "zh" else "MMM y", self.locale))

    def listed(self, names: Iterable[str]) -> str:
        """Names one after the other.

        >>> PageReader("zh", "CNY", ZoneInfo("UTC")).listed(["李雷", "王敏"])
        '李雷、王敏'
        """
        return ("、" if self.language == "zh" else ", ").join(names)

    def filters(self) -> Mapping[str, Any]:
        """What templates call, by name."""
        names = ("money", "signed", "number", "percent", "day", "time", "month", "listed")
        return {name: getattr(self, name) for name in names}
