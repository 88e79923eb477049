"""Sessions of shop owners, what waits for a person, visits of invite links."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0035_feeds.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
