"""Chosen shops and parts of balances in a batch, withdrawals that shops ask for, closing payments."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0018_withdrawals.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
