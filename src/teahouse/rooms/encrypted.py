"""Where people talk encrypted, and so must hear of each other's devices."""

from __future__ import annotations

from collections.abc import Collection

from teahouse.eventlog.service import EventLog
from teahouse.rooms.types import Reader, Readership, Users


class EncryptedRooms:
    """Who is joined to which encrypted rooms."""

    def __init__(self, eventlog: EventLog, readership: Readership, users: Users) -> None:
        self._eventlog = eventlog
        self._readership = readership
        self._users = users

    async def encrypted_rooms(self, user_no: int) -> Collection[int]:
        """The encrypted rooms the user is joined to, by room_no."""
        reader = Reader(user_no, await self._users.user_id(user_no))
        found = []
        for place in (await self._readership.places(reader)).values():
            state = await self._eventlog.state(place.room_no) if place.membership == "join" else None
            if state is not None and state.encrypted:
                found.append(place.room_no)
        return found
