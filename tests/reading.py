"""What an engine reads to answer, counted inside it: rows that a query passes over cost as much as those it returns.

SQLite: steps of its virtual machine, a few for each row or index entry that is visited. A bare `count(*)` of a whole
table is one step there however large the table; PostgreSQL, which runs the same statements, counts its rows.
PostgreSQL: rows read from tables from end to end, and entries read from indexes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from teahouse.db.postgres import Postgres
from teahouse.db.sqlite import Sqlite
from tests.databases import Engine

READ_BY_POSTGRES = (
    "SELECT CAST((SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables) "
    "+ (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes) AS BIGINT)"
)


@dataclass
class Meter:
    """`read` is right after the block."""

    read: int = 0


@asynccontextmanager
async def meter(engine: Engine) -> AsyncIterator[Meter]:
    """Count what an engine reads inside the block."""
    counted = Meter()
    async with _sqlite(engine, counted) if isinstance(engine, Sqlite) else _postgres(engine, counted):
        yield counted


@asynccontextmanager
async def _sqlite(engine: Sqlite, counted: Meter) -> AsyncIterator[None]:
    def step() -> int:
        counted.read += 1
        return 0  # go on

    connections = (engine._reader, engine._connection)
    for connection in connections:
        connection.set_progress_handler(step, 1)
    try:
        yield
    finally:
        for connection in connections:
            connection.set_progress_handler(None, 0)


@asynccontextmanager
async def _postgres(engine: Postgres, counted: Meter) -> AsyncIterator[None]:
    before = await _read_by_postgres(engine)
    yield
    counted.read = await _read_by_postgres(engine) - before


async def settle(engine: Engine) -> None:
    """Let PostgreSQL look at its tables, as its own housekeeping does there: without it its plans are guesses."""
    if isinstance(engine, Postgres):
        async with engine.transaction() as tx:
            await tx.execute("ANALYZE")


async def _read_by_postgres(engine: Postgres) -> int:
    """Everything read so far. Each connection hands in its counts when it is told to."""
    pool = engine._readers
    async with engine.transaction() as tx:
        await tx.execute("SELECT pg_stat_force_next_flush()")
    held = [await pool.acquire() for _ in range(pool.get_size())]
    try:
        for connection in held:
            await connection.execute("SELECT pg_stat_force_next_flush()")
        return int(await held[0].fetchval(READ_BY_POSTGRES))
    finally:
        for connection in held:
            await pool.release(connection)
