"""How gunicorn runs the API: `gunicorn -c config/gunicorn.conf.py distrib.wsgi:app`; `distrib serve` reads it too.

Only what holds everywhere stands here; the address is the caller's to say (`--bind`).
"""

import gc
from typing import Any

from distrib.metrics_directory import allocate_files, provide_directory
from distrib.settings import log_format, trusted_proxies

# Several processes serve; /metrics adds them up through files in this directory.
metrics_directory = provide_directory()

worker_class = "distrib.server.worker.Worker"  # reads what callers send before a thread is given to it
workers = 2
threads = 128  # half of them may belong to one program (DISTRIB_PROGRAM_CALLS at work, seven waiting for each)
preload_app = True  # a process that died is back in a moment: imports take seconds, a fork none
timeout = 60  # longer than a statement may take (DISTRIB_STATEMENT_TIMEOUT_MS), so that the database gives up first
graceful_timeout = 30
keepalive = 5
worker_connections = 1_000  # a process; then the one that has waited longest for its caller makes way
max_requests = 20_000  # a leak somewhere stays small
max_requests_jitter = 2_000
limit_request_line = 8_190
control_socket_disable = True  # by default gunicorn opens one in the home directory
forwarded_allow_ips = trusted_proxies()
sendfile = False  # a file goes out as all else does: within a time
accesslog = None  # the application writes its own, with what it knows of the request
errorlog = "-"
logger_class = "distrib.server.logs.JsonLogger" if log_format() == "json" else "gunicorn.glogging.Logger"


def when_ready(_server: Any) -> None:
    """Keeps the collector of cycles off what lives as long as the service, before processes are forked to share it."""
    gc.collect()
    gc.freeze()


def post_fork(_server: Any, _worker: Any) -> None:
    """Gives the process room to count in: on a full disk it goes on."""
    allocate_files()


def post_worker_init(_worker: Any) -> None:
    """Keeps the collector of cycles off each post's thousand events."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def on_exit(_server: Any) -> None:
    """Leaves nothing behind."""
    if metrics_directory is not None:
        metrics_directory.remove()


def child_exit(_server: Any, worker: Any) -> None:
    """Takes a process that ended out of what /metrics adds up."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - what it reads when it is imported was set above

    multiprocess.mark_process_dead(worker.pid)
