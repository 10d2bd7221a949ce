"""Users by number and by id, with their profiles: the one place others look people up in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from teahouse.db import Database, Reader, Transaction, marks, padded
from teahouse.users import store

USERS_CACHED_MAX = 100_000  # pairs of number and id kept in memory, about 200 bytes each
DEVICE_OWNERS_READ = 256  # users whose devices are read by one statement
PROFILES_CACHED_MAX = 20_000  # profiles kept in memory


class UserDirectory:
    """Local users. There are no others."""

    def __init__(self, database: Database, server_name: str) -> None:
        self._database = database
        self._suffix = f":{server_name}"
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._ids: dict[int, str] = {}
        self._profiles: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._profile_changes = 0  # a load that a change overtook must not be kept

    def localpart(self, user_id: str) -> str | None:
        """The user name in a local user id; None for somebody else's."""
        if not user_id.startswith("@") or not user_id.endswith(self._suffix):
            return None
        return user_id[1 : -len(self._suffix)]

    def full_id(self, localpart: str) -> str:
        """The user id of a user name."""
        return f"@{localpart}{self._suffix}"

    def known(self, user_id: str) -> int | None:
        """The user_no of a user id, from memory alone."""
        return self._numbers.get(user_id)

    async def number(self, user_id: str) -> int | None:
        """The user_no of a local user, or None when there is no such user."""
        number = self._numbers.get(user_id)
        if number is not None:
            return number
        localpart = self.localpart(user_id)
        found = None if localpart is None else await store.by_localpart(self._database, localpart)
        if found is None:
            return None
        self.remember(found.user_no, user_id)
        return found.user_no

    async def user_id(self, user_no: int) -> str:
        """The user id of a number that exists."""
        user_id = self._ids.get(user_no)
        if user_id is None:
            found = await store.by_number(self._database, user_no)
            assert found is not None
            user_id = self.full_id(found.localpart)
            self.remember(user_no, user_id)
        return user_id

    async def devices(self, reader: Reader, user_nos: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        """The users' devices as `reader` sees them: user_no to device_id to display name."""
        found: dict[int, dict[str, str | None]] = {}
        ordered = list(user_nos)
        for first in range(0, len(ordered), DEVICE_OWNERS_READ):
            some = ordered[first : first + DEVICE_OWNERS_READ]
            rows = await reader.fetch(
                f"SELECT user_no, device_id, display_name FROM devices WHERE user_no IN ({marks(len(some))})",
                *padded(some),
            )
            for user_no, device_id, name in rows:
                found.setdefault(user_no, {})[device_id] = name
        return found

    def remember(self, user_no: int, user_id: str) -> None:
        """Keep a pair in memory."""
        self._numbers[user_id] = user_no
        self._ids[user_no] = user_id
        if len(self._numbers) > USERS_CACHED_MAX:
            _, oldest = self._numbers.popitem(last=False)
            self._ids.pop(oldest, None)

    async def profile(self, user_no: int) -> Mapping[str, Any]:
        """A user's profile fields. Shared: do not alter it."""
        profile = self._profiles.get(user_no)
        if profile is None:
            changes = self._profile_changes
            profile = await self.fields(self._database, user_no)
            if changes == self._profile_changes:
                self._profiles[user_no] = profile
                if len(self._profiles) > PROFILES_CACHED_MAX:
                    self._profiles.popitem(last=False)
        return profile

    async def fields(self, reader: Reader, user_no: int) -> dict[str, Any]:
        """A user's profile fields as `reader` sees them."""
        rows = await reader.fetch("SELECT name, value FROM profiles WHERE user_no = ?", user_no)
        return {name: msgspec.json.decode(value) for name, value in rows}

    async def set_field(self, tx: Transaction, user_no: int, name: str, value: Any) -> None:
        """Set one profile field."""
        await tx.execute(
            "INSERT INTO profiles (user_no, name, value) VALUES (?, ?, ?) "
            "ON CONFLICT (user_no, name) DO UPDATE SET value = excluded.value",
            user_no, name, msgspec.json.encode(value),
        )  # fmt: skip
        tx.on_commit(lambda: self._forget_profile(user_no))

    async def set_names(self, tx: Transaction, user_no: int, displayname: str, avatar_url: str) -> None:
        """Set what member events carry of a profile; an empty `avatar_url` takes the picture away."""
        await self.set_field(tx, user_no, "displayname", displayname)
        if avatar_url:
            await self.set_field(tx, user_no, "avatar_url", avatar_url)
        else:
            await self.drop_field(tx, user_no, "avatar_url")

    async def drop_field(self, tx: Transaction, user_no: int, name: str) -> None:
        """Take one profile field away."""
        await tx.execute("DELETE FROM profiles WHERE user_no = ? AND name = ?", user_no, name)
        tx.on_commit(lambda: self._forget_profile(user_no))

    async def erase_profile(self, tx: Transaction, user_no: int) -> None:
        """Drop a profile whole."""
        await tx.execute("DELETE FROM profiles WHERE user_no = ?", user_no)
        tx.on_commit(lambda: self._forget_profile(user_no))

    def _forget_profile(self, user_no: int) -> None:
        self._profile_changes += 1
        self._profiles.pop(user_no, None)
