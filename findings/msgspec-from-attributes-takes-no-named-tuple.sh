#!/usr/bin/env bash
# msgspec 0.23.0.
#
# Guess: `msgspec.convert(row, Struct, from_attributes=True)` reads the fields of any object that has attributes of their
# names, as it does of dataclasses and of plain objects, so also of a named tuple, which is what rows of a database often
# are.
# Seen: a named tuple is taken as the array that it also is, before its attributes are looked at, and is refused with
# "Expected `object`, got `array`". Into a struct with `array_like=True` it is read by position, with or without the
# option: where the two name their fields in another order, values change places without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input msgspec==0.23.0
"$work/venv/bin/python" - <<'PY'
import sys
from dataclasses import dataclass
from typing import NamedTuple

import msgspec


class Row(NamedTuple):
    paid: int
    back: int


@dataclass
class Record:
    paid: int
    back: int


class Plain:
    paid, back = 7, 2


class Order(msgspec.Struct):
    back: int
    paid: int


class Listed(msgspec.Struct, array_like=True):
    back: int
    paid: int


def outcome(value, kind):
    try:
        made = msgspec.convert(value, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        return str(error)
    return made.paid, made.back


print("msgspec", msgspec.__version__)
seen = {
    "dataclass": outcome(Record(7, 2), Order),
    "object": outcome(Plain(), Order),
    "named tuple": outcome(Row(7, 2), Order),
    "named tuple, array_like": outcome(Row(7, 2), Listed),
}
print(*seen.items(), sep="\n")
sys.exit(list(seen.values()) != [(7, 2), (7, 2), "Expected `object`, got `array`", (2, 7)])
PY
