"""The second engine: PostgreSQL through asyncpg, behind the same seam.

One connection writes, as in the embedded engine, so a body means the same on both; a pool reads.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncpg

from teahouse.db import NUL_REFUSED, Params, Row, Transaction
from teahouse.db.writer import Writer
from teahouse.errors import InvalidParam, StorageFull, Unavailable

READERS_MAX = 8  # connections that read at the same time
# Every statement reads by a key or up to a LIMIT, so a plan that goes through a table from end to end, or is worth
# compiling, follows from a wrong guess: statistics are missing for new tables and old for growing ones.
PLANNING = {"enable_seqscan": "off", "random_page_cost": "1.1", "jit": "off"}
_CHANGED = re.compile(r"(\d+)$")
_MARK = re.compile(r"'[^']*'|\?")


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """`?` to `$1`, `$2` …, leaving quoted text alone."""
    count = 0

    def number(match: re.Match[str]) -> str:
        nonlocal count
        if match[0] != "?":
            return match[0]
        count += 1
        return f"${count}"

    return _MARK.sub(number, sql)


def refusal(error: asyncpg.PostgresError) -> Exception:
    """`StorageFull` when the disk is to blame, `InvalidParam` when a text is, else the error itself."""
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull("The server's disk is full. Nothing was stored; try again later.")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return InvalidParam(NUL_REFUSED)
    return error


async def keep(connection: Any) -> None:
    """A reader's connection goes back as it is: reads change no session, and resetting one is a round trip for each."""


class WriterConnection:
    """The verbs of `writer.Connection` on one PostgreSQL connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        try:
            return [tuple(row) for row in await self._connection.fetch(numbered(sql), *params)]
        except asyncpg.PostgresError as error:
            raise refusal(error) from error

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        try:
            row = await self._connection.fetchrow(numbered(sql), *params)
        except asyncpg.PostgresError as error:
            raise refusal(error) from error
        return None if row is None else tuple(row)

    async def execute(self, sql: str, *params: Any) -> int:
        try:
            status = await self._connection.execute(numbered(sql), *params)
        except asyncpg.PostgresError as error:
            raise refusal(error) from error
        changed = _CHANGED.search(status)
        return int(changed[1]) if changed else 0

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            await self._connection.executemany(numbered(sql), rows)
        except asyncpg.PostgresError as error:
            raise refusal(error) from error

    async def begin(self) -> None:
        await self._steadily("BEGIN; SAVEPOINT body")

    async def savepoint(self) -> None:
        await self._steadily("SAVEPOINT body")

    async def release(self) -> None:
        await self._steadily("RELEASE body")

    async def undo(self) -> bool:
        if self._connection.is_closed():
            raise Unavailable("The connection to PostgreSQL is lost.")
        if not self._connection.is_in_transaction():
            return False
        await self._steadily("ROLLBACK TO body; RELEASE body")
        return True

    async def commit(self) -> None:
        try:
            await self._steadily("COMMIT")
        except asyncpg.PostgresError as error:
            raise refusal(error) from error

    async def rollback(self) -> None:
        if self._connection.is_in_transaction():
            await self._steadily("ROLLBACK")

    async def _steadily(self, sql: str) -> None:
        """Run a statement to its end: a cancellation meanwhile is raised after it, and never reaches the server."""
        running = asyncio.get_running_loop().create_task(self._connection.execute(sql))
        cancelled = None
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError as error:
                cancelled = error
        running.result()
        if cancelled is not None:
            raise cancelled


class Postgres:
    """`Database` on a PostgreSQL server. Its schema must be there already (`migrate`)."""

    def __init__(self, writer: Writer, connection: asyncpg.Connection, readers: asyncpg.Pool, epoch: int) -> None:
        self._writer = writer
        self._connection = connection
        self._readers = readers
        self.epoch = epoch

    @classmethod
    async def open(cls, url: str) -> Postgres:
        """Connect and take over the shard: a fence one higher than any before."""
        connection = await asyncpg.connect(url, server_settings=PLANNING)
        if await connection.fetchval("SHOW fsync") != "on" or await connection.fetchval("SHOW synchronous_commit") in (
            "off",
            "local",
        ):
            await connection.close()
            raise Unavailable("database.url: PostgreSQL must run with fsync and synchronous_commit on.")
        shard = await connection.fetchrow(
            "UPDATE shards SET fence = fence + 1 WHERE shard = 0 RETURNING fence, next_pos"
        )
        assert shard is not None
        fence, next_pos = shard
        epoch = await connection.fetchval("SELECT max(epoch) FROM epochs")
        readers = await asyncpg.create_pool(url, min_size=1, max_size=READERS_MAX, server_settings=PLANNING, reset=keep)
        return cls(Writer(WriterConnection(connection), 0, fence, next_pos), connection, readers, epoch)

    @property
    def head(self) -> int:
        return self._writer.head

    @property
    def failed(self) -> BaseException | None:
        """Why the writer stopped, or None while it runs."""
        return self._writer.failed

    @property
    def commits(self) -> int:
        """Commits since the start."""
        return self._writer.commits

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        try:
            return [tuple(row) for row in await self._readers.fetch(numbered(sql), *params)]
        except asyncpg.PostgresError as error:
            raise refusal(error) from error

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        try:
            row = await self._readers.fetchrow(numbered(sql), *params)
        except asyncpg.PostgresError as error:
            raise refusal(error) from error
        return None if row is None else tuple(row)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        return self._writer.transaction()

    async def scrub(self) -> bool:
        """Nothing to do here: when deleted rows leave pages and logs is for PostgreSQL's vacuum and the archive."""
        return True

    async def durability(self) -> dict[str, str]:
        """The settings in force, read back from the writer's connection."""
        return {
            "engine": "postgresql",
            "fsync": await self._connection.fetchval("SHOW fsync"),
            "synchronous_commit": await self._connection.fetchval("SHOW synchronous_commit"),
        }

    async def close(self) -> None:
        await self._writer.close()
        await self._readers.close()
        await self._connection.close()


async def copy_out(url: str, folder: Path) -> None:
    """Write every table into a file of its own, all as of one moment."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for table in await tables_of(connection):
                await connection.copy_from_table(table, output=folder / f"{table}.copy", format="binary")
    finally:
        await connection.close()


async def copy_in(url: str, folder: Path, then: Sequence[str]) -> None:
    """Fill the tables of a database at this schema from their files, and run some statements; all or nothing."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for table in await tables_of(connection):
                await connection.execute(f"DELETE FROM {table}")
                await connection.copy_to_table(table, source=folder / f"{table}.copy", format="binary")
            for statement in then:
                await connection.execute(statement)
    finally:
        await connection.close()


async def tables_of(connection: Any) -> list[str]:
    """The tables of the schema."""
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [row[0] for row in rows]


class PostgresReader:
    """Reads over a connection of its own, for work that takes long."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> PostgresReader:
        """Connect."""
        return cls(await asyncpg.connect(url))

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        return [tuple(row) for row in await self._connection.fetch(numbered(sql), *params)]

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        row = await self._connection.fetchrow(numbered(sql), *params)
        return None if row is None else tuple(row)

    async def close(self) -> None:
        await self._connection.close()
