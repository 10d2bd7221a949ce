"""What users keep with us for their clients: account data, tags, filters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from teahouse.bus import Bus
from teahouse.db import Database, Reader, Transaction
from teahouse.errors import BadJson, InvalidParam, NotFound, ServerControlled, TooLarge
from teahouse.matrix import filters
from teahouse.matrix.filters import Filter

CONTENT_MAX_BYTES = 262_144  # of one account data event; an m.direct of thousands of rooms fits
ENTRIES_MAX = 10_000  # account data events of one user, over all rooms
TYPE_MAX_BYTES = 255  # of a type's name
FILTER_MAX_BYTES = 65_536  # of a stored filter, as much as an inline one may have
FILTERS_MAX = 100  # stored filters of one user: clients store a handful and use them again
TAG_MAX_BYTES = 255  # Client-Server API, "Room Tagging"
IGNORED_MAX = 10_000  # users one can ignore
USERS_CACHED_MAX = 50_000  # users whose newest position and ignored users are kept
PUSH_RULES = "m.push_rules"
SERVER_TYPES = ("m.fully_read", PUSH_RULES)  # written by the server alone
IGNORED = "m.ignored_user_list"
DIRECT = "m.direct"
TAGS = "m.tag"
INVITES = "m.invite_permission_config"


class AccountData:
    """Account data of all users; room_no 0 is the user's own."""

    def __init__(self, database: Database, bus: Bus, entries_max: int = ENTRIES_MAX) -> None:
        self._database = database
        self._entries_max = entries_max
        self._bus = bus
        self._newest: OrderedDict[int, int] = OrderedDict()
        self._ignored: OrderedDict[int, frozenset[str]] = OrderedDict()
        self._filters: OrderedDict[tuple[int, int], Filter] = OrderedDict()
        self._listeners: list[Callable[[int, str], None]] = []

    def on_change(self, listener: Callable[[int, str], None]) -> None:
        """Call `listener(user_no, type)` after every committed change."""
        self._listeners.append(listener)

    async def get(self, user_no: int, room_no: int, data_type: str) -> bytes | None:
        """The content of one entry, as JSON bytes."""
        return await self.get_in(self._database, user_no, room_no, data_type)

    async def get_in(self, reader: Reader, user_no: int, room_no: int, data_type: str) -> bytes | None:
        """The same as `reader` sees it."""
        row = await reader.fetch_one(
            "SELECT content FROM account_data WHERE user_no = ? AND room_no = ? AND type = ?",
            user_no, room_no, data_type,
        )  # fmt: skip
        return None if row is None else bytes(row[0])

    async def put(self, user_no: int, room_no: int, data_type: str, content: Mapping[str, Any]) -> None:
        """Store an entry that a client sent."""
        if data_type in SERVER_TYPES:
            raise ServerControlled(f"{data_type} cannot be set as account data.")
        if not data_type or len(data_type.encode()) > TYPE_MAX_BYTES:
            raise InvalidParam(f"A type has 1 to {TYPE_MAX_BYTES} bytes.")
        if data_type == IGNORED and room_no == 0:
            check_ignored(content)
        async with self._database.transaction() as tx:
            await self.set_in(tx, user_no, room_no, data_type, content)

    async def set_in(
        self, tx: Transaction, user_no: int, room_no: int, data_type: str, content: Mapping[str, Any]
    ) -> None:
        """Store an entry inside a transaction."""
        encoded = msgspec.json.encode(content)
        if len(encoded) > CONTENT_MAX_BYTES:
            raise TooLarge(f"Account data has at most {CONTENT_MAX_BYTES} bytes.")
        if await self.get_in(tx, user_no, room_no, data_type) is None:
            count = await tx.fetch_one("SELECT count(*) FROM account_data WHERE user_no = ?", user_no)
            if count is not None and count[0] >= self._entries_max:
                raise TooLarge(f"A user has at most {self._entries_max} entries of account data.")
        pos = tx.positions()
        await tx.execute(
            "INSERT INTO account_data (user_no, room_no, type, content, pos) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (user_no, room_no, type) DO UPDATE SET content = excluded.content, pos = excluded.pos",
            user_no, room_no, data_type, encoded, pos,
        )  # fmt: skip
        tx.on_commit(lambda: self._changed(user_no, room_no, data_type, pos))

    async def since(self, user_no: int, since: int, upto: int) -> list[tuple[int, str, bytes]]:
        """(room_no, type, content) changed in since < pos <= upto."""
        if since and await self._newest_pos(user_no) <= since:
            return []
        rows = await self._database.fetch(
            "SELECT room_no, type, content FROM account_data WHERE user_no = ? AND pos > ? AND pos <= ? ORDER BY pos",
            user_no, since, upto,
        )  # fmt: skip
        return [(row[0], row[1], bytes(row[2])) for row in rows]

    async def ignored(self, user_no: int) -> Collection[str]:
        """The users somebody ignores."""
        ignored = self._ignored.get(user_no)
        if ignored is None:
            head = self._database.head
            stored = await self.get(user_no, 0, IGNORED)
            users = msgspec.json.decode(stored).get("ignored_users") if stored else None
            ignored = frozenset(users if isinstance(users, dict) else ())
            if head == self._database.head:
                self._ignored[user_no] = ignored
                if len(self._ignored) > USERS_CACHED_MAX:
                    self._ignored.popitem(last=False)
        return ignored

    async def ignore(self, tx: Transaction, user_no: int, user_id: str) -> None:
        """Put a user on somebody's list of ignored ones."""
        stored = await self.get_in(tx, user_no, 0, IGNORED)
        content = msgspec.json.decode(stored) if stored else {}
        users = content.get("ignored_users")
        content["ignored_users"] = {**(users if isinstance(users, dict) else {}), user_id: {}}
        check_ignored(content)
        await self.set_in(tx, user_no, 0, IGNORED, content)

    async def add_direct(self, tx: Transaction, user_no: int, other: str, room_id: str) -> None:
        """Put a room on somebody's list of direct chats with another user. Source: Client-Server API, `m.direct`."""
        stored = await self.get_in(tx, user_no, 0, DIRECT)
        content = msgspec.json.decode(stored) if stored else {}
        rooms = content.get(other)
        known = rooms if isinstance(rooms, list) else []
        if room_id not in known:
            content[other] = [*known, room_id]
            await self.set_in(tx, user_no, 0, DIRECT, content)

    async def invites_blocked(self, user_no: int) -> bool:
        """Whether somebody takes no invites at all. Source: Client-Server API, "Invite permission"."""
        stored = await self.get(user_no, 0, INVITES)
        return stored is not None and msgspec.json.decode(stored).get("default_action") == "block"

    async def tags(self, user_no: int, room_no: int) -> dict[str, Any]:
        """A room's tags."""
        return tags_in(await self.get(user_no, room_no, TAGS))

    async def tag(self, user_no: int, room_no: int, name: str, value: Mapping[str, Any] | None) -> None:
        """Set a tag on a room, or take it away with None."""
        if not name or len(name.encode()) > TAG_MAX_BYTES:
            raise InvalidParam(f"A tag has 1 to {TAG_MAX_BYTES} bytes.")
        async with self._database.transaction() as tx:
            tags = tags_in(await self.get_in(tx, user_no, room_no, TAGS))
            if value is None and name not in tags:
                return
            if value is None:
                del tags[name]
            else:
                tags[name] = value
            await self.set_in(tx, user_no, room_no, TAGS, {"tags": tags})

    async def add_filter(self, user_no: int, encoded: bytes) -> str:
        """Store a filter; its id. The same filter again gets the same id."""
        if len(encoded) > FILTER_MAX_BYTES:
            raise TooLarge(f"A filter has at most {FILTER_MAX_BYTES} bytes.")
        filters.sync_filter(encoded)
        async with self._database.transaction() as tx:
            rows = await tx.fetch("SELECT filter_no, filter FROM filters WHERE user_no = ? ORDER BY filter_no", user_no)
            for filter_no, stored in rows:
                if bytes(stored) == encoded:
                    return str(filter_no)
            filter_no = rows[-1][0] + 1 if rows else 0
            await tx.execute(
                "INSERT INTO filters (user_no, filter_no, filter) VALUES (?, ?, ?)", user_no, filter_no, encoded
            )
            if len(rows) >= FILTERS_MAX:
                # The oldest goes: a client that comes back with its id gets a 404 and stores it anew.
                await tx.execute("DELETE FROM filters WHERE user_no = ? AND filter_no = ?", user_no, rows[0][0])
        return str(filter_no)

    async def stored_filter(self, user_no: int, filter_id: str) -> bytes:
        """A stored filter as it was sent; raises NotFound."""
        if not filter_id.isascii() or not filter_id.isdigit() or len(filter_id) > 9:
            raise NotFound("There is no such filter.")
        row = await self._database.fetch_one(
            "SELECT filter FROM filters WHERE user_no = ? AND filter_no = ?", user_no, int(filter_id)
        )
        if row is None:
            raise NotFound("There is no such filter.")
        return bytes(row[0])

    async def filter(self, user_no: int, filter_id: str) -> Filter:
        """A stored filter, decoded."""
        key = (user_no, int(filter_id)) if filter_id.isascii() and filter_id.isdigit() and len(filter_id) < 10 else None
        known = None if key is None else self._filters.get(key)
        if known is None:
            known = filters.sync_filter(await self.stored_filter(user_no, filter_id))
            assert key is not None
            self._filters[key] = known
            if len(self._filters) > USERS_CACHED_MAX:
                self._filters.popitem(last=False)
        return known

    async def erase(self, tx: Transaction, user_no: int) -> None:
        """Drop all that a user keeps with us."""
        await tx.execute("DELETE FROM account_data WHERE user_no = ?", user_no)
        await tx.execute("DELETE FROM filters WHERE user_no = ?", user_no)
        tx.on_commit(lambda: self._erased(user_no))

    async def _newest_pos(self, user_no: int) -> int:
        newest = self._newest.get(user_no)
        if newest is None:
            head = self._database.head
            row = await self._database.fetch_one("SELECT max(pos) FROM account_data WHERE user_no = ?", user_no)
            newest = (row and row[0]) or 0
            if head == self._database.head:
                self._newest[user_no] = newest
                if len(self._newest) > USERS_CACHED_MAX:
                    self._newest.popitem(last=False)
        return newest

    def _changed(self, user_no: int, room_no: int, data_type: str, pos: int) -> None:
        self._newest[user_no] = pos
        if len(self._newest) > USERS_CACHED_MAX:
            self._newest.popitem(last=False)
        if data_type == IGNORED and room_no == 0:
            self._ignored.pop(user_no, None)
        for listener in self._listeners:
            listener(user_no, data_type)
        self._bus.publish(users=(user_no,))

    def _erased(self, user_no: int) -> None:
        self._newest.pop(user_no, None)
        self._ignored.pop(user_no, None)
        for key in [key for key in self._filters if key[0] == user_no]:
            del self._filters[key]
        for listener in self._listeners:
            listener(user_no, PUSH_RULES)


def tags_in(stored: bytes | None) -> dict[str, Any]:
    """The tags in a room's `m.tag`, which clients may also have written as plain account data."""
    tags = msgspec.json.decode(stored).get("tags") if stored else None
    return tags if isinstance(tags, dict) else {}


def check_ignored(content: Mapping[str, Any]) -> None:
    """Raises BadJson unless this is a list of users to ignore, of bounded length."""
    users = content.get("ignored_users", {})
    if not isinstance(users, dict):
        raise BadJson("'ignored_users' must be an object with a key for each user.")
    if len(users) > IGNORED_MAX:
        raise TooLarge(f"At most {IGNORED_MAX} users can be ignored.")
