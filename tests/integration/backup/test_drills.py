"""The drills of docs/operations.md, typed as they stand there: what is restored comes to the books of before."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from distrib.bootstrap import Container
from distrib.embedded import EmbeddedServers
from distrib.embedded.binaries import postgres_for
from distrib.embedded.place import Place, control_of, settle_place
from distrib.services.context import COMMAND_LINE, Actor, Unit
from distrib.services.programs.tenants import find_program
from distrib.services.statements import closing, months
from distrib.settings import REPOSITORY, Settings
from distrib.store import migrate
from distrib.store.logins import with_login
from distrib.store.privileges import Logins, role_statements
from tests.world import audited
from tests.world.databases import administration
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, settled
from tests.world.world import World, open_world

PEPPER = "the pepper of the drills, long enough"
MARCH, APRIL = 202603, 202604
IN_MAY = datetime.fromisoformat("2026-05-10T00:00:00+08:00")
BEFORE = [settled(f"e{number}", f"o{number}", "a", line(1_000)) for number in range(3)]
GAP = [settled(f"g{number}", f"p{number}", "a", line(2_000), paid_at=PAID + timedelta(days=40)) for number in range(3)]
KEPT, LOST = {"a": 300}, {"a": 900}
LATER = "2026-06-01T00:00:00+08:00"


@cache
def drill(name: str) -> str:
    """The commands of a drill as the page has them."""
    page = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    (commands,) = re.findall(rf"<!-- drill: {name} -->\n *```sh\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
    return dedent(commands)


@dataclass(frozen=True)
class Shell:
    """Where somebody types: as the account of the servers, with the programs of PostgreSQL that its wheel brings."""

    place: Place
    told: Mapping[str, str]

    def type(self, name: str, directory: Path | None = None, **told: object) -> None:
        """Runs the commands of a drill, every one of which has to succeed."""
        programs = postgres_for(self.place).parent
        environment = {"PATH": f"{programs}:{os.defpath}", "TZ": "UTC", **self.told}
        done = subprocess.run(
            ["sh", "-eu", "-c", drill(name)],
            cwd=directory or self.place.base,
            env=environment | {key: str(value) for key, value in told.items()},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **self.place.account.as_child(),
        )
        assert done.returncode == 0, (name, done.stdout, done.stderr)


def shell_at(var_dir: Path, backups: Path) -> Shell:
    """A shell beside the servers of a directory."""
    place = settle_place(control_of(var_dir.resolve()))
    told = {"PGHOST": place.sockets, "PGUSER": "distrib", "PGDATABASE": "distrib", "BACKUPS": backups}
    return Shell(place, {name: str(value) for name, value in told.items()})


@dataclass(frozen=True)
class Books:
    """What a service is held against: the digest of a closed month, and the bytes of the open one."""

    closed: str
    open: str


@dataclass(frozen=True)
class Story:
    """What was left of a service: backups of its first hours, and what its books were then and in the end."""

    var_dir: Path
    backups: Path
    backed_up_at: str
    then: Books
    finally_: Books


def books(world: World) -> Books:
    with world.container.begin() as conn:
        files = [
            months.export_csv(Unit(conn, world.program, COMMAND_LINE, IN_MAY), period, "shops")
            for period in (MARCH, APRIL)
        ]
        closed, opened = (hashlib.sha256(b"".join(file)).hexdigest() for file in files)
    return Books(closed, opened)


def close_march(world: World) -> None:
    with world.container.begin() as conn:
        closing.propose_close(Unit(conn, world.program, Actor("ann", "Ann", "finance", person="ann"), IN_MAY), MARCH)
        closing.confirm_close(Unit(conn, world.program, Actor("ben", "Ben", "finance", person="ben"), IN_MAY), MARCH)


@contextmanager
def service(var_dir: Path) -> Iterator[tuple[EmbeddedServers, Settings]]:
    """The private servers of a directory, while the block lasts."""
    with EmbeddedServers(var_dir, durable=False) as servers:
        yield servers, Settings(var_dir=var_dir, key_pepper=PEPPER)


@contextmanager
def restored(servers: EmbeddedServers, settings: Settings, database_url: str | None = None) -> Iterator[World]:
    """The program of a service that was brought back."""
    container = Container(settings, database_url or servers.database_url, servers.redis_url)
    try:
        with container.begin() as conn:
            program = find_program(conn, "test")
        yield World(container, program)
    finally:
        container.close()


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """A service that closed March, was backed up in every way, went on for some sales, and is no more."""
    directory = Path(tempfile.mkdtemp(prefix="distrib-drills-"))
    directory.chmod(0o711)
    var_dir, backups = directory / "var", directory / "backups"
    with service(var_dir):
        shell = shell_at(var_dir, backups)
        backups.mkdir()
        shell.place.account.own(backups)
        shell.type("archive")
    with service(var_dir) as (servers, settings):  # the archive takes a restart
        migrate.upgrade(servers.database_url)
        world = open_world(settings, servers.database_url, servers.redis_url)
        world.publish(SELLER_TEN_PERCENT)
        world.join(("a", None))
        shell.type("base backup")
        assert world.earn(*BEFORE) == KEPT
        close_march(world)
        then = books(world)
        shell.type("dump")
        backed_up_at = str(world.rows("SELECT clock_timestamp() AS now")[0].now)
        assert world.earn(*GAP) == LOST
        finally_ = books(world)
        shell.type("last log")
        world.container.close()
    yield Story(var_dir, backups, backed_up_at, then, finally_)
    shutil.rmtree(directory)


def test_a_base_backup_and_the_log_bring_back_the_service_of_an_instant(story: Story, reachable_path: Path) -> None:
    var_dir = reachable_path / "var"
    shell = shell_at(var_dir, story.backups)
    shell.place.account.own(shell.place.base)
    shell.type("to an instant", RESTORED=shell.place.postgres_data, UNTIL=story.backed_up_at)
    with service(var_dir) as (servers, settings), restored(servers, settings) as world:
        check(story, world, shell)


def test_a_dump_brings_it_back_on_a_server_where_nobody_is_a_superuser(story: Story, reachable_path: Path) -> None:
    var_dir = reachable_path / "var"
    with service(var_dir) as (servers, settings):
        with administration(servers.database_url, "distrib") as connection:
            for statement in role_statements(Logins("keeper", "front", "back")):
                connection.exec_driver_sql(statement.replace(" BYPASSRLS", ""))
        shell = shell_at(var_dir, story.backups)
        shell.type("load", PGUSER="keeper", OWNER="keeper")
        migrate.upgrade(with_login(servers.database_url, "keeper"))  # workers see every program here, too
        with restored(servers, settings, with_login(servers.database_url, "back")) as world:
            check(story, world, replace(shell, told={**shell.told, "PGUSER": "keeper"}))


def test_a_copy_of_the_directory_of_servers_that_are_stopped_is_the_service(story: Story, reachable_path: Path) -> None:
    told = {"PATH": os.defpath, "BACKUPS": str(reachable_path)}
    subprocess.run(["sh", "-eu", "-c", drill("copy")], check=True, cwd=story.var_dir.parent, env=told)
    with service(reachable_path / "var") as (servers, settings), restored(servers, settings) as world:
        assert world.earned() == LOST
        assert books(world) == story.finally_
        audited.audit_all(servers.database_url)


def check(story: Story, world: World, shell: Shell) -> None:
    """The books of the backup's instant; the gap sent again; the books of the end. Nothing lost, nothing doubled."""
    database_url = world.container.database_url
    assert (world.earned(), books(world)) == (KEPT, story.then)
    audited.audit_all(database_url)
    shell.type("numbers")
    statuses = [answer.status for answer in world.post(*BEFORE, *GAP)]
    assert statuses == ["duplicate"] * len(BEFORE) + ["accepted"] * len(GAP)
    world.drain()
    assert (world.earned(), books(world)) == (LOST, story.finally_)
    audited.audit_all(database_url)
    newest = world.rows("SELECT max(event_no) AS newest FROM events WHERE program_id = :program")[0].newest
    assert newest > 1_000_000
