"""The test of visibility notices when the guard of a door is taken away: each door, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from teahouse.db import Database, Row
from teahouse.eventlog.state import RoomState
from teahouse.rooms.types import ALL, Place, Reader, Window
from tests.rooms import truth
from tests.rooms.doors import DOORS, Visit
from tests.rooms.test_visibility import leaks, mark
from tests.world import Person, World


class Unlisted:
    """A database in which every room is listed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fetch(self, sql: str, *params: Any) -> list[Row]:
        return await self._database.fetch(sql.replace("listed = 1", "listed >= 0"), *params)

    async def fetch_one(self, sql: str, *params: Any) -> Row | None:
        return await self._database.fetch_one(sql.replace("listed = 1", "listed >= 0"), *params)


def without_window(world: World) -> Callable[[], None]:
    """Everybody may read everything; returns how to mend it."""
    readership = world.app.readership
    real = readership.window

    async def window(reader: Reader, state: RoomState) -> Window:
        return Window(ALL, (await real(reader, state)).memberships)

    readership.window = window  # type: ignore[method-assign]
    return lambda: setattr(readership, "window", real)


def without_places(world: World) -> Callable[[], None]:
    """Everybody is in every room."""
    readership = world.app.readership
    real = readership.places

    async def places(reader: Reader) -> Mapping[int, Place]:
        rows = await world.database.fetch("SELECT room_no FROM rooms LIMIT 100")
        return {room_no: Place(room_no, "join", 1, reader.user_no) for (room_no,) in rows}

    readership.places = places  # type: ignore[method-assign]
    return lambda: setattr(readership, "places", real)


def without_list(world: World) -> Callable[[], None]:
    """Every room is in the public directory."""
    directory = world.app.directory
    real = directory._database
    directory._database = Unlisted(real)  # type: ignore[assignment]
    return lambda: setattr(directory, "_database", real)


PLANTS = {"window": without_window, "places": without_places, "listed": without_list}


async def closed_room(tea: World) -> list[Visit]:
    """A room that shows members only what they were there for, with one who came late and left early, a stranger,
    one who is invited and one who is banned."""
    alice, bob, carol, dave, erin = [await tea.person(name) for name in ("alice", "bob", "carol", "dave", "erin")]
    initial = [{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}]
    room = await alice.create(preset="private_chat", name=mark(), topic=mark(), initial_state=initial)
    path = {"roomAlias": f"#{mark()}:tea.test"}
    await alice.good("PUT", "/directory/room/{roomAlias}", {"room_id": room}, **path)
    await talk(alice, room)
    for other in (bob, dave, erin):
        await alice.invite(room, other)
    await bob.join(room)
    await alice.say(room, mark())
    token = (await bob.sync())["next_batch"]
    await bob.leave(room)
    await talk(alice, room)
    await alice.put_out("ban", room, erin)
    await alice.set(room, "m.room.name", {"name": mark()})
    await alice.set(room, "m.room.member", {"membership": "join", "reason": mark()}, alice.user_id)
    event_ids = [event.event_id for event in await truth.log_of(tea, room)]
    return [Visit(person, room, event_ids, [token]) for person in (bob, carol, dave, erin)]


async def talk(person: Person, room: str) -> None:
    root = await person.say(room, mark())
    relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    await person.say(room, mark(), **relation)


async def test_a_hole_planted_in_any_door_is_noticed(tea: World) -> None:
    visits = await closed_room(tea)
    unnoticed = []
    for name, door in DOORS.items():
        assert [leak for visit in visits for leak in await leaks(visit, [name])] == []
        mend = PLANTS[door.guard](tea)
        if not [leak for visit in visits for leak in await leaks(visit, [name])]:
            unnoticed.append(name)
        mend()
    assert unnoticed == []
