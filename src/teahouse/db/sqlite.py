"""The embedded engine: one file in WAL mode, one writer, reads beside it.

Statements run on the event loop's own thread: a point read costs microseconds, a hop to another thread ten times
that. Only what waits for the disk (commit, checkpoint, backup) runs in a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from teahouse.db import Params, Row, Transaction, check_texts
from teahouse.db.writer import Writer
from teahouse.errors import StorageFull

CACHE_KIB = 65_536  # page cache of each connection, KiB
CHECKPOINT_BYTES = 16 * 1024 * 1024  # size of the write-ahead log that starts a checkpoint
LOG_BYTES_MAX = 8 * CHECKPOINT_BYTES  # size at which writers wait until all of the log is in the file
SCRUB_WAIT_MS = 100  # how long writers are kept out for a reader to finish
BUSY_TIMEOUT_S = 10.0  # how long a statement waits for another process's lock (backup, verify)
STATEMENTS_CACHED = 512  # prepared statements kept by each connection
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def connect(path: Path, *, query_only: bool = False) -> sqlite3.Connection:
    """A connection set up as every connection of the server is."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_CACHED
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # an acknowledged write survives power loss
        "wal_autocheckpoint = 0",  # checkpoints run in their own thread, never inside a commit
        "secure_delete = ON",  # erased content is overwritten, not just unlinked
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
        f"query_only = {'ON' if query_only else 'OFF'}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def checked(params: Params) -> Params:
    """Parameters as they are; raises InvalidParam for a text that PostgreSQL would not hold."""
    check_texts(params)
    return params


def refusal(error: sqlite3.OperationalError) -> Exception:
    """`StorageFull` when the disk is to blame, else the error itself."""
    if error.sqlite_errorcode & 0xFF in FULL:
        return StorageFull("The server's disk is full. Nothing was stored; try again later.")
    return error


class WriterConnection:
    """The verbs of `writer.Connection` on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        return self._run(sql, params).fetchall()

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        row: Row | None = self._run(sql, params).fetchone()
        return row

    async def execute(self, sql: str, *params: Any) -> int:
        return self._run(sql, params).rowcount

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            self._connection.executemany(sql, map(checked, rows))
        except sqlite3.OperationalError as error:
            raise refusal(error) from error

    async def begin(self) -> None:
        self._run("BEGIN IMMEDIATE")
        self._run("SAVEPOINT body")

    async def savepoint(self) -> None:
        self._run("SAVEPOINT body")

    async def release(self) -> None:
        self._run("RELEASE body")

    async def undo(self) -> bool:
        if not self._connection.in_transaction:  # SQLite gives up the whole transaction when the disk is full
            return False
        self._connection.execute("ROLLBACK TO body")
        self._connection.execute("RELEASE body")
        return True

    async def commit(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.execute, "COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise refusal(error) from error
            raise

    async def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _run(self, sql: str, params: Params = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, checked(params))
        except sqlite3.OperationalError as error:
            raise refusal(error) from error


class Sqlite:
    """`Database` on a file. Its schema must be there already (`migrate`)."""

    def __init__(self, path: Path, writer: Writer, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._writer = writer
        self._connection = connection
        self._thread = thread
        self._reader = connect(path, query_only=True)
        self._checkpointer = ThreadPoolExecutor(1, "checkpoint")
        self._checkpointing: asyncio.Task[None] | None = None
        self.epoch = epoch_of(connection)

    @classmethod
    async def open(cls, path: Path) -> Sqlite:
        """Open the file and take over its shard: a fence one higher than any before."""
        connection = connect(path)
        connection.execute("UPDATE shards SET fence = fence + 1 WHERE shard = 0")
        fence, next_pos = connection.execute("SELECT fence, next_pos FROM shards WHERE shard = 0").fetchone()
        thread = ThreadPoolExecutor(1, "commit")
        return cls(path, Writer(WriterConnection(connection, thread), 0, fence, next_pos), connection, thread)

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
        return self._reader.execute(sql, checked(params)).fetchall()

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        row: Row | None = self._reader.execute(sql, checked(params)).fetchone()
        return row

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        self._checkpoint_when_due()
        return self._writer.transaction()

    async def scrub(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted. False when a long reader is in the way."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._checkpointer, self._checkpoint_now)  # most of the work, while others write
        async with self._writer.pause():
            return await loop.run_in_executor(self._checkpointer, self._truncate)

    async def durability(self) -> dict[str, str]:
        """The settings in force, read back from the writer's connection."""
        names = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
        synchronous = self._connection.execute("PRAGMA synchronous").fetchone()[0]
        journal = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        return {"engine": "sqlite", "journal_mode": journal, "synchronous": names[synchronous]}

    async def backup(self, target: Path) -> None:
        """Copy the whole database to `target` while it is in use; the copy is one moment's state."""
        await asyncio.get_running_loop().run_in_executor(self._checkpointer, self._copy, target)

    async def close(self) -> None:
        await self._writer.close()
        if self._checkpointing is not None:
            await self._checkpointing
        self._thread.shutdown()
        self._checkpointer.shutdown()
        self._reader.close()
        if self._connection.in_transaction:  # a commit of unknown outcome: the next start finds out
            self._connection.execute("ROLLBACK")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _copy(self, target: Path) -> None:
        source = connect(self._path)  # VACUUM INTO counts as writing, though not to the source
        try:
            source.execute("VACUUM INTO ?", (str(target),))
        finally:
            source.close()

    def _checkpoint_when_due(self) -> None:
        if self._writer.commits % 256 or (self._checkpointing is not None and not self._checkpointing.done()):
            return
        if self._log_bytes() >= CHECKPOINT_BYTES:
            self._checkpointing = asyncio.get_running_loop().create_task(self._checkpoint())

    async def _checkpoint(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._checkpointer, self._checkpoint_now)
        # The log begins anew only when no writer added to it meanwhile: where they never rest it would grow for ever.
        if self._log_bytes() >= LOG_BYTES_MAX:
            await self.scrub()

    def _log_bytes(self) -> int:
        log = self._path.with_name(self._path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _truncate(self) -> bool:
        connection = connect(self._path)
        try:
            connection.execute(f"PRAGMA busy_timeout = {SCRUB_WAIT_MS}")
            busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not isinstance(refusal(error), StorageFull):
                raise
            return False
        finally:
            connection.close()
        return not busy

    def _checkpoint_now(self) -> None:
        connection = connect(self._path)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.OperationalError as error:
            if not isinstance(refusal(error), StorageFull):
                raise
        finally:
            connection.close()


def epoch_of(connection: sqlite3.Connection) -> int:
    """The newest epoch of the stored log."""
    epoch: int = connection.execute("SELECT max(epoch) FROM epochs").fetchone()[0]
    return epoch


class SqliteReader:
    """Reads of a database file apart from the server's own connections, for work that takes long."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, query_only=True)

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    async def close(self) -> None:
        self._connection.close()
