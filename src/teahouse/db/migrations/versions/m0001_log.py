"""The event log."""

from alembic import context

revision = "0001_log"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
