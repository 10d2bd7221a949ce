"""Mail that waits to be sent."""

from alembic import context

revision = "0007_outbound"
down_revision = "0006_publishing"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
