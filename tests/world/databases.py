"""What the tests run on: one PostgreSQL and one Valkey for all test processes, a fresh database for each test.

They lie in memory where there is plenty (/dev/shm), and go when the run ends: a database a test, made and dropped some
thousand times, costs a third of what it does on a disk. Elsewhere they stay from run to run of a checkout. Set
TEST_VAR_DIR to have them at another place, or TEST_DATABASE_URL and TEST_REDIS_URL to test on others: the first must be
allowed to create databases, the second have 128 of them.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import redis
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from distrib.embedded import EmbeddedServers
from distrib.store import migrate

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")
ROOM_GIB = 8
"""What the servers may take of it at the most, with the largest program that a test makes."""


def in_memory() -> Path | None:
    """A directory of this checkout's own in memory; None where there is too little of it."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_GIB * 2**30:
        return None
    free_pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if free_pages + cached_bytes() < (ROOM_GIB + 4) * 2**30:
        return None
    digest = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
    return MEMORY / f"distrib-tests-{os.getuid()}-{digest}"


def cached_bytes() -> int:
    """What the system keeps of files and gives back when memory is asked for."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Cached:"))


HOME = Path(os.environ.get("TEST_VAR_DIR") or in_memory() or ROOT / ".cache" / "test-servers")
os.environ["TEST_VAR_DIR"] = str(HOME)  # processes that are started later look at the same place
STRATEGY = "file_copy" if HOME.is_relative_to(MEMORY) else "wal_log"
"""How a database is copied: file by file costs half of what it does through the log in memory, on a disk twice that."""
SLOTS = 64
TEMPLATES_KEPT = 3


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What one test process has to itself: databases whose names begin with its prefix, and two Redis databases."""

    slot: int
    database_url: str
    redis_url: str
    """Empty when the process begins: for what lives as long as it."""
    scratch_redis_url: str
    """Emptied for each test that asks for it."""
    template: str

    @property
    def prefix(self) -> str:
        """How the names of this process's databases begin."""
        return f"test_{self.slot}_"


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """The addresses of PostgreSQL and Redis for as long as this test process runs."""
    given = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if given[0] and given[1]:
        yield given[0], given[1]
        return
    with EmbeddedServers(HOME, durable=False) as embedded:
        yield embedded.database_url, embedded.redis_url


@contextmanager
def own_desk() -> Iterator[Desk]:
    """A place at the servers that no other test process has, of this run or another."""
    with servers() as (database_url, redis_url), own_slot() as slot:
        desk = Desk(
            slot=slot,
            database_url=database_url,
            redis_url=with_database(redis_url, slot),
            scratch_redis_url=with_database(redis_url, SLOTS + slot),
            template=template_name(),
        )
        empty_redis(desk.redis_url)
        with administration(database_url) as connection:
            for name in databases_like(connection, desk.prefix):  # left by a run that was killed
                drop(connection, name)
        make_template(desk)
        yield desk


@contextmanager
def own_slot() -> Iterator[int]:
    """A number that no living test process has."""
    (HOME / "slots").mkdir(parents=True, exist_ok=True)
    for number in range(SLOTS):
        with (HOME / "slots" / str(number)).open("w") as file:
            if is_locked_now(file):
                yield number
                return
    raise RuntimeError(f"more than {SLOTS} test processes at once")


def clear_memory() -> None:
    """Gives the memory back that the servers' files take, unless another run is at them."""
    if not HOME.is_relative_to(MEMORY):
        return
    with ExitStack() as locks:
        files = [locks.enter_context(path.open("w")) for path in (HOME / "slots").glob("*")]
        if all(is_locked_now(file) for file in files):
            shutil.rmtree(HOME, ignore_errors=True)


def is_locked_now(file: TextIO) -> bool:
    """Whether the lock was free, and is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def with_database(redis_url: str, number: int) -> str:
    """The address of another database of the same Redis."""
    address = redis_url.partition("?")[0]
    return f"{address}?db={number}"


@contextmanager
def administration(database_url: str, name: str = "postgres") -> Iterator[Connection]:
    """A connection that may do everything, create and drop databases too, outside any transaction."""
    engine = create_engine(named(database_url, name), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def named(database_url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(database_url).set(database=name).render_as_string(hide_password=False)


def databases_like(connection: Connection, prefix: str) -> list[str]:
    """The databases whose names begin so, the newest first."""
    statement = text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix) ORDER BY oid DESC")
    return list(connection.scalars(statement, {"prefix": prefix}))


def drop(connection: Connection, name: str) -> None:
    """Remove a database, whoever is still connected."""
    connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def template_name() -> str:
    """A name for the migrated schema that changes with the code that makes it."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "distrib" / "store").rglob("*")):
        if path.suffix in (".py", ".sql", ".mako"):
            digest.update(path.read_bytes())
    return f"template_{digest.hexdigest()[:16]}"


def make_template(desk: Desk) -> None:
    """Have a migrated database to copy; the first process makes it, the others wait."""
    with (HOME / "template.lock").open("w") as lock, administration(desk.database_url) as connection:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if desk.template in databases_like(connection, "template_"):
            return
        unfinished = f"unfinished_{desk.template}"
        drop(connection, unfinished)
        connection.execute(text(f'CREATE DATABASE "{unfinished}"'))
        migrate.upgrade(named(desk.database_url, unfinished))
        connection.execute(text(f'ALTER DATABASE "{unfinished}" WITH ALLOW_CONNECTIONS false'))
        connection.execute(text(f'ALTER DATABASE "{unfinished}" RENAME TO "{desk.template}"'))
        for name in databases_like(connection, "template_")[TEMPLATES_KEPT:]:
            if name not in ("template0", "template1"):
                drop(connection, name)


@contextmanager
def fresh_database(desk: Desk, number: int) -> Iterator[str]:
    """The address of a database with today's schema and nothing in it."""
    name = f"{desk.prefix}{number}"
    with administration(desk.database_url) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{desk.template}" STRATEGY {STRATEGY}'))
    yield named(desk.database_url, name)
    with administration(desk.database_url) as connection:
        drop(connection, name)


@contextmanager
def older_database(desk: Desk, revision: str, rows: Path) -> Iterator[str]:
    """The address of a database with the schema of an older revision and the rows of an SQL file in it."""
    name = f"{desk.prefix}at_{revision}"
    url = named(desk.database_url, name)
    with administration(desk.database_url) as connection:
        drop(connection, name)
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    migrate.upgrade(url, revision)
    with administration(url, name) as connection:
        connection.exec_driver_sql(rows.read_text("utf-8").replace("%", "%%"))
    yield url
    with administration(desk.database_url) as connection:
        drop(connection, name)


def empty_redis(redis_url: str) -> None:
    """Forget what an earlier test left in this database."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
