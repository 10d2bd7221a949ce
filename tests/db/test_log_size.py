"""The write-ahead log of the embedded engine does not grow for ever where writers never rest."""

from __future__ import annotations

import asyncio

import pytest

from teahouse.db import sqlite
from teahouse.db.sqlite import Sqlite
from tests.databases import Place

WRITTEN = 600


async def write(database: Sqlite, first: int, count: int) -> None:
    """So many commits, one after the other without a pause."""
    for number in range(first, first + count):
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO aliases (alias, room_no, creator_no) VALUES (?, ?, 0)", f"{number} {'x' * 3_000}", number
            )


async def test_a_log_that_writers_let_grow_is_emptied_while_they_wait(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.file is None:
        pytest.skip("PostgreSQL looks after its own log")
    database = await Sqlite.open(place.file)
    log = place.file.with_name(f"{place.file.name}-wal")
    monkeypatch.setattr(sqlite, "CHECKPOINT_BYTES", 100_000)
    await write(database, 0, WRITTEN)
    grown = log.stat().st_size
    assert grown > sqlite.CHECKPOINT_BYTES
    monkeypatch.setattr(sqlite, "LOG_BYTES_MAX", 200_000)
    await asyncio.gather(write(database, WRITTEN, WRITTEN), write(database, 2 * WRITTEN, WRITTEN))
    if database._checkpointing is not None:
        await database._checkpointing
    await write(database, 3 * WRITTEN, 1)
    # At most what is written between two looks at it, every 256 commits.
    assert log.stat().st_size < grown
    rows = await database.fetch("SELECT count(*) FROM aliases")
    assert rows == [(3 * WRITTEN + 1,)]
    await database.close()
