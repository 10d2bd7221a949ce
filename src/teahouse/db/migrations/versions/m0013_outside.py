"""Followers by e-mail, mirrored feeds, imports."""

from alembic import context

revision = "0013_outside"
down_revision = "0012_moments"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
