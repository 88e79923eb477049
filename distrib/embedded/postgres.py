"""The private PostgreSQL: made, started, taken over from a command that was killed, stopped.

`postgres` is started directly and never through pg_ctl, and whether it lives is judged here: PostgreSQL takes a zombie,
which a killed server stays where nobody reaps orphans, for a living server and refuses to start.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg

from distrib.domain.texts import Text
from distrib.embedded.account import ENVIRONMENT
from distrib.embedded.binaries import postgres_for
from distrib.embedded.memory import shared_buffers
from distrib.embedded.place import Place
from distrib.embedded.processes import (
    EmbeddedServersFailed,
    all_working_in,
    is_alive,
    last_lines,
    runs_in,
    start_apart,
    stop,
    wait_until,
)

NAME = "distrib"
START_WITHIN_S = 120.0
ANSWER_WITHIN_S = 10
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": shared_buffers(),
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",  # after each one the first change of a page writes the whole page to the log
    "wal_compression": "off",
    "synchronous_commit": "on",
    "fsync": "on",
    "autovacuum": "on",
    "autovacuum_naptime": "10s",  # a new program has statistics soon
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # statements carry personal data
}
if sys.platform == "linux":  # nowhere else has the call
    SETTINGS["recovery_init_sync_method"] = "syncfs"
    """After a crash, one call of the system in place of one a file: up in a third of a second and not in four."""
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "max_connections": "300", "shared_buffers": "256MB"}
INITDB = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-instructions")
FAST, IMMEDIATE, KILL = (signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)
AT_ONCE = (signal.SIGQUIT, 0.5)
"""How an orphan is ended: nobody is left for it to answer, and what it has not committed is rolled back anyway."""


def database_url(place: Place) -> str:
    """The address of the database, as SQLAlchemy takes it."""
    return f"postgresql+psycopg://{NAME}@/{NAME}?host={quote(str(place.sockets))}"


def ensure_postgres(place: Place, settings: Mapping[str, str]) -> None:
    """Have PostgreSQL run and answer, with our database in it. To be called when `alone`."""
    if wait_until(lambda: answers(place) or not postmaster(place), START_WITHIN_S) and postmaster(place):
        return
    stop_postgres(place)
    program = postgres_for(place)
    if not place.postgres_data.is_dir():
        make_data(place, program.with_name("initdb"), ["--no-sync"] if settings["fsync"] == "off" else [])
    start(place, program, settings)


def answers(place: Place) -> bool:
    """Whether PostgreSQL takes statements; makes our database the first time that it does."""
    try:
        with psycopg.connect(
            host=str(place.sockets), user=NAME, dbname="postgres", autocommit=True, connect_timeout=ANSWER_WITHIN_S
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}".encode())
    except psycopg.OperationalError:
        return False
    return True


def make_data(place: Place, initdb: Path, options: Sequence[str]) -> None:
    """A new data directory; it appears under its name only when it is complete."""
    unfinished = place.base / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    place.account.own(unfinished)
    command: list[str | Path] = [initdb, "-D", unfinished, "-U", NAME, *INITDB, *options]
    made = subprocess.run(
        command, cwd="/", env=ENVIRONMENT, capture_output=True, text=True, check=False, **place.account.as_child()
    )
    if made.returncode:
        raise EmbeddedServersFailed(Text("initdb failed"), log=made.stderr.strip())
    unfinished.rename(place.postgres_data)


def start(place: Place, program: Path, settings: Mapping[str, str]) -> None:
    """Start PostgreSQL and wait until it answers."""
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command: list[str | Path] = [program, "-D", place.postgres_data, "-k", place.sockets, *options]
    child = start_apart(command, place.postgres_log, place.account)
    wait_until(lambda: answers(place) or child.poll() is not None, START_WITHIN_S)
    if child.poll() is not None or not answers(place):
        raise EmbeddedServersFailed(Text("PostgreSQL does not start"), last_lines(place.postgres_log))


def stop_postgres(place: Place) -> None:
    """Have nothing of PostgreSQL run on the data or the socket. To be called when `alone`."""
    for pid in {postmaster(place), socket_holder(place)} - {0}:
        stop([pid], [FAST, IMMEDIATE, KILL])
    clear_remains(place)


def clear_remains(place: Place) -> None:
    """End what outlived a killed server, which would write beside the next one, and remove its lock files.

    One that is in a long statement does not notice by itself that its server is gone, and is not waited for.
    """
    data = place.postgres_data
    if (data / "postmaster.pid").exists():
        orphans = all_working_in(data)
        if orphans:
            stop(orphans, [AT_ONCE, KILL])
    for remains in (data / "postmaster.pid", place.postgres_socket, lock_of(place.postgres_socket)):
        remains.unlink(missing_ok=True)


def postmaster(place: Place) -> int:
    """The pid of the living server of this data, else 0."""
    pid = first_number(place.postgres_data / "postmaster.pid")
    return pid if pid and runs_in(pid, place.postgres_data) else 0


def socket_holder(place: Place) -> int:
    """The pid of a living server that holds our socket, else 0: one whose data was deleted under it."""
    pid = first_number(lock_of(place.postgres_socket))
    try:
        return pid if pid and is_alive(pid) and Path(f"/proc/{pid}").stat().st_uid == place.account.uid else 0
    except OSError:
        return 0


def lock_of(socket: Path) -> Path:
    """The file in which PostgreSQL notes who holds a socket."""
    return socket.with_name(f"{socket.name}.lock")


def first_number(path: Path) -> int:
    """The number on the first line of a file, else 0."""
    try:
        line = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return 0
    return int(line) if line.isdigit() else 0
