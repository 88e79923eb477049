"""What later audits may rest upon, and requests for an audit of everything."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0023"
down_revision = "0020"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0023_audit_rest.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
