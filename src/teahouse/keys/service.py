"""The keys slice as others see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.keys.backups import Backups
from teahouse.keys.cross_signing import CrossSigning
from teahouse.keys.device_keys import DeviceKeys
from teahouse.keys.device_lists import DeviceLists
from teahouse.keys.inbox import Inbox
from teahouse.keys.types import INBOX_PAGE_MESSAGES, SharedRooms, UserDirectory


class Keys:
    """Everything end-to-end encryption needs of a server."""

    def __init__(self, database: Database, bus: Bus, users: UserDirectory, rooms: SharedRooms) -> None:
        self.device_lists = DeviceLists(database, bus, rooms)
        self.device_keys = DeviceKeys(database, users, self.device_lists)
        self.cross_signing = CrossSigning(database, users, self.device_lists)
        self.to_device = Inbox(database, bus, users)
        self.backups = Backups(database)

    async def run(self) -> None:
        """The slice's background work, until cancelled."""
        await self.device_lists.run()

    async def device_added(self, tx: Transaction, user_no: int, device_id: str) -> None:
        """Tell who shares rooms with the user of a device added in `tx`. Raises Forbidden for an id that a key has."""
        await self.device_keys.device_added(tx, user_no, device_id)

    async def device_renamed(self, tx: Transaction, user_no: int) -> None:
        """Tell them of a device that got another name in `tx`: it is shown with its keys."""
        await self.device_lists.record(tx, user_no)

    async def devices_deleted(self, tx: Transaction, user_no: int, device_ids: Sequence[str]) -> None:
        """Forget all that belongs to devices deleted in `tx`, and tell who shares rooms with their user."""
        await self.device_keys.devices_deleted(tx, user_no, device_ids)
        await self.to_device.devices_deleted(tx, user_no, device_ids)

    async def drop_one_time_keys(self, tx: Transaction) -> None:
        """Forget everybody's one-time and fallback keys: after a restore some were already handed out."""
        await self.device_keys.drop_one_time_keys(tx)

    @property
    def latest_change_pos(self) -> int:
        """Position of the newest device-list change; see `DeviceLists`."""
        return self.device_lists.latest_change_pos

    async def changes(self, since: int, to: int, seer_no: int) -> Collection[int]:
        """Users whose devices changed; see `DeviceLists.changes`."""
        return await self.device_lists.changes(since, to, seer_no)

    async def inbox(
        self, user_no: int, device_id: str, since: int, to: int, limit: int = INBOX_PAGE_MESSAGES
    ) -> tuple[Sequence[bytes], int]:
        """Waiting to-device messages; see `Inbox.inbox`."""
        return await self.to_device.inbox(user_no, device_id, since, to, limit)

    async def acknowledge(self, user_no: int, device_id: str, upto_pos: int) -> None:
        """The device has the messages up to a position; see `Inbox.acknowledge`."""
        await self.to_device.acknowledge(user_no, device_id, upto_pos)

    async def one_time_key_counts(self, user_no: int, device_id: str) -> Mapping[str, int]:
        """One-time keys left to claim, by algorithm; `signed_curve25519` is always named."""
        return (await self.device_keys.counts(user_no, device_id)).one_time_keys

    async def unused_fallback_types(self, user_no: int, device_id: str) -> Sequence[str]:
        """Algorithms whose fallback key was not handed out yet."""
        return (await self.device_keys.counts(user_no, device_id)).unused_fallback_types
