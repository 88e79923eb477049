"""Persons behind keys: owners and who made them, scopes, expiry, a second secret, approval; answers kept by actor."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0027_people.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
