"""Grams of listed rooms and their number."""

from alembic import context

revision = "0014_listing"
down_revision = "0013_outside"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
