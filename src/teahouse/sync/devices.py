"""Whose device lists a reader must ask for again, between two places in the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from teahouse.db import Database
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.http.messages import Requester
from teahouse.rooms import tokens
from teahouse.rooms.shared import SharedRooms, tells_of_devices
from teahouse.rooms.types import Reader, Readership, Users
from teahouse.sync.types import Inbox, Json

Changes = tuple[set[str], set[str]]
ENCRYPTION = ("m.room.encryption", "")


class DeviceLists:
    """`device_lists`: changed devices of those with whom the reader shares a room, who came, and who is gone."""

    def __init__(
        self,
        database: Database,
        eventlog: EventLog,
        readership: Readership,
        users: Users,
        inbox: Inbox,
        shared: SharedRooms,
    ) -> None:
        self._database = database
        self._eventlog = eventlog
        self._readership = readership
        self._users = users
        self._inbox = inbox
        self._shared = shared

    async def section(self, reader: Reader, since: int, upto: int, rooms: Iterable[RoomState]) -> Json | None:
        """Users changed and left in since < pos <= upto, or None. `rooms` are those where people moved."""
        changed = await self._changed(reader, since, upto)
        came: set[str] = set()
        gone: dict[bool, set[str]] = {True: set(), False: set()}  # from encrypted rooms, and from others
        for state in rooms:
            if tells_of_devices(state):
                newcomers, went = await self._membership_changes(reader, state, since, upto)
                came |= newcomers
                gone[state.encrypted] |= went
        left: set[str] = set()
        if changed or any(gone.values()):
            together = await self._shared.states(reader)
            encrypted = [state for state in together if state.encrypted]
            changed = {user for user in changed if user == reader.user_id or met(user, together)}
            # Gone for good is who shares no encrypted room any more; of plain rooms, who shares none at all.
            left = {user for user in gone[True] if not met(user, encrypted)}
            left |= {user for user in gone[False] if not met(user, together)}
        changed |= came
        left.discard(reader.user_id)
        if not changed - left and not left:
            return None
        return {"changed": sorted(changed - left), "left": sorted(left)}

    async def device_lists(self, requester: Requester, since: str, to: str) -> tuple[Sequence[str], Sequence[str]]:
        """User ids (changed, left) between two sync tokens; after a restore everybody may have changed."""
        reader = Reader(requester.user_no, requester.user_id, requester.device_id)
        begin, end = tokens.parse(since), tokens.parse(to)
        after = begin.pos if begin.epoch == self._database.epoch else 0
        upto = self._database.head if end.epoch != self._database.epoch else min(end.pos, self._database.head)
        rooms = []
        for place in (await self._readership.places(reader)).values():
            state = await self._eventlog.state(place.room_no)
            if state is not None and moved(state, after):
                rooms.append(state)
        section = await self.section(reader, after, upto, rooms) or {"changed": [], "left": []}
        return section["changed"], section["left"]

    async def _changed(self, reader: Reader, since: int, upto: int) -> set[str]:
        """Everybody whose keys changed, wherever they are."""
        if self._inbox.latest_change_pos <= since:
            return set()
        changed = await self._inbox.changes(since, upto, reader.user_no)
        return {await self._users.user_id(user_no) for user_no in changed}

    async def _membership_changes(self, reader: Reader, state: RoomState, since: int, upto: int) -> Changes:
        """Who came into and went out of a room; everybody when the reader came or encryption began."""
        encryption = state.entries.get(ENCRYPTION)
        began = encryption is not None and encryption.pos > since
        was_there = (await self._readership.window(reader, state)).membership_at(since) == "join"
        is_there = reader.user_id in state.joined
        if is_there and (began or not was_there):
            return set(state.joined) - {reader.user_id}, set()
        if was_there and not is_there:
            return set(), set(state.joined)
        came: set[str] = set()
        went: set[str] = set()
        if not is_there:
            return came, went
        store = self._eventlog.store
        for event in await store.state_changes(self._database, state.room_no, since, upto):
            if event.type != "m.room.member" or event.state_key is None:
                continue
            before = await store.state_entry_at(self._database, state.room_no, event.type, event.state_key, since)
            stood = before is not None and before.content.get("membership") == "join"
            stands = event.content.get("membership") == "join"
            if stands != stood:  # else only a name changed, or an invitation was declined
                (came if stands else went).add(event.state_key)
        return came & state.joined, went


def met(user_id: str, rooms: Iterable[RoomState]) -> bool:
    """Whether somebody is joined to one of some rooms."""
    return any(user_id in state.joined for state in rooms)


def moved(state: RoomState, since: int) -> bool:
    """Whether somebody's place in a room changed, or encryption began, after a position: one look in memory."""
    encryption = state.entries.get(ENCRYPTION)
    return state.member_head > since or (encryption is not None and encryption.pos > since)
