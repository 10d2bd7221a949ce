"""Publishing."""

from alembic import context

revision = "0006_publishing"
down_revision = "0005_contacts"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
