"""What another program's web can do to a program's rows, tried on every table of the catalogue: nothing, by no command.

A table that a later migration makes is in it by itself. Rows are made up from the types of the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from distrib.store.database import WEB_ROLE, WORKER_ROLE, enter_program, open_engine
from distrib.transactions import sqlstate_of

pytestmark = pytest.mark.tampers  # rows that are made up stand for themselves

OURS, THEIRS, NEW = 1, 2, 7
REFUSED = "42501"
"""No privilege, or a row that the policy does not let in."""
IMPOSSIBLE = {"55000", "428C9"}
"""A view that nobody writes, a number that nobody chooses."""
OF_NO_PROGRAM = {"alembic_version", "service_processes", "periodic_runs", "batch_times", "peppers"}
"""The version of the schema, and which processes of the service work, which anybody may know."""
FIGURES_OF_ALL = {
    "audit_figures",
    "delivery_figures",
    "event_figures",
    "payouts_waiting",
    "queued_orders",
    "signed_overrides",
}
"""Functions that look past the policies: each answers counts, or digests."""
BY_WHAT_IS_UNGUESSABLE = {
    ("api_keys", "by_key_id"),
    ("shops", "by_invite_code"),
    ("person_sessions", "by_session"),
    ("shop_sessions", "by_session_id"),
    ("password_links", "by_link"),
}
OF_PEOPLE = {"people", "person_sessions", "person_subjects"}
"""People belong to no program: the web sees the one whose login it names, and of who is in, its own."""
BY_PERSON = {
    ("people", "by_login"),
    ("people", "by_person"),
    ("people", "made"),
    ("person_sessions", "by_person"),
    ("person_subjects", "by_person"),
    ("person_subjects", "by_subject"),
    ("password_links", "by_person"),
    ("api_keys", "by_person"),
    ("programs", "by_seat"),
}
READ_SEQUENCES = {"posting_no_seq"}
_COLUMNS = text(
    """
SELECT c.relname AS name, c.relkind AS kind, a.attname AS col, a.attgenerated <> '' AS is_generated,
       COALESCE(a.attnum = ANY(k.conkey), false) AS is_key, t.typcategory AS category, t.oid::regtype::text AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.relname, a.attnum
"""
)
_CHECKS = text(
    "SELECT conrelid::regclass::text AS name, conname FROM pg_constraint WHERE contype = 'c'"
    " AND connamespace = 'public'::regnamespace"
)


@dataclass
class Table:
    """A table or view, its columns, and those of its key."""

    name: str
    is_view: bool
    columns: list[Any] = field(default_factory=list)
    key: list[str] = field(default_factory=list)

    @property
    def has_programs(self) -> bool:
        """Whether its rows belong to programs."""
        return any(column.col == "program_id" for column in self.columns)

    def insert(self, program_id: int, value: int) -> str:
        """A statement that writes a row of a program whose columns all come from one number."""
        written = [column for column in self.columns if not column.is_generated]
        values = [str(program_id) if column.col == "program_id" else made_up(column, value) for column in written]
        names = ", ".join(f'"{column.col}"' for column in written)
        return f"INSERT INTO {self.name} ({names}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values)})"


def made_up(column: Any, value: int) -> str:
    """A value of a column's type, in SQL, that differs with the number where the type has so many."""
    by_category = {"N": str(value), "S": f"'t{value}'", "B": "false", "D": "'2026-01-01'", "A": "'{}'"}
    by_category |= {"E": f"(enum_range(NULL::{column.type}))[1]", "T": "'1 day'", "U": f"'{value}'"}
    by_type = {"bytea": rf"'\x0{value}'", "json": "'{}'", "jsonb": "'{}'"}
    return by_type.get(column.type) or by_category[column.category]


def tables_of(conn: Connection) -> list[Table]:
    """Every table and view there is."""
    tables: dict[str, Table] = {}
    for column in conn.execute(_COLUMNS):
        table = tables.setdefault(column.name, Table(column.name, column.kind == "v"))
        table.columns.append(column)
        if column.is_key:
            table.key.append(column.col)
    return list(tables.values())


@pytest.fixture
def web(database_url: str) -> Iterator[Engine]:
    """Connections of the web."""
    engine = open_engine(database_url, WEB_ROLE)
    yield engine
    engine.dispose()


