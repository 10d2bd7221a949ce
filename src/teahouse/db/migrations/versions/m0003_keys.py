"""Device keys and messages between devices."""

from alembic import context

revision = "0003_keys"
down_revision = "0002_users"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
