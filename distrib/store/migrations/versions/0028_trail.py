"""Who changed or read what: a trail that only grows."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0028_trail.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
