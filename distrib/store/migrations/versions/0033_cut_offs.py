"""A proposal to close a month may cut it off from what comes later."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0033_cut_offs.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
