"""The rows of what people do with moments. What one reader may see of it is decided by one condition, SEEN."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Reader, Row, Transaction, marks, padded
from teahouse.moments.types import Comment, Notice

LIKERS_SHOWN_MAX = 20  # people who liked a moment that are named with it
# A deed `d` of a moment `m` is seen by its doer; else its doer must be the author or a friend of the author's still,
# and a friend of the reader's, if the reader is not the author. Takes the reader's number three times.
SEEN = (
    "(d.user_no = ? OR ((d.user_no = m.author_no OR EXISTS (SELECT 1 FROM contacts a WHERE a.user_no = m.author_no "
    "AND a.other_no = d.user_no)) AND (m.author_no = ? OR EXISTS (SELECT 1 FROM contacts r WHERE r.user_no = ? "
    "AND r.other_no = d.user_no))))"
)
COMMENT = "d.comment_no, d.moment_pos, d.parent_no, d.user_no, d.written_ms, d.body"
# An answer is seen by those alone who see what it answers.
PARENT_SEEN = (
    "(d.parent_no = 0 OR EXISTS (SELECT 1 FROM moment_comments p WHERE p.comment_no = d.parent_no AND "
    f"{SEEN.replace('d.user_no', 'p.user_no')}))"
)


def thrice(reader_no: int) -> tuple[int, int, int]:
    """The parameters of SEEN."""
    return (reader_no, reader_no, reader_no)


async def like(db: Reader, moment_pos: int, user_no: int) -> Row | None:
    """Somebody's like of a moment, standing or taken back: (emoji, pos, until, done_ms)."""
    return await db.fetch_one(
        "SELECT emoji, pos, until, done_ms FROM moment_likes WHERE moment_pos = ? AND user_no = ?", moment_pos, user_no
    )


async def put_like(
    tx: Transaction, moment_pos: int, author_no: int, user_no: int, emoji: str, pos: int, now_ms: int
) -> None:
    """A new like, or one again."""
    await tx.execute(
        "INSERT INTO moment_likes (moment_pos, user_no, author_no, emoji, pos, until, done_ms) "
        "VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (moment_pos, user_no) DO UPDATE SET emoji = excluded.emoji, "
        "pos = excluded.pos, until = 0, done_ms = excluded.done_ms",
        moment_pos, user_no, author_no, emoji, pos, now_ms,
    )  # fmt: skip


async def end_like(tx: Transaction, moment_pos: int, user_no: int, until: int) -> bool:
    """Take a like back; False when there was none."""
    changed = await tx.execute(
        "UPDATE moment_likes SET until = ? WHERE moment_pos = ? AND user_no = ? AND until = 0",
        until, moment_pos, user_no,
    )  # fmt: skip
    return changed > 0


async def liked_at(db: Reader, user_no: int, author_no: int, pos: int) -> int | None:
    """The moment of an author's that somebody liked at a position."""
    row = await db.fetch_one(
        "SELECT moment_pos FROM moment_likes WHERE user_no = ? AND author_no = ? AND pos = ?", user_no, author_no, pos
    )
    return None if row is None else int(row[0])


async def likes_after(db: Reader, user_no: int, author_no: int, after: int, limit: int) -> list[Row]:
    """One reader's likes in an author's room given or taken back after a position."""
    return await db.fetch(
        "SELECT moment_pos, emoji, pos, until, done_ms FROM moment_likes WHERE user_no = ? AND author_no = ? "
        "AND (pos > ? OR until > ?) ORDER BY pos LIMIT ?",
        user_no, author_no, after, after, limit,
    )  # fmt: skip


async def likers(db: Reader, positions: Sequence[int], reader_no: int) -> dict[int, tuple[int, list[int]]]:
    """How many likes of some moments a reader may see, and whose the newest ones are."""
    if not positions:
        return {}
    within = marks(len(positions))
    source = (
        f"FROM moment_likes d JOIN moments m ON m.pos = d.moment_pos WHERE d.moment_pos IN ({within}) "
        f"AND d.until = 0 AND {SEEN}"
    )
    params = (*padded(positions), *thrice(reader_no))
    counted = await db.fetch(f"SELECT d.moment_pos, count(*) {source} GROUP BY d.moment_pos", *params)
    named = await db.fetch(
        "SELECT moment_pos, user_no FROM (SELECT d.moment_pos, d.user_no, row_number() OVER "
        f"(PARTITION BY d.moment_pos ORDER BY d.pos DESC) AS place {source}) found WHERE place <= ? "
        "ORDER BY moment_pos, place",
        *params, LIKERS_SHOWN_MAX,
    )  # fmt: skip
    found: dict[int, tuple[int, list[int]]] = {moment_pos: (number, []) for moment_pos, number in counted}
    for moment_pos, user_no in named:
        found[moment_pos][1].append(user_no)
    return found


async def counted_comments(db: Reader, positions: Sequence[int], reader_no: int) -> dict[int, int]:
    """How many comments on some moments a reader may see."""
    if not positions:
        return {}
    rows = await db.fetch(
        "SELECT d.moment_pos, count(*) FROM moment_comments d JOIN moments m ON m.pos = d.moment_pos "
        f"WHERE d.moment_pos IN ({marks(len(positions))}) AND {SEEN} AND {PARENT_SEEN} GROUP BY d.moment_pos",
        *padded(positions), *thrice(reader_no), *thrice(reader_no),
    )  # fmt: skip
    return {row[0]: row[1] for row in rows}


