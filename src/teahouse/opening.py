"""The database of a configuration: opened at this version's schema, and known by its server's name."""

from __future__ import annotations

import logging
from typing import Protocol

from teahouse.config import Config
from teahouse.db import Database
from teahouse.db.migrate import migrate_postgres, migrate_sqlite
from teahouse.db.postgres import Postgres
from teahouse.db.sqlite import Sqlite
from teahouse.errors import Conflict

DATABASE_FILE = "teahouse.db"

log = logging.getLogger("teahouse")


class Engine(Database, Protocol):
    """A database as the process that owns it sees it."""

    @property
    def failed(self) -> BaseException | None: ...

    async def durability(self) -> dict[str, str]: ...

    async def scrub(self) -> bool: ...


async def open_database(config: Config) -> Engine:
    """The database of a configuration, at this version's schema."""
    if config.database.url:
        await migrate_postgres(config.database.url)
        return await Postgres.open(config.database.url)
    path = config.data_dir / DATABASE_FILE
    copy = migrate_sqlite(path)
    if copy is not None:
        log.info("The database was upgraded; a copy of it as it was is in %s", copy)
    return await Sqlite.open(path)


async def settle_name(database: Database, config: Config) -> None:
    """Fix the server's name at the first start; raises Conflict when it is another one later."""
    row = await database.fetch_one("SELECT value FROM settings WHERE name = 'server_name'")
    if row is None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES ('server_name', ?)", config.server_name)
    elif row[0] != config.server_name:
        raise Conflict(
            f"server_name: this data belongs to {row[0]}, not {config.server_name}. "
            "A server's name is part of every user id and cannot change."
        )
