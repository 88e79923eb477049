"""How far a simulation was is kept when it ends."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0052_simulations_progress.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
