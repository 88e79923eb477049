"""A program may have a picture of its own behind its posters."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0036_poster_backgrounds.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
