"""Contacts and greetings."""

from alembic import context

revision = "0005_contacts"
down_revision = "0004_media"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
