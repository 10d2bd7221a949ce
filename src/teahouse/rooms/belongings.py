"""What people keep about a room goes with them into the one that replaces it: tags, push rules, who it is a chat with.

Source: Client-Server API, "Room Upgrades", server behaviour.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from teahouse.db import Database, Transaction
from teahouse.errors import TooLarge
from teahouse.eventlog.state import RoomState
from teahouse.push.service import PushRules
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader
from teahouse.users.account_data import DIRECT, TAGS, AccountData


class Belongings:
    """Follows people from replaced rooms."""

    def __init__(self, database: Database, rooms: Rooms, account_data: AccountData, push_rules: PushRules) -> None:
        self._database = database
        self._rooms = rooms
        self._account_data = account_data
        self._push_rules = push_rules

    async def follow(self, reader: Reader, state: RoomState) -> None:
        """The reader has come into a room: what they kept about the one it replaces holds here, too.

        What they have set here already stays. A full account takes nothing along.
        """
        old = await self._replaced(state)
        if old is None or old.room_no not in await self._rooms.readership.places(reader):
            return
        with suppress(TooLarge):
            async with self._database.transaction() as tx:
                await self._tags(tx, reader.user_no, old, state)
                await self._direct(tx, reader.user_no, old, state)
                await self._push_rules.carry(tx, reader.user_no, reader.user_id, old.room_id, state.room_id)

    async def _replaced(self, state: RoomState) -> RoomState | None:
        """The room that says that this one replaces it, or None."""
        predecessor = (state.content("m.room.create") or {}).get("predecessor")
        room_id = predecessor.get("room_id") if isinstance(predecessor, dict) else None
        old = await self._rooms.find(room_id) if isinstance(room_id, str) else None
        return old if old is not None and old.text("m.room.tombstone", "replacement_room") == state.room_id else None

    async def _tags(self, tx: Transaction, user_no: int, old: RoomState, new: RoomState) -> None:
        tags = await self._account_data.get_in(tx, user_no, old.room_no, TAGS)
        if tags is not None and await self._account_data.get_in(tx, user_no, new.room_no, TAGS) is None:
            await self._account_data.set_in(tx, user_no, new.room_no, TAGS, msgspec.json.decode(tags))

    async def _direct(self, tx: Transaction, user_no: int, old: RoomState, new: RoomState) -> None:
        stored = await self._account_data.get_in(tx, user_no, 0, DIRECT)
        for other, rooms in (msgspec.json.decode(stored) if stored else {}).items():
            if isinstance(rooms, list) and old.room_id in rooms:
                await self._account_data.add_direct(tx, user_no, other, new.room_id)
