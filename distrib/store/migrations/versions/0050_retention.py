"""How many shops stay active is kept of large programs."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0050_retention.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
