"""People who sign in, their sessions, and their seats in programs."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0037_seats.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
