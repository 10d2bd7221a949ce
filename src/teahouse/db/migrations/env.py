"""Run by Alembic: hands each revision the connection and the way to run its SQL, which `db/migrate.py` brings."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
