"""Media."""

from alembic import context

revision = "0004_media"
down_revision = "0003_keys"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
