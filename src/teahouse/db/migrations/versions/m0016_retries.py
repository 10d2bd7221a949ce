"""Drafts made by a request that may come again, topics that were taken back."""

from alembic import context

revision = "0016_retries"
down_revision = "0014_listing"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
