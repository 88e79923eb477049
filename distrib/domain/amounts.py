"""Amounts as people read them: minor units with the currency's decimals. Nothing is worked out here."""

from __future__ import annotations

from distrib.domain.currencies import decimals_of


def show_amount(amount_minor: int | None, currency: str) -> str:
    """Minor units with thousands and decimals; nothing for None.

    >>> show_amount(250031563, "USD"), show_amount(-5, "CNY"), show_amount(1200, "JPY"), show_amount(None, "CNY")
    ('2,500,315.63', '-0.05', '1,200', '')
    """
    if amount_minor is None:
        return ""
    decimals = decimals_of(currency)
    whole, part = divmod(abs(amount_minor), 10**decimals)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")
