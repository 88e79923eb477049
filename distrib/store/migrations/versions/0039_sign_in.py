"""Links for a lost password, persons at a provider of OpenID Connect, and by what a session was begun."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0039_sign_in.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