@pytest.fixture
def tables(owner: Engine) -> list[Table]:
    """Every table, with a row of our program and one of theirs in it."""
    with owner.begin() as conn:
        every = tables_of(conn)
        conn.execute(text("SET LOCAL session_replication_role = 'replica'"))
        for check in conn.execute(_CHECKS).all():
            conn.exec_driver_sql(f'ALTER TABLE {check.name} DROP CONSTRAINT "{check.conname}"')
        for table in every:
            for program in (OURS, THEIRS):
                if not table.is_view and table.name not in OF_NO_PROGRAM:
                    conn.exec_driver_sql(table.insert(program, program))
    return every


def attempt(web: Engine, statement: str, program_id: int | None = OURS) -> tuple[str | None, int, list[Any]]:
    """What comes of a statement of the web in a program: the code of the refusal, else how many rows, and which."""
    try:
        with web.begin() as conn:
            if program_id is not None:
                enter_program(conn, program_id)
            result = conn.exec_driver_sql(statement)
            return None, max(result.rowcount, 0), list(result) if result.returns_rows else []
    except DBAPIError as error:
        return sqlstate_of(error), 0, []


def rows_of(owner: Engine, tables: Sequence[Table]) -> dict[str, list[str]]:
    """Every row there is, as text."""
    with owner.begin() as conn:
        return {
            table.name: sorted(conn.exec_driver_sql(f"SELECT t::text FROM {table.name} t").scalars())
            for table in tables
        }


def commands(table: Table) -> Iterator[tuple[str, bool]]:
    """Statements against their row of a table, and whether having no effect is enough: else it has to be refused."""
    theirs = f"WHERE program_id = {THEIRS}"
    yield f"SELECT * FROM {table.name} {theirs}", True
    if not table.is_view:
        yield table.insert(THEIRS, NEW), False
        yield f"UPDATE {table.name} SET program_id = {THEIRS} WHERE program_id = {OURS}", False
    for column in table.columns:
        yield f'UPDATE {table.name} SET "{column.col}" = DEFAULT {theirs}', True
    yield f"DELETE FROM {table.name} {theirs}", True
    if not table.is_view:
        yield f"TRUNCATE {table.name}", False


def breaches(web: Engine, tables: Sequence[Table]) -> list[tuple[str, str | None, int]]:
    """The statements of another program's web that were neither refused nor without effect, with what came of them."""
    found = []
    for table in tables:
        for statement, no_effect_is_enough in commands(table):
            code, count, rows = attempt(web, statement)
            has_none = no_effect_is_enough and code is None and not count and not rows
            if code != REFUSED and code not in IMPOSSIBLE and not has_none:
                found.append((statement, code, count))
    return found


def test_the_web_of_another_program_sees_nothing_and_changes_nothing_of_any_table(
    owner: Engine, web: Engine, tables: list[Table]
) -> None:
    of_programs = [table for table in tables if table.name not in OF_NO_PROGRAM | OF_PEOPLE]
    before = rows_of(owner, tables)
    assert [table.name for table in of_programs if not table.has_programs] == []
    assert breaches(web, of_programs) == []
    assert rows_of(owner, tables) == before
    assert len(of_programs) > 70


def test_a_new_table_without_walls_is_found(owner: Engine, web: Engine) -> None:
    with owner.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE things (program_id integer PRIMARY KEY, name text)")
        conn.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON things TO {WEB_ROLE}")
        conn.exec_driver_sql("INSERT INTO things VALUES (1, 'ours'), (2, 'theirs')")
        (things,) = [table for table in tables_of(conn) if table.name == "things"]
    commands_found = {statement.split()[0] for statement, _, _ in breaches(web, [things])}
    assert commands_found == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}


def test_without_a_program_the_web_sees_no_row_and_in_one_its_own_alone(web: Engine, tables: list[Table]) -> None:
    seen = {}
    for table in tables:
        if table.has_programs and not table.is_view:
            statement = f"SELECT DISTINCT program_id FROM {table.name}"
            seen[table.name] = (attempt(web, statement, None)[2], attempt(web, statement)[2])
    assert {name: rows for name, rows in seen.items() if rows != ([], [(OURS,)])} == {}


def test_what_belongs_to_no_program_the_web_reads_and_changes_not(owner: Engine, web: Engine) -> None:
    with owner.begin() as conn:
        without = {table.name for table in tables_of(conn) if not table.has_programs}
    assert without == OF_NO_PROGRAM | OF_PEOPLE
    for name in OF_NO_PROGRAM:
        assert attempt(web, f"SELECT * FROM {name}")[0] is None
        for statement in (f"DELETE FROM {name}", f"TRUNCATE {name}", f"INSERT INTO {name} VALUES ('0001')"):
            assert attempt(web, statement)[0] == REFUSED, statement


