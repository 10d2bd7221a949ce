"""Key backups: room keys that only their owner can decrypt, kept for the owner's next device.

Source: Client-Server API, "Server-side key backups".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from teahouse.db import Database, Transaction
from teahouse.errors import InvalidParam, LimitExceeded, NotFound, TooLarge, WrongBackupVersion
from teahouse.http import codec
from teahouse.keys import backup_store as store
from teahouse.keys.types import (
    BACKUP_KEYS_MAX,
    BACKUP_PAGE_KEYS,
    BACKUP_UPLOAD_KEYS_MAX,
    BACKUP_VERSIONS_MAX,
    BackedUpKey,
    BackupVersion,
    JsonObject,
)

# Versions of one life of the log never meet those of another: a device that was away during a restore must not take a
# later backup for the one it knew.
NUMBERS_PER_EPOCH = 1 << 20
RETRY_AFTER_MS = 86_400_000  # told to who creates too many versions


def is_better(new: BackedUpKey, old: BackedUpKey) -> bool:
    """Whether `new` replaces `old`: verified before not, then the lower first index, then fewer forwards."""
    return _rank(new) < _rank(old)


class Backups:
    """The key backups of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, user_no: int, algorithm: str, auth_data: JsonObject | str) -> str:
        """Begin a new version, which becomes the current one."""
        first = self._database.epoch * NUMBERS_PER_EPOCH + 1
        async with self._database.transaction() as tx:
            number = max(await store.highest_number(tx, user_no) + 1, first)
            if number - first >= BACKUP_VERSIONS_MAX:
                raise LimitExceeded("You created too many key backups.", retry_after_ms=RETRY_AFTER_MS)
            await store.create(tx, user_no, number, algorithm, codec.encode(auth_data))
        return str(number)

    async def version(self, user_no: int, version: str | None) -> BackupVersion:
        """One version, or the current one; raises NotFound."""
        if version is None:
            found = await store.newest(self._database, user_no)
        else:
            found = await store.version(self._database, user_no, _number(version))
        if found is None or found.deleted:
            raise NotFound("There is no such key backup.")
        return found

    async def update(self, user_no: int, version: str, algorithm: str, auth_data: JsonObject | str) -> None:
        """Replace a version's auth data; raises NotFound, or InvalidParam when the algorithm is another."""
        async with self._database.transaction() as tx:
            found = await self._existing(tx, user_no, version)
            if found.algorithm != algorithm:
                raise InvalidParam("The algorithm of a key backup cannot change.")
            await store.set_auth_data(tx, user_no, found.version, codec.encode(auth_data))

    async def delete(self, user_no: int, version: str) -> None:
        """Remove a version with its keys; once more does nothing. Raises NotFound for one that never was."""
        async with self._database.transaction() as tx:
            found = await store.version(tx, user_no, _number(version))
            if found is None:
                raise NotFound("There is no such key backup.")
            await store.mark_deleted(tx, user_no, found.version)

    async def put(self, user_no: int, version: str, keys: Sequence[BackedUpKey]) -> BackupVersion:
        """Store keys, each unless a better one of its session is there; the version afterwards.

        Raises NotFound when there is no backup at all, WrongBackupVersion when `version` is not the current one.
        """
        if len(keys) > BACKUP_UPLOAD_KEYS_MAX:
            raise TooLarge(f"One upload may hold at most {BACKUP_UPLOAD_KEYS_MAX} keys.")
        async with self._database.transaction() as tx:
            current = await store.newest(tx, user_no)
            if current is None:
                raise NotFound("There is no key backup.")
            if str(current.version) != version:
                raise WrongBackupVersion("This is not your current backup.", current_version=str(current.version))
            chosen, added = [], 0
            for key in keys:
                old = await store.key(tx, user_no, current.version, key.room_id, key.session_id)
                if old is None or is_better(key, old):
                    chosen.append(key)
                    added += old is None
            if current.count + added > BACKUP_KEYS_MAX:
                raise TooLarge(f"A key backup may hold at most {BACKUP_KEYS_MAX} keys.")
            if chosen:
                await store.put_keys(tx, user_no, current.version, chosen)
                await store.count_changes(tx, user_no, current.version, added)
            return await self._existing(tx, user_no, version)

    async def key(self, user_no: int, version: str, room_id: str, session_id: str) -> BackedUpKey:
        """One session's key; raises NotFound."""
        found = await self.version(user_no, version)
        key = await store.key(self._database, user_no, found.version, room_id, session_id)
        if key is None:
            raise NotFound("This session has no key in the backup.")
        return key

    async def keys(self, user_no: int, version: str, room_id: str | None) -> AsyncIterator[Sequence[BackedUpKey]]:
        """All keys of the version or of one room, page by page in the order of rooms; raises NotFound at once."""
        found = await self.version(user_no, version)
        return self._pages(user_no, found.version, room_id)

    async def delete_keys(
        self, user_no: int, version: str, room_id: str | None, session_id: str | None
    ) -> BackupVersion:
        """Remove all keys, those of one room or that of one session; the version afterwards. Raises NotFound."""
        async with self._database.transaction() as tx:
            found = await self._existing(tx, user_no, version)
            removed = await store.delete_keys(tx, user_no, found.version, room_id, session_id)
            if removed:
                await store.count_changes(tx, user_no, found.version, -removed)
            return await self._existing(tx, user_no, version)

    async def _pages(self, user_no: int, number: int, room_id: str | None) -> AsyncIterator[Sequence[BackedUpKey]]:
        after = ("", "")
        while True:
            keys = await store.keys_after(self._database, user_no, number, room_id, after)
            if keys:
                yield keys
            if len(keys) < BACKUP_PAGE_KEYS:
                return
            after = (keys[-1].room_id, keys[-1].session_id)

    @staticmethod
    async def _existing(tx: Transaction, user_no: int, version: str) -> BackupVersion:
        found = await store.version(tx, user_no, _number(version))
        if found is None or found.deleted:
            raise NotFound("There is no such key backup.")
        return found


def _number(version: str) -> int:
    """The number of a version; what is none of ours becomes one that never exists."""
    return int(version) if version.isascii() and version.isdigit() and len(version) < 18 else -1


def _rank(key: BackedUpKey) -> tuple[bool, int, int]:
    return (not key.is_verified, key.first_message_index, key.forwarded_count)
