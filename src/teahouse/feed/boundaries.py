"""Whom people keep out of their sight, and out: muting, blocking, ignoring, and what they want in their own feed.

All of it is private: nobody is told that they are muted or blocked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Protocol

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Reader, Transaction
from teahouse.errors import Forbidden, InvalidParam
from teahouse.feed import types
from teahouse.feed.phrases import phrase
from teahouse.feed.types import BLOCKED, MUTED, NO_REPOSTS, Settings, Shun, View
from teahouse.posts.checking import check_language
from teahouse.posts.neighbours import Boundaries as BoundariesOfPosts
from teahouse.posts.wording import limit

VIEWS_CACHED_MAX = 20_000  # readers whose settings are kept in memory
NOTHING = Settings()


class Users(Protocol):
    """What boundaries need of the users slice."""

    async def number(self, user_id: str) -> int | None:
        """The user_no of a local user, or None when there is no such user."""

    async def ignored(self, user_no: int) -> Collection[str]:
        """The users on somebody's `m.ignored_user_list`. The same object for as long as the list is the same."""


class Boundaries(BoundariesOfPosts):
    """Everybody's boundaries."""

    def __init__(self, database: Database, clock: Clock, users: Users) -> None:
        self._database = database
        self._clock = clock
        self._users = users
        self._views: OrderedDict[int, tuple[Collection[str], View]] = OrderedDict()
        self._changes = 0  # they take no position

    async def keeps_away(self, reader: Reader, user_no: int, other_no: int) -> bool:
        row = await reader.fetch_one("SELECT flags FROM shuns WHERE user_no = ? AND other_no = ?", user_no, other_no)
        return row is not None and bool(row[0] & BLOCKED)

    async def bars(self, reader: Reader, account_no: int, other_no: int) -> bool:
        row = await reader.fetch_one(
            "SELECT 1 FROM account_blocks WHERE account_no = ? AND user_no = ? UNION ALL "
            "SELECT 1 FROM shuns WHERE user_no = ? AND other_no = ? AND (flags & ?) <> 0",
            account_no, other_no, account_no, other_no, int(BLOCKED),
        )  # fmt: skip
        return row is not None

    async def unseen(self, user_no: int) -> Collection[int]:
        return (await self.view(user_no)).unseen

    async def wants_none_of(self, tx: Transaction, user_no: int, other_no: int) -> bool:
        """Whether somebody muted or blocked another, or staff did for their account: what the other does is no news."""
        if await self.bars(tx, user_no, other_no):
            return True
        row = await tx.fetch_one("SELECT flags FROM shuns WHERE user_no = ? AND other_no = ?", user_no, other_no)
        return row is not None and bool(row[0] & MUTED)

    async def view(self, user_no: int) -> View:
        """What somebody sees; 0 is a stranger, who sees all that is public."""
        ignored = await self._users.ignored(user_no) if user_no else ()
        known = self._views.get(user_no)
        if known is not None and known[0] is ignored:
            return known[1]
        before = (self._database.head, self._changes)
        view = await self._load(user_no, ignored)
        if before == (self._database.head, self._changes):  # else somebody was blocked meanwhile
            self._views[user_no] = (ignored, view)
            if len(self._views) > VIEWS_CACHED_MAX:
                self._views.popitem(last=False)
        return view

    async def settings(self, user_no: int) -> Settings:
        """What somebody wants in their own feed."""
        row = await self._database.fetch_one("SELECT settings FROM feed_settings WHERE user_no = ?", user_no)
        return NOTHING if row is None else msgspec.json.decode(row[0], type=Settings)

    async def set_settings(self, user_no: int, settings: Settings) -> None:
        """Change what somebody wants in their own feed; raises InvalidParam or TooLarge."""
        check(settings)
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO feed_settings (user_no, settings) VALUES (?, ?) "
                "ON CONFLICT (user_no) DO UPDATE SET settings = excluded.settings",
                user_no, msgspec.json.encode(settings),
            )  # fmt: skip
            tx.on_commit(lambda: self._forget(user_no))

    async def set(self, user_no: int, other_no: int, flag: int, *, on: bool) -> None:
        """Mute, block or take no reposts from somebody, or no longer."""
        async with self._database.transaction() as tx:
            await self.set_in(tx, user_no, other_no, flag, on=on)

    async def set_in(self, tx: Transaction, user_no: int, other_no: int, flag: int, *, on: bool) -> None:
        """The same inside a transaction."""
        if user_no == other_no:
            raise InvalidParam("You cannot keep yourself out of sight.")
        row = await tx.fetch_one("SELECT flags FROM shuns WHERE user_no = ? AND other_no = ?", user_no, other_no)
        before = row[0] if row is not None else 0
        flags = before | flag if on else before & ~flag
        if flags and row is None:
            count = await tx.fetch_one("SELECT count(*) FROM shuns WHERE user_no = ?", user_no)
            if count is not None and count[0] >= types.SHUNS_MAX:
                raise Forbidden(f"At most {types.SHUNS_MAX:,} accounts can be muted and blocked, together.")
        if not flags:
            await tx.execute("DELETE FROM shuns WHERE user_no = ? AND other_no = ?", user_no, other_no)
        elif flags != before:
            await tx.execute(
                "INSERT INTO shuns (user_no, other_no, flags, since_ms) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (user_no, other_no) DO UPDATE SET flags = excluded.flags, since_ms = excluded.since_ms",
                user_no, other_no, flags, self._clock.now_ms(),
            )  # fmt: skip
        tx.on_commit(lambda: self._forget(user_no))

    async def erase_in(self, tx: Transaction, user_no: int) -> None:
        """Drop whom somebody kept out of sight, and what they wanted in their feed."""
        await tx.execute("DELETE FROM shuns WHERE user_no = ?", user_no)
        await tx.execute("DELETE FROM feed_settings WHERE user_no = ?", user_no)
        tx.on_commit(lambda: self._forget(user_no))

    async def shunned(self, user_no: int, flag: int, after: int, limit_: int) -> list[Shun]:
        """Whom somebody muted or blocked, in a fixed order, after one of them."""
        rows = await self._database.fetch(
            "SELECT other_no, flags, since_ms FROM shuns WHERE user_no = ? AND other_no > ? AND flags & ? > 0 "
            "ORDER BY other_no LIMIT ?",
            user_no, after, flag, limit_,
        )  # fmt: skip
        return [Shun(row[0], row[2]) for row in rows]

    async def _load(self, user_no: int, ignored: Collection[str]) -> View:
        rows = await self._database.fetch(
            "SELECT other_no, flags FROM shuns WHERE user_no = ? LIMIT ?", user_no, types.SHUNS_MAX
        )
        muted, blocked, no_reposts = (
            frozenset(other_no for other_no, flags in rows if flags & flag) for flag in (MUTED, BLOCKED, NO_REPOSTS)
        )
        numbers = [await self._users.number(user_id) for user_id in ignored]
        strangers = frozenset(number for number in numbers if number is not None)
        settings = await self.settings(user_no)
        phrases = [made for word in settings.words if (made := phrase(word))]
        return View(muted, blocked, strangers, no_reposts, settings, phrases, muted | blocked | strangers)

    def _forget(self, user_no: int) -> None:
        self._changes += 1
        self._views.pop(user_no, None)


def check(settings: Settings) -> None:
    """Raises InvalidParam or TooLarge for settings that cannot be."""
    if len(settings.words) > types.WORDS_MAX:
        raise InvalidParam(f"At most {types.WORDS_MAX} words can be muted.")
    for word in settings.words:
        limit(word, types.WORD_MAX_CHARACTERS, "A muted word")
        if not phrase(word):
            raise InvalidParam("A muted word holds a letter or digit.")
    if len(settings.languages) > types.LANGUAGES_MAX:
        raise InvalidParam(f"At most {types.LANGUAGES_MAX} languages can be chosen.")
    for language in settings.languages:
        check_language(language)
