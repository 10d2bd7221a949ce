"""What posts are found by, kept in step with them: the terms of their words, marks such as their language, and how many
posts of a day have a hashtag. Only standing posts are found.
"""

from __future__ import annotations

from collections.abc import Iterable

from teahouse.db import Transaction
from teahouse.feed.phrases import said
from teahouse.posts import wording
from teahouse.posts.neighbours import PostListener
from teahouse.posts.types import Post, PostContent
from teahouse.posts.words import words

DAY_MS = 86_400_000
FAMILIES = {"image": "picture", "video": "video", "audio": "audio"}
IMPORTED = "is:imported"  # a post that was published elsewhere before


class Index(PostListener):
    """Writes the index inside the transactions that change posts."""

    async def posted(self, tx: Transaction, post: Post) -> None:
        await self._put(tx, post)
        await self._count(tx, post, 1)

    async def edited(self, tx: Transaction, before: Post, after: Post) -> None:
        rows = await tx.fetch("SELECT term FROM post_terms WHERE pos = ?", after.pos)
        old, new = {row[0] for row in rows}, terms(after)
        await tx.execute_many(
            "DELETE FROM post_terms WHERE term = ? AND pos = ?", [(term, after.pos) for term in sorted(old - new)]
        )
        await insert(tx, after.pos, new - old)
        await self._count(tx, after, 1)
        await self._count(tx, before, -1)

    async def deleted(self, tx: Transaction, post: Post) -> None:
        await self._drop(tx, post)

    async def removed(self, tx: Transaction, post: Post) -> None:
        await self._drop(tx, post)

    async def restored(self, tx: Transaction, post: Post) -> None:
        await self.posted(tx, post)

    async def _put(self, tx: Transaction, post: Post) -> None:
        await insert(tx, post.pos, terms(post))

    async def _drop(self, tx: Transaction, post: Post) -> None:
        await tx.execute("DELETE FROM post_terms WHERE pos = ?", post.pos)
        await self._count(tx, post, -1)

    async def _count(self, tx: Transaction, post: Post, by: int) -> None:
        assert post.content is not None
        day = (post.content.written_ms or post.created_ms) // DAY_MS
        tags = wording.tags(post.content)
        await tx.execute_many(
            "INSERT INTO tag_days (tag, day, posts) VALUES (?, ?, ?) "
            "ON CONFLICT (tag, day) DO UPDATE SET posts = tag_days.posts + excluded.posts",
            [(tag, day, by) for tag in tags],
        )
        # Nothing is left of a hashtag whose posts are all gone.
        if by < 0:
            await tx.execute_many(
                "DELETE FROM tag_days WHERE tag = ? AND day = ? AND posts = 0", [(tag, day) for tag in tags]
            )


async def insert(tx: Transaction, pos: int, found: Iterable[str]) -> None:
    """Put terms of a post into the index."""
    rows = [(term, pos) for term in sorted(found)]
    await tx.execute_many("INSERT INTO post_terms (term, pos) VALUES (?, ?)", rows)


def terms(post: Post) -> set[str]:
    """Everything that a post is found by."""
    assert post.content is not None
    return words("\n".join(said(post.content))) | marks(post, post.content)


def marks(post: Post, content: PostContent) -> set[str]:
    """What a post is, as terms. Each holds a colon, which no word does."""
    found = {from_account(post.account_no)}
    found |= {f"lang:{tag}" for tag in widening(content.language)}
    families = {each.mimetype.partition("/")[0] for each in content.media}
    found |= {f"has:{FAMILIES.get(family, 'file')}" for family in families}
    held = {"media": content.media, "poll": content.poll, "article": content.article, "link": content.link}
    found |= {f"has:{name}" for name, value in held.items() if value}
    if content.repost is not None:
        found.add("is:repost")
    if content.written_ms:
        found.add(IMPORTED)
    return found


def from_account(account_no: int) -> str:
    """The mark of an account's posts."""
    return f"from:{account_no}"


def widening(language: str) -> list[str]:
    """A language tag and the wider ones it belongs to, lower case: zh-hans-cn, zh-hans, zh."""
    parts = language.lower().split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)] if language else []
