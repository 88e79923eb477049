"""The form in which the lines of a closed month were written."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0016_lines_form.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
