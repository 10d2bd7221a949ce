"""What readers say of posts: comments, and answers to them, one level deep. Rows and counts, never events.

A comment that is gone but has standing answers is still listed, as a place without words, so that they keep theirs.
"""

from __future__ import annotations

from typing import Protocol

from teahouse.clock import Clock
from teahouse.db import Database, Row, Transaction
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.eventlog.identifiers import bucket_of, number_at
from teahouse.posts import store, wording
from teahouse.posts.service import Posts
from teahouse.posts.types import Comment, Fate, Post, Ref
from teahouse.rooms.types import Reader

COMMENT_MAX_CHARACTERS = 2_000  # a longer thought is a post
COMMENTS_PAGE_MAX = 100  # comments of one page
BLOCKED_MAX = 10_000  # readers whom one account blocks
ERASED_AT_ONCE = 200  # comments of one person dropped in one transaction
COLUMNS = "account_no, number, comment_no, parent_no, user_no, written_ms, fate, body, answers, settled_by"


class Readers(Protocol):
    """What comments need to know of an account's readers."""

    async def follows(self, user_no: int, account_no: int) -> bool:
        """Whether somebody follows an account."""

    async def is_staff(self, user_no: int, account_no: int) -> bool:
        """Whether somebody writes for an account."""


class Comments:
    """Comments on all posts."""

    def __init__(self, database: Database, clock: Clock, posts: Posts, readers: Readers) -> None:
        self._database = database
        self._clock = clock
        self._posts = posts
        self._readers = readers

    async def write(self, reader: Reader, ref: Ref, body: str, parent_no: int = 0) -> Comment:
        """Say something of a post, or of a comment on it (which itself answers no other)."""
        post = await self._posts.standing(ref)
        staff = await self._readers.is_staff(reader.user_no, post.account_no)
        if not staff:
            await self._may_comment(reader, post)
        text = wording.tidy(body)
        if not text:
            raise InvalidParam("A comment must say something.")
        wording.limit(text, COMMENT_MAX_CHARACTERS, "A comment")
        async with self._database.transaction() as tx:
            await store.require_standing(tx, ref)
            parent = await self._parent(tx, ref, parent_no)
            if not staff:
                await self._may_answer(tx, reader, {post.account_no, 0 if parent is None else parent.user_no})
            number = number_at(tx.positions(), bucket_of(reader.user_no))
            comment = Comment(number, ref, parent_no, reader.user_no, self._clock.now_ms(), Fate.STANDS, text)
            await tx.execute(
                f"INSERT INTO comments ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, 0)",
                ref.account_no, ref.number, number, parent_no, reader.user_no, comment.written_ms, text,
            )  # fmt: skip
            await self._count(tx, comment, 1)
            for listener in self._posts.listeners:
                await listener.commented(tx, comment)
        return comment

    async def page(
        self, user_no: int, ref: Ref, parent_no: int, after: int, limit: int
    ) -> tuple[list[Comment], int | None]:
        """Comments on a post (or answers to one of them), oldest first, after a comment's number; and the number to go
        on after, None at the end.

        One that was hidden is shown to its author, who learns of it so, and to the account's staff. Staff see all;
        others see nothing by those whom they ignore, mute or block: a page may hold fewer than asked for.
        """
        await self._posts.standing(ref)
        staff = bool(user_no) and await self._readers.is_staff(user_no, ref.account_no)
        rows = await self._database.fetch(
            f"SELECT {COLUMNS} FROM comments WHERE account_no = ? AND number = ? AND parent_no = ? AND comment_no > ? "
            "AND (fate = 0 OR answers > 0 OR (fate = ? AND (user_no = ? OR ? = 1))) ORDER BY comment_no LIMIT ?",
            ref.account_no, ref.number, parent_no, after, int(Fate.HIDDEN), user_no, int(staff), limit + 1,
        )  # fmt: skip
        unseen = await self._posts.boundaries.unseen(user_no) if user_no and not staff else ()
        found = [seen(comment_of(row), user_no, staff=staff) for row in rows[:limit]]
        following = found[-1].comment_no if len(rows) > limit else None
        return [each for each in found if each.user_no not in unseen], following

    async def find(self, comment_no: int) -> Comment:
        """One comment; raises NotFound."""
        row = await self._database.fetch_one(f"SELECT {COLUMNS} FROM comments WHERE comment_no = ?", comment_no)
        if row is None:
            raise NotFound("There is no such comment.")
        return comment_of(row)

    async def delete(self, reader: Reader, comment_no: int) -> None:
        """The author takes a comment back; its text is gone for good."""
        comment = await self.find(comment_no)
        if comment.user_no != reader.user_no:
            raise Forbidden("Only its author deletes a comment. The account's staff can hide it.")
        async with self._database.transaction() as tx:
            if not await self._delete(tx, comment.comment_no):
                raise NotFound("There is no such comment.")

    async def hide(self, comment_no: int, by_no: int) -> None:
        """The account's staff hide a comment from the others. The caller has checked who asks."""
        async with self._database.transaction() as tx:
            await self._settle(tx, comment_no, Fate.STANDS, Fate.HIDDEN, by_no)

    async def show(self, comment_no: int) -> None:
        """Show a hidden comment again. The caller has checked who asks."""
        async with self._database.transaction() as tx:
            await self._settle(tx, comment_no, Fate.HIDDEN, Fate.STANDS, 0)

    async def remove(self, tx: Transaction, comment_no: int) -> Fate:
        """Take a comment out of sight by a decision; what it was before, for `restore`."""
        before = await one(tx, comment_no)
        if before is None or before.fate not in (Fate.STANDS, Fate.HIDDEN):
            raise NotFound("There is no such comment.")
        await self._settle(tx, comment_no, before.fate, Fate.REMOVED, before.settled_by)
        return before.fate

    async def restore(self, tx: Transaction, comment_no: int, before: Fate) -> None:
        """Undo `remove` exactly. `before` is what it answered."""
        comment = await one(tx, comment_no)
        if comment is None or comment.fate is not Fate.REMOVED:
            raise NotFound("The comment was not removed.")
        await self._settle(tx, comment_no, Fate.REMOVED, before, comment.settled_by)

    async def erase_by(self, user_no: int) -> None:
        """Delete everything that somebody said, a few at a time; removed ones too."""
        after = 0
        while True:
            async with self._database.transaction() as tx:
                rows = await tx.fetch(
                    "SELECT comment_no FROM comments WHERE user_no = ? AND comment_no > ? ORDER BY comment_no LIMIT ?",
                    user_no, after, ERASED_AT_ONCE,
                )  # fmt: skip
                for (comment_no,) in rows:
                    await self._delete(tx, comment_no, removed=True)
            if len(rows) < ERASED_AT_ONCE:
                return
            after = rows[-1][0]

    async def block(self, account_no: int, user_no: int, by_no: int) -> None:
        """Let a reader do nothing more with an account's posts, nor write to it; they read on. What they did stays."""
        if await self._readers.is_staff(user_no, account_no):
            raise Forbidden("Who writes for the account can always comment: take their role away first.")
        async with self._database.transaction() as tx:
            row = await tx.fetch_one("SELECT count(*) FROM account_blocks WHERE account_no = ?", account_no)
            if row is not None and row[0] >= BLOCKED_MAX:
                raise Forbidden(f"An account blocks at most {BLOCKED_MAX:,} readers.")
            await tx.execute(
                "INSERT INTO account_blocks (account_no, user_no, by_no, since_ms) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                account_no, user_no, by_no, self._clock.now_ms(),
            )  # fmt: skip

    async def unblock(self, account_no: int, user_no: int) -> None:
        """Undo it."""
        async with self._database.transaction() as tx:
            await tx.execute("DELETE FROM account_blocks WHERE account_no = ? AND user_no = ?", account_no, user_no)

    async def blocked(self, account_no: int, after: int, limit: int) -> list[tuple[int, int, int]]:
        """Readers whom an account blocked: (user_no, who did it, since when), by user_no."""
        rows = await self._database.fetch(
            "SELECT user_no, by_no, since_ms FROM account_blocks WHERE account_no = ? AND user_no > ? "
            "ORDER BY user_no LIMIT ?",
            account_no, after, limit,
        )  # fmt: skip
        return [(row[0], row[1], row[2]) for row in rows]

    async def _parent(self, tx: Transaction, ref: Ref, parent_no: int) -> Comment | None:
        """The comment that a new one answers."""
        if not parent_no:
            return None
        parent = await one(tx, parent_no)
        if parent is None or parent.ref != ref or parent.fate is not Fate.STANDS:
            raise NotFound("There is no such comment on this post.")
        if parent.parent_no:
            raise InvalidParam("Answers to comments go one level deep: answer the first comment.")
        return parent

    async def _settle(self, tx: Transaction, comment_no: int, before: Fate, after: Fate, by_no: int) -> None:
        """Change what became of a comment, and what is counted of it. Doing so again changes nothing."""
        comment = await one(tx, comment_no)
        if comment is None or comment.fate not in (before, after):
            raise NotFound("There is no such comment.")
        if comment.fate is after:
            return
        await tx.execute(
            "UPDATE comments SET fate = ?, settled_by = ? WHERE comment_no = ?", int(after), by_no, comment_no
        )
        await self._count(tx, comment, (after is Fate.STANDS) - (before is Fate.STANDS))

    async def _delete(self, tx: Transaction, comment_no: int, *, removed: bool = False) -> bool:
        """Drop a comment; one that was answered leaves its place. False when there was nothing to drop."""
        comment = await one(tx, comment_no)
        gone = (Fate.DELETED,) if removed else (Fate.DELETED, Fate.REMOVED)
        if comment is None or comment.fate in gone:
            return False
        if await answered(tx, comment):
            await tx.execute(
                "UPDATE comments SET fate = ?, body = '', user_no = 0, settled_by = 0 WHERE comment_no = ?",
                int(Fate.DELETED), comment_no,
            )  # fmt: skip
        else:
            await tx.execute("DELETE FROM comments WHERE comment_no = ?", comment_no)
        await self._count(tx, comment, -1 if comment.fate is Fate.STANDS else 0)
        parent = await one(tx, comment.parent_no) if comment.parent_no else None
        if parent is not None and parent.fate is Fate.DELETED and not await answered(tx, parent):
            await tx.execute("DELETE FROM comments WHERE comment_no = ?", parent.comment_no)
        for listener in self._posts.listeners:
            await listener.uncommented(tx, comment)
        return True

    async def _count(self, tx: Transaction, comment: Comment, by: int) -> None:
        """A comment stands from now on, or does no more: its post counts it, and the comment that it answers."""
        if by:
            await store.count(tx, comment.ref, "comments", by)
            if comment.parent_no:
                await tx.execute(
                    "UPDATE comments SET answers = answers + ? WHERE comment_no = ?", by, comment.parent_no
                )  # fmt: skip
        self._posts.editions.changed(tx, comment.ref.account_no)

    async def _may_comment(self, reader: Reader, post: Post) -> None:
        if post.comments_by == "nobody":
            raise Forbidden("Comments on this post are closed.")
        if post.comments_by == "followers" and not await self._readers.follows(reader.user_no, post.account_no):
            raise Forbidden("Only followers of this account can comment on this post.")

    async def _may_answer(self, tx: Transaction, reader: Reader, others: set[int]) -> None:
        """Raises Forbidden when the account, or the author of the comment that is answered, has blocked the reader."""
        for other_no in others - {0, reader.user_no}:
            if await self._posts.boundaries.bars(tx, other_no, reader.user_no):
                raise Forbidden("You cannot comment here.")


