"""The keys slice as others see it."""

from __future__ import annotations

from collections.abc import Collection

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.keys.backups import Backups
from teahouse.keys.cross_signing import CrossSigning
from teahouse.keys.device_keys import DeviceKeys
from teahouse.keys.device_lists import DeviceLists
from teahouse.keys.inbox import Inbox
from teahouse.keys.types import SharedRooms, UserDirectory, UserInteractive


class Keys:
    """Everything end-to-end encryption needs of a server."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        users: UserDirectory,
        shared_rooms: SharedRooms,
        interactive: UserInteractive,
    ) -> None:
        self.device_lists = DeviceLists(database, bus, shared_rooms)
        self.device_keys = DeviceKeys(database, users, self.device_lists)
        self.cross_signing = CrossSigning(database, users, self.device_lists, interactive)
        self.inbox = Inbox(database, bus, users)
        self.backups = Backups(database)

    async def run(self) -> None:
        """The slice's background work, until cancelled."""
        await self.device_lists.run()

    async def devices_deleted(self, tx: Transaction, user_no: int, device_ids: Collection[str]) -> None:
        """Forget all that belongs to devices deleted in `tx`, and tell who shares rooms with their user."""
        await self.device_keys.devices_deleted(tx, user_no, device_ids)
        await self.inbox.devices_deleted(tx, user_no, device_ids)
