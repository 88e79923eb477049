"""Snapshots of orders with names and a version."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0012_snapshots.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
