"""Search of public posts: newest first, all words must match.

The rarest term leads: its posts are read from the newest on, and the other terms are looked up for these alone. Where
even the rarest is common the scan stops after `SCANNED_MAX` posts and the page ends there, with a token to go on; so a
search of common words costs no more than one of rare ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from teahouse.db import Database
from teahouse.feed import rules, store
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.index import from_account
from teahouse.feed.phrases import said, spoken
from teahouse.feed.query import Query
from teahouse.feed.types import Timeline, View
from teahouse.posts.service import Posts
from teahouse.posts.types import Post, Ref
from teahouse.public_accounts.accounts import Accounts

SCANNED_MAX = 4_096  # posts that have the rarest term, looked at for one page
SCANNED_AT_ONCE = 256  # of these, read by one statement for each term: others are served in between
COUNTED_MAX = 1_000  # posts up to which terms are compared: those with more all count as common
CLOCK_SLACK_MS = 86_400_000  # a server's clock may have been set back by so much, and posts still be found by day


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which positions posts are looked for, both left out."""

    after: int
    before: int


class Search:
    """Finds posts."""

    def __init__(self, database: Database, boundaries: Boundaries, accounts: Accounts, posts: Posts) -> None:
        self._database = database
        self._boundaries = boundaries
        self._accounts = accounts
        self._posts = posts

    async def find(self, user_no: int, query: Query, before: int, limit: int) -> Timeline:
        """A page of posts that answer a query, below a position."""
        terms = list(query.terms)
        for handle in query.handles:
            account = await self._accounts.find(handle)
            if account is None:
                return Timeline((), None)
            terms.append(from_account(account.account_no))
        bounds = await self._bounds(query, before)
        counts = await self._counts(terms, bounds.before)
        if not all(counts.values()):
            return Timeline((), None)
        leading, *others = sorted(counts, key=lambda term: counts[term])
        view = await self._boundaries.view(user_no)
        found: list[Post] = []
        below = bounds.before
        for _ in range(0, SCANNED_MAX, SCANNED_AT_ONCE):
            scanned = await store.with_term(self._database, leading, below, SCANNED_AT_ONCE)
            kept = [pos for pos in scanned if pos > bounds.after]
            async for post in self._answering(query, view, await self._having(others, kept), limit):
                found.append(post)
                if len(found) == limit:
                    return Timeline(found, post.pos)
            if len(kept) < SCANNED_AT_ONCE:
                return Timeline(found, None)
            below = kept[-1]
            await asyncio.sleep(0)
        return Timeline(found, below)

    async def _having(self, terms: Sequence[str], positions: list[int]) -> list[int]:
        """Those of some posts that have all terms, in their order."""
        for term in terms:
            having = await store.having(self._database, term, positions) if positions else ()
            positions = [pos for pos in positions if pos in having]
        return positions

    async def _answering(
        self, query: Query, view: View, positions: Sequence[int], at_once: int
    ) -> AsyncIterator[Post]:  # fmt: skip
        """The posts among these that answer the query in full and are shown, in their order, read as they are used."""
        for first in range(0, len(positions), at_once):
            some = positions[first : first + at_once]
            posts = await self._posts.at(some)
            originals = await self._posts.these({post.of for post in posts.values() if post.of is not None})
            for post in (posts[pos] for pos in some if pos in posts):
                if answers(query, post) and self._shown(view, post, originals):
                    yield post

    def _shown(self, view: View, post: Post, originals: Mapping[Ref, Post]) -> bool:
        return rules.shown(view, post, None if post.of is None else originals.get(post.of))

    async def _counts(self, terms: Sequence[str], before: int) -> dict[str, int]:
        """In how many posts each term is, up to COUNTED_MAX; stops at one that is in none."""
        counts: dict[str, int] = {}
        for term in terms:
            counts[term] = await store.count_term(self._database, term, before, COUNTED_MAX)
            if not counts[term]:
                break
        return counts

    async def _bounds(self, query: Query, before: int) -> Bounds:
        """Days as positions, roughly: every post's own time is compared besides."""
        after = 0
        if query.since_ms:
            after = await store.position_at(self._database, query.since_ms - CLOCK_SLACK_MS) - 1
        if query.until_ms is not None:
            before = min(before, await store.position_at(self._database, query.until_ms + CLOCK_SLACK_MS) + 1)
        return Bounds(after, before)


def answers(query: Query, post: Post) -> bool:
    """Whether a post that has all terms also was written in time and holds the phrases."""
    until_ms = query.until_ms
    if post.created_ms < query.since_ms or (until_ms is not None and post.created_ms > until_ms):
        return False
    if not query.phrases:
        return True
    text = "" if post.content is None else spoken(said(post.content))
    return all(phrase in text for phrase in query.phrases)
