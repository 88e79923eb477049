"""Amounts as people read and write them: minor units with the currency's decimals. Nothing is computed here."""

from __future__ import annotations

import re

from distrib.domain.currencies import decimals_of

_WRITTEN = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,16})(?:\.([0-9]{1,6}))?", re.ASCII)


def show_amount(amount_minor: int | None, currency: str) -> str:
    """Shows minor units with thousands and decimals; nothing for None.

    >>> show_amount(250031563, "USD"), show_amount(-5, "CNY"), show_amount(1200, "JPY"), show_amount(None, "CNY")
    ('2,500,315.63', '-0.05', '1,200', '')
    """
    if amount_minor is None:
        return ""
    decimals = decimals_of(currency)
    whole, part = divmod(abs(amount_minor), 10**decimals)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")


def read_amount(text: str, currency: str) -> int | None:
    """Reads an amount as people write it into minor units; None for no amount, or too many decimals.

    >>> read_amount("1,999.5", "CNY"), read_amount("12", "JPY"), read_amount("0.005", "CNY"), read_amount("1,99", "CNY")
    (199950, 12, None, None)
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    decimals, part = decimals_of(currency), (written[2] or "").rstrip("0")
    if len(part) > decimals:
        return None
    return int(written[1].replace(",", "") + part.ljust(decimals, "0"))


def show_percent(ratio_ppm: int) -> str:
    """Shows parts per million as a percentage with all its decimals.

    >>> show_percent(125_000), show_percent(1_000_000), show_percent(1), show_percent(0)
    ('12.5%', '100%', '0.0001%', '0%')
    """
    whole, part = divmod(ratio_ppm, 10_000)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".") + "%"
