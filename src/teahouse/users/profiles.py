"""Profiles: names, pictures and other fields that people show of themselves.

Source: Client-Server API, "Profiles".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from teahouse.db import Database, Transaction
from teahouse.errors import BadJson, Forbidden, InvalidParam, KeyTooLarge, NotFound, ProfileTooLarge
from teahouse.users import store
from teahouse.users.directory import UserDirectory

PROFILE_MAX_BYTES = 65_536  # Client-Server API, "Profiles": the whole profile
KEY_MAX_BYTES = 255  # Client-Server API, "Profiles": a field's name
TEXTS_MAX_CHARACTERS = {  # of fields that are text; member events carry the first two into every room
    "displayname": 256,
    "avatar_url": 1_000,
    "m.tz": 255,
}
BADGE_SIGNS = "✓✔☑✅🗸🗹🮱⮽"  # in a name they would look like the badge that the operator's staff give
RESERVED = "io.teahouse."  # fields that the server alone writes
NAMES = ("displayname", "avatar_url")  # the fields that member events carry
_KEY = re.compile(r"[a-z][a-z0-9._-]*")  # appendices, "Common Namespaced Identifier Grammar"

ProfileChanged = Callable[[int, str, str], Awaitable[None]]


class Profiles:
    """The profiles of all users."""

    def __init__(self, database: Database, directory: UserDirectory, changed: ProfileChanged) -> None:
        """`changed(user_no, user_id, device_id)` carries a new name or picture into the user's rooms."""
        self._database = database
        self._directory = directory
        self._changed = changed

    async def of(self, user_id: str) -> Mapping[str, Any]:
        """A user's profile; raises NotFound when there is no such user, or no longer."""
        user_no = await self._directory.number(user_id)
        account = None if user_no is None else await store.by_number(self._database, user_no)
        if account is None or account.closed_ms is not None:
            raise NotFound("There is no such user.")
        return await self._directory.profile(account.user_no)

    async def put(self, user_no: int, device_id: str, name: str, value: Any) -> None:
        """Set a field of one's own. An empty or missing name or picture is none."""
        check_key(name)
        check_own(name)
        if name in NAMES and value in (None, ""):
            await self.delete(user_no, device_id, name)
            return
        check_value(name, value)
        if name in (profile := await self._directory.profile(user_no)) and profile[name] == value:
            return
        async with self._database.transaction() as tx:
            await self._check_size(tx, user_no, name, value)
            await self._directory.set_field(tx, user_no, name, value)
        await self._carry(user_no, device_id, name)

    async def delete(self, user_no: int, device_id: str, name: str) -> None:
        """Take a field of one's own away; nothing when it is not there."""
        check_key(name)
        check_own(name)
        if name not in await self._directory.profile(user_no):
            return
        async with self._database.transaction() as tx:
            await self._directory.drop_field(tx, user_no, name)
        await self._carry(user_no, device_id, name)

    async def _check_size(self, tx: Transaction, user_no: int, name: str, value: Any) -> None:
        profile = {**await self._directory.fields(tx, user_no), name: value}
        if len(msgspec.json.encode(profile)) >= PROFILE_MAX_BYTES:
            raise ProfileTooLarge(f"A profile has less than {PROFILE_MAX_BYTES} bytes.")

    async def _carry(self, user_no: int, device_id: str, name: str) -> None:
        if name in NAMES:
            await self._changed(user_no, await self._directory.user_id(user_no), device_id)


def check_key(name: str) -> None:
    """Raises KeyTooLarge or InvalidParam for what no field can be called."""
    if len(name.encode()) > KEY_MAX_BYTES:
        raise KeyTooLarge(f"A field's name has at most {KEY_MAX_BYTES} bytes.")
    if not _KEY.fullmatch(name):
        raise InvalidParam("A field's name begins with a letter a-z; letters a-z, digits and . _ - follow.")


def check_own(name: str) -> None:
    """Raises Forbidden for a field that is the server's to write."""
    if name.startswith(RESERVED):
        raise Forbidden(f"A profile's fields that begin with {RESERVED} are for the server alone to set.")


def check_no_badge(name: str) -> None:
    """Raises InvalidParam for a name that shows what looks like a badge."""
    if any(sign in name for sign in BADGE_SIGNS):
        raise InvalidParam("A name holds no signs that look like a badge: badges are given by the operator's staff.")


def check_value(name: str, value: Any) -> None:
    """Raises BadJson or InvalidParam for what a field of the specification cannot hold; other fields hold anything."""
    limit = TEXTS_MAX_CHARACTERS.get(name)
    if limit is None:
        return
    if not isinstance(value, str):
        raise BadJson(f"'{name}' must be a string.")
    if len(value) > limit:
        raise InvalidParam(f"'{name}' has at most {limit} characters.")
    if name == "avatar_url" and not value.startswith("mxc://"):
        raise InvalidParam("'avatar_url' must be an mxc:// URI.")
    if name == "displayname":
        check_no_badge(value)
