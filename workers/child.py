"""One RQ worker process: listens to the one queue, drains, dies with its supervisor."""

from __future__ import annotations

import logging
import os
import signal
import threading

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from distrib.bootstrap import Container
from distrib.dispatch import bell_queue
from distrib.services.heartbeats import WORKER
from workers.heartbeat import Heartbeat
from workers.runtime import install

_PARENT_LOOK_S = 1.0
_GRACE_S = 5.0
_CONNECTS_WITHIN_S = 2.0
_WORKER_TTL_S = 20
"""RQ waits for a job 15 seconds less than that and for an answer of Redis 10 more: one that hangs is left soon."""

_log = structlog.get_logger(__name__)


def run_child(container: Container, supervisor: int) -> int:
    """Runs the RQ worker until a signal ends it (0) or Redis goes away (3, and the supervisor starts anew)."""
    heartbeat = Heartbeat(container, WORKER)
    install(container, heartbeat)
    heartbeat.lookout.keep()
    threading.Thread(target=_die_with, args=(supervisor,), daemon=True).start()
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    connection = Redis.from_url(container.redis_url, socket_connect_timeout=_CONNECTS_WITHIN_S)
    try:
        worker = SimpleWorker(
            [bell_queue(connection)], connection=connection, serializer=JSONSerializer, worker_ttl=_WORKER_TTL_S
        )
        worker.work(logging_level="WARNING")
    except (RedisError, OSError) as error:
        _log.warning("redis_away", error=type(error).__name__)
        return 3
    finally:
        connection.close()
        heartbeat.end()
    return 0


def _die_with(parent: int) -> None:
    """Ends this process once its supervisor is gone, so that no orphan goes on.

    It may finish what it is at; what it does not finish in time is rolled back.
    """
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_PARENT_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    pause.wait(_GRACE_S)
    os._exit(1)