def test_of_people_the_web_sees_who_is_named_and_what_is_that_persons_own(owner: Engine, web: Engine) -> None:
    with owner.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO people (login, name, password_hash, made_at) VALUES"
            " ('ann', 'Ann', 'x', now()), ('bob', 'Bob', 'y', now())"
        )
        (ann, bob) = conn.exec_driver_sql("SELECT person_no FROM people ORDER BY login").scalars()
        conn.exec_driver_sql(
            "INSERT INTO person_sessions SELECT login::bytea, person_no, '', now(), now(), now() + '1 day' FROM people"
        )
    for statement in ("SELECT * FROM people", "SELECT * FROM person_sessions", "SELECT * FROM programs"):
        assert attempt(web, statement, None) == (None, 0, []), statement
    entered = f"SELECT set_config('distrib.person_no', '{ann}', true);"
    seen = "(SELECT string_agg(login, ',') FROM people), (SELECT count(*) FROM person_sessions)"
    with web.begin() as conn:
        conn.exec_driver_sql(entered)
        assert conn.exec_driver_sql(f"SELECT {seen}").one() == ("ann", 1)
        assert conn.exec_driver_sql("UPDATE people SET language = 'zh'").rowcount == 1
        assert (
            conn.exec_driver_sql(f"UPDATE person_sessions SET ended_at = now() WHERE person_no = {bob}").rowcount == 0
        )
    for statement in (
        "UPDATE people SET ended_at = now()",
        "UPDATE people SET login = 'eve'",
        "DELETE FROM people",
        "DELETE FROM person_sessions",
        "TRUNCATE person_sessions",
        f"INSERT INTO person_sessions VALUES ('c', {bob}, '', now(), now(), now())",
        f"INSERT INTO person_subjects (person_no, issuer, subject, bound_at) VALUES ({ann}, 'i', 's', now())",
    ):
        assert attempt(web, f"{entered} {statement}", None)[0] == REFUSED, statement


def test_the_web_draws_numbers_from_sequences_and_neither_reads_nor_sets_them(owner: Engine, web: Engine) -> None:
    with owner.begin() as conn:
        names = conn.execute(text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")).scalars().all()
    assert len(names) > 10
    for name in names:
        may_read = name in READ_SEQUENCES
        assert attempt(web, f"SELECT last_value FROM {name}")[0] == (None if may_read else REFUSED), name
        assert attempt(web, f"SELECT setval('{name}', 1)")[0] == REFUSED, name


def test_nothing_looks_past_the_policies_but_what_is_known_to(owner: Engine) -> None:
    with owner.begin() as conn:
        definers = conn.execute(
            text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")
        )
        assert set(definers.scalars()) == FIGURES_OF_ALL
        views = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
        as_caller = f"{views} AND 'security_invoker=true' = ANY(reloptions)"
        assert set(conn.execute(text(views)).scalars()) == set(conn.execute(text(as_caller)).scalars())
        others = "SELECT tablename, policyname FROM pg_policies WHERE policyname <> 'own_program'"
        assert {tuple(row) for row in conn.execute(text(others))} == BY_WHAT_IS_UNGUESSABLE | BY_PERSON
        without = "SELECT grantee FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC'"
        assert conn.execute(text(f"{without} AND table_schema = 'public'")).all() == []


def test_no_role_may_change_whose_a_row_is_or_what_finds_it(owner: Engine) -> None:
    may = text("SELECT has_column_privilege(:role, CAST(:name AS text), CAST(:column AS text), 'UPDATE')")
    with owner.begin() as conn:
        changeable = {
            (role, table.name, column)
            for role in (WEB_ROLE, WORKER_ROLE)
            for table in tables_of(conn)
            for column in (*table.key, *(["program_id"] if table.has_programs else []))
            if conn.execute(may, {"role": role, "name": table.name, "column": column}).scalar_one()
        }
    assert changeable == {(WORKER_ROLE, "customer_turns", "customer_id")}  # rows that drains lock and never change


def test_the_web_cannot_write_what_drains_and_periodic_jobs_alone_write(web: Engine, tables: list[Table]) -> None:
    of_the_worker = {"settlements", "refund_lines", "seals", "audits", "rank_evaluations", "event_outcomes", "programs"}
    for table in tables:
        if table.name in of_the_worker:
            assert attempt(web, table.insert(OURS, NEW))[0] == REFUSED, table.name


def test_a_role_of_the_service_makes_no_table_in_the_schema(web: Engine) -> None:
    assert attempt(web, "CREATE TABLE other (number integer)")[0] == REFUSED


def test_a_refusal_of_the_database_says_no_more_than_that(web: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, web.begin() as conn:
        conn.exec_driver_sql("TRUNCATE transfers")
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
