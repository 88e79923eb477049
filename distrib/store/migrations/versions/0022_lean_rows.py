"""One index entry an order and shop, and months by period alone."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0022_lean_rows.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
