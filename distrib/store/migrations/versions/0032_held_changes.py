"""Changes of where money goes wait, or take a second person."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0032"
down_revision = "0030"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0032_held_changes.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
