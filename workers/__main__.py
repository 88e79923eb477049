"""``python -m workers [--processes N]``: the supervisor with its RQ workers."""

from __future__ import annotations

import argparse
import sys

from distrib.loading import loading

with loading():
    from distrib.bootstrap import open_container, traced
    from distrib.failures import FAILURES, WRONG_USE, explain
    from distrib.logs import configure_logs
    from distrib.settings import read_settings
    from workers.child import run_child
    from workers.supervisor import Supervisor


def main() -> int:
    """Runs the supervisor, or a child of it, until a signal ends it; returns 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m workers", description="RQ workers and the sweeper.")
    parser.add_argument("--processes", type=int, default=None, help="how many RQ workers (default: the settings')")
    parser.add_argument("--child", type=int, default=None, metavar="SUPERVISOR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        settings = read_settings()
        configure_logs(settings.log_level, settings.log_format)
        with traced(settings, "distrib-worker"), open_container(settings) as container:
            container.must_be_served()
            if arguments.child is not None:
                return run_child(container, arguments.child)
            container.record_peppers()
            container.tell_wrong_peppers()
            processes = settings.worker_processes if arguments.processes is None else arguments.processes
            Supervisor(container, processes).run()
    except FAILURES as failure:
        sys.stderr.write(f"{explain(failure)}\n")
        return WRONG_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