async def one(tx: Transaction, comment_no: int) -> Comment | None:
    """A comment, or None."""
    row = await tx.fetch_one(f"SELECT {COLUMNS} FROM comments WHERE comment_no = ?", comment_no)
    return None if row is None else comment_of(row)


async def answered(tx: Transaction, comment: Comment) -> bool:
    """Whether there are answers to a comment, standing or not."""
    row = await tx.fetch_one(
        "SELECT 1 FROM comments WHERE account_no = ? AND number = ? AND parent_no = ? LIMIT 1",
        comment.ref.account_no, comment.ref.number, comment.comment_no,
    )  # fmt: skip
    return row is not None


def comment_of(row: Row) -> Comment:
    """A row of COLUMNS as a comment."""
    return Comment(row[2], Ref(row[0], row[1]), row[3], row[4], row[5], Fate(row[6]), row[7], row[8], row[9])


def seen(comment: Comment, user_no: int, *, staff: bool) -> Comment:
    """A comment as a reader sees it: of one that is gone, its place alone."""
    if comment.fate is Fate.STANDS or (comment.fate is Fate.HIDDEN and (staff or comment.user_no == user_no)):
        return comment
    return Comment(
        comment.comment_no, comment.ref, comment.parent_no, 0, comment.written_ms, comment.fate, "", comment.answers
    )  # fmt: skip
