"""The rows of to-device messages that wait for their devices."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from teahouse.db import Reader, Transaction, marks, padded
from teahouse.keys.store import IN_LIST_MAX
from teahouse.keys.types import INBOX_MESSAGES_MAX, INBOX_TXNS_REMEMBERED

Device = tuple[int, str]
Message = tuple[int, str, int, bytes]  # user_no, device_id, pos, JSON


async def is_repeated(tx: Transaction, sender: Device, event_type: str, txn_id: str) -> bool:
    """Whether the sending device has used the transaction id for this type before."""
    row = await tx.fetch_one(
        "SELECT 1 FROM inbox_txns WHERE user_no = ? AND device_id = ? AND type = ? AND txn_id = ?",
        *sender, event_type, txn_id,
    )  # fmt: skip
    return row is not None


async def remember_txn(tx: Transaction, sender: Device, event_type: str, txn_id: str, pos: int) -> None:
    """Note a transaction id, and now and then forget the oldest ones of the device."""
    await tx.execute(
        "INSERT INTO inbox_txns (user_no, device_id, type, txn_id, pos) VALUES (?, ?, ?, ?, ?)",
        *sender, event_type, txn_id, pos,
    )  # fmt: skip
    if pos % 64 == 0:  # finding the oldest reads all remembered ones, so not at every send
        await tx.execute(
            "DELETE FROM inbox_txns WHERE user_no = ? AND device_id = ? AND pos <="
            " (SELECT pos FROM inbox_txns WHERE user_no = ? AND device_id = ? ORDER BY pos DESC LIMIT 1 OFFSET ?)",
            *sender, *sender, INBOX_TXNS_REMEMBERED,
        )  # fmt: skip


async def add(tx: Transaction, messages: Sequence[Message]) -> None:
    """Put messages into inboxes."""
    await tx.execute_many("INSERT INTO inbox (user_no, device_id, pos, message) VALUES (?, ?, ?, ?)", messages)


async def page(reader: Reader, device: Device, since: int, to: int, limit: int) -> list[tuple[int, bytes]]:
    """The device's messages in (since, to], oldest first."""
    rows = await reader.fetch(
        "SELECT pos, message FROM inbox WHERE user_no = ? AND device_id = ? AND pos > ? AND pos <= ?"
        " ORDER BY pos LIMIT ?",
        *device, since, to, limit,
    )  # fmt: skip
    return [(pos, message) for pos, message in rows]


async def has_up_to(reader: Reader, device: Device, pos: int) -> bool:
    """Whether a message at or before `pos`, or a mark that some were missed, is there."""
    row = await reader.fetch_one(
        "SELECT 1 FROM inbox WHERE user_no = ? AND device_id = ? AND pos <= ?"
        " UNION ALL SELECT 1 FROM stale_inboxes WHERE user_no = ? AND device_id = ? AND first_pos <= ? LIMIT 1",
        *device, pos, *device, pos,
    )  # fmt: skip
    return row is not None


async def remove_up_to(tx: Transaction, device: Device, pos: int) -> int:
    """Remove the messages at or before `pos`; their number."""
    return await tx.execute("DELETE FROM inbox WHERE user_no = ? AND device_id = ? AND pos <= ?", *device, pos)


async def size(reader: Reader, device: Device) -> int:
    """How many messages wait, counted up to the limit."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM inbox WHERE user_no = ? AND device_id = ? LIMIT ?) AS waiting",
        *device, INBOX_MESSAGES_MAX,
    )  # fmt: skip
    assert row is not None
    count: int = row[0]
    return count


async def mark_stale(tx: Transaction, devices: Sequence[Device], pos: int) -> None:
    """Count one more missed message for each of the devices."""
    await tx.execute_many(
        "INSERT INTO stale_inboxes (user_no, device_id, first_pos, missed) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (user_no, device_id) DO UPDATE SET missed = stale_inboxes.missed + 1",
        [(*device, pos) for device in devices],
    )


async def missed(reader: Reader, device: Device) -> int:
    """How many messages the device has missed since it last emptied its inbox."""
    row = await reader.fetch_one("SELECT missed FROM stale_inboxes WHERE user_no = ? AND device_id = ?", *device)
    return 0 if row is None else row[0]


async def clear_stale(tx: Transaction, device: Device) -> None:
    """The device has caught up."""
    await tx.execute("DELETE FROM stale_inboxes WHERE user_no = ? AND device_id = ?", *device)


async def delete_devices(tx: Transaction, user_no: int, device_ids: Collection[str]) -> None:
    """Remove everything that waits for, or is remembered of, the devices."""
    ordered = list(device_ids)
    for first in range(0, len(ordered), IN_LIST_MAX):
        some = ordered[first : first + IN_LIST_MAX]
        for table in ("inbox", "stale_inboxes", "inbox_txns"):
            await tx.execute(
                f"DELETE FROM {table} WHERE user_no = ? AND device_id IN ({marks(len(some))})", user_no, *padded(some)
            )
