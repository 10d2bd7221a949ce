"""Side chats and the shared inbox."""

from alembic import context

revision = "0009_sidechats"
down_revision = "0008_badges"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
