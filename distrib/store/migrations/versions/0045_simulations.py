"""What other plans would have paid: simulations, how far they are, what they came to, and their orders."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0045_simulations.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
