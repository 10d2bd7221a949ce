"""Each user's push rules, kept as account data `m.push_rules`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from teahouse.db import Database, Reader, Transaction
from teahouse.matrix import push_rules
from teahouse.matrix.push_rules import Ruleset
from teahouse.push import carrying

DATA_TYPE = "m.push_rules"
RULESETS_CACHED_MAX = 20_000  # users whose rules are kept in memory

Change = Callable[[Ruleset], None]


class Storage(Protocol):
    """Where rules are kept: the users slice's account data."""

    async def get_in(self, reader: Reader, user_no: int, room_no: int, data_type: str) -> bytes | None: ...

    async def set_in(
        self, tx: Transaction, user_no: int, room_no: int, data_type: str, content: Mapping[str, Any]
    ) -> None: ...

    def on_change(self, listener: Callable[[int, str], None]) -> None: ...


class PushRules:
    """Rules of all users."""

    def __init__(self, database: Database, storage: Storage, user_id: Callable[[int], Awaitable[str]]) -> None:
        self._database = database
        self._storage = storage
        self._user_id = user_id
        self._rulesets: OrderedDict[int, Ruleset | None] = OrderedDict()
        storage.on_change(self._changed)

    async def own(self, user_no: int) -> Ruleset | None:
        """A user's rules when they differ from the predefined ones, else None. Shared: do not alter it."""
        if user_no in self._rulesets:
            return self._rulesets[user_no]
        head = self._database.head
        user_id = await self._user_id(user_no)
        stored = await self._stored(self._database, user_no, user_id)
        rules = None if stored == push_rules.defaults(user_id) else stored
        if head == self._database.head:
            self._rulesets[user_no] = rules
            if len(self._rulesets) > RULESETS_CACHED_MAX:
                self._rulesets.popitem(last=False)
        return rules

    async def ruleset(self, user_no: int) -> Ruleset:
        """A user's rules, the predefined ones included."""
        return await self.own(user_no) or push_rules.defaults(await self._user_id(user_no))

    async def change(self, user_no: int, change: Change) -> None:
        """Change a user's rules; `change` may raise to refuse."""
        user_id = await self._user_id(user_no)
        async with self._database.transaction() as tx:
            await self._change_in(tx, user_no, user_id, change)

    async def alert(
        self, tx: Transaction, user_no: int, user_id: str, room_id: str, *, wanted: bool, topics: Sequence[int] = ()
    ) -> None:
        """Put the rules in place that alert of a channel's posts, or take them away. With `topics`: of those alone."""

        def change(rules: Ruleset) -> None:
            push_rules.alert(rules, room_id, wanted=wanted, topics=topics)

        await self._change_in(tx, user_no, user_id, change)

    async def end_topic(self, tx: Transaction, user_no: int, user_id: str, room_id: str, place: int) -> None:
        """A channel's topic is no more: who was alerted of it alone is alerted of all posts."""
        await self._change_in(tx, user_no, user_id, lambda rules: push_rules.end_topic(rules, room_id, place))

    async def carry(self, tx: Transaction, user_no: int, user_id: str, old: str, new: str) -> None:
        """Make the user's own rules about one room hold for the one that replaces it."""
        rules = await self._stored(tx, user_no, user_id)
        if carrying.carry(rules, old, new):
            await self._storage.set_in(tx, user_no, 0, DATA_TYPE, {"global": rules})

    async def _change_in(self, tx: Transaction, user_no: int, user_id: str, change: Change) -> None:
        rules = await self._stored(tx, user_no, user_id)
        change(rules)
        await self._storage.set_in(tx, user_no, 0, DATA_TYPE, {"global": rules})

    async def _stored(self, reader: Reader, user_no: int, user_id: str) -> Ruleset:
        """A user's rules as `reader` sees them, not shared with anybody."""
        stored = await self._storage.get_in(reader, user_no, 0, DATA_TYPE)
        return push_rules.with_defaults(None if stored is None else msgspec.json.decode(stored).get("global"), user_id)

    def _changed(self, user_no: int, data_type: str) -> None:
        if data_type == DATA_TYPE:
            self._rulesets.pop(user_no, None)
