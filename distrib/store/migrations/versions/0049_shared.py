"""What several nouns ask of the database is a function or a view of it."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0049_shared.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
