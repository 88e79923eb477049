"""The day of payment on results, and what the bank returned."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0015"
down_revision = "0012"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0015_payout_returns.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
