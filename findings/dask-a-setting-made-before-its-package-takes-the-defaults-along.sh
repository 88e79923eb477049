#!/usr/bin/env bash
# dask 2026.8.0, distributed 2026.8.0.
#
# Guess: `with dask.config.set({...})` puts back what it changed: what came into the configuration meanwhile stays, and
# after the block the one key is as it was before.
# Seen: where the key is one of `distributed`, and that package is first imported within the block (it adds its defaults
# to the configuration as it is imported, once a process), leaving the block takes all of them away: the key had not been
# there, so that the branch that was made for it is removed whole, with what was put beside it since. Timeouts, limits of
# memory and the like are gone for the rest of the process, and a local cluster that worked before the block's end ends
# with KeyError 'distributed'. Imported before the block, the same settings end as one would think.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input dask==2026.8.0 distributed==2026.8.0
cat >"$work/seen.py" <<'PY'
import sys

import dask

KEY, OTHER = "distributed.comm.timeouts.connect", "distributed.worker.memory.target"
if sys.argv[1] == "before":
    import distributed
with dask.config.set({KEY: "5s"}):
    import distributed

    within = dask.config.get(KEY), dask.config.get(OTHER, None)
after = dask.config.get(KEY, None), dask.config.get(OTHER, None)
try:
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None):
        cluster = "starts"
except KeyError as error:
    cluster = f"KeyError {error}"
print(sys.argv[1], within, after, cluster)
PY
cd "$work"
seen=$(for when in before within; do "$work/venv/bin/python" seen.py "$when" 2>"$work/log"; done)
"$work/venv/bin/python" -c 'import dask, distributed; print("dask", dask.__version__, distributed.__version__)'
printf '%s\n' "$seen"
[ "$seen" = "before ('5s', 0.6) ('30s', 0.6) starts
within ('5s', 0.6) (None, None) KeyError 'distributed'" ]
