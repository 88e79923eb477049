#!/usr/bin/env bash
# marshmallow 4.4.0 on CPython.
#
# Guess: when a load is refused and its error is dropped, what was loaded is freed at once, as after a load that went well.
# Seen: after Schema.load that raised, and after Schema.validate, which raises nothing and only returns the messages, the
# input stays alive until the collector of cycles comes by: inside, the error is kept in a variable of the function that
# raises it, so frame and error hold each other, and the frame holds the input. A service that has the collector run
# seldom keeps every large body that it refused, though it dropped all it had of it; one gc.collect() frees it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input marshmallow==4.4.0
"$work/venv/bin/python" - <<'PY'
import gc
import sys
import weakref

from marshmallow import Schema, ValidationError, fields


class Body(dict):
    """A dict that can be watched."""


class LineSchema(Schema):
    paid_minor = fields.Integer(strict=True)


class OrderSchema(Schema):
    lines = fields.List(fields.Nested(LineSchema))


def stays(amount, method):
    body = Body(lines=[{"paid_minor": amount}])
    watched = weakref.ref(body)
    try:
        getattr(OrderSchema(), method)(body)
    except ValidationError:
        pass
    del body
    return watched() is not None, gc.collect() > 0 and watched() is None


gc.collect()
gc.disable()
seen = {(name, method): stays(amount, method) for name, amount in (("good", 1), ("bad", "x")) for method in ("load", "validate")}
for (name, method), (is_alive, is_freed_by_collector) in seen.items():
    print(f"{name} input, {method}: alive afterwards {is_alive}, freed by gc.collect() {is_freed_by_collector}")
print(f"CPython {sys.version.split()[0]}")
assert not any(seen["good", method][0] for method in ("load", "validate"))
assert all(seen["bad", method] == (True, True) for method in ("load", "validate")), "the behaviour has changed"
print("as described")
PY
