"""What readers do with posts: likes, votes, comments. Rows and counts, never events: nobody's deeds are fanned out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database, Row, Transaction, padded_pairs, pairs
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.eventlog.identifiers import bucket_of, number_at
from teahouse.posts import store, wording
from teahouse.posts.service import Posts
from teahouse.posts.types import Comment, Fate, Post, Ref
from teahouse.rooms.types import Reader

LIKE, VOTE = "like", "vote"
COMMENT_MAX_CHARACTERS = 2_000  # a longer thought is a post
COMMENTS_PAGE_MAX = 100  # comments of one page
EMOJI_MAX_BYTES = 64  # of the emoji somebody likes with
DEFAULT_EMOJI = "👍"
ROWS_SCANNED_MAX = 100_000  # votes counted at once; a poll's tally is kept with it beyond that


class Readers(Protocol):
    """What interactions need to know of an account's readers."""

    async def follows(self, user_no: int, account_no: int) -> bool:
        """Whether somebody follows an account."""

    async def is_staff(self, user_no: int, account_no: int) -> bool:
        """Whether somebody writes for an account."""

    def changed(self, user_no: int, account_no: int, pos: int) -> None:
        """Something of the account's channel is new at `pos` to this reader alone."""


class Interactions:
    """Likes, votes and comments of all posts."""

    def __init__(self, database: Database, clock: Clock, bus: Bus, posts: Posts, readers: Readers) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._posts = posts
        self._readers = readers

    async def like(self, reader: Reader, ref: Ref, emoji: str = DEFAULT_EMOJI) -> int:
        """Like a post; the position of the like. Liking again changes nothing."""
        if not emoji or len(emoji.encode()) > EMOJI_MAX_BYTES:
            raise InvalidParam("A like is one emoji.")
        post = await self._posts.standing(ref)
        return await self._put(reader, post, LIKE, emoji)

    async def unlike(self, reader: Reader, ref: Ref) -> int:
        """Take a like back; the position of doing so. 0 when there was none."""
        post = await self._posts.find(ref)
        async with self._database.transaction() as tx:
            pos = tx.positions()
            changed = await tx.execute(
                "UPDATE interactions SET until = ? WHERE account_no = ? AND number = ? AND kind = ? AND user_no = ? "
                "AND until = 0",
                pos, post.account_no, post.number, LIKE, reader.user_no,
            )  # fmt: skip
            if not changed:
                return 0
            await store.count(tx, ref, "likes", -1)
            await self._news(tx, reader.user_no, post.account_no, pos)
        return pos

    async def vote(self, reader: Reader, ref: Ref, answers: Sequence[int]) -> int:
        """Vote in a poll; voting again changes the vote. Returns the position of the vote."""
        post = await self._posts.standing(ref)
        poll = None if post.content is None else post.content.poll
        if poll is None:
            raise InvalidParam("This post is no poll.")
        chosen = sorted(set(answers))
        if not 1 <= len(chosen) <= poll.choices_max or not all(0 <= each < len(poll.answers) for each in chosen):
            raise InvalidParam(f"Choose 1 to {poll.choices_max} of the answers 0 to {len(poll.answers) - 1}.")
        return await self._put(reader, post, VOTE, ",".join(map(str, chosen)))

    async def tally(self, ref: Ref) -> list[int]:
        """How many chose each answer of a poll."""
        post = await self._posts.standing(ref)
        poll = None if post.content is None else post.content.poll
        if poll is None:
            raise InvalidParam("This post is no poll.")
        rows = await self._database.fetch(
            "SELECT value, count(*) FROM interactions WHERE account_no = ? AND number = ? AND kind = ? AND until = 0 "
            "GROUP BY value LIMIT ?",
            ref.account_no, ref.number, VOTE, ROWS_SCANNED_MAX,
        )  # fmt: skip
        votes: Counter[int] = Counter()
        for value, count in rows:
            for answer in value.split(","):
                votes[int(answer)] += count
        return [votes[place] for place in range(len(poll.answers))]

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

    async def comment(self, reader: Reader, ref: Ref, body: str, parent_no: int = 0) -> Comment:
        """Say something of a post, or of a comment on it (which itself answers no other)."""
        post = await self._posts.standing(ref)
        await self._may_comment(reader, post)
        text = body.strip()
        if not text:
            raise InvalidParam("A comment must say something.")
        wording.limit(text, COMMENT_MAX_CHARACTERS, "A comment")
        parent_by = 0
        if parent_no:
            parent = await self.find(parent_no)
            parent_by = parent.user_no
            if parent.ref != ref or parent.fate is not Fate.STANDS:
                raise NotFound("There is no such comment on this post.")
            if parent.parent_no:
                raise InvalidParam("Answers to comments go one level deep: answer the first comment.")
        async with self._database.transaction() as tx:
            await store.require_standing(tx, ref)
            await self._may_answer(tx, reader, {post.account_no, parent_by})
            number = number_at(tx.positions(), bucket_of(reader.user_no))
            comment = Comment(number, ref, parent_no, reader.user_no, self._clock.now_ms(), Fate.STANDS, text)
            await tx.execute(
                "INSERT INTO comments (comment_no, account_no, number, parent_no, user_no, written_ms, fate, "
                "settled_by, answers, body) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
                number, ref.account_no, ref.number, parent_no, reader.user_no, comment.written_ms, text,
            )  # fmt: skip
            await store.count(tx, ref, "comments", 1)
            self._posts.editions.changed(tx, ref.account_no)
            for listener in self._posts.listeners:
                await listener.commented(tx, comment)
        return comment

    async def comments(
        self, user_no: int, ref: Ref, parent_no: int, after: int, limit: int
    ) -> tuple[list[Comment], int | None]:
        """Comments on a post (or answers to one of them), oldest first, after a comment's number; and the number to go
        on after, None at the end.

        One that was hidden is shown to its author, who learns of it so, and to the account's staff. Staff see all;
        others see nothing by those whom they ignore, mute or block: a page may hold fewer than asked for.
        """
        await self._posts.standing(ref)
        staff = await self._readers.is_staff(user_no, ref.account_no)
        rows = await self._database.fetch(
            "SELECT c.comment_no, c.parent_no, c.user_no, c.written_ms, c.fate, c.body, "
            "(SELECT count(*) FROM comments a WHERE a.account_no = c.account_no AND a.number = c.number "
            "AND a.parent_no = c.comment_no AND a.fate = 0) "
            "FROM comments c WHERE c.account_no = ? AND c.number = ? AND c.parent_no = ? AND c.comment_no > ? AND "
            "(c.fate = 0 OR (c.fate = ? AND (c.user_no = ? OR ? = 1))) ORDER BY c.comment_no LIMIT ?",
            ref.account_no, ref.number, parent_no, after, int(Fate.HIDDEN), user_no, int(staff), limit,
        )  # fmt: skip
        found = [comment_of(ref, row) for row in rows]
        unseen = await self._posts.boundaries.unseen(user_no) if user_no and not staff else ()
        following = found[-1].comment_no if len(found) == limit else None
        return [each for each in found if each.user_no not in unseen], following

    async def find(self, comment_no: int) -> Comment:
        """One comment; raises NotFound."""
        row = await self._database.fetch_one(
            "SELECT account_no, number, comment_no, parent_no, user_no, written_ms, fate, body, 0 FROM comments "
            "WHERE comment_no = ?",
            comment_no,
        )
        if row is None:
            raise NotFound("There is no such comment.")
        return comment_of(Ref(row[0], row[1]), row[2:])

    async def delete_comment(self, reader: Reader, comment_no: int) -> None:
        """The author takes a comment back; its text is gone for good."""
        comment = await self.find(comment_no)
        if comment.user_no != reader.user_no:
            raise Forbidden("Only its author deletes a comment. The account's staff can hide it.")
        await self._settle(comment, (Fate.STANDS, Fate.HIDDEN), Fate.DELETED, erase=True)

    async def hide_comment(self, comment_no: int, *, hidden: bool) -> None:
        """The account's staff hide a comment from the others, or show it again. The caller has checked who asks."""
        comment = await self.find(comment_no)
        before, after = (Fate.STANDS, Fate.HIDDEN) if hidden else (Fate.HIDDEN, Fate.STANDS)
        if comment.fate is not after:
            await self._settle(comment, (before,), after, erase=False)

    async def _settle(self, comment: Comment, before: Sequence[Fate], after: Fate, *, erase: bool) -> None:
        if comment.fate not in before:
            raise NotFound("There is no such comment.")
        change = (after is Fate.STANDS) - (comment.fate is Fate.STANDS)
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE comments SET fate = ?, body = CASE WHEN ? = 1 THEN '' ELSE body END "
                "WHERE comment_no = ? AND fate = ?",
                int(after), int(erase), comment.comment_no, int(comment.fate),
            )  # fmt: skip
            self._posts.editions.changed(tx, comment.ref.account_no)
            if changed and change:
                await store.count(tx, comment.ref, "comments", change)
            if changed and erase:
                for listener in self._posts.listeners:
                    await listener.uncommented(tx, comment)

    async def _may_comment(self, reader: Reader, post: Post) -> None:
        if post.comments_by == "everyone" or await self._readers.is_staff(reader.user_no, post.account_no):
            return
        if post.comments_by == "nobody":
            raise Forbidden("Comments on this post are closed.")
        if not await self._readers.follows(reader.user_no, post.account_no):
            raise Forbidden("Only followers of this account can comment on this post.")

    async def _may_answer(self, tx: Transaction, reader: Reader, others: set[int]) -> None:
        """Raises Forbidden when the account, or the author of the comment that is answered, has blocked the reader."""
        for other_no in others - {0, reader.user_no}:
            if await self._posts.boundaries.keeps_away(tx, other_no, reader.user_no):
                raise Forbidden("You cannot comment here.")

    async def _put(self, reader: Reader, post: Post, kind: str, value: str) -> int:
        """Store a like or a vote; its position."""
        key = (post.account_no, post.number, kind, reader.user_no)
        async with self._database.transaction() as tx:
            row = await tx.fetch_one(
                "SELECT value, pos, until FROM interactions WHERE account_no = ? AND number = ? AND kind = ? "
                "AND user_no = ?",
                *key,
            )
            if row is not None and not row[2] and (row[0] == value or kind == LIKE):
                return int(row[1])
            await store.require_standing(tx, post.ref)
            pos = tx.positions()
            await tx.execute(
                "INSERT INTO interactions (account_no, number, kind, user_no, value, pos, until, done_ms) "
                "VALUES (?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (account_no, number, kind, user_no) DO UPDATE SET "
                "value = excluded.value, pos = excluded.pos, until = 0, done_ms = excluded.done_ms",
                *key, value, pos, self._clock.now_ms(),
            )  # fmt: skip
            if kind == LIKE:
                await store.count(tx, post.ref, "likes", 1)
            await self._news(tx, reader.user_no, post.account_no, pos)
        return pos

    async def _news(self, tx: Transaction, user_no: int, account_no: int, pos: int) -> None:
        """What somebody did is shown to their own other devices, if they follow the channel."""
        await tx.execute("UPDATE follows SET news = ? WHERE user_no = ? AND account_no = ?", pos, user_no, account_no)

        def told() -> None:
            self._readers.changed(user_no, account_no, pos)
            self._bus.publish(users=(user_no,))

        tx.on_commit(told)


def comment_of(ref: Ref, row: Row) -> Comment:
    """A row as a comment."""
    return Comment(row[0], ref, row[1], row[2], row[3], Fate(row[4]), row[5], row[6])
