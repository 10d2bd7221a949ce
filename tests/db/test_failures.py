"""What happens when the disk is full, a commit's outcome is unknown, or another process has taken over."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from teahouse.db import Database
from teahouse.db.sqlite import Sqlite
from teahouse.errors import StorageFull, Unavailable
from tests.databases import Engine, Place

SOON_S = 5.0
BLOB = b"x" * 100_000


async def put(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        tx.positions()
        await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)


async def names(database: Database) -> list[str]:
    return [row[0] for row in await database.fetch("SELECT name FROM settings ORDER BY name LIMIT 10000")]


def at_commit(database: Engine, fault: Callable[[Callable[[], Any]], Any]) -> None:
    """Put a fault in the place of the commit verb; it is handed the real one."""
    connection = database._writer._connection
    real = connection.commit

    async def commit() -> None:
        connection.commit = real  # type: ignore[method-assign]
        await fault(real)

    connection.commit = commit  # type: ignore[method-assign]


async def fill(database: Engine) -> list[BaseException | None]:
    """Write until the disk is full, several at a time."""

    async def body(number: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", f"{number:03}")
            await tx.execute("INSERT INTO profiles (user_no, name, value) VALUES (?, 'p', ?)", number, BLOB)

    return await asyncio.gather(*(body(number) for number in range(60)), return_exceptions=True)


async def test_a_full_disk_refuses_writes_keeps_reads_and_recovers(place: Place) -> None:
    database = await place.open()
    if not isinstance(database, Sqlite):
        await database.close()
        pytest.skip("the disk of PostgreSQL is filled where the server is a process of its own")
    await put(database, "before")
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages + 200}")
    results = await fill(database)
    assert {type(result) for result in results} <= {type(None), StorageFull, Unavailable}
    assert any(isinstance(result, StorageFull) for result in results)
    kept = [f"{number:03}" for number, result in enumerate(results) if result is None]
    assert await names(database) == [*kept, "before"]
    assert database.failed is None
    database._connection.execute("PRAGMA max_page_count = 1000000")
    assert all(result is None for result in await fill(database) if not isinstance(result, sqlite3.IntegrityError))
    await database.close()
    again = await place.open()
    assert len(await names(again)) == 61
    await again.close()


async def test_a_disk_that_is_full_at_the_commit_refuses_the_whole_group_and_recovers(database: Engine) -> None:
    async def full(real: Callable[[], Any]) -> None:
        raise StorageFull("The disk is full.")

    at_commit(database, full)
    seen: list[int] = []

    async def body(number: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", str(number))
            tx.on_commit(lambda: seen.append(number))

    head = database.head
    results = await asyncio.gather(*(body(number) for number in range(5)), return_exceptions=True)
    refused = [number for number, result in enumerate(results) if isinstance(result, StorageFull)]
    assert refused
    assert await names(database) == [str(number) for number in range(5) if number not in refused]
    assert set(seen).isdisjoint(refused)
    assert head <= database.head
    assert database.failed is None
    await asyncio.wait_for(put(database, "after"), SOON_S)


@pytest.mark.parametrize("kept", [False, True], ids=["it was lost", "it was kept"])
async def test_a_commit_of_unknown_outcome_stops_the_writer_until_a_restart(place: Place, kept: bool) -> None:
    database = await place.open()
    await put(database, "before")

    async def lose_the_answer(real: Callable[[], Any]) -> None:
        if kept:
            await real()
        raise OSError("the connection went away")

    at_commit(database, lose_the_answer)
    seen: list[str] = []

    async def body() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES ('unknown', '')")
            tx.on_commit(lambda: seen.append("told"))

    with pytest.raises(Unavailable):
        await body()
    assert seen == []
    assert isinstance(database.failed, OSError)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(put(database, "after"), SOON_S)
    assert "before" in await names(database)
    await asyncio.wait_for(database.close(), SOON_S)
    again = await place.open()
    assert await names(again) == (["before", "unknown"] if kept else ["before"])
    await asyncio.wait_for(put(again, "after"), SOON_S)
    await again.close()


async def test_a_process_that_lost_its_shard_writes_nothing_more_and_blocks_nobody(place: Place) -> None:
    first = await place.open()
    await put(first, "first")
    second = await place.open()
    await asyncio.wait_for(put(second, "second"), SOON_S)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(put(first, "stale"), SOON_S)
    assert first.failed is not None
    with pytest.raises(Unavailable):
        await asyncio.wait_for(put(first, "stale again"), SOON_S)
    await asyncio.wait_for(put(second, "stale"), SOON_S)  # the very key the loser tried to write
    assert await names(second) == ["first", "second", "stale"]
    assert first.head < second.head
    await asyncio.wait_for(first.close(), SOON_S)
    await second.close()


async def test_an_action_that_fails_stops_the_writer_and_leaves_nobody_waiting(place: Place) -> None:
    database = await place.open()

    async def body(name: str, *, broken: bool) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)
            tx.on_commit((lambda: 1 / 0) if broken else (lambda: None))  # type: ignore[arg-type]

    tasks = [body("a", broken=False), body("b", broken=True), body("c", broken=False)]
    await asyncio.wait_for(asyncio.gather(*tasks), SOON_S)
    # All three are on disk, but what is in memory can no longer be trusted.
    assert isinstance(database.failed, ZeroDivisionError)
    with pytest.raises(Unavailable):
        await put(database, "d")
    await database.close()
    again = await place.open()
    assert await names(again) == ["a", "b", "c"]
    await again.close()


async def test_a_lost_connection_stops_the_writer(place: Place) -> None:
    if place.file is not None:
        pytest.skip("SQLite has no connection to lose")
    database = await place.open()
    await put(database, "before")
    other = await asyncpg.connect(place.url)
    writer = database._connection.get_server_pid()  # type: ignore[union-attr]

    async def body() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES ('lost', '')")
            await other.execute("SELECT pg_terminate_backend($1)", writer)
            await tx.execute("INSERT INTO settings (name, value) VALUES ('lost too', '')")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        await body()
    await other.close()
    assert database.failed is not None
    with pytest.raises(Unavailable):
        await asyncio.wait_for(put(database, "after"), SOON_S)
    assert await names(database) == ["before"]
    await asyncio.wait_for(database.close(), SOON_S)
    again = await place.open()
    await put(again, "after")
    assert await names(again) == ["after", "before"]
    await again.close()


async def test_a_postgresql_that_does_not_write_durably_is_refused(place: Place) -> None:
    if place.file is not None:
        pytest.skip("SQLite is set up by the connection itself")
    connection = await asyncpg.connect(place.url)
    await connection.execute(f"ALTER DATABASE {place.name} SET synchronous_commit = off")
    await connection.close()
    with pytest.raises(Unavailable, match=r"database\.url"):
        await place.open()
