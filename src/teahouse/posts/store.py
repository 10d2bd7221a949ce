"""The rows of posts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from teahouse.db import Reader, Row, Transaction, marks, padded, padded_pairs, pairs
from teahouse.errors import NotFound
from teahouse.posts.types import Counts, Fate, Post, PostContent, Ref, Version

COLUMNS = (
    "p.account_no, p.number, p.pos, p.room_no, p.author_no, p.kind, p.created_ms, p.version, p.fate, p.fate_ms, "
    "p.of_account, p.of_number, p.comments_by, p.likes, p.reposts, p.comments, p.views, v.content, v.written_ms, "
    "p.correction, p.corrected_ms"
)
FROM = (
    "FROM posts p LEFT JOIN post_versions v ON v.account_no = p.account_no AND v.number = p.number "
    "AND v.version = p.version"
)
STANDS = f"p.fate = {int(Fate.STANDS)}"

_decode = msgspec.json.Decoder(PostContent).decode


def post_of(row: Row) -> Post:
    """A row of COLUMNS as a post."""
    fate = Fate(row[8])
    of = Ref(row[10], row[11]) if row[10] else None
    content = _decode(row[17]) if row[17] is not None and fate is Fate.STANDS else None
    if content is not None and content.comments != row[12]:  # who may comment changes without a new wording
        content = msgspec.structs.replace(content, comments=row[12])
    edited_ms = row[18] if row[7] and content is not None else 0
    return Post(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], fate, row[9], of, row[12], Counts(*row[13:17]),
        content, edited_ms, "" if content is None else row[19], 0 if content is None else row[20],
    )  # fmt: skip


async def one(reader: Reader, ref: Ref) -> Post | None:
    """A post, or None."""
    row = await reader.fetch_one(
        f"SELECT {COLUMNS} {FROM} WHERE p.account_no = ? AND p.number = ?", ref.account_no, ref.number
    )
    return None if row is None else post_of(row)


async def at(reader: Reader, positions: Sequence[int]) -> dict[int, Post]:
    """Posts by the positions of their events."""
    if not positions:
        return {}
    rows = await reader.fetch(f"SELECT {COLUMNS} {FROM} WHERE p.pos IN ({marks(len(positions))})", *padded(positions))
    return {row[2]: post_of(row) for row in rows}


async def these(reader: Reader, refs: Collection[Ref]) -> dict[Ref, Post]:
    """Posts by their places."""
    if not refs:
        return {}
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM ({pairs(len(refs))}) w JOIN posts p ON p.account_no = w.column1 AND "
        "p.number = w.column2 LEFT JOIN post_versions v ON v.account_no = p.account_no AND v.number = p.number "
        "AND v.version = p.version",
        *padded_pairs([(ref.account_no, ref.number) for ref in refs]),
    )
    return {Ref(row[0], row[1]): post_of(row) for row in rows}


async def of_account(reader: Reader, account_no: int, before: int, limit: int) -> list[Post]:
    """An account's standing posts below a number, newest first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} {FROM} WHERE p.account_no = ? AND p.number < ? AND {STANDS} ORDER BY p.number DESC LIMIT ?",
        account_no, before, limit,
    )  # fmt: skip
    return [post_of(row) for row in rows]


async def versions(reader: Reader, ref: Ref, limit: int) -> list[Version]:
    """A post's wordings, newest first."""
    rows = await reader.fetch(
        "SELECT version, written_ms, correction, content FROM post_versions WHERE account_no = ? AND number = ? "
        "ORDER BY version DESC LIMIT ?",
        ref.account_no, ref.number, limit,
    )  # fmt: skip
    return [Version(row[0], row[1], row[2], _decode(row[3])) for row in rows]


async def correction(reader: Reader, ref: Ref) -> str:
    """The newest notice of what was put right in a post, standing or removed; '' when there is none."""
    row = await reader.fetch_one(
        "SELECT correction FROM posts WHERE account_no = ? AND number = ?", ref.account_no, ref.number
    )
    return "" if row is None else str(row[0])


async def insert(tx: Transaction, post: Post, content: PostContent) -> None:
    """A new post."""
    of = post.of or Ref(0, 0)
    await tx.execute(
        "INSERT INTO posts (account_no, number, pos, room_no, author_no, kind, language, created_ms, version, fate, "
        "fate_ms, of_account, of_number, comments_by, likes, reposts, comments, views, topics, correction, "
        "corrected_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, 0, 0, 0, 0, ?, '', 0)",
        post.account_no, post.number, post.pos, post.room_no, post.author_no, post.kind, content.language,
        post.created_ms, of.account_no, of.number, post.comments_by, mask_of(content.topics),
    )  # fmt: skip


