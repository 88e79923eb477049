"""The first schema: programs, shops, plans, inbox, ledger, roles."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0001_first.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
