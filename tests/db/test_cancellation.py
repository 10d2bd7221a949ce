"""Callers that go away: a client hangs up, a task is cancelled, the server stops."""

import asyncio
import random
from contextlib import suppress

import pytest

from teahouse.db import Database
from teahouse.errors import Forbidden, Unavailable
from tests.databases import Engine, Place

SOON_S = 5.0


async def put(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)


async def names(database: Database) -> list[str]:
    return [row[0] for row in await database.fetch("SELECT name FROM settings ORDER BY name LIMIT 10000")]


async def test_a_body_cancelled_while_it_waits_keeps_nobody_waiting(database: Engine) -> None:
    entered = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            entered.set()
            await asyncio.sleep(0)
            await tx.execute("INSERT INTO settings (name, value) VALUES ('first', '')")
            # The second is cancelled in the moment in which this body hands its turn on.
            second.cancel()

    first = asyncio.create_task(slow())
    await entered.wait()
    second = asyncio.create_task(put(database, "second"))
    await asyncio.sleep(0)
    await asyncio.wait_for(first, SOON_S)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await names(database) == ["first"]
    await asyncio.wait_for(put(database, "third"), SOON_S)


async def test_a_body_cancelled_half_way_is_undone(database: Engine) -> None:
    entered = asyncio.Event()

    async def parked() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES ('a', '')")
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(parked())
    await entered.wait()
    neighbour = asyncio.create_task(put(database, "b"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(neighbour, SOON_S)
    assert await names(database) == ["b"]


async def test_one_who_goes_on_after_a_refusal_is_stopped_by_a_cancellation_that_came_with_it(database: Engine) -> None:
    """The event log goes on so: its stop at the end of the server must not be lost while a refusal is undone."""

    async def goes_on() -> None:
        with suppress(Forbidden):
            async with database.transaction() as tx:
                await tx.execute("INSERT INTO settings (name, value) VALUES ('refused', '')")
                asyncio.get_running_loop().call_soon(task.cancel)
                raise Forbidden("No.")
        await asyncio.Event().wait()

    task = asyncio.create_task(goes_on())
    done, _ = await asyncio.wait({task}, timeout=SOON_S)
    assert done == {task}
    assert task.cancelled()
    await asyncio.wait_for(put(database, "next"), SOON_S)
    assert await names(database) == ["next"]


async def test_a_caller_cancelled_during_the_commit_takes_nothing_along(database: Engine) -> None:
    seen: list[str] = []

    async def body(name: str) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)
            tx.on_commit(lambda: seen.append(name))

    tasks = [asyncio.create_task(body(name)) for name in "abc"]
    while database.commits == 0 and not seen:
        tasks[1].cancel()
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SOON_S)
    await asyncio.wait_for(put(database, "d"), SOON_S)
    # Cancelled before it began, or kept whole and its action run: never one without the other.
    assert sorted(seen) == [name for name in await names(database) if name != "d"]
    assert {"a", "c"} <= set(seen)


@pytest.mark.parametrize("seed", range(6))
async def test_the_writer_outlives_cancellations_at_any_moment(database: Engine, seed: int) -> None:
    dice = random.Random(seed)
    acknowledged: list[str] = []
    acted: list[str] = []

    async def body(name: str) -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO settings (name, value) VALUES (?, '')", name)
            await tx.fetch_one("SELECT value FROM settings WHERE name = ?", name)
            tx.on_commit(lambda: acted.append(name))
        acknowledged.append(name)

    tasks = []
    for number in range(60):
        tasks.append(asyncio.create_task(body(f"{number:03}")))
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        if dice.random() < 0.5:
            dice.choice(tasks).cancel()
        if dice.random() < 0.2:
            await asyncio.sleep(0.001)
            dice.choice(tasks).cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SOON_S)
    await asyncio.wait_for(put(database, "last"), SOON_S)
    stored = await names(database)
    assert database.failed is None
    assert sorted(acted) == [name for name in stored if name != "last"]
    assert set(acknowledged) <= set(stored)


async def test_closing_finishes_what_is_under_way_and_refuses_what_comes_after(place: Place) -> None:
    database = await place.open()
    entered = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            entered.set()
            for _ in range(5):
                await asyncio.sleep(0)
            await tx.execute("INSERT INTO settings (name, value) VALUES ('under way', '')")

    first = asyncio.create_task(slow())
    await entered.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    late = asyncio.create_task(put(database, "late"))
    await asyncio.wait_for(asyncio.gather(first, closing), SOON_S)
    with pytest.raises(Unavailable):
        await late
    again = await place.open()
    assert await names(again) == ["under way"]
    await again.close()
