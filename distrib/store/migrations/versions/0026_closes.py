"""What a close worked out, kept for its confirmation, and up to which posting."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0026"
down_revision = "0023"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0026_closes.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
