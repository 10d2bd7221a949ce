"""Reading by membership, and the one place where the implementations of `Readership` come together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from teahouse.db import Database
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix import history_visibility
from teahouse.rooms.types import ALL, Place, Reader, Readership, Summary, Window

USERS_CACHED_MAX = 20_000  # users whose list of rooms is kept, about 100 bytes a room
WINDOWS_CACHED_MAX = 200_000  # pairs of reader and room whose intervals are kept
HEROES_MAX = 5  # Client-Server API, "GET /sync", m.heroes
OPEN = ("shared", "world_readable")


class MembershipReadership:
    """Rooms whose readers are members, with history visibility deciding about the past."""

    def __init__(self, database: Database, eventlog: EventLog, number: Callable[[str], int | None]) -> None:
        self._database = database
        self._eventlog = eventlog
        self._number = number  # user_no of a user id, from memory alone
        self._places: OrderedDict[str, dict[int, Place]] = OrderedDict()
        self._windows: OrderedDict[tuple[int, str], Window] = OrderedDict()
        eventlog.subscribe(self)

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Keep what is cached true."""
        for event in events:
            if event.type == "m.room.member" and event.state_key is not None:
                places = self._places.get(event.state_key)
                if places is not None:
                    membership = str(event.content["membership"])
                    places[event.room_no] = Place(event.room_no, membership, event.pos, event.sender_no)
                self._windows.pop((event.room_no, event.state_key), None)
            elif event.type == "m.room.history_visibility" and event.state_key == "":
                for key in [key for key in self._windows if key[0] == event.room_no]:
                    del self._windows[key]

    def forgot(self, user_id: str, room_no: int) -> None:
        """The user forgot a room."""
        places = self._places.get(user_id, {})
        if room_no in places:
            places[room_no] = replace(places[room_no], forgotten=True)

    def refused(self, user_id: str, room_no: int, pos: int, sender_no: int) -> None:
        """The user silently refused an invite."""
        places = self._places.get(user_id)
        if places is not None:
            places[room_no] = Place(room_no, "leave", pos, sender_no, refused=True)

    def answers_for(self, state: RoomState) -> bool:
        return True

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        places = self._places.get(reader.user_id)
        if places is not None:
            self._places.move_to_end(reader.user_id)
            return places
        head = self._database.head
        rows = await self._database.fetch(
            "SELECT room_no, membership, pos, sender_no, forgotten, refused_pos FROM memberships WHERE user_no = ?",
            reader.user_no,
        )
        places = {row[0]: place_of(*row) for row in rows}
        if head == self._database.head:  # else a commit came between, and the next call reads again
            self._places[reader.user_id] = places
            if len(self._places) > USERS_CACHED_MAX:
                self._places.popitem(last=False)
        return places

    async def window(self, reader: Reader, state: RoomState) -> Window:
        key = (state.room_no, reader.user_id)
        window = self._windows.get(key)
        if window is not None:
            return window
        head = self._database.head
        store = self._eventlog.store
        memberships = await store.values(self._database, state.room_no, "m.room.member", reader.user_id)
        if memberships and memberships[-1][1] == "join" and state.visibility_changes <= 1 and (
            state.history_visibility in OPEN
        ):  # fmt: skip
            window = Window(ALL, memberships)
        else:
            visibility = await store.values(self._database, state.room_no, "m.room.history_visibility", "")
            window = Window(history_visibility.intervals(memberships, visibility), memberships)
        if head == self._database.head:
            self._windows[key] = window
            if len(self._windows) > WINDOWS_CACHED_MAX:
                self._windows.popitem(last=False)
        return window

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        members = [event for (kind, _), event in state.entries.items() if kind == "m.room.member"]
        if at is None or at >= state.head:
            return members
        return await self._eventlog.state_before(state, members, at)

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        current = state.entries.get(("m.room.member", user_id))
        if current is None or at is None or current.pos <= at:
            return current
        store = self._eventlog.store
        return await store.state_entry_at(self._database, state.room_no, "m.room.member", user_id, at)

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        others = [user for user in state.present if user != reader.user_id]
        if not others:
            others = [
                key for (kind, key) in state.entries if kind == "m.room.member" and key != reader.user_id
            ]  # those who left still name an empty room
        entries = state.entries
        if len(others) > HEROES_MAX:
            others.sort(key=lambda user: entries["m.room.member", user].pos)
        heroes = sorted(others[:HEROES_MAX], key=lambda user: entries["m.room.member", user].pos)
        joined = len(state.joined)
        return Summary(joined, len(state.present) - joined, heroes)

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        numbers = (self._number(user_id) for user_id in state.present)
        return [number for number in numbers if number is not None and number in waiting]


def place_of(room_no: int, membership: str, pos: int, sender_no: int, forgotten: int, refused_pos: int) -> Place:
    """A row of memberships as a place."""
    if refused_pos:
        return Place(room_no, "leave", refused_pos, sender_no, bool(forgotten), refused=True)
    return Place(room_no, membership, pos, sender_no, bool(forgotten))


class Readerships:
    """Every implementation behind the one Protocol; the first that answers for a room decides about it."""

    def __init__(self, implementations: Sequence[Readership]) -> None:
        self._implementations = list(implementations)

    def put_before(self, readership: Readership) -> None:
        """Ask an implementation before those there are."""
        self._implementations.insert(0, readership)

    def of(self, state: RoomState) -> Readership:
        """Who decides about a room."""
        return next(each for each in self._implementations if each.answers_for(state))

    def answers_for(self, state: RoomState) -> bool:
        return True

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        found = [places for each in reversed(self._implementations) if (places := await each.places(reader))]
        if len(found) == 1:
            return found[0]
        merged: dict[int, Place] = {}
        for places in found:
            merged.update(places)
        return merged

    async def window(self, reader: Reader, state: RoomState) -> Window:
        return await self.of(state).window(reader, state)

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        return await self.of(state).members(reader, state, at)

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        return await self.of(state).member(reader, state, user_id, at)

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        return await self.of(state).summary(reader, state)

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        return self.of(state).interested(state, waiting)
