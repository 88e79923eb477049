"""Lines that lead to their causes, and payees known again by a keyed hash."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0017"
down_revision = "0012"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0017_causes.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
