"""What was taken back, pooled or adjusted is found by its cause, whoever earned it."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0047_taken_back.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
