"""Shops of a level are counted from an index alone."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0048_levels.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
