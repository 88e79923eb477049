"""Refunds undone, money given back beside all lines, payments that failed and came again."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0020_refunds_undone.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
