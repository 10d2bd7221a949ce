"""Whose keys changed: one log keyed by who changed, joined at read time with who shares rooms.

A change costs one row however many share rooms with its user, and a sync without changes costs no statement: the newest
changes are kept in memory, and only older tokens than those ask the log.
"""

from __future__ import annotations

import asyncio
from collections import deque

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.keys import store
from teahouse.keys.types import SharedRooms

RECENT_CHANGES_MAX = 4_096  # kept in memory, 100 bytes each; covers the tokens of all who are online
WAKE_USERS_MAX = 10_000  # changed users whose peers still have to be woken; beyond it peers learn by their next sync


class DeviceLists:
    """The log of device-list changes."""

    def __init__(self, database: Database, bus: Bus, rooms: SharedRooms) -> None:
        self._database = database
        self._bus = bus
        self._rooms = rooms
        self._recent: deque[tuple[int, int, int]] = deque()  # (pos, user_no, seen_by), in the order of commits
        self._floor = database.head  # all that lies above it is in _recent
        self._waking: set[int] = set()
        self._changed = asyncio.Event()

    @property
    def latest_change_pos(self) -> int:
        """No change is newer: a reader whose `since` is at or above it has nothing to ask."""
        return self._recent[-1][0] if self._recent else self._floor

    async def record(self, tx: Transaction, user_no: int, seen_by: int = store.EVERYONE) -> None:
        """Note in `tx` that the user's devices or keys changed, and wake who shares rooms once it is durable.

        `seen_by` is a user_no when only that user can see the change (their own signature on another's key).
        """
        pos = tx.positions()
        await store.record_change(tx, user_no, seen_by, pos)
        tx.on_commit(lambda: self._committed(pos, user_no, seen_by))

    async def changes(self, since: int, to: int, seer_no: int) -> set[int]:
        """Users whose keys changed in (since, to], what only `seer_no` can see included.

        Who of them shares a room with the seer is the caller's to find out.
        May name one whose newest change is after `to`: never too few, and the next sync names them again.
        """
        if since >= to or since >= self.latest_change_pos:
            return set()
        if since >= self._floor:
            seen = (store.EVERYONE, seer_no)
            return {changed for pos, changed, seen_by in self._recent if pos > since and seen_by in seen}
        found: set[int] = set()
        for seen_by in (store.EVERYONE, seer_no):
            after = since
            while rows := await store.changes_after(self._database, seen_by, after):
                found.update(user_no for user_no, _ in rows)
                after = rows[-1][1]
        return found

    async def run(self) -> None:
        """Wake the readers of the rooms of those who changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waking:
                self._bus.publish(rooms=await self._rooms.shared_rooms(self._waking.pop()))

    def _committed(self, pos: int, user_no: int, seen_by: int) -> None:
        self._recent.append((pos, user_no, seen_by))
        if len(self._recent) > RECENT_CHANGES_MAX:
            self._floor = self._recent.popleft()[0]
        self._bus.publish(users=[user_no if seen_by == store.EVERYONE else seen_by])
        # Finding the rooms takes reading; it must not hold up the writer, so `run` does it afterwards.
        if seen_by == store.EVERYONE and len(self._waking) < WAKE_USERS_MAX:
            self._waking.add(user_no)
            self._changed.set()
