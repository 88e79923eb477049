"""Shops can be listed and searched."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0034_lists.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
