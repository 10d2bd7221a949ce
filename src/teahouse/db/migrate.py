"""Bringing a database to the schema of this version: numbered SQL files, applied once, forwards only.

Alembic applies and records them. It is imported only when something is missing, because most starts find nothing to do.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from teahouse.db.sqlite import connect
from teahouse.errors import Conflict

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).with_name("migrations")
SQLITE_WORDS = {
    "{key}": "INTEGER PRIMARY KEY", "{bytes}": "BLOB", "{clustered}": " WITHOUT ROWID", "{code}": "unicode",
}  # fmt: skip
POSTGRES_WORDS = {"{key}": "BIGINT PRIMARY KEY", "{bytes}": "BYTEA", "{clustered}": "", "{code}": "ascii"}
NEWEST = "head"  # Alembic's word for the last migration there is
STORED = "SELECT version_num FROM alembic_version"


def versions() -> list[str]:
    """The names of all migrations, oldest first."""
    return sorted(path.stem for path in MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def statements(version: str, words: dict[str, str]) -> list[str]:
    """The statements of one migration, in the words of an engine."""
    text = (MIGRATIONS / f"{version}.sql").read_text()
    lines = [line.split("--")[0].rstrip() for line in text.splitlines()]
    joined = "\n".join(line for line in lines if line)
    for word, meaning in words.items():
        joined = joined.replace(word, meaning)
    return [statement.strip() for statement in joined.split(";\n") if statement.strip(" ;\n")]


def migrate_sqlite(path: Path) -> str | None:
    """Create or upgrade a SQLite database; the path of the copy made before an upgrade, or None."""
    connection = connect(path)
    try:
        stored = stored_in_sqlite(connection)
    finally:
        connection.close()
    if is_current(stored):
        return None
    copy = None
    if stored is not None:
        copy = path.with_name(f"{path.name}.before-{versions()[-1]}-{int(time.time())}")
        copy_sqlite(path, copy)
    upgrade_sqlite(path)
    return None if copy is None else str(copy)


async def migrate_postgres(url: str) -> None:
    """Create or upgrade the schema in a PostgreSQL database. Copying it before an upgrade is the operator's part."""
    if not is_current(await stored_in_postgres(url)):
        await upgrade_postgres(url)


def is_current(stored: str | None) -> bool:
    """Whether a stored version is this program's; raises Conflict for one that is newer."""
    known = versions()
    if stored is not None and stored not in known:
        raise Conflict(
            f"The database is of a newer version ({stored}) than this program knows ({known[-1]}). "
            "Install the newer program, or restore the copy made before the upgrade."
        )
    return stored == known[-1]


def stored_in_sqlite(connection: sqlite3.Connection) -> str | None:
    """The version a SQLite database is at; None for an empty one."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute(STORED).fetchone() if known else None
    return None if row is None else str(row[0])


async def stored_in_postgres(url: str) -> str | None:
    """The version a PostgreSQL database is at; None for an empty one."""
    connection = await asyncpg.connect(url)
    try:
        known = await connection.fetchval("SELECT to_regclass('alembic_version')")
        return None if known is None else str(await connection.fetchval(STORED))
    finally:
        await connection.close()


def copy_sqlite(path: Path, copy: Path) -> None:
    """A copy of the whole database, on the disk when this returns."""
    connection = connect(path)
    try:
        connection.execute("VACUUM INTO ?", (str(copy),))
    finally:
        connection.close()
    descriptor = os.open(copy, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def upgrade_sqlite(path: Path, upto: str = NEWEST) -> None:
    """Apply what is missing in one transaction: a crash half way leaves the old schema."""
    from sqlalchemy import create_engine, event

    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def plain(connection: Any, record: Any) -> None:
        # The driver must not begin and commit by itself: it would do so around each CREATE.
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")

    with engine.begin() as connection:
        apply(connection, SQLITE_WORDS, upto)
    engine.dispose()


async def upgrade_postgres(url: str, upto: str = NEWEST) -> None:
    """Apply what is missing in one transaction."""
    from sqlalchemy.ext.asyncio import create_async_engine

    scheme, _, rest = url.partition("://")
    assert scheme in ("postgres", "postgresql"), "config checks the URL"
    engine = create_async_engine(f"postgresql+asyncpg://{rest}")
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: apply(sync, POSTGRES_WORDS, upto))
    await engine.dispose()


def apply(connection: Connection, words: dict[str, str], upto: str) -> None:
    """Run the missing migrations up to one and record them, inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    config.attributes["run"] = lambda version: run(connection, version, words)
    command.upgrade(config, upto)


def run(connection: Connection, version: str, words: dict[str, str]) -> None:
    """Run the statements of one migration."""
    for statement in statements(version, words):
        connection.exec_driver_sql(statement)
