"""The first schema: programs, shops, plans, inbox, ledger, roles."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    op.get_bind().exec_driver_sql((Path(__file__).parents[1] / "sql" / "0001_first.sql").read_text("utf-8"))
