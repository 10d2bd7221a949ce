"""What readers do with posts: likes and votes. Rows and counts, never events: nobody's deeds are fanned out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database, Transaction, padded_pairs, pairs
from teahouse.errors import Forbidden, InvalidParam
from teahouse.posts import checking, store
from teahouse.posts.service import Posts
from teahouse.posts.types import ANSWERS_MAX, Poll, Post, Ref
from teahouse.rooms.types import Reader

LIKE, VOTE = "like", "vote"
DEFAULT_EMOJI = "👍"


class Readers(Protocol):
    """What interactions need to know of an account's readers."""

    def changed(self, user_no: int, account_no: int, pos: int) -> None:
        """Something of the account's channel is new at `pos` to this reader alone."""


class Interactions:
    """Likes of all posts, and votes."""

    def __init__(self, database: Database, clock: Clock, bus: Bus, posts: Posts, readers: Readers) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._posts = posts
        self._readers = readers

    async def like(self, reader: Reader, ref: Ref, emoji: str = DEFAULT_EMOJI) -> int:
        """Like a post; the position of the like. Liking again changes nothing."""
        shown = checking.emoji(emoji)
        return await self._put(reader, await self._posts.standing(ref), LIKE, shown)

    async def unlike(self, reader: Reader, ref: Ref) -> int:
        """Take a like back; the position of doing so. 0 when there was none."""
        return await self._take_back(reader, await self._posts.find(ref), LIKE)

    async def vote(self, reader: Reader, ref: Ref, answers: Sequence[int]) -> int:
        """Vote in a poll; voting again changes the vote. Returns the position of the vote."""
        post = await self._posts.standing(ref)
        poll = poll_of(post)
        places = sorted(set(answers))
        if not 1 <= len(places) <= poll.choices_max or not all(0 <= each < len(poll.answers) for each in places):
            raise InvalidParam(f"Choose 1 to {poll.choices_max} of the answers 0 to {len(poll.answers) - 1}.")
        return await self._put(reader, post, VOTE, ",".join(map(str, places)))

    async def unvote(self, reader: Reader, ref: Ref) -> int:
        """Take a vote back; the position of doing so. 0 when there was none."""
        return await self._take_back(reader, await self._posts.find(ref), VOTE)

    async def tally(self, post: Post) -> list[int]:
        """How many chose each answer of a poll."""
        votes = [0] * len(poll_of(post).answers)
        rows = await self._database.fetch(
            "SELECT answer, votes FROM poll_votes WHERE account_no = ? AND number = ? LIMIT ?",
            post.account_no, post.number, ANSWERS_MAX,
        )  # fmt: skip
        for answer, count in rows:
            votes[answer] = count
        return votes

    async def own(self, user_no: int, refs: Collection[Ref]) -> dict[tuple[Ref, str], str]:
        """What one reader did with some posts: (post, kind) to value."""
        if not refs:
            return {}
        rows = await self._database.fetch(
            f"SELECT i.account_no, i.number, i.kind, i.value FROM ({pairs(len(refs))}) w JOIN interactions i ON "
            "i.account_no = w.column1 AND i.number = w.column2 AND i.kind IN (?, ?) AND i.user_no = ? AND i.until = 0",
            *padded_pairs([(ref.account_no, ref.number) for ref in refs]), LIKE, VOTE, user_no,
        )  # fmt: skip
        return {(Ref(account_no, number), kind): value for account_no, number, kind, value in rows}

    async def _put(self, reader: Reader, post: Post, kind: str, value: str) -> int:
        """Store a like or a vote; its position. However many liked the post before, it costs the same."""
        async with self._database.transaction() as tx:
            before = await self._standing(tx, reader, post, kind)
            if before is not None and (before[0] == value or kind == LIKE):
                return before[1]
            await store.require_standing(tx, post.ref)
            if await self._posts.boundaries.bars(tx, post.account_no, reader.user_no):
                raise Forbidden("You cannot do this with this account's posts.")
            pos = tx.positions()
            await tx.execute(
                "INSERT INTO interactions (account_no, number, kind, user_no, value, pos, until, done_ms) "
                "VALUES (?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (account_no, number, kind, user_no) DO UPDATE SET "
                "value = excluded.value, pos = excluded.pos, until = 0, done_ms = excluded.done_ms",
                post.account_no, post.number, kind, reader.user_no, value, pos, self._clock.now_ms(),
            )  # fmt: skip
            await self._count(tx, post, kind, "" if before is None else before[0], value)
            await self._news(tx, reader.user_no, post.account_no, pos)
        return pos

    async def _take_back(self, reader: Reader, post: Post, kind: str) -> int:
        """Take a like or a vote back; the position of doing so, 0 when there was none. The row stays, for its echo."""
        async with self._database.transaction() as tx:
            before = await self._standing(tx, reader, post, kind)
            if before is None:
                return 0
            pos = tx.positions()
            await tx.execute(
                "UPDATE interactions SET until = ? WHERE account_no = ? AND number = ? AND kind = ? AND user_no = ?",
                pos, post.account_no, post.number, kind, reader.user_no,
            )  # fmt: skip
            if kind == LIKE or not await store.is_deleted(tx, post.ref):
                await self._count(tx, post, kind, before[0], "")
            await self._news(tx, reader.user_no, post.account_no, pos)
        return pos

    async def _standing(self, tx: Transaction, reader: Reader, post: Post, kind: str) -> tuple[str, int] | None:
        """What a reader did with a post and has not taken back: value and position."""
        row = await tx.fetch_one(
            "SELECT value, pos FROM interactions WHERE account_no = ? AND number = ? AND kind = ? AND user_no = ? "
            "AND until = 0",
            post.account_no, post.number, kind, reader.user_no,
        )  # fmt: skip
        return None if row is None else (str(row[0]), int(row[1]))

    async def _count(self, tx: Transaction, post: Post, kind: str, before: str, after: str) -> None:
        """Count a deed that changed from one value to another; '': none."""
        if kind == LIKE:
            await store.count(tx, post.ref, "likes", bool(after) - bool(before))
            return
        changes = Counter(chosen(after))
        changes.subtract(chosen(before))
        await tx.execute_many(
            "INSERT INTO poll_votes (account_no, number, answer, votes) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account_no, number, answer) DO UPDATE SET votes = poll_votes.votes + excluded.votes",
            [(post.account_no, post.number, answer, by) for answer, by in sorted(changes.items()) if by],
        )

    async def _news(self, tx: Transaction, user_no: int, account_no: int, pos: int) -> None:
        """What somebody did is shown to their own other devices, if they follow the channel."""
        await tx.execute("UPDATE follows SET news = ? WHERE user_no = ? AND account_no = ?", pos, user_no, account_no)

        def told() -> None:
            self._readers.changed(user_no, account_no, pos)
            self._bus.publish(users=(user_no,))

        tx.on_commit(told)


def poll_of(post: Post) -> Poll:
    """The poll that a post is; raises InvalidParam."""
    if post.content is None or post.content.poll is None:
        raise InvalidParam("This post is no poll.")
    return post.content.poll


def chosen(value: str) -> list[int]:
    """The answers that a vote chooses."""
    return [int(each) for each in value.split(",") if each]
