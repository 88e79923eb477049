"""Where the rows of a page lie, and the totals that are kept beside the rows."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0021_pages.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
