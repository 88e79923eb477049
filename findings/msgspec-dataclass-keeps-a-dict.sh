#!/usr/bin/env bash
# msgspec 0.22.0 on CPython 3.11 and newer.
#
# Guess: a dataclass without slots that msgspec fills is the same object as one that its own __init__ builds.
# Seen: values are equal, but CPython keeps the fields of the built one inline (its referents are the fields themselves),
# while the filled one carries a dict of its own (its only referent beside the type is that dict). It takes more memory, and
# reading a field of it took two to five times as long here. With slots=True there is no dict, and filling takes about twice
# as long. Who fills many small values once and reads each field many times does better to measure both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input msgspec==0.22.0
"$work/venv/bin/python" - <<'PY'
import gc
import sys
import timeit
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True)
class Line:
    id: str
    paid_minor: int


built = Line("1", 5)
decoder = msgspec.json.Decoder(Line)
filled = decoder.decode(b'{"id":"1","paid_minor":5}')
kinds = {name: sorted(type(value).__name__ for value in gc.get_referents(line)) for name, line in (("built", built), ("filled", filled))}
print(f"CPython {sys.version.split()[0]}, msgspec {msgspec.__version__}: referents {kinds}")


def read(lines):
    for line in lines:
        line.id, line.paid_minor


for name, lines in (("built", [Line("1", 5) for _ in range(2000)]), ("filled", [decoder.decode(b'{"id":"1","paid_minor":5}') for _ in range(2000)])):
    print(f"  reading a field, {name}: {min(timeit.repeat(lambda: read(lines), number=1, repeat=200)) / 4000 * 1e9:.0f} ns (for information)")
assert built == filled
assert kinds == {"built": ["int", "str", "type"], "filled": ["dict", "type"]}, "the behaviour has changed"
print("as described")
PY
