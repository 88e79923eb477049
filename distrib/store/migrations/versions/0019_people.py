"""Customers, and shops, that are one person."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0019_people.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
