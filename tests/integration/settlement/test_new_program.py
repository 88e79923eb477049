"""A program that the statistics do not know yet is settled as one that they know: counted by the rows that are read."""

from sqlalchemy import Connection, text

from distrib.bootstrap import Container
from distrib.cli.bench.limits.rows import vacuum
from distrib.cli.bench.world import World as Bench
from distrib.cli.bench.world import fill_inbox, open_program, register
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.settlement.drain import drain_batch
from tests.world.world import World

BATCH = 50
SOLD = Bench(200, 1_000)

_ROWS_READ = text("SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables")


def test_the_first_batches_of_a_new_program_read_no_more_rows_than_those_of_the_first(world: World) -> None:
    known = _filled(world.container, "known")
    vacuum(world.container.database_url)
    read_by_known = [_rows_read_by_a_batch(world.container, known) for _ in range(4)]
    vacuum(world.container.database_url)
    new = _filled(world.container, "new")
    read_by_new = [_rows_read_by_a_batch(world.container, new) for _ in range(4)]
    assert max(read_by_new) <= 1.2 * max(read_by_known), f"{read_by_new} against {read_by_known}"


def _filled(container: Container, code: str) -> Program:
    program = open_program(container, code)
    with container.begin() as conn:
        _keep_statistics(conn)
    register(container, program, SOLD)
    fill_inbox(container, program, SOLD)
    return program


def _keep_statistics(conn: Connection) -> None:
    """Leaves the statistics to this test alone, in every table."""
    conn.execute(text("RESET ROLE"))
    tables = conn.scalars(
        text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
    )
    for table in list(tables):
        conn.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))


def _rows_read_by_a_batch(container: Container, program: Program) -> int:
    with container.begin() as conn:
        before = conn.execute(_ROWS_READ).scalar_one()
        assert (
            drain_batch(Unit(conn, program, COMMAND_LINE, container.now()), container.policies, BATCH).orders == BATCH
        )
        return int(conn.execute(_ROWS_READ).scalar_one()) - int(before)
