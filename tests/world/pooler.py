"""PgBouncer before a database of the tests, in transaction mode: each transaction may be on another connection.

It comes with no wheel, so it is there where the machine has it (Debian: ``apt-get install pgbouncer``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from distrib.embedded.processes import wait_until

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
ABSENT = "no pgbouncer on this machine (Debian: apt-get install pgbouncer): tests/integration/pooler is left out"
CONNECTIONS = 3
_PORT = 6432
_WITHIN_S = 30.0
_CONFIGURATION = """\
[databases]
* = host={server}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
server_round_robin = 1
"""


@contextmanager
def pooled(database_url: str, *logins: str) -> Iterator[str]:
    """The address of the same database through PgBouncer, which stops in the end.

    Nothing is ignored that a client asks for at its start: one that needs a startup parameter is turned away. A
    transaction gets the connection that has rested longest, so that one after the other are seldom on the same.

    Args:
        database_url: of the servers of the tests, over their socket.
        logins: besides that of the address.
    """
    address = make_url(database_url)
    server = Path(str(address.query["host"]))
    directory = Path(tempfile.mkdtemp(prefix="distrib-pooler-"))
    try:
        names = [str(address.username), *logins]
        (directory / "users").write_text("".join(f'"{name}" ""\n' for name in names), "utf-8")
        words = _CONFIGURATION.format(server=server, port=_PORT, directory=directory, connections=CONNECTIONS)
        (directory / "pgbouncer.ini").write_text(words, "utf-8")
        pooled_url = address.set(query={"host": str(directory), "port": str(_PORT)})
        with _running(directory, server.stat()):
            plain = pooled_url.set(drivername="postgresql").render_as_string(hide_password=False)
            if not wait_until(lambda: _answers(plain), _WITHIN_S):
                raise RuntimeError((directory / "log").read_text("utf-8"))
            yield pooled_url.render_as_string(hide_password=False)
    finally:
        shutil.rmtree(directory)


@contextmanager
def _running(directory: Path, owner: os.stat_result) -> Iterator[None]:
    """PgBouncer as the account of the servers: it refuses to be root, and their socket is for that account alone."""
    os.chown(directory, owner.st_uid, owner.st_gid)
    as_owner = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with (directory / "log").open("wb") as log:
        command = [str(PROGRAM), str(directory / "pgbouncer.ini")]
        process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **as_owner)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute("SELECT 1", prepare=False).fetchone() is not None
    except psycopg.OperationalError:
        return False
