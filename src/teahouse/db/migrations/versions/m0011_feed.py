"""Timelines, search and mentions."""

from alembic import context

revision = "0011_feed"
down_revision = "0010_analytics"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
