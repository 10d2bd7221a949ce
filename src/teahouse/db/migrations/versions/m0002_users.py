"""Accounts."""

from alembic import context

revision = "0002_users"
down_revision = "0001_log"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
