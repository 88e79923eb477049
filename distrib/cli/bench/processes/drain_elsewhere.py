"""The drain of another build, as a script that the Python of that build runs: all that it imports is that build's.

Speaks to the bench as ``hand`` does, and needs of the other build nothing but its container and its drainer.
"""

from __future__ import annotations

import json
import os
import sys
from time import monotonic

from distrib.bootstrap import open_container
from distrib.drainer import Drainer


def main() -> None:
    """Drains as often as asked, each time on the servers that the line names; ends when the bench lets go."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what else is printed must not be taken for an answer
    while line := sys.stdin.readline():
        os.environ.update(json.loads(line)["environment"])
        with open_container(migrated=False) as container:
            orders = container.settings.drain_batch_orders
            drainer = Drainer(container.worker_engine, container.policies, orders, container.now)
            with container.worker_engine.connect():  # the pool keeps it open
                pass
            print("ready", file=answers, flush=True)
            if not sys.stdin.readline():
                return
            started = monotonic()
            tally = drainer.run()
            ended = monotonic()
        print(json.dumps({"orders": tally.orders, "started": started, "ended": ended}), file=answers, flush=True)


if __name__ == "__main__":
    main()
