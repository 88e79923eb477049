#!/usr/bin/env bash
# marshmallow 4.4.0.
#
# Guess: `only=` and `exclude=` are refused where they name what a schema has not, so that a list of the names of a document
# fails where it is misspelt; a dotted name is looked at part by part.
# Seen: an unknown name is refused with ValueError, and so is an unknown name within a nested schema. A dotted name whose
# first part is a field that nests nothing is taken in silence, whatever follows the dot: the whole field is shown by
# `only`, and by `exclude` nothing is left out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input marshmallow==4.4.0
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from marshmallow import Schema, fields


class Payee(Schema):
    name = fields.String()


class Shop(Schema):
    id = fields.String()
    notes = fields.Dict()
    payee = fields.Nested(Payee)


VALUE = {"id": "a", "notes": {"opened": 1, "closed": 2}, "payee": {"name": "n"}}


def outcome(**names):
    try:
        return Shop(**names).dump(VALUE)
    except (ValueError, KeyError) as error:
        return type(error).__name__


print("marshmallow", version("marshmallow"))
seen = {
    "only=nothing": outcome(only=("nothing",)),
    "only=payee.nothing": outcome(only=("payee.nothing",)),
    "only=notes.opened": outcome(only=("notes.opened",)),
    "only=id.nothing": outcome(only=("id.nothing",)),
    "exclude=notes.closed": outcome(exclude=("notes.closed", "payee")),
}
for asked, came in seen.items():
    print(asked, "->", came)
expected = {
    "only=nothing": "ValueError",
    "only=payee.nothing": "ValueError",
    "only=notes.opened": {"notes": VALUE["notes"]},
    "only=id.nothing": {"id": "a"},
    "exclude=notes.closed": {"id": "a", "notes": VALUE["notes"]},
}
sys.exit(seen != expected)
PY
