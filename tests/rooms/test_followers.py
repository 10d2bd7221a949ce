"""A room with a hundred thousand readers who are not members passes every door, at the cost of a small one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import ManualClock
from tests.counting import Cost
from tests.databases import Place
from tests.rooms.doors import DOORS, Visit
from tests.rooms.followers import TABLES, channel, follow, unfollow, with_followers
from tests.world import Person, World

MANY, FEW = 100_000, 10


@pytest.fixture
async def press(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server that knows followers besides members."""
    database = await place.open()
    async with database.transaction() as tx:
        for statement in TABLES:
            await tx.execute(statement)
    await database.close()
    world = World(place, clock, tmp_path / "data")
    world.alter = with_followers
    await world.start()
    yield world
    await world.stop()


async def test_a_follower_syncs_the_room_as_one_who_is_alone_there_with_a_number(press: World) -> None:
    owner, reader = await press.person("owner"), await press.person("reader")
    room = await channel(press, owner, MANY)
    post = await owner.say(room, "first post")
    since = (await reader.sync())["next_batch"]
    await follow(reader, room)
    for answer in (await reader.sync(), await reader.sync(since)):
        section = answer["rooms"]["join"][room]
        assert section["summary"]["m.joined_member_count"] == MANY + 2
        assert section["timeline"]["events"][-1]["event_id"] == post
        events = [*section["state"]["events"], *section["timeline"]["events"]]
        members = {event["state_key"] for event in events if event["type"] == "m.room.member"}
        assert members <= {owner.user_id, reader.user_id}
    waiting = asyncio.create_task(reader.sync(answer["next_batch"], timeout=10_000))
    await asyncio.sleep(0)
    later = await owner.say(room, "second post")
    answer = await waiting
    assert [event["event_id"] for event in answer["rooms"]["join"][room]["timeline"]["events"]] == [later]
    assert answer["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 1


async def test_one_who_follows_no_more_leaves_and_reads_nothing_newer(press: World) -> None:
    owner, reader = await press.person("owner"), await press.person("reader")
    room = await channel(press, owner, FEW)
    await follow(reader, room)
    seen = await owner.say(room, "seen")
    since = (await reader.sync())["next_batch"]
    await unfollow(reader, room)
    unseen = await owner.say(room, "unseen")
    left = await reader.sync(since)
    assert room in left["rooms"]["leave"]
    assert unseen not in json.dumps(left)
    assert "rooms" not in await reader.sync(left["next_batch"])
    path = {"roomId": room, "eventId": unseen}
    assert (await reader.ask("GET", "/rooms/{roomId}/event/{eventId}", **path)).status == 404
    assert (await reader.ask("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=seen)).status == 200
    await press.restart()
    assert room in (await reader.sync(since))["rooms"]["leave"]


async def test_followers_read_and_do_not_write(press: World) -> None:
    owner, reader = await press.person("owner"), await press.person("reader")
    room = await channel(press, owner, FEW)
    await follow(reader, room)
    body = {"msgtype": "m.text", "body": "me too"}
    answer = await reader.ask("PUT", "/rooms/{roomId}/send/m.room.message/1", body, roomId=room)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")


async def test_no_door_names_another_follower_and_strangers_read_nothing(press: World) -> None:
    owner, stranger = await press.person("owner"), await press.person("stranger")
    readers = [await press.person(f"reader{number}") for number in range(3)]
    room = await channel(press, owner, FEW)
    for reader in readers:
        await follow(reader, room)
    post = await owner.say(room, "a post")
    shown: dict[str, str] = {}
    for name, door in DOORS.items():
        for person in (readers[0], stranger):
            opened = "".join([part async for part in door.open(Visit(person, room, [post]))])
            assert not any(reader.user_id in opened for reader in readers[1:]), name
            assert person is not stranger or "a post" not in opened, name
            if person is readers[0]:
                shown[name] = opened
    for part in ("messages", "context/{eventId}", "event/{eventId}"):
        assert "a post" in shown[f"GET /_matrix/client/v3/rooms/{{roomId}}/{part}"]
    assert readers[0].user_id in shown["GET /_matrix/client/v3/rooms/{roomId}/members"]


async def costs(world: World, name: str, readers: int) -> dict[str, Cost]:
    """What the deeds of a channel's life take, with so many readers."""
    owner, reader = await world.person(f"owner{name}"), await world.person(f"reader{name}")
    room = await channel(world, owner, readers)
    await owner.say(room, "warm")
    await reader.sync()
    found: dict[str, Cost] = {}

    async def measured(deed: str, step: object) -> object:
        before = world.counted.cost
        result = await step  # type: ignore[misc]
        found[deed] = world.counted.cost - before
        return result

    await measured("follow", follow(reader, room))
    first = await measured("first sync", reader.sync())
    await measured("publish", owner.say(room, "news"))
    await measured("next sync", reader.sync(first["next_batch"]))  # type: ignore[index]
    await measured("members", reader.good("GET", "/rooms/{roomId}/members", roomId=room))
    await measured("joined", reader.good("GET", "/rooms/{roomId}/joined_members", roomId=room))
    await measured("messages", reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=room))
    await measured("unfollow", unfollow(reader, room))
    await measured("left", reader.sync(first["next_batch"]))  # type: ignore[index]
    return found


async def test_everything_costs_the_same_for_ten_readers_and_a_hundred_thousand(press: World) -> None:
    few = await costs(press, "few", FEW)
    many = await costs(press, "many", MANY)
    assert few == many
    assert max(cost.rows for cost in many.values()) < 50
    assert many["publish"].written < 10


async def test_publishing_wakes_those_who_wait_and_no_others(press: World) -> None:
    owner = await press.person("owner")
    room = await channel(press, owner, MANY)
    readers = [await press.person(f"reader{number}") for number in range(4)]
    tokens = []
    for number, reader in enumerate(readers):
        if number % 2 == 0:
            await follow(reader, room)
        tokens.append((await reader.sync())["next_batch"])

    async def answered(reader: Person, token: str) -> bool:
        return "rooms" in await reader.sync(token, timeout=10_000)

    tasks = [asyncio.create_task(answered(*pair)) for pair in zip(readers, tokens, strict=True)]
    while len(press.app.waiters) < len(readers):
        await asyncio.sleep(0)
    await owner.say(room, "news")
    done, waiting = await asyncio.wait(tasks, timeout=1)
    assert done == {tasks[0], tasks[2]}
    press.app.waiters.stop()
    assert [await task for task in tasks] == [True, False, True, False]
    assert len(waiting) == 2
