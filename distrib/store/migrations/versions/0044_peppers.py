"""Check values of the peppers that a database is served with."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0044_peppers.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
