"""The web and the workers come to the database by a login each, and neither can become the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from distrib.app import create_app
from distrib.bootstrap import Container, open_container
from distrib.domain.errors import CannotStart
from distrib.embedded import EmbeddedServers
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.setting_checks import SettingsError
from distrib.settings import Settings, read_settings
from distrib.store import migrate
from distrib.store.database import WEB_ROLE, WORKER_ROLE, enter_program, open_engine
from distrib.store.logins import WEB_LOGIN, WORKER_LOGIN, admit_logins, with_login
from distrib.transactions import sqlstate_of
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.databases import Desk, administration
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.world import World

PEPPER = "the pepper of the tests"
OLD_PROGRAM = (
    "INSERT INTO programs (code, currency, time_zone, policy, created_at)"
    " VALUES ('old', 'CNY', 'Asia/Shanghai', 'open', now())"
)


@dataclass(frozen=True, kw_only=True)
class Logins:
    """Logins that no other test has, on the test's own database."""

    owner_url: str
    web: str
    worker: str
    limited: str

    def url(self, login: str) -> str:
        """The address of the database by one of them."""
        return make_url(with_login(self.owner_url, login)).set(password=f"{login}'s").render_as_string(False)


@pytest.fixture
def logins(desk: Desk, database_url: str) -> Iterator[Logins]:
    """Names of logins, which are made by the test and gone after it; ``limited`` is there and may do nothing."""
    names = [f"{desk.prefix}{name}" for name in ("web", "worker", "limited")]
    with administration(database_url) as connection:
        for name in names:
            connection.exec_driver_sql(f'DROP ROLE IF EXISTS "{name}"')
        connection.exec_driver_sql(f'CREATE ROLE "{names[2]}" LOGIN')
    yield Logins(owner_url=database_url, web=names[0], worker=names[1], limited=names[2])
    with administration(database_url) as connection:
        for name in names:
            connection.exec_driver_sql(f'DROP ROLE IF EXISTS "{name}"')


@pytest.fixture
def container(logins: Logins, settings: Settings, redis_url: str) -> Iterator[Container]:
    """The service on two logins."""
    web_url, worker_url = logins.url(logins.web), logins.url(logins.worker)
    assert admit_logins(logins.owner_url, web_url, worker_url) == []
    opened = Container(settings, web_url, redis_url, worker_database_url=worker_url)
    yield opened
    opened.close()


def who(engine: Engine) -> tuple[str, str]:
    """The login of a connection, and as whom it acts."""
    with engine.begin() as conn:
        login, role = conn.execute(text("SELECT session_user, current_user")).one()
    return login, role


def refusal_of(engine: Engine, statement: str) -> str | None:
    """The code with which the database refuses a statement; None where it does it."""
    try:
        with engine.begin() as conn:
            conn.exec_driver_sql(statement)
    except DBAPIError as error:
        return sqlstate_of(error)
    return None


def sees_programs(conn: Connection) -> bool:
    """Whether a transaction sees a program."""
    return bool(conn.execute(text("SELECT EXISTS (SELECT FROM programs)")).scalar_one())


def test_the_login_of_the_web_cannot_become_the_worker_nor_the_workers_the_web(
    container: Container, logins: Logins
) -> None:
    assert who(container.web_engine) == (logins.web, WEB_ROLE)
    assert who(container.worker_engine) == (logins.worker, WORKER_ROLE)
    for words in (f"SET ROLE {WORKER_ROLE}", f"SET SESSION AUTHORIZATION {logins.worker}", "SET ROLE distrib"):
        assert refusal_of(container.web_engine, words) == "42501", words
    assert refusal_of(container.worker_engine, f"SET ROLE {WEB_ROLE}") == "42501"


def test_outside_its_role_a_login_has_no_right_to_any_table(container: Container) -> None:
    for engine in (container.web_engine, container.worker_engine):
        assert refusal_of(engine, "RESET ROLE; SELECT * FROM programs") == "42501"


