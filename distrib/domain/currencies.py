"""The currencies of ISO 4217 that money may be in. How their amounts are written, too.

Source: ISO 4217 list one (current currencies and funds), without the metals, test and
accounting units (X.. codes that no order is paid in).
"""

from __future__ import annotations

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - a table to read, not a list to edit
)

# The decimals of currencies that do not have two.
_DECIMALS = {
    code: decimals
    for decimals, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}


def decimals_of(currency: str) -> int:
    """Counts the decimals that amounts of the currency are written with.

    >>> decimals_of("CNY"), decimals_of("JPY"), decimals_of("KWD")
    (2, 0, 3)
    """
    return _DECIMALS.get(currency, 2)


def major_text(amount_minor: int, currency: str) -> str:
    """Writes minor units as a machine reads them: no thousands marks, every decimal.

    >>> major_text(5, "CNY"), major_text(-1200050, "CNY"), major_text(1200, "JPY")
    ('0.05', '-12000.50', '1200')
    """
    decimals = decimals_of(currency)
    whole, part = divmod(abs(amount_minor), 10**decimals)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}" + (f".{part:0{decimals}d}" if decimals else "")


def is_currency(code: object) -> bool:
    """Whether ``code`` is a currency of ISO 4217, in capitals.

    >>> is_currency("CNY"), is_currency("cny"), is_currency("ABC")
    (True, False, False)
    """
    return isinstance(code, str) and code in CURRENCIES
