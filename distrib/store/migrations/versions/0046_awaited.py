"""What waits for a fact is found by what it waits for."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0046_awaited.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
