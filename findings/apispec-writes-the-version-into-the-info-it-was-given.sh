#!/usr/bin/env bash
# apispec 6.10.1.
#
# Guess: `APISpec(title=…, version=…, info=…)` reads the dictionary that it is given, and the title and version said
# beside it are those of the document.
# Seen: `to_dict()` writes title and version into that very dictionary, and what stands there already wins over the
# arguments. So of two documents with one `info` in common, a constant of the module say, the second has the version and
# the title of the first, whatever it is told; the first is right, and so is each of them alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input apispec==6.10.1
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from apispec import APISpec

INFO = {"description": "What it is about."}


def head(title, number, info):
    return APISpec(title=title, version=number, openapi_version="3.1.0", info=info).to_dict()["info"]


print("apispec", version("apispec"))
first = dict(head("Shops", "1.0", INFO))
second = dict(head("Orders", "2.0", INFO))
alone = dict(head("Orders", "2.0", {"description": "What it is about."}))
print(first, second, alone, INFO, sep="\n")
names = [(one["title"], one["version"]) for one in (first, second, alone, INFO)]
sys.exit(names != [("Shops", "1.0"), ("Shops", "1.0"), ("Orders", "2.0"), ("Shops", "1.0")])
PY
