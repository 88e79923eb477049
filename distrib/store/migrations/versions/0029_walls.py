"""Programs under row security, grants by column, and figures over all programs for a web that sees one."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0029_walls.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
