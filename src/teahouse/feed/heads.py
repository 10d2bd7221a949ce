"""The newest posts of accounts, as positions in memory: a page of somebody's feed is merged from them without asking
the database about each of the thousands of accounts they may follow.

Nothing is written for anybody's feed; this is a cache of the index by account, and may be forgotten at any moment.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import nlargest

from teahouse.db import Database, Transaction
from teahouse.feed import store
from teahouse.posts.neighbours import PostListener
from teahouse.posts.types import Post

KEPT_MAX = 16  # newest posts of each account: what an evening's reading goes back to
ACCOUNTS_CACHED_MAX = 100_000  # accounts kept in memory, about 300 bytes each
UNKNOWN_MANY = 128  # accounts that memory does not hold, for which what everybody published is looked at first
LOADED_AT_ONCE = 512  # accounts whose newest post one statement reads
DEEPENED_AT_ONCE = 64  # accounts of which one statement reads more


@dataclass(slots=True)
class Newest:
    """Positions of an account's newest standing posts, rising. `whole`: there are no older ones; `shallow`: the older
    ones were not asked for yet."""

    positions: list[int]
    whole: bool
    shallow: bool = False

    def reaches(self, before: int) -> bool:
        """Whether it says everything there is to say about what lies right below a position."""
        return self.whole or (len(self.positions) > 0 and self.positions[0] < before)

    def below(self, before: int) -> int:
        """The newest position below another one; 0 for none."""
        if not self.positions or self.positions[-1] < before:
            return self.positions[-1] if self.positions else 0
        place = bisect_left(self.positions, before)
        return self.positions[place - 1] if place else 0

    def ends_above(self, floor: int) -> bool:
        """Whether older posts that memory does not hold may lie above a position."""
        return not self.whole and (not self.positions or self.positions[0] > floor)


UNKNOWN = Newest([], whole=False)


class Heads(PostListener):
    """Newest posts by account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: OrderedDict[int, Newest] = OrderedDict()
        self._loads: list[set[int]] = []  # for each load that runs, the accounts that changed meanwhile

    async def merged(self, account_nos: Collection[int], after: int, before: int, count: int) -> list[int]:
        """The `count` newest positions of these accounts' posts in after < pos < before, newest first."""
        unknown = [number for number in account_nos if number not in self._newest]
        if len(unknown) >= UNKNOWN_MANY:
            found = await store.newest_among(self._database, set(account_nos), after, before, count)
            if found is not None:
                return found
        await self._load(unknown)
        heads: list[tuple[int, int]] = []
        beyond: list[int] = []
        for account_no in account_nos:
            newest = self._newest.get(account_no)
            if newest is None or not newest.reaches(before):
                beyond.append(account_no)
            elif (head := newest.below(before)) > after:
                heads.append((head, account_no))
        # No post of any other account is as new as all of these heads.
        leading = [account_no for _, account_no in nlargest(count, heads)]
        await self._deepen(leading)
        known = [(account_no, self._newest.get(account_no, UNKNOWN)) for account_no in leading]
        found = nlargest(count, (pos for _, newest in known for pos in newest.positions if after < pos < before))
        # What memory holds of an account may end above the page's end: then the rest of it is in the database alone.
        floor = found[-1] if len(found) == count else after
        beyond += [account_no for account_no, newest in known if newest.ends_above(floor)]
        if beyond:
            found += await store.newest_of(self._database, beyond, after, before, count)
        return nlargest(count, set(found))

    async def posted(self, tx: Transaction, post: Post) -> None:
        tx.on_commit(lambda: self._added(post))

    async def deleted(self, tx: Transaction, post: Post) -> None:
        tx.on_commit(lambda: self._gone(post))

    async def removed(self, tx: Transaction, post: Post) -> None:
        tx.on_commit(lambda: self._gone(post))

    async def restored(self, tx: Transaction, post: Post) -> None:
        tx.on_commit(lambda: self._added(post))

    def _added(self, post: Post) -> None:
        newest = self._changing(post)
        if newest is None or post.pos in newest.positions or not newest.reaches(post.pos):
            return
        insort(newest.positions, post.pos)
        if len(newest.positions) > KEPT_MAX:
            del newest.positions[0]
            newest.whole = newest.shallow = False

    def _gone(self, post: Post) -> None:
        newest = self._changing(post)
        if newest is not None and post.pos in newest.positions:
            newest.positions.remove(post.pos)
            if not newest.positions and not newest.whole:
                del self._newest[post.account_no]

    def _changing(self, post: Post) -> Newest | None:
        for changed in self._loads:
            changed.add(post.account_no)
        return self._newest.get(post.account_no)

    async def _load(self, account_nos: Sequence[int]) -> None:
        """Read the newest post of each account into memory: of most accounts no more is ever asked for."""
        parts = [account_nos[first : first + LOADED_AT_ONCE] for first in range(0, len(account_nos), LOADED_AT_ONCE)]
        for first in range(0, len(parts), store.STATEMENTS_AT_ONCE):
            await asyncio.gather(*map(self._load_some, parts[first : first + store.STATEMENTS_AT_ONCE]))

    async def _load_some(self, account_nos: Sequence[int]) -> None:
        with self._noticing() as changed:
            read = await store.heads(self._database, account_nos)
        for account_no in account_nos:
            if account_no not in changed:
                positions = [read[account_no]] if account_no in read else []
                self._newest[account_no] = Newest(positions, not positions, bool(positions))
        while len(self._newest) > ACCOUNTS_CACHED_MAX:
            self._newest.popitem(last=False)

    async def _deepen(self, account_nos: Sequence[int]) -> None:
        """Read more of those accounts of which only the newest post was read."""
        shallow = [number for number in account_nos if (newest := self._newest.get(number)) and newest.shallow]
        for first in range(0, len(shallow), DEEPENED_AT_ONCE):
            some = shallow[first : first + DEEPENED_AT_ONCE]
            with self._noticing() as changed:
                read = await store.newest_each(self._database, some, KEPT_MAX)
            for account_no in some:
                if account_no not in changed and account_no in self._newest:
                    positions = sorted(read.get(account_no, ()))
                    self._newest[account_no] = Newest(positions, len(positions) < KEPT_MAX)

    @contextmanager
    def _noticing(self) -> Iterator[set[int]]:
        changed: set[int] = set()
        self._loads.append(changed)
        try:
            yield changed
        finally:
            self._loads = [each for each in self._loads if each is not changed]
