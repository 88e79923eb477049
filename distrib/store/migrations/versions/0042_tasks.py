"""Long calls that workers make in the name of who asked, with their files."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0042"
down_revision = "0038"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0042_tasks.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