async def comments(db: Reader, moment_pos: int, reader_no: int, after: int, limit: int) -> list[Comment]:
    """The comments on a moment that a reader may see, answers among them, oldest first, after one of them."""
    rows = await db.fetch(
        f"SELECT {COMMENT} FROM moment_comments d JOIN moments m ON m.pos = d.moment_pos WHERE d.moment_pos = ? "
        f"AND d.comment_no > ? AND {SEEN} AND {PARENT_SEEN} ORDER BY d.comment_no LIMIT ?",
        moment_pos, after, *thrice(reader_no), *thrice(reader_no), limit,
    )  # fmt: skip
    return [Comment(*row) for row in rows]


async def comment(db: Reader, comment_no: int, reader_no: int) -> Comment | None:
    """One comment, if a reader who may see its moment may see it."""
    row = await db.fetch_one(
        f"SELECT {COMMENT} FROM moment_comments d JOIN moments m ON m.pos = d.moment_pos WHERE d.comment_no = ? "
        f"AND {SEEN} AND {PARENT_SEEN}",
        comment_no, *thrice(reader_no), *thrice(reader_no),
    )  # fmt: skip
    return None if row is None else Comment(*row)


async def insert_comment(tx: Transaction, made: Comment, comments_max: int) -> bool:
    """A new comment; False when the moment has so many already or is gone."""
    rows = await tx.execute(
        "INSERT INTO moment_comments (comment_no, moment_pos, parent_no, user_no, written_ms, body) "
        "SELECT ?, m.pos, ?, ?, ?, ? FROM moments m WHERE m.pos = ? AND m.gone = 0 AND "
        "(SELECT count(*) FROM moment_comments o WHERE o.moment_pos = m.pos) < ?",
        made.comment_no, made.parent_no, made.user_no, made.written_ms, made.body, made.moment_pos, comments_max,
    )  # fmt: skip
    return rows > 0


async def delete_comment(tx: Transaction, made: Comment) -> bool:
    """Drop a comment with its answers and what told of them; False when it was gone."""
    await tx.execute(
        "DELETE FROM moment_notices WHERE comment_no IN (SELECT comment_no FROM moment_comments "
        "WHERE comment_no = ? OR (moment_pos = ? AND parent_no = ?))",
        made.comment_no, made.moment_pos, made.comment_no,
    )  # fmt: skip
    await tx.execute(
        "DELETE FROM moment_comments WHERE moment_pos = ? AND parent_no = ?", made.moment_pos, made.comment_no
    )
    return await tx.execute("DELETE FROM moment_comments WHERE comment_no = ?", made.comment_no) > 0


async def erase_by(tx: Transaction, user_no: int) -> None:
    """Drop all that somebody did with moments, what answers it and what told of it."""
    own = "SELECT o.comment_no FROM moment_comments o WHERE o.user_no = ?"
    gone = f"comment_no > 0 AND comment_no IN (SELECT c.comment_no FROM moment_comments c WHERE c.parent_no IN ({own}))"
    await tx.execute(f"DELETE FROM moment_notices WHERE doer_no = ? OR ({gone})", user_no, user_no)
    await tx.execute(f"DELETE FROM moment_comments WHERE user_no = ? OR parent_no IN ({own})", user_no, user_no)
    await tx.execute("DELETE FROM moment_likes WHERE user_no = ?", user_no)


async def notify(tx: Transaction, user_no: int, pos: int, kind: str, deed: Comment) -> None:
    """Tell somebody of a deed; a like has comment_no 0."""
    await tx.execute(
        "INSERT INTO moment_notices (user_no, pos, kind, moment_pos, doer_no, comment_no) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        user_no, pos, kind, deed.moment_pos, deed.user_no, deed.comment_no,
    )  # fmt: skip


async def unnotify(tx: Transaction, user_no: int, pos: int) -> None:
    """Tell of it no more."""
    await tx.execute("DELETE FROM moment_notices WHERE user_no = ? AND pos = ?", user_no, pos)


NOTICES = (
    "FROM moment_notices n JOIN moments m ON m.pos = n.moment_pos AND m.gone = 0 "
    "LEFT JOIN moment_comments d ON d.comment_no = n.comment_no AND n.comment_no > 0 "
    "LEFT JOIN moment_likes l ON l.moment_pos = n.moment_pos AND l.user_no = n.doer_no AND n.comment_no = 0 "
    f"WHERE n.user_no = ? AND {SEEN.replace('d.user_no', 'n.doer_no')} AND (n.comment_no = 0 OR {PARENT_SEEN})"
)


async def notices(db: Reader, user_no: int, before: int, limit: int) -> list[Notice]:
    """What others did, newest first; of those alone who are friends still."""
    rows = await db.fetch(
        f"SELECT n.pos, n.kind, n.moment_pos, n.doer_no, n.comment_no, COALESCE(d.body, l.emoji, '') {NOTICES} "
        "AND n.pos < ? ORDER BY n.pos DESC LIMIT ?",
        user_no, *thrice(user_no), *thrice(user_no), before, limit,
    )  # fmt: skip
    return [Notice(*row) for row in rows]


async def unseen(db: Reader, user_no: int, seen: int, limit: int) -> int:
    """How many notices are newer than the one seen last, counted up to a limit."""
    rows = await db.fetch(
        f"SELECT n.pos {NOTICES} AND n.pos > ? LIMIT ?",
        user_no, *thrice(user_no), *thrice(user_no), seen, limit,
    )  # fmt: skip
    return len(rows)
