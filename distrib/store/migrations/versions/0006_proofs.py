"""The chain over transfers, and the outbox of webhooks."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0006_proofs.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
