"""To-device messages: sent once to each device, repeated until the device's next token shows that they arrived.

A full inbox never refuses the sender. It misses the message, and its device is stale: counted in its row, logged once,
until it has emptied its inbox. Room keys it missed it asks for again or takes from its key backup, as clients do for
any message they cannot read; what was kept is delivered in order.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.errors import TooLarge
from teahouse.http import codec
from teahouse.http.messages import Requester
from teahouse.keys import inbox_store as store
from teahouse.keys.inbox_store import Device
from teahouse.keys.types import (
    INBOX_MESSAGES_MAX,
    INBOX_PAGE_MESSAGES,
    MESSAGE_MAX_BYTES,
    MESSAGES_MAX,
    SEND_MAX_BYTES,
    UserDirectory,
)

ALL_DEVICES = "*"
SIZES_CACHED_MAX = 50_000  # devices whose number of waiting messages stays in memory, about 200 bytes each

_log = logging.getLogger(__name__)


class Inbox:
    """The inboxes of all devices."""

    def __init__(self, database: Database, bus: Bus, users: UserDirectory) -> None:
        self._database = database
        self._bus = bus
        self._users = users
        # Exact: loaded inside a transaction, changed only by its commit.
        self._sizes: OrderedDict[Device, int] = OrderedDict()
        self._tidied: OrderedDict[Device, int] = OrderedDict()  # up to where nothing is left to remove

    async def send(
        self, requester: Requester, event_type: str, txn_id: str, messages: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Deliver `messages` (user id to device id or `*` to content), once for each transaction id of the device.

        Unknown users and devices are skipped. Raises TooLarge beyond the limits on messages, their size or number.
        """
        numbers = {user_id: no for user_id in messages if (no := await self._users.number(user_id)) is not None}
        contents = {
            numbers[user_id]: {
                device_id: encoded(requester.user_id, event_type, content) for device_id, content in by_device.items()
            }
            for user_id, by_device in messages.items()
            if user_id in numbers
        }
        sender = (requester.user_no, requester.device_id)
        async with self._database.transaction() as tx:
            if await store.is_repeated(tx, sender, event_type, txn_id):
                return
            addressed = await self._addressed(tx, contents)
            pos = tx.positions()
            await store.remember_txn(tx, sender, event_type, txn_id, pos)
            full = {device for device in addressed if await self._size(tx, device) >= INBOX_MESSAGES_MAX}
            await store.mark_stale(tx, sorted(full), pos)
            added = [(*device, pos, message) for device, message in addressed.items() if device not in full]
            await store.add(tx, added)
            tx.on_commit(lambda: self._sent([(row[0], row[1]) for row in added], full))

    async def inbox(
        self, user_no: int, device_id: str, since: int, to: int, limit: int = INBOX_PAGE_MESSAGES
    ) -> tuple[list[bytes], int]:
        """The device's oldest messages in (since, to] as JSON, and the position up to which they are complete: `to`, or
        that of the last message when there are more. The same `since` gets the same messages again."""
        if await self._waiting(user_no, device_id) == 0:
            return [], max(to, since)
        rows = await store.page(self._database, (user_no, device_id), since, to, limit)
        last = rows[-1][0] if len(rows) == limit else to
        return [message for _, message in rows], max(last, since)

    async def acknowledge(self, user_no: int, device_id: str, upto_pos: int) -> None:
        """Remove what the device has received: call it with the position of the token it came back with.

        Only tidies up, so the caller need not wait for it. Costs one read when there is nothing to remove.
        """
        device = (user_no, device_id)
        if self._tidied.get(device, 0) >= upto_pos:
            return
        if not await store.has_up_to(self._database, device, upto_pos):
            self._tidied[device] = upto_pos
            if len(self._tidied) > SIZES_CACHED_MAX:
                self._tidied.popitem(last=False)
            return
        async with self._database.transaction() as tx:
            before = await self._size(tx, device)
            removed = await store.remove_up_to(tx, device, upto_pos)
            if before == removed:
                await store.clear_stale(tx, device)
            tx.on_commit(lambda: self._grow(device, -removed))

    async def missed(self, user_no: int, device_id: str) -> int:
        """How many messages the device has missed because its inbox was full; 0 once it has emptied it."""
        return await store.missed(self._database, (user_no, device_id))

    async def devices_deleted(self, tx: Transaction, user_no: int, device_ids: Collection[str]) -> None:
        """Drop the inboxes of devices that were deleted in `tx`."""
        await store.delete_devices(tx, user_no, device_ids)
        tx.on_commit(lambda: self._forget([(user_no, device_id) for device_id in device_ids]))

    async def _addressed(self, tx: Transaction, contents: Mapping[int, Mapping[str, bytes]]) -> dict[Device, bytes]:
        """The message for each existing device; one named by its id goes before `*`."""
        devices = await self._users.devices(tx, contents.keys())
        addressed: dict[Device, bytes] = {}
        size_bytes = 0
        for user_no, by_device in contents.items():
            for device_id in devices.get(user_no, {}):
                message = by_device.get(device_id) or by_device.get(ALL_DEVICES)
                if message is not None:
                    addressed[user_no, device_id] = message
                    size_bytes += len(message)
        if len(addressed) > MESSAGES_MAX or size_bytes > SEND_MAX_BYTES:
            raise TooLarge(f"One send may reach {MESSAGES_MAX} devices and store {SEND_MAX_BYTES} bytes.")
        return addressed

    async def _waiting(self, user_no: int, device_id: str) -> int:
        """How many messages wait for a device, mostly from memory: most syncs find none."""
        device = (user_no, device_id)
        size = self._sizes.get(device)
        if size is None:
            head = self._database.head
            size = await store.size(self._database, device)
            if head == self._database.head:  # else a message may have come between
                self._sizes[device] = size
        return size

    async def _size(self, tx: Transaction, device: Device) -> int:
        size = self._sizes.get(device)
        if size is None:
            size = self._sizes[device] = await store.size(tx, device)
        return size

    def _sent(self, devices: Sequence[Device], full: Collection[Device]) -> None:
        for device in devices:
            self._grow(device, 1)
        for user_no, device_id in full:
            _log.warning("inbox of device %s of user %d is full: a to-device message was dropped", device_id, user_no)
        while len(self._sizes) > SIZES_CACHED_MAX:
            self._sizes.popitem(last=False)
        self._bus.publish(users={user_no for user_no, _ in devices})

    def _grow(self, device: Device, messages: int) -> None:
        if device in self._sizes:
            self._sizes[device] += messages
            self._sizes.move_to_end(device)

    def _forget(self, devices: Collection[Device]) -> None:
        for device in devices:
            self._sizes.pop(device, None)
            self._tidied.pop(device, None)


def encoded(sender: str, event_type: str, content: Any) -> bytes:
    """A to-device event as the receiver sees it; raises TooLarge."""
    message = codec.encode({"content": content, "sender": sender, "type": event_type})
    if len(message) > MESSAGE_MAX_BYTES:
        raise TooLarge(f"A to-device message may have at most {MESSAGE_MAX_BYTES} bytes.")
    return message
