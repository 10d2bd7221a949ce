"""A second way of reading: followers, who are rows and not members, of rooms that one owner writes in.

It stands here so that the tests can show that `Readership` carries it: every door answers for a room with a hundred
thousand readers and no member events of theirs, at the cost of one with ten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from teahouse.app import App
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.rooms.types import ALL, Place, Reader, Summary, Window
from tests.world import Person, World

CHANNEL = "com.example.channel"  # the state event that makes a room one with followers
TABLES = (
    "CREATE TABLE readers (user_no BIGINT NOT NULL, room_no BIGINT NOT NULL, since BIGINT NOT NULL, "
    "until BIGINT NOT NULL, PRIMARY KEY (user_no, room_no))",
    "CREATE TABLE channels (room_no BIGINT NOT NULL PRIMARY KEY, readers BIGINT NOT NULL)",
)


class Followers:
    """Rooms whose readers are rows. Its owner is a member, and reads as one."""

    def __init__(self, app: App) -> None:
        self._database = app.database
        self._identifiers = app.identifiers
        self._members = app.members
        self._online: dict[int, set[int]] = {}  # readers who have been here since the start, by room

    def answers_for(self, state: RoomState) -> bool:
        return (CHANNEL, "") in state.entries

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        rows = await self._database.fetch("SELECT room_no, since, until FROM readers WHERE user_no = ?", reader.user_no)
        for room_no, _, _ in rows:
            self._online.setdefault(room_no, set()).add(reader.user_no)
        return {
            room_no: Place(room_no, "leave" if until else "join", until or since, reader.user_no)
            for room_no, since, until in rows
        }

    async def window(self, reader: Reader, state: RoomState) -> Window:
        if reader.user_id in state.joined:
            return await self._members.window(reader, state)
        row = await self._row(reader, state)
        if row is None:
            return Window(())
        since, until = row
        if until:
            return Window([(0, until)], [(since, "join"), (until, "leave")])
        return Window(ALL, [(since, "join")])

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        own = await self.member(reader, state, reader.user_id, at)
        return [] if own is None else [own]

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        if reader.user_id in state.joined:
            return await self._members.member(reader, state, user_id, at)
        row = await self._row(reader, state) if user_id == reader.user_id else None
        if row is None or (at is not None and at < row[0]):
            return None
        left = row[1] and (at is None or at >= row[1])
        return self._event(reader, state, row[1] if left else row[0], "leave" if left else "join")

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        row = await self._database.fetch_one("SELECT readers FROM channels WHERE room_no = ?", state.room_no)
        return Summary(len(state.joined) + (row[0] if row else 0), 0, ())

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        online = self._online.get(state.room_no, set())
        return [*(number for number in waiting if number in online), *self._members.interested(state, waiting)]

    async def _row(self, reader: Reader, state: RoomState) -> tuple[int, int] | None:
        row = await self._database.fetch_one(
            "SELECT since, until FROM readers WHERE user_no = ? AND room_no = ?", reader.user_no, state.room_no
        )
        return None if row is None else (row[0], row[1])

    def _event(self, reader: Reader, state: RoomState, pos: int, membership: str) -> StoredEvent:
        event_id = self._identifiers.event_id(pos, state.room_no)
        content = {"membership": membership}
        shape = {
            "type": "m.room.member", "sender": reader.user_id, "state_key": reader.user_id, "content": content,
            "event_id": event_id, "origin_server_ts": 0,
        }  # fmt: skip
        return StoredEvent(
            pos, state.room_no, event_id, reader.user_id, reader.user_no, "m.room.member", reader.user_id, content, 0,
            msgspec.json.encode(shape),
        )  # fmt: skip


def with_followers(app: App) -> None:
    """Put this way of reading before membership."""
    app.readership._implementations = [Followers(app), app.members]


async def channel(world: World, owner: Person, readers: int) -> str:
    """A room that its owner alone is a member of, and so many strangers read."""
    room = await owner.create(preset="public_chat", name="Tea news")
    await owner.set(room, CHANNEL, {})
    room_no = world.app.identifiers.room_no(room)
    async with world.database.transaction() as tx:
        await tx.execute("INSERT INTO channels (room_no, readers) VALUES (?, ?)", room_no, readers)
        await tx.execute(
            "INSERT INTO readers (user_no, room_no, since, until) WITH RECURSIVE numbers(number) AS "
            "(SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) "
            "SELECT -number, CAST(? AS BIGINT), 1, 0 FROM numbers",
            readers, room_no,
        )  # fmt: skip
    return room


async def follow(person: Person, room_id: str) -> None:
    """Begin to read a room."""
    app = person.world.app
    room_no = app.identifiers.room_no(room_id)
    async with app.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO readers (user_no, room_no, since, until) VALUES (?, ?, ?, 0)",
            person.user_no, room_no, tx.positions(),
        )  # fmt: skip
        await tx.execute("UPDATE channels SET readers = readers + 1 WHERE room_no = ?", room_no)
        tx.on_commit(lambda: app.bus.publish(users=(person.user_no,)))


async def unfollow(person: Person, room_id: str) -> None:
    """Read a room no more."""
    app = person.world.app
    room_no = app.identifiers.room_no(room_id)
    async with app.database.transaction() as tx:
        await tx.execute(
            "UPDATE readers SET until = ? WHERE user_no = ? AND room_no = ?", tx.positions(), person.user_no, room_no
        )
        await tx.execute("UPDATE channels SET readers = readers - 1 WHERE room_no = ?", room_no)
        tx.on_commit(lambda: app.bus.publish(users=(person.user_no,)))