async def insert_version(tx: Transaction, ref: Ref, version: Version) -> None:
    """A wording of a post."""
    await tx.execute(
        "INSERT INTO post_versions (account_no, number, version, written_ms, correction, content) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        ref.account_no, ref.number, version.version, version.written_ms, version.correction,
        msgspec.json.encode(version.content),
    )  # fmt: skip


async def set_tags(tx: Transaction, pos: int, tags: Sequence[str]) -> None:
    """What a post is found under."""
    await tx.execute("DELETE FROM post_tags WHERE pos = ?", pos)
    await tx.execute_many("INSERT INTO post_tags (tag, pos) VALUES (?, ?)", [(tag, pos) for tag in tags])


async def set_current(tx: Transaction, ref: Ref, version: Version, kind: str) -> bool:
    """A standing post has a new wording; False when it went, or got another one, meanwhile. A correction stays until
    the next one.
    """
    content, corrected = version.content, int(bool(version.correction))
    changed = await tx.execute(
        "UPDATE posts SET version = ?, kind = ?, language = ?, comments_by = ?, topics = ?, "
        "correction = CASE WHEN ? = 1 THEN ? ELSE correction END, "
        "corrected_ms = CASE WHEN ? = 1 THEN ? ELSE corrected_ms END "
        "WHERE account_no = ? AND number = ? AND version = ? AND fate = ?",
        version.version, kind, content.language, content.comments, mask_of(content.topics), corrected,
        version.correction, corrected, version.written_ms, ref.account_no, ref.number, version.version - 1,
        int(Fate.STANDS),
    )  # fmt: skip
    return changed > 0


async def set_commenters(tx: Transaction, ref: Ref, comments_by: str) -> None:
    """Who may comment on a post."""
    await tx.execute(
        "UPDATE posts SET comments_by = ? WHERE account_no = ? AND number = ?", comments_by, ref.account_no, ref.number
    )


async def carried_on_by(reader: Reader, of: Ref, account_no: int, but: int) -> int:
    """The number of the standing post, another than `but`, by which an account carries a post on; 0 for none."""
    row = await reader.fetch_one(
        f"SELECT p.number FROM posts p WHERE p.of_account = ? AND p.of_number = ? AND p.account_no = ? "
        f"AND p.number <> ? AND {STANDS} LIMIT 1",
        of.account_no, of.number, account_no, but,
    )  # fmt: skip
    return 0 if row is None else int(row[0])


async def set_fate(tx: Transaction, ref: Ref, before: Fate, after: Fate, now_ms: int) -> bool:
    """Change what became of a post; False when it was not as `before` says."""
    changed = await tx.execute(
        "UPDATE posts SET fate = ?, fate_ms = ? WHERE account_no = ? AND number = ? AND fate = ?",
        int(after), now_ms, ref.account_no, ref.number, int(before),
    )  # fmt: skip
    return changed > 0


async def erase(tx: Transaction, post: Post) -> None:
    """Drop everything a post said, and count nothing of it any more but those who carry it on."""
    for table in ("post_versions", "poll_votes"):
        await tx.execute(f"DELETE FROM {table} WHERE account_no = ? AND number = ?", post.account_no, post.number)
    await set_tags(tx, post.pos, ())
    await tx.execute(
        "UPDATE posts SET likes = 0, comments = 0, views = 0, topics = 0, correction = '', corrected_ms = 0 "
        "WHERE account_no = ? AND number = ?",
        post.account_no, post.number,
    )  # fmt: skip


async def require_standing(tx: Transaction, ref: Ref) -> None:
    """Raises NotFound when the post went while somebody was about to do something with it."""
    row = await tx.fetch_one("SELECT fate FROM posts WHERE account_no = ? AND number = ?", ref.account_no, ref.number)
    if row is None or row[0] != Fate.STANDS:
        raise NotFound("The post is gone.")


async def count(tx: Transaction, ref: Ref, column: str, by: int) -> None:
    """Move one of a post's counts: likes, reposts, comments, views. Of a deleted post only reposts are counted still:
    what else it had gathered counts no more, though rows of it go later.
    """
    kept = "" if column == "reposts" else f" AND fate <> {int(Fate.DELETED)}"
    await tx.execute(
        f"UPDATE posts SET {column} = {column} + ? WHERE account_no = ? AND number = ?{kept}",
        by, ref.account_no, ref.number,
    )  # fmt: skip


async def is_deleted(tx: Transaction, ref: Ref) -> bool:
    """Whether a post was deleted, so that nothing of it is counted any more."""
    row = await tx.fetch_one("SELECT fate FROM posts WHERE account_no = ? AND number = ?", ref.account_no, ref.number)
    return row is not None and row[0] == Fate.DELETED


def mask_of(places: Iterable[int]) -> int:
    """Places of topics as bits."""
    return sum(1 << place for place in set(places))
