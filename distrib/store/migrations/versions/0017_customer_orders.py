"""The orders of customers by when they were paid, and who is worked on."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0017_customer_orders.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
