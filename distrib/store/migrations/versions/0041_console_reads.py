"""Words of questions apart from the rows that stay; what pages of ranks, workers and the network read."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0041"
down_revision = "0038"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0041_console_reads.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
