"""Figures for who watches the service, how long batches took, and under which trace an order was queued."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0043_watching.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
