"""What publishers see of how their posts do."""

from alembic import context

revision = "0010_analytics"
down_revision = "0009_sidechats"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
