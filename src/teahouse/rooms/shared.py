"""Where people meet, and so must hear of each other's devices."""

from __future__ import annotations

from collections.abc import Collection

from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.rooms.types import Reader, Readership, Users

PLAIN_MEMBERS_MAX = 500  # of a room that is not encrypted: in a larger one nobody keeps everybody's keys


def tells_of_devices(state: RoomState) -> bool:
    """Whether who comes, goes or changes devices in a room is told to the others at once.

    The specification asks it of encrypted rooms; clients prepare to encrypt in others too.
    """
    return state.encrypted or len(state.joined) <= PLAIN_MEMBERS_MAX


class SharedRooms:
    """Who is joined to which rooms. Reading a room as a follower or a friend makes nobody known there."""

    def __init__(self, eventlog: EventLog, readership: Readership, users: Users) -> None:
        self._eventlog = eventlog
        self._readership = readership
        self._users = users

    async def shared_rooms(self, user_no: int) -> Collection[int]:
        """The rooms whose members are told at once of the user's keys, by room_no."""
        reader = Reader(user_no, await self._users.user_id(user_no))
        return [state.room_no for state in await self.states(reader) if tells_of_devices(state)]

    async def states(self, reader: Reader) -> list[RoomState]:
        """The rooms that the reader is joined to."""
        found = []
        for place in (await self._readership.places(reader)).values():
            state = await self._eventlog.state(place.room_no) if place.membership == "join" else None
            if state is not None and reader.user_id in state.joined:
                found.append(state)
        return found
