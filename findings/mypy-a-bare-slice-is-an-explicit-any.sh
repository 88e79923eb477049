#!/usr/bin/env bash
# mypy 2.4.1.
#
# Guess: `disallow_any_explicit` finds the places where somebody wrote `Any`, and `slice` is a plain type that `--strict`
# takes as it stands; that a file is clean of the word is enough.
# Seen: a parameter `rows: slice` is `Explicit "Any" is not allowed`, in a file in which the word stands nowhere, while
# `--strict` alone is content. In typeshed the parameters of `slice` default to `Any`, and a default that is filled in
# counts as written. `slice[int, int, None]`, each said, passes both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input mypy==2.4.1
cd "$work"
cat >bare.py <<'PY'
def rows_of(part: slice) -> int:
    return 0
PY
cat >said.py <<'PY'
from __future__ import annotations


def rows_of(part: slice[int, int, None]) -> int:
    return 0
PY
venv/bin/mypy --version
venv/bin/mypy --strict bare.py said.py
if venv/bin/mypy --strict --disallow-any-explicit bare.py >told; then exit 1; fi
cat told
grep -q '^bare.py:1: error: Explicit "Any" is not allowed' told
venv/bin/mypy --strict --disallow-any-explicit said.py
