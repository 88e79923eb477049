"""Caps of rules and what they need of the earner."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0002_rule_limits.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
