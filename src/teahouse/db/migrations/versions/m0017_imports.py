"""Imports as jobs; edited entries of mirrored feeds."""

from alembic import context

revision = "0017_imports"
down_revision = "0016_retries"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    context.config.attributes["run"](revision)
