#!/usr/bin/env bash
# pyarrow 26.0.1.
#
# Guess: `pyarrow.compute.max_element_wise` and `min_element_wise`, which take temporal columns, take instants with a time
# zone as they take those without; `pc.max` and comparisons do.
# Seen: dates and timestamps without a zone have their later and earlier values picked row by row; the same two columns
# as `timestamp[us, tz=UTC]`, of one and the same zone, are refused with ArrowNotImplementedError, "no kernel matching
# input types". A cast to the type without a zone, or `if_else` over a comparison, comes to what was asked.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input pyarrow==26.0.1
"$work/venv/bin/python" - <<'PY'
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

FIRST, SECOND = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
ZONED, BARE = pa.timestamp("us", tz="UTC"), pa.timestamp("us")


def outcome(function, kind):
    left, right = pa.array([FIRST, SECOND], ZONED).cast(kind), pa.array([SECOND, FIRST], ZONED).cast(kind)
    try:
        return [str(value)[:10] for value in getattr(pc, function)(left, right).to_pylist()]
    except pa.ArrowNotImplementedError as error:
        return str(error).partition(" (")[0]


print("pyarrow", pa.__version__)
seen = [(name, str(kind), outcome(name, kind)) for name in ("max_element_wise", "min_element_wise")
        for kind in (BARE, pa.date32(), ZONED)]
print(*seen, sep="\n")
left, right = pa.array([FIRST], ZONED), pa.array([SECOND], ZONED)
others = pc.max(right).as_py() == SECOND and pc.if_else(pc.greater(left, right), left, right).to_pylist() == [SECOND]
print("pc.max and if_else over pc.greater take the zone:", others)
later, earlier = ["2026-01-02"] * 2, ["2026-01-01"] * 2
refused = [f"Function '{name}' has no kernel matching input types" for name in ("max_element_wise", "min_element_wise")]
sys.exit([said for *_, said in seen] != [later, later, refused[0], earlier, earlier, refused[1]] or not others)
PY
