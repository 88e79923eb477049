"""The private Valkey: a doorbell, so it keeps nothing on disk and may be replaced at any moment."""

import signal
import socket
import struct
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from distrib.domain.texts import Text
from distrib.embedded.binaries import valkey_for
from distrib.embedded.place import Place
from distrib.embedded.processes import EmbeddedServersFailed, is_alive, last_lines, start_apart, stop, wait_until

START_WITHIN_S = 30.0
ANSWER_WITHIN_S = 1.0
"""One that takes longer is replaced: it holds nothing, and the sweeper works without it meanwhile."""
DATABASES = 128
PEER = struct.Struct("3i")


def redis_url(place: Place) -> str:
    """The address of the Valkey, as redis-py takes it."""
    return f"unix://{quote(str(place.valkey_socket))}?db=0"


def ensure_valkey(place: Place) -> None:
    """Have Valkey run and answer; one that does not answer is replaced. To be called when `alone`."""
    if not answers(place):
        stop_valkey(place)
        start(place)


def answers(place: Place) -> bool:
    """Whether Valkey answers a ping."""
    try:
        with redis.Redis(
            unix_socket_path=str(place.valkey_socket), socket_timeout=ANSWER_WITHIN_S, retry=Retry(NoBackoff(), 0)
        ) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def start(place: Place) -> None:
    """Start Valkey and wait until it answers."""
    options = {
        "port": "0",
        "unixsocket": str(place.valkey_socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "databases": str(DATABASES),
        "maxmemory-policy": "noeviction",
        "dir": str(place.sockets),
        "daemonize": "no",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    child = start_apart([valkey_for(place), *arguments], place.valkey_log, place.account)
    wait_until(lambda: answers(place) or child.poll() is not None, START_WITHIN_S)
    if child.poll() is not None or not answers(place):
        raise EmbeddedServersFailed(Text("Valkey does not start"), log=last_lines(place.valkey_log))


def stop_valkey(place: Place) -> None:
    """Have no Valkey run on the socket. To be called when `alone`."""
    pid = listener(place)
    if pid and is_alive(pid):
        stop([pid], [(signal.SIGTERM, 0.5), (signal.SIGKILL, 10.0)])
    place.valkey_socket.unlink(missing_ok=True)


def listener(place: Place) -> int:
    """The pid of the process that listens on the socket, even if it is too busy to answer; else 0."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_WITHIN_S)
        try:
            client.connect(str(place.valkey_socket))
        except OSError:
            return 0
        pid, _, _ = PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
        return int(pid)
