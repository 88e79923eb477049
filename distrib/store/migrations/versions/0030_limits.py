"""What bounds the calls of a program and its keys, and the secrets by which posts of events are signed."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0030_limits.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
