"""Expected commissions, cancels and groups."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0003_order_life.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
