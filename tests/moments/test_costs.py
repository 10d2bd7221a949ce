"""Moments cost the same however many friends somebody has, and a feed the same however much others publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.counting import Cost
from tests.moments.town import MOMENT, befriend, feed, publish, room_of, show_to, texts, town
from tests.world import Person, World

MANY, FEW = 5_000, 10


async def crowd(tea: World, person: Person, count: int) -> None:
    """So many friends who are nobody else."""
    async with tea.app.database.transaction() as tx:
        numbers = [-number for number in range(1, count + 1)]
        await tx.execute_many(
            "INSERT INTO contacts (user_no, other_no, since_ms, remark) VALUES (?, ?, 0, '') ON CONFLICT DO NOTHING",
            [pair for number in numbers for pair in ((person.user_no, number), (number, person.user_no))],
        )


async def costs(tea: World, name: str, count: int) -> dict[str, Cost]:
    """What an author's deeds and a friend's take, with so many friends."""
    author, friend = await town(tea, f"author-{name}", f"friend-{name}")
    await crowd(tea, author, count)
    await tea.restart()
    found: dict[str, Cost] = {}
    await publish(author, "warm")
    first = await friend.sync()
    await tea.counted.settle()

    async def measured(deed: str, step: Awaitable[Any]) -> Any:
        async def work() -> Any:
            return await step

        found[deed], result = await tea.counted.taken(work)
        return result

    moment_id = await measured("publish", publish(author, "news", "all_but", friend))
    await measured("next sync", friend.sync(first["next_batch"]))
    await measured("widen", show_to(author, str(moment_id), "friends"))
    await measured("sync", friend.sync(first["next_batch"]))
    await measured("narrow", show_to(author, str(moment_id), "self"))
    await measured("delete", author.good("DELETE", MOMENT, momentId=str(moment_id)))
    room = await room_of(author)
    await measured("members", friend.good("GET", "/rooms/{roomId}/members", roomId=room))
    await measured("messages", friend.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=room))
    return found


async def test_everything_costs_the_same_for_ten_friends_and_for_thousands(tea: World) -> None:
    few, many = await costs(tea, "few", FEW), await costs(tea, "many", MANY)
    assert all(cost.like(many[deed]) for deed, cost in few.items()), (few, many)
    assert many["publish"].statements < 40
    assert max(cost.rows for cost in many.values()) < 60


async def test_publishing_wakes_waiting_friends_and_nobody_else(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    dave = await tea.person("dave")
    await befriend(tea, bob, dave)
    await publish(alice, "first", "self")  # the room is there, and nobody reads in it yet
    tokens = [(await person.sync())["next_batch"] for person in (bob, carol, dave)]

    async def waited(person: Person, token: str) -> list[str]:
        return texts(await person.sync(token, timeout=10_000), await room_of(alice))

    tasks = [
        asyncio.create_task(waited(*pair)) for pair in zip((bob, carol, dave), tokens, strict=True)
    ]  # fmt: skip
    while len(tea.app.waiters) < 3:
        await asyncio.sleep(0)
    await publish(alice, "news", "all_but", carol)
    done, _ = await asyncio.wait(tasks, timeout=2)
    assert done == {tasks[0]}
    tea.app.waiters.stop()
    assert [await task for task in tasks] == [["news"], [], []]


async def test_a_page_of_the_feed_looks_once_at_each_friend_and_not_at_what_strangers_publish(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    stranger = await tea.person("stranger")
    for number in range(3):
        await publish(bob, f"moment {number}")
    assert len(await feed(alice)) == 3

    async def page() -> Cost:
        await tea.counted.settle()
        return (await tea.counted.taken(lambda: feed(alice, limit=3)))[0]

    alone = await page()
    for _ in range(20):
        await publish(stranger)
    assert alone.like(await page())


@pytest.mark.long
async def test_the_feed_of_five_thousand_friends_is_read_in_pages(tea: World) -> None:
    """A page of 20 is found among five thousand authors by one look at each, in the database."""
    alice = await tea.person("alice")
    await crowd(tea, alice, MANY)
    async with tea.app.database.transaction() as tx:
        await tx.execute_many(
            "INSERT INTO moment_authors (author_no, room_no, standing) VALUES (?, ?, 20)",
            [(-number, -number) for number in range(1, MANY + 1)],
        )
        first = tx.positions(MANY * 20)
        await tx.execute_many(
            "INSERT INTO moments (pos, author_no, created_ms, scope, named, gone, gone_last, content) "
            "VALUES (?, ?, 0, 0, '[]', 0, 0, ?)",
            [(first + place, -(place % MANY) - 1, b'{"text":"x"}') for place in range(MANY * 20)],
        )
    before, started = tea.counted.cost, asyncio.get_running_loop().time()
    page = await tea.app.moments.moments.feed(alice.user_no, 1 << 62, 20)
    took_ms = (asyncio.get_running_loop().time() - started) * 1_000
    assert [moment.pos for moment in page.moments] == [first + MANY * 20 - 1 - place for place in range(20)]
    assert (tea.counted.cost - before).rows < 200
    print(f"a page of 20 of 5,000 friends: {took_ms:.0f} ms")
