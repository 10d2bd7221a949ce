"""What is trending, computed every few minutes from what is public. The list can be paused whole, publicly; there is no
way to leave out, raise or lower one item of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from teahouse.clock import Clock
from teahouse.db import Database, Row
from teahouse.errors import Conflict, InvalidParam, NotFound
from teahouse.feed.index import IMPORTED
from teahouse.feed.scores import Deeds, Item, Scored
from teahouse.feed.types import Pause
from teahouse.posts.service import Posts
from teahouse.posts.types import Fate, Ref
from teahouse.posts.wording import limit

EVERY_S = 300.0  # between two lists
LIST_MAX = 50  # items of each list
DEEDS_MAX = (
    200_000  # newest deeds of each kind that are counted: beyond it a day's older ones are left out for all alike
)
DEEDS_AT_ONCE = 2_000  # deeds read by one statement: others are served in between
OFFICE_MAX_CHARACTERS = 100  # of the office that pauses the list
REASON_MAX_CHARACTERS = 1_000  # of why
HIGHEST = 1 << 62
LIKES = (
    "SELECT pos, account_no, number, user_no, done_ms FROM interactions WHERE until = 0 AND pos < ? "
    "ORDER BY pos DESC LIMIT ?"
)
COMMENTS = (
    "SELECT comment_no, account_no, number, user_no, written_ms FROM comments WHERE fate = 0 AND comment_no < ? "
    "ORDER BY comment_no DESC LIMIT ?"
)
REPOSTS = (
    "SELECT pos, of_account, of_number, account_no, created_ms FROM posts WHERE fate = 0 AND pos < ? "
    "ORDER BY pos DESC LIMIT ?"
)
TAGGED = (
    "SELECT t.tag, p.account_no, p.created_ms FROM post_tags t JOIN posts p ON p.pos = t.pos AND p.fate = 0 "
    "WHERE t.pos >= ? AND t.pos <= ? AND NOT EXISTS (SELECT 1 FROM post_terms i WHERE i.term = ? AND i.pos = t.pos)"
)


@dataclass(frozen=True, slots=True)
class Trends:
    """One list, as it was computed."""

    computed_ms: int
    tags: Sequence[Scored[str]]
    posts: Sequence[Scored[Ref]]


class Trending:
    """The lists of what is trending."""

    def __init__(self, database: Database, clock: Clock, posts: Posts) -> None:
        self._database = database
        self._clock = clock
        self._posts = posts
        self._trends = Trends(0, (), ())

    async def run(self) -> None:
        """Compute the lists every few minutes, until cancelled."""
        while True:
            await self.compute()
            await asyncio.sleep(EVERY_S)

    async def compute(self) -> None:
        """Compute the lists from the deeds of the last day."""
        now_ms = self._clock.now_ms()
        tags: Deeds[str] = Deeds(now_ms)
        posts: Deeds[Ref] = Deeds(now_ms)
        for sql in (LIKES, COMMENTS):
            async for rows in self._newest(sql, tags.since_ms):
                add(posts, rows)
        async for rows in self._newest(REPOSTS, tags.since_ms):
            add(posts, [row for row in rows if row[1]])
            for tag, account_no, created_ms in await self._database.fetch(TAGGED, rows[-1][0], rows[0][0], IMPORTED):
                tags.add(tag, account_no, created_ms)
        self._trends = Trends(now_ms, best(tags.scored(), by_name)[:LIST_MAX], await self._standing(posts.scored()))

    async def _standing(self, scored: Sequence[Scored[Ref]]) -> list[Scored[Ref]]:
        """The first of those posts that stand: what was deleted or removed is nowhere shown."""
        ordered = best(scored, by_age)
        found: list[Scored[Ref]] = []
        for first in range(0, len(ordered), LIST_MAX):
            some = ordered[first : first + LIST_MAX]
            posts = await self._posts.these([each.item for each in some])
            found += [each for each in some if each.item in posts and posts[each.item].fate is Fate.STANDS]
            if len(found) >= LIST_MAX:
                break
        return found[:LIST_MAX]

    async def trends(self) -> Trends:
        """The newest lists; empty while they are paused."""
        return Trends(self._trends.computed_ms, (), ()) if await self.paused() else self._trends

    async def paused(self) -> Pause | None:
        """The pause that is on, or None."""
        newest = await self.pauses(HIGHEST, 1)
        return newest[0][1] if newest and not newest[0][1].until_ms else None

    async def pauses(self, before: int, limit_: int) -> list[tuple[int, Pause]]:
        """Every pause there was, the newest first, with its number."""
        rows = await self._database.fetch(
            "SELECT pause_no, since_ms, until_ms, office, reason FROM trending_pauses WHERE pause_no < ? "
            "ORDER BY pause_no DESC LIMIT ?",
            before, limit_,
        )  # fmt: skip
        return [(row[0], Pause(*row[1:])) for row in rows]

    async def pause(self, office: str, reason: str) -> None:
        """Pause the lists, whole. Everybody is told since when, by which office and why, now and later."""
        office, reason = office.strip(), reason.strip()
        if not office or not reason:
            raise InvalidParam("Say which office pauses the list, and why: everybody can read it.")
        limit(office, OFFICE_MAX_CHARACTERS, "An office's name")
        limit(reason, REASON_MAX_CHARACTERS, "A reason")
        async with self._database.transaction() as tx:
            row = await tx.fetch_one("SELECT 1 FROM trending_pauses WHERE until_ms = 0 LIMIT 1")
            if row is not None:
                raise Conflict("The list is paused already.")
            await tx.execute(
                "INSERT INTO trending_pauses (pause_no, since_ms, until_ms, office, reason) VALUES (?, ?, 0, ?, ?)",
                tx.positions(), self._clock.now_ms(), office, reason,
            )  # fmt: skip

    async def resume(self) -> None:
        """Show the lists again."""
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE trending_pauses SET until_ms = ? WHERE until_ms = 0", self._clock.now_ms()
            )
            if not changed:
                raise NotFound("The list is not paused.")

    async def _newest(self, sql: str, since_ms: int) -> AsyncIterator[list[Row]]:
        """Rows of deeds, the newest first, until they are too old or too many. A row ends with its time."""
        below = HIGHEST
        for _ in range(0, DEEDS_MAX, DEEDS_AT_ONCE):
            rows = await self._database.fetch(sql, below, DEEDS_AT_ONCE)
            if rows:
                yield rows
            if len(rows) < DEEDS_AT_ONCE or rows[-1][-1] <= since_ms:
                return
            below = rows[-1][0]
            await asyncio.sleep(0)


def add(posts: Deeds[Ref], rows: Sequence[Row]) -> None:
    """Count deeds on posts: (position, account_no, number, person, time)."""
    for _, account_no, number, person, done_ms in rows:
        if person != account_no:
            posts.add(Ref(account_no, number), person, done_ms)


def by_name(scored: Scored[str]) -> str:
    """What decides between hashtags of the same score and number of people."""
    return scored.item


def by_age(scored: Scored[Ref]) -> tuple[int, int]:
    """The same between posts: the older account first, then the older post."""
    return scored.item.account_no, scored.item.number


def best(scored: Sequence[Scored[Item]], name: Callable[[Scored[Item]], Any]) -> list[Scored[Item]]:
    """Items in the order of the list."""
    return sorted(scored, key=lambda each: (-each.score, -sum(each.people), name(each)))
