"""An upgrade without a halt: the build before serves while the schema is migrated, and nothing it rests on goes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from distrib.domain.errors import CannotStart
from distrib.store import migrate
from distrib.store.database import WEB_ROLE, open_engine
from tests.world import audited
from tests.world.documents import line, settled
from tests.world.earlier import earlier_build, unpack
from tests.world.live import Client, free_port
from tests.world.served import RUN, Served, served

OPENING = """
import sys
from click.testing import CliRunner
from distrib.cli import cli
for words in (
    "program create tea --currency CNY --time-zone Asia/Shanghai --policy open",
    "plan publish plan.json --effective-from 2020-01-01T00:00:00Z --signed-off-by A",
    "key create --role admin",
):
    done = CliRunner().invoke(cli, words.split())
    assert done.exit_code == 0, done.output
print(done.stdout.splitlines()[-1])
"""
PLAN = '{"code": "p", "currency": "CNY", "policy": "open", "rules": [{"id": "s", "pay": "seller", "rate": "0.10"}]}'
# What statements of the build before may name or rest on, and what could refuse their rows.
_RELIED_ON = {
    "columns": """
        SELECT c.relname || '.' || a.attname,
               concat(format_type(a.atttypid, a.atttypmod), a.attgenerated, a.attidentity)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
          AND NOT a.attisdropped""",
    "functions": """
        SELECT oid::regprocedure::text, prorettype::regtype::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace""",
    "grants": """
        SELECT concat_ws(' ', grantee, privilege_type, table_name, column_name), ''
        FROM information_schema.column_privileges
        WHERE table_schema = 'public' AND grantee IN ('distrib_web', 'distrib_worker')""",
}
_REFUSING = {
    "columns that have to be given": """
        SELECT c.relname, c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
          AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''""",
    "constraints": """
        SELECT c.relname, concat_ws(' ', c.relname, pg_get_constraintdef(k.oid)) FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('c', 'f', 'u', 'x')""",
    "unique indexes": """
        SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique""",
    "triggers that refuse": """
        SELECT c.relname, concat_ws(' ', c.relname, t.tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'public'::regnamespace AND t.tgname = 'only_grows'""",
}


def relied_on(url: str) -> Mapping[str, Mapping[str, str]]:
    """What stands in the catalogue that statements may name, by kind."""
    return {kind: {row[0]: row[1] for row in rows} for kind, rows in asked(url, _RELIED_ON).items()}


def refusing(url: str) -> Mapping[str, set[tuple[str, str]]]:
    """What may refuse a row, by kind, each with its table."""
    return {kind: {(row[0], row[1]) for row in rows} for kind, rows in asked(url, _REFUSING).items()}


def asked(url: str, questions: Mapping[str, str]) -> dict[str, Any]:
    with closing(create_engine(url, poolclass=NullPool).connect()) as conn:
        return {kind: conn.execute(text(words)).all() for kind, words in questions.items()}


@contextmanager
def sales(service: Served, key: str, series: str) -> Iterator[list[str]]:
    """Somebody sells without a pause while the block lasts; the orders that were accepted."""
    sold: list[str] = []
    is_over = threading.Event()

    def sell() -> None:
        while not is_over.is_set() or not sold:
            order = f"{series}-{len(sold)}"
            service.post(key, [settled(f"e-{order}", order, "s", line(1_000))])
            sold.append(order)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield sold
    finally:
        is_over.set()
        seller.join()


def test_the_build_before_serves_while_the_schema_is_migrated_and_after(reachable_path: Path) -> None:
    commit = earlier_build()
    assert commit is not None
    tree, var_dir = reachable_path / "tree", reachable_path / "var"
    unpack(commit, tree)
    environment = {**os.environ, "DISTRIB_VAR_DIR": str(var_dir)}
    with served(var_dir, free_port(), tree) as service:
        url = str(service.settings.database_url)
        (reachable_path / "plan.json").write_text(PLAN)
        key = output_of(OPENING, environment | {"PYTHONPATH": str(tree)}, reachable_path)
        service.call_until_done(key, "POST", "/v1/shops", {"id": "s", "joined_at": "2020-01-01T00:00:00Z"})
        relied, refused = relied_on(url), refusing(url)
        engine = open_engine(url, WEB_ROLE)
        with pytest.raises(CannotStart, match="this release needs"):
            migrate.must_be_served(engine)
        with sales(service, key, "meanwhile") as sold:
            said = output_of(RUN, environment, reachable_path, "migrate")
        assert migrate.newest_revision() in said
        migrate.must_be_served(engine)
        engine.dispose()
        with sales(service, key, "after") as sold_after:
            pass
        service.wait_for_events(key)
        balance = service.call_until_done(key, "GET", "/v1/shops/s/balance")
        assert balance["held_minor"] + balance["available_minor"] == 100 * (len(sold) + len(sold_after))
        assert Client(service.port, key).call("GET", "/readyz").status == 200
        assert not [status for status in service.statuses if status >= 500 and status != 503]
        assert lost(relied, relied_on(url)) == []
        assert stricter(refused, refusing(url), {name.partition(".")[0] for name in relied["columns"]}) == []
        audited.audit_all(url)


def output_of(code: str, environment: Mapping[str, str], directory: Path, *words: str) -> str:
    """What Python prints of a piece of code, which has to end well."""
    command = [sys.executable, "-P", "-c", code, *words]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def lost(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What was there before and is not, or is something else."""
    return sorted(
        f"{kind}: {name}" for kind, names in before.items() for name in names if after[kind].get(name) != names[name]
    )


def stricter(
    before: Mapping[str, set[tuple[str, str]]], after: Mapping[str, set[tuple[str, str]]], tables: set[str]
) -> list[str]:
    """What refuses rows of tables that were there before, and did not then."""
    return sorted(
        f"{kind}: {name}" for kind, rows in after.items() for table, name in rows - before[kind] if table in tables
    )
