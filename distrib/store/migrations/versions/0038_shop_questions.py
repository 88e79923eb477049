"""Questions of shop owners about lines of their commissions, with answers."""

from pathlib import Path

from alembic import op

from distrib.store.database import driver

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Runs the SQL that stands beside the versions."""
    sql = (Path(__file__).parents[1] / "sql" / "0038_shop_questions.sql").read_text("utf-8")
    driver(op.get_bind()).execute(sql)
