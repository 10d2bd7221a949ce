"""Verified badges."""

from alembic import context

revision = "0008_badges"
down_revision = "0007_outbound"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
