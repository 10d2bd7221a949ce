"""The rows of key backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teahouse.db import Reader, Transaction
from teahouse.keys.types import BACKUP_PAGE_KEYS, BackedUpKey, BackupVersion

VERSION = "SELECT version, algorithm, auth_data, etag, count, deleted FROM backup_versions WHERE user_no = ?"
KEY = "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data FROM backup_keys"


async def newest(reader: Reader, user_no: int) -> BackupVersion | None:
    """The most recently created version that was not deleted."""
    return _version(await reader.fetch_one(f"{VERSION} AND deleted = 0 ORDER BY version DESC LIMIT 1", user_no))


async def version(reader: Reader, user_no: int, number: int) -> BackupVersion | None:
    """One version, deleted or not."""
    return _version(await reader.fetch_one(f"{VERSION} AND version = ?", user_no, number))


async def highest_number(reader: Reader, user_no: int) -> int:
    """The highest version number ever given to the user, 0 before the first."""
    row = await reader.fetch_one("SELECT coalesce(max(version), 0) FROM backup_versions WHERE user_no = ?", user_no)
    assert row is not None
    number: int = row[0]
    return number


async def create(tx: Transaction, user_no: int, number: int, algorithm: str, auth_data: bytes) -> None:
    """Add an empty version."""
    await tx.execute(
        "INSERT INTO backup_versions (user_no, version, algorithm, auth_data, etag, count, deleted)"
        " VALUES (?, ?, ?, ?, 0, 0, 0)",
        user_no, number, algorithm, auth_data,
    )  # fmt: skip


async def set_auth_data(tx: Transaction, user_no: int, number: int, auth_data: bytes) -> None:
    """Replace a version's auth data."""
    await tx.execute(
        "UPDATE backup_versions SET auth_data = ? WHERE user_no = ? AND version = ?", auth_data, user_no, number
    )


async def mark_deleted(tx: Transaction, user_no: int, number: int) -> None:
    """Empty a version, keeping its number."""
    await tx.execute("DELETE FROM backup_keys WHERE user_no = ? AND version = ?", user_no, number)
    await tx.execute(
        "UPDATE backup_versions SET deleted = 1, count = 0, auth_data = ? WHERE user_no = ? AND version = ?",
        b"{}", user_no, number,
    )  # fmt: skip


async def count_changes(tx: Transaction, user_no: int, number: int, added: int) -> None:
    """Note that keys changed: a new etag, and the number of keys with it."""
    await tx.execute(
        "UPDATE backup_versions SET etag = etag + 1, count = count + ? WHERE user_no = ? AND version = ?",
        added, user_no, number,
    )  # fmt: skip


async def key(reader: Reader, user_no: int, number: int, room_id: str, session_id: str) -> BackedUpKey | None:
    """One session's key."""
    row = await reader.fetch_one(
        f"{KEY} WHERE user_no = ? AND version = ? AND room_id = ? AND session_id = ?",
        user_no, number, room_id, session_id,
    )  # fmt: skip
    return None if row is None else _key(row)


async def keys_after(
    reader: Reader, user_no: int, number: int, room_id: str | None, after: tuple[str, str]
) -> list[BackedUpKey]:
    """A page of keys in the order of room and session after a place; of one room when `room_id` is given."""
    if room_id is None:
        where, params = "(room_id, session_id) > (?, ?)", [*after]
    else:
        where, params = "room_id = ? AND session_id > ?", [room_id, after[1]]
    rows = await reader.fetch(
        f"{KEY} WHERE user_no = ? AND version = ? AND {where} ORDER BY room_id, session_id LIMIT ?",
        user_no, number, *params, BACKUP_PAGE_KEYS,
    )  # fmt: skip
    return [_key(row) for row in rows]


async def put_keys(tx: Transaction, user_no: int, number: int, keys: Sequence[BackedUpKey]) -> None:
    """Store keys in the place of earlier ones of the same sessions."""
    await tx.execute_many(
        "INSERT INTO backup_keys (user_no, version, room_id, session_id, first_message_index, forwarded_count,"
        " is_verified, session_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_no, version, room_id, session_id) DO UPDATE SET"
        " first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,"
        " is_verified = excluded.is_verified, session_data = excluded.session_data",
        [
            (user_no, number, k.room_id, k.session_id, k.first_message_index, k.forwarded_count, int(k.is_verified),
             k.session_data)
            for k in keys
        ],
    )  # fmt: skip


async def delete_keys(tx: Transaction, user_no: int, number: int, room_id: str | None, session_id: str | None) -> int:
    """Remove keys: all of the version, of one room, or of one session; their number."""
    where, params = "", []
    for column, value in (("room_id", room_id), ("session_id", session_id)):
        if value is not None:
            where += f" AND {column} = ?"
            params.append(value)
    return await tx.execute(
        f"DELETE FROM backup_keys WHERE user_no = ? AND version = ?{where}", user_no, number, *params
    )


def _version(row: Sequence[Any] | None) -> BackupVersion | None:
    return None if row is None else BackupVersion(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def _key(row: Sequence[Any]) -> BackedUpKey:
    room_id, session_id, first_message_index, forwarded_count, is_verified, session_data = row
    return BackedUpKey(room_id, session_id, first_message_index, forwarded_count, bool(is_verified), session_data)
