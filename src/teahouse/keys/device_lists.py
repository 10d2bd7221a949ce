"""Whose keys changed: one log keyed by who changed, joined at read time with who shares encrypted rooms.

A change costs one row however many share rooms with its user, and a sync without changes costs no statement: the newest
changes are kept in memory, and older tokens than those ask the log.
"""

from __future__ import annotations

import asyncio
from collections import deque

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.keys import store
from teahouse.keys.types import SharedRooms

RECENT_CHANGES_MAX = 4_096  # kept in memory, 100 bytes each; covers the tokens of all who are online
WAKE_USERS_MAX = 10_000  # changed users whose peers still have to be woken; more are found by their next sync


class DeviceLists:
    """The log of device-list changes."""

    def __init__(self, database: Database, bus: Bus, shared_rooms: SharedRooms) -> None:
        self._database = database
        self._bus = bus
        self._shared_rooms = shared_rooms
        self._recent: deque[tuple[int, int, int]] = deque()  # (pos, user_no, seen_by), in the order of commits
        self._floor = database.head  # what lies above it is all in _recent
        self._waking: set[int] = set()
        self._changed = asyncio.Event()

    @property
    def latest_change_pos(self) -> int:
        """No change is newer; a reader whose `since` is at or above it has nothing to ask."""
        return self._recent[-1][0] if self._recent else self._floor

    async def record(self, tx: Transaction, user_no: int, seen_by: int = store.EVERYONE) -> None:
        """Note in `tx` that the user's devices or keys changed, and tell who shares rooms once it is durable.

        `seen_by` is a user_no when only that user can see the change (their own signature on another's key).
        """
        pos = tx.positions()
        await store.record_change(tx, user_no, seen_by, pos)
        tx.on_commit(lambda: self._committed(pos, user_no, seen_by))

    async def changed(self, user_no: int, since: int, to: int) -> list[int]:
        """Users whose keys changed in (since, to], as far as `user_no` may know: their own, and those of everyone they
        share an encrypted room with now. Those who began to share a room meanwhile are the caller's to add.

        May name one whose newest change is after `to`: never too few, and the next sync names them again.
        """
        if since >= to or since >= self.latest_change_pos:
            return []
        if since >= self._floor:
            recent = [(changed, seen_by) for pos, changed, seen_by in self._recent if pos > since]
            for_all = {changed for changed, seen_by in recent if seen_by == store.EVERYONE}
            for_me = {changed for changed, seen_by in recent if seen_by == user_no}
        else:
            for_all = set(await store.changes(self._database, store.EVERYONE, since))
            for_me = set(await store.changes(self._database, user_no, since))
        for_me |= for_all & {user_no}
        if for_all <= for_me:
            return sorted(for_me)
        sharing = {*await self._shared_rooms.sharing_users(user_no), user_no}
        if len(for_all) > store.CHANGES_READ_MAX:  # cut off: ask for those who share instead
            for_all = set(await store.changes_among(self._database, sharing, since))
        return sorted((for_all & sharing) | for_me)

    async def run(self) -> None:
        """Wake the users who share rooms with those that changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waking:
                user_no = self._waking.pop()
                self._bus.publish(users=await self._shared_rooms.sharing_users(user_no))

    def _committed(self, pos: int, user_no: int, seen_by: int) -> None:
        self._recent.append((pos, user_no, seen_by))
        if len(self._recent) > RECENT_CHANGES_MAX:
            self._floor = self._recent.popleft()[0]
        self._bus.publish(users=[user_no if seen_by == store.EVERYONE else seen_by])
        # Who shares rooms takes a query; it must not hold up the writer, so `run` asks afterwards.
        if seen_by == store.EVERYONE and len(self._waking) < WAKE_USERS_MAX:
            self._waking.add(user_no)
            self._changed.set()
