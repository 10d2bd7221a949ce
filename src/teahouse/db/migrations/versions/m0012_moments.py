"""Moments."""

from alembic import context

revision = "0012_moments"
down_revision = "0011_feed"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
