"""Who is named in posts and comments can list where. A mention is a row for the one who is named: nothing is sent.

One who has blocked or muted the author hears nothing of it, and neither does one whom the author has blocked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from teahouse.db import Database, Transaction, marks, padded
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.phrases import said
from teahouse.posts.naming import mentioned
from teahouse.posts.neighbours import PostListener
from teahouse.posts.types import Comment, Post, Ref

UNSEEN_COUNTED_MAX = 100  # mentions not seen yet that are counted; beyond it the count says so


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody is named, in a post or (`comment_no`) in a comment on it, by an account or the comment's author."""

    pos: int
    ref: Ref
    comment_no: int
    by_no: int


class Mentions(PostListener):
    """Mentions of everybody."""

    def __init__(self, database: Database, boundaries: Boundaries) -> None:
        self._database = database
        self._boundaries = boundaries

    async def posted(self, tx: Transaction, post: Post) -> None:
        await self._insert(tx, await self._targets(tx, post), Mention(0, post.ref, 0, post.account_no))

    async def edited(self, tx: Transaction, before: Post, after: Post) -> None:
        rows = await tx.fetch(
            "SELECT target_no, pos FROM post_mentions WHERE account_no = ? AND number = ? AND comment_no = 0",
            after.account_no, after.number,
        )  # fmt: skip
        named = await self._targets(tx, after)
        await tx.execute_many(
            "DELETE FROM post_mentions WHERE target_no = ? AND pos = ?", [row for row in rows if row[0] not in named]
        )
        known = {row[0] for row in rows}
        await self._insert(tx, named - known, Mention(0, after.ref, 0, after.account_no))

    async def deleted(self, tx: Transaction, post: Post) -> None:
        await tx.execute("DELETE FROM post_mentions WHERE account_no = ? AND number = ?", post.account_no, post.number)

    async def commented(self, tx: Transaction, comment: Comment) -> None:
        targets = await self._numbers(tx, mentioned(comment.body))
        await self._insert(tx, targets, Mention(0, comment.ref, comment.comment_no, comment.user_no))

    async def uncommented(self, tx: Transaction, comment: Comment) -> None:
        await tx.execute(
            "DELETE FROM post_mentions WHERE account_no = ? AND number = ? AND comment_no = ?",
            comment.ref.account_no, comment.ref.number, comment.comment_no,
        )  # fmt: skip

    async def page(self, target_no: int, before: int, limit: int) -> tuple[list[Mention], int | None]:
        """Where somebody is named in what still stands, newest first, below a position; and the position to go on
        below. What is by people they want nothing of is left out: a page may hold fewer than asked for.
        """
        rows = await self._database.fetch(
            "SELECT m.pos, m.account_no, m.number, m.comment_no, m.by_no FROM post_mentions m JOIN posts p "
            "ON p.account_no = m.account_no AND p.number = m.number AND p.fate = 0 "
            "LEFT JOIN comments c ON c.comment_no = m.comment_no WHERE m.target_no = ? AND m.pos < ? "
            "AND (m.comment_no = 0 OR c.fate = 0) ORDER BY m.pos DESC LIMIT ?",
            target_no, before, limit,
        )  # fmt: skip
        unseen = await self._boundaries.unseen(target_no)
        found = [Mention(row[0], Ref(row[1], row[2]), row[3], row[4]) for row in rows]
        following = found[-1].pos if len(found) == limit else None
        return [each for each in found if each.by_no not in unseen], following

    async def new(self, target_no: int) -> int:
        """How many mentions somebody has not seen yet, up to UNSEEN_COUNTED_MAX."""
        seen = await self.seen(target_no)
        found, _ = await self.page(target_no, 1 << 62, UNSEEN_COUNTED_MAX)
        return sum(each.pos > seen for each in found)

    async def seen(self, target_no: int) -> int:
        """The position up to which somebody has seen their mentions."""
        row = await self._database.fetch_one("SELECT pos FROM post_mentions_seen WHERE target_no = ?", target_no)
        return 0 if row is None else int(row[0])

    async def see(self, target_no: int, pos: int) -> None:
        """Note that somebody has seen their mentions up to a position. It never goes back."""
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO post_mentions_seen (target_no, pos) VALUES (?, ?) ON CONFLICT (target_no) DO UPDATE SET "
                "pos = CASE WHEN excluded.pos > post_mentions_seen.pos THEN excluded.pos "
                "ELSE post_mentions_seen.pos END",
                target_no, pos,
            )  # fmt: skip

    async def erase_in(self, tx: Transaction, target_no: int) -> None:
        """Drop where somebody is named, and how far they have seen it."""
        await tx.execute("DELETE FROM post_mentions WHERE target_no = ?", target_no)
        await tx.execute("DELETE FROM post_mentions_seen WHERE target_no = ?", target_no)

    async def _targets(self, tx: Transaction, post: Post) -> set[int]:
        assert post.content is not None
        return await self._numbers(tx, mentioned("\n".join(said(post.content))))

    async def _numbers(self, tx: Transaction, handles: Sequence[str]) -> set[int]:
        if not handles:
            return set()
        rows = await tx.fetch(
            f"SELECT user_no FROM users WHERE closed_ms IS NULL AND localpart IN ({marks(len(handles))})",
            *padded(handles),
        )
        return {row[0] for row in rows}

    async def _insert(self, tx: Transaction, targets: Collection[int], mention: Mention) -> None:
        for target_no in await self._wanted(tx, targets, mention.by_no):
            await tx.execute(
                "INSERT INTO post_mentions (target_no, pos, account_no, number, comment_no, by_no) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                target_no, tx.positions(), mention.ref.account_no, mention.ref.number, mention.comment_no,
                mention.by_no,
            )  # fmt: skip

    async def _wanted(self, tx: Transaction, targets: Iterable[int], by_no: int) -> list[int]:
        found = []
        for target_no in sorted(set(targets) - {by_no}):
            shunned = await self._boundaries.wants_none_of(tx, target_no, by_no)
            if not shunned and not await self._boundaries.keeps_away(tx, by_no, target_no):
                found.append(target_no)
        return found