def test_the_service_does_its_work_on_two_logins(container: Container) -> None:
    with container.begin() as conn:
        program = create_program(
            conn, ProgramDraft("test", "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    world = World(container, program)
    world.publish(SELLER_TEN_PERCENT)
    world.join(("s", None))
    app = create_app(container)
    caller = Api(app, world).caller()
    caller.post("/v1/events", {"events": [settled("e", "o", "s", line(1_000))]})
    assert container.figures(container.now())["distrib_queue_orders"] == 1
    world.drain()
    assert world.earned() == {"s": 100}
    assert app.test_client().get("/readyz").status_code == 200
    assert container.figures(container.now())["distrib_queue_orders"] == 0


def test_a_login_of_the_web_that_was_the_workers_too_is_so_no_longer(logins: Logins) -> None:
    with administration(logins.owner_url) as connection:
        connection.exec_driver_sql(f'CREATE ROLE "{logins.web}" LOGIN IN ROLE {WEB_ROLE}, {WORKER_ROLE}')
    assert admit_logins(logins.owner_url, logins.url(logins.web), logins.url(logins.worker)) == []
    with administration(logins.owner_url) as connection:
        may = text("SELECT pg_has_role(:login, :role, 'MEMBER')")
        assert connection.execute(may, {"login": logins.web, "role": WEB_ROLE}).scalar_one()
        assert not connection.execute(may, {"login": logins.web, "role": WORKER_ROLE}).scalar_one()


def test_an_owner_that_may_not_make_logins_is_told_what_somebody_else_has_to_do(logins: Logins) -> None:
    web_url, worker_url = logins.url(logins.web), logins.url(logins.worker)
    assert admit_logins(logins.url(logins.limited), web_url, worker_url) == [
        f'CREATE ROLE "{logins.web}" LOGIN NOINHERIT',
        f'CREATE ROLE "{logins.worker}" LOGIN NOINHERIT',
        f'GRANT "{WEB_ROLE}" TO "{logins.web}"',
        f'GRANT "{WORKER_ROLE}" TO "{logins.worker}"',
    ]


def test_one_login_for_both_stays_as_it_is(logins: Logins) -> None:
    only = logins.url(logins.web)
    assert admit_logins(logins.owner_url, only, only) == []
    with administration(logins.owner_url) as connection:
        made = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :name"), {"name": logins.web}).all()
    assert made == []


def test_migrate_makes_the_logins_of_the_settings_and_keeps_their_passwords_as_verifiers(
    logins: Logins, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(replace(settings, database_url=logins.url(logins.web)), monkeypatch)
    monkeypatch.setenv("DISTRIB_WORKER_DATABASE_URL", logins.url(logins.worker))
    monkeypatch.setenv("DISTRIB_OWNER_DATABASE_URL", logins.owner_url)
    for _ in range(2):
        assert run("migrate").exit_code == 0
    with administration(logins.owner_url) as connection:
        kept = text("SELECT rolpassword, rolinherit, rolcanlogin FROM pg_authid WHERE rolname = ANY(:names)")
        rows = connection.execute(kept, {"names": [logins.web, logins.worker]}).all()
    assert [(row.rolpassword[:14], row.rolinherit, row.rolcanlogin) for row in rows] == [
        ("SCRAM-SHA-256$", False, True)
    ] * 2


def test_migrate_says_which_grants_are_missing_where_the_owner_may_not(
    logins: Logins, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(make_url(logins.owner_url).database)
    with administration(logins.owner_url, name) as connection:
        connection.exec_driver_sql(f'GRANT SELECT ON alembic_version TO "{logins.limited}"')
    name_servers(replace(settings, database_url=logins.url(logins.web)), monkeypatch)
    monkeypatch.setenv("DISTRIB_WORKER_DATABASE_URL", logins.url(logins.worker))
    monkeypatch.setenv("DISTRIB_OWNER_DATABASE_URL", logins.url(logins.limited))
    try:
        with pytest.raises(SettingsError) as caught:
            run("migrate")
    finally:
        with administration(logins.owner_url, name) as connection:
            connection.exec_driver_sql(f'DROP OWNED BY "{logins.limited}"')
    assert f'GRANT "{WORKER_ROLE}" TO "{logins.worker}";' in str(caught.value)


def test_who_serves_the_web_is_never_told_the_login_of_the_workers(container: Container, logins: Logins) -> None:
    told = container.web_environment()
    assert logins.worker not in " ".join(told.values())
    assert told["DISTRIB_WORKER_DATABASE_URL"] == told["DISTRIB_OWNER_DATABASE_URL"] == ""
    assert container.environment()["DISTRIB_WORKER_DATABASE_URL"] == container.worker_database_url


def test_where_nobody_is_a_superuser_and_nobody_bypasses_row_security_the_service_does_its_work(
    private_servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [with_login(private_servers.database_url, login) for login in ("keeper", "front", "back")]
    for name, url in zip(("OWNER_DATABASE_URL", "DATABASE_URL", "WORKER_DATABASE_URL"), urls, strict=True):
        monkeypatch.setenv(f"DISTRIB_{name}", url)
    monkeypatch.setenv("DISTRIB_REDIS_URL", private_servers.redis_url)
    monkeypatch.setenv("DISTRIB_KEY_PEPPER", PEPPER)
    making, *others = sorted(
        run("migrate", "--print-roles").stdout.splitlines(), key=lambda line: 'keeper" L' not in line
    )
    with administration(private_servers.database_url, "distrib") as connection:
        connection.exec_driver_sql(making)
        with pytest.raises(SettingsError) as caught:
            run("migrate")
        of_logins = [statement for statement in others if "front" in statement or "back" in statement]
        assert [words for words in others if words not in str(caught.value)] == of_logins
        for statement in others:
            connection.exec_driver_sql(statement.replace(" BYPASSRLS", ""))
    migrate.upgrade(urls[0], "0026")
    with administration(urls[0], "distrib") as connection:
        connection.exec_driver_sql(OLD_PROGRAM)
    assert "Bringing the database from schema 0026 to" in run("migrate").stdout
    with open_container(read_settings()) as opened:
        with opened.begin() as conn:
            world = World(opened, opened.program(conn, "old"))
        world.publish(SELLER_TEN_PERCENT)
        world.join(("s", None))
        Api(create_app(opened), world).caller().post("/v1/events", {"events": [settled("e", "o", "s", line(1_000))]})
        world.drain()
        assert world.earned() == {"s": 100}
    assert "Clean: every check holds." in run("audit").stdout


def test_a_release_serves_a_newer_schema_and_refuses_an_older_one_and_migrates_no_schema_that_it_does_not_know(
    private_servers: EmbeddedServers,
) -> None:
    url = private_servers.database_url
    engine = open_engine(url, WEB_ROLE)
    with pytest.raises(CannotStart, match="no schema yet"):
        migrate.must_be_served(engine)
    migrate.upgrade(url, "0026")
    with pytest.raises(CannotStart, match="at schema"):
        migrate.must_be_served(engine)
    with administration(url, "distrib") as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    migrate.must_be_served(engine)
    with pytest.raises(CannotStart, match="does not know"):
        migrate.upgrade(url)
    engine.dispose()


def test_the_embedded_database_has_two_logins_from_the_first_start_and_one_of_before_gets_them(
    private_servers: EmbeddedServers, reachable_path: Path
) -> None:
    migrate.upgrade(private_servers.database_url, "0026")  # as a release left it that had one login
    with administration(private_servers.database_url, "distrib") as connection:
        connection.exec_driver_sql(OLD_PROGRAM)
        assert connection.execute(text("SELECT FROM pg_roles WHERE rolname LIKE '%login'")).all() == []
    for _ in range(2):
        with open_container(Settings(var_dir=reachable_path / "var", key_pepper=PEPPER)) as container:
            assert who(container.web_engine) == (WEB_LOGIN, WEB_ROLE)
            assert who(container.worker_engine) == (WORKER_LOGIN, WORKER_ROLE)
            assert refusal_of(container.web_engine, f"SET ROLE {WORKER_ROLE}") == "42501"
            with container.begin() as conn:
                program = container.program(conn, "old")
            with container.web_engine.begin() as conn:
                assert not sees_programs(conn)
                enter_program(conn, program.program_id)
                assert sees_programs(conn)
