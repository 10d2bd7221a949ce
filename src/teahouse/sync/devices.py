"""Whose device lists a reader must ask for again, between two places in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from teahouse.db import Database
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.http.messages import Requester
from teahouse.rooms import tokens
from teahouse.rooms.types import Reader, Readership, Users
from teahouse.sync.types import Inbox, Json

Changes = tuple[set[str], set[str]]
Sharing = Callable[[Reader, str], Awaitable[bool]]


class DeviceLists:
    """`device_lists`: changed devices of those with whom the reader shares an encrypted room, and who is gone."""

    def __init__(
        self, database: Database, eventlog: EventLog, readership: Readership, users: Users, inbox: Inbox
    ) -> None:
        self._database = database
        self._eventlog = eventlog
        self._readership = readership
        self._users = users
        self._inbox = inbox

    async def section(self, reader: Reader, since: int, upto: int, rooms: Iterable[RoomState]) -> Json | None:
        """Users changed and left in since < pos <= upto, or None. `rooms` are the encrypted ones that changed."""
        changed: set[str] = set()
        left: set[str] = set()
        if self._inbox.latest_change_pos > since:
            for user_no in await self._inbox.changes(since, upto, reader.user_no):
                user_id = await self._users.user_id(user_no)
                if user_id == reader.user_id or await self.shares(reader, user_id):
                    changed.add(user_id)
        for state in rooms:
            came, went = await self._membership_changes(reader, state, since, upto)
            changed |= came
            left |= went
        changed_now = {user for user in changed if user == reader.user_id or await self.shares(reader, user)}
        left = {user for user in left if not await self.shares(reader, user)} - {reader.user_id}
        if not changed_now and not left:
            return None
        return {"changed": sorted(changed_now), "left": sorted(left)}

    async def device_lists(self, requester: Requester, since: str, to: str) -> tuple[Sequence[str], Sequence[str]]:
        """User ids (changed, left) between two sync tokens; after a restore everybody may have changed."""
        reader = Reader(requester.user_no, requester.user_id, requester.device_id)
        begin, end = tokens.parse(since), tokens.parse(to)
        after = begin.pos if begin.epoch == self._database.epoch else 0
        upto = self._database.head if end.epoch != self._database.epoch else min(end.pos, self._database.head)
        rooms = []
        for place in (await self._readership.places(reader)).values():
            state = await self._eventlog.state(place.room_no)
            if state is not None and state.encrypted and state.head > after:
                rooms.append(state)
        section = await self.section(reader, after, upto, rooms) or {"changed": [], "left": []}
        changed = set(section["changed"])
        # Here, unlike in sync, the specification counts every shared room.
        for user_no in await self._inbox.changes(after, upto, reader.user_no):
            user_id = await self._users.user_id(user_no)
            if await self.shares(reader, user_id, encrypted=False):
                changed.add(user_id)
        return sorted(changed), section["left"]

    async def shares(self, reader: Reader, user_id: str, *, encrypted: bool = True) -> bool:
        """Whether the two are joined to one room, an encrypted one unless all count."""
        for place in (await self._readership.places(reader)).values():
            if place.membership != "join":
                continue
            state = await self._eventlog.state(place.room_no)
            if state is not None and (state.encrypted or not encrypted) and user_id in state.joined:
                return True
        return False

    async def _membership_changes(self, reader: Reader, state: RoomState, since: int, upto: int) -> Changes:
        """Who came into and went out of an encrypted room; everybody when the reader came or encryption began."""
        began = state.entries["m.room.encryption", ""].pos > since
        window = await self._readership.window(reader, state)
        was_there = window.membership_at(since) == "join"
        is_there = reader.user_id in state.joined
        if is_there and (began or not was_there):
            return set(state.joined) - {reader.user_id}, set()
        if was_there and not is_there:
            return set(), set(state.joined)
        came: set[str] = set()
        went: set[str] = set()
        store = self._eventlog.store
        for event in await store.state_changes(self._database, state.room_no, since, upto):
            if event.type == "m.room.member" and event.state_key is not None:
                (came if event.content.get("membership") == "join" else went).add(event.state_key)
        return came, went
