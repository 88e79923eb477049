#!/usr/bin/env bash
# Babel 2.18.0, beside the table of ISO 4217 that the package iso4217 1.14.20250512 carries.
#
# Guess: `babel.numbers.format_currency` writes an amount with the minor units that ISO 4217 gives its currency, which is
# what payment channels and order systems count in; `get_currency_precision` says how many these are.
# Seen: both follow CLDR, which says how many digits people write. For thirteen currencies that is none where ISO 4217 has
# two (three for the Iraqi dinar): an amount of 10.75 Serbian dinars comes out as a whole number, and amounts that differ
# by half a dinar come out alike. `currency_digits=False` with a pattern of one's own writes what is there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input babel==2.18.0 iso4217==1.14.20250512
"$work/venv/bin/python" - <<'PY'
import sys
from decimal import Decimal

import babel
from babel.numbers import format_currency, get_currency_precision
from iso4217 import Currency

EXPECTED = {
    **dict.fromkeys("AFN ALL IRR KPW LAK LBP MGA MMK RSD SOS SYP YER".split(), (2, 0)),
    "IQD": (3, 0),
}
print("Babel", babel.__version__)
unlike = {
    currency.code: (currency.exponent, get_currency_precision(currency.code))
    for currency in Currency
    if currency.exponent is not None and currency.exponent != get_currency_precision(currency.code)
}
print("ISO 4217 and Babel:", unlike)
shown = [format_currency(Decimal(amount), "RSD", locale="en_US") for amount in ("10.75", "11.25")]
exact = format_currency(Decimal("10.75"), "RSD", "¤#,##0.00", locale="en_US", currency_digits=False)
print("10.75 and 11.25:", shown, "with a pattern of one's own:", exact)
sys.exit(unlike != EXPECTED or len(set(shown)) != 1 or "10.75" not in exact)
PY
