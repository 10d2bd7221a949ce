"""The rows of figures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from teahouse.analytics.sketch import Sketch
from teahouse.analytics.types import DAY_MS, Kind, Totals
from teahouse.db import Reader, Transaction
from teahouse.posts.types import Fate, Ref

FIGURES = "f.impressions, f.opens, f.visits"


@dataclass(frozen=True, slots=True)
class Open:
    """A post whose readers are still counted, and the key that tells them apart."""

    ref: Ref
    created_ms: int
    key: bytes
    totals: Totals
    new: bool


async def open_post(db: Reader, ref: Ref, after_ms: int, new_key: bytes) -> Open | None:
    """A post whose readers are counted; None for one that is gone, too old, or was closed."""
    row = await db.fetch_one(
        f"SELECT f.created_ms, f.key, {FIGURES} FROM post_figures f WHERE f.account_no = ? AND f.number = ?",
        ref.account_no, ref.number,
    )  # fmt: skip
    if row is not None:
        counted = row[1] is not None and row[0] > after_ms
        return Open(ref, row[0], bytes(row[1]), Totals(*row[2:]), new=False) if counted else None
    post = await db.fetch_one(
        "SELECT created_ms FROM posts WHERE account_no = ? AND number = ? AND fate = ?",
        ref.account_no, ref.number, int(Fate.STANDS),
    )  # fmt: skip
    return Open(ref, post[0], new_key, Totals(), new=True) if post is not None and post[0] > after_ms else None


async def sketch(db: Reader, ref: Ref, kind: Kind) -> Sketch:
    """Whom a post's count of a kind holds; nobody for a new one."""
    row = await db.fetch_one(
        "SELECT sketch FROM post_sketches WHERE account_no = ? AND number = ? AND kind = ?",
        ref.account_no, ref.number, kind,
    )  # fmt: skip
    return Sketch() if row is None else Sketch.decode(bytes(row[0]))


async def put(
    tx: Transaction, post: Open, sketches: Mapping[Kind, bytes], more: Mapping[Kind, int], from_ms: int, day: int
) -> bool:
    """Write what became of a post: its sketches, and how many more there are of each kind. False when it was closed."""
    if post.new:
        await tx.execute(
            "INSERT INTO post_figures (account_no, number, created_ms, key, impressions, opens, visits) "
            "SELECT account_no, number, created_ms, ?, 0, 0, 0 FROM posts WHERE account_no = ? AND number = ? "
            "AND fate = ?",
            post.key, post.ref.account_no, post.ref.number, int(Fate.STANDS),
        )  # fmt: skip
    if not await tx.execute(
        "UPDATE post_figures SET impressions = impressions + ?, opens = opens + ?, visits = visits + ? "
        "WHERE account_no = ? AND number = ? AND key IS NOT NULL",
        more.get("impressions", 0), more.get("opens", 0), more.get("visits", 0), post.ref.account_no, post.ref.number,
    ):  # fmt: skip
        return False
    at = (post.ref.account_no, post.ref.number)
    await tx.execute_many(
        "INSERT INTO post_sketches (account_no, number, kind, sketch) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account_no, number, kind) DO UPDATE SET sketch = excluded.sketch",
        [(*at, kind, encoded) for kind, encoded in sketches.items()],
    )
    counted = [(kind, many) for kind, many in more.items() if many]
    await tx.execute_many(
        "INSERT INTO post_hours (account_no, number, kind, from_ms, many) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (account_no, number, kind, from_ms) DO UPDATE SET many = post_hours.many + excluded.many",
        [(*at, kind, from_ms, many) for kind, many in counted],
    )
    await tx.execute_many(
        "INSERT INTO account_days (account_no, day, kind, many) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account_no, day, kind) DO UPDATE SET many = account_days.many + excluded.many",
        [(post.ref.account_no, day, kind, many) for kind, many in counted],
    )
    return True


async def set_views(tx: Transaction, ref: Ref, views: int) -> None:
    """What everybody sees of a post's readers."""
    await tx.execute(
        "UPDATE posts SET views = ? WHERE account_no = ? AND number = ?", views, ref.account_no, ref.number
    )


async def passed(
    db: Reader, account_no: int, after: int, upto: int, after_ms: int, limit: int
) -> Sequence[tuple[int, int]]:
    """(position, number) of an account's posts in after < pos <= upto that are still counted, newest first."""
    rows = await db.fetch(
        "SELECT pos, number FROM posts WHERE account_no = ? AND pos > ? AND pos <= ? AND created_ms > ? "
        "ORDER BY pos DESC LIMIT ?",
        account_no, after, upto, after_ms, limit,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def due(db: Reader, before_ms: int, limit: int) -> list[Ref]:
    """Posts whose keys are to be destroyed."""
    rows = await db.fetch(
        "SELECT account_no, number FROM post_figures WHERE created_ms <= ? AND key IS NOT NULL "
        "ORDER BY created_ms LIMIT ?",
        before_ms, limit,
    )  # fmt: skip
    return [Ref(*row) for row in rows]


async def close(tx: Transaction, refs: Collection[Ref]) -> None:
    """Destroy what tells the readers of some posts apart; their counts stay."""
    places = [(ref.account_no, ref.number) for ref in refs]
    await tx.execute_many("DELETE FROM post_sketches WHERE account_no = ? AND number = ?", places)
    await tx.execute_many("UPDATE post_figures SET key = NULL WHERE account_no = ? AND number = ?", places)


async def hours(db: Reader, ref: Ref, limit: int) -> list[tuple[int, str, int]]:
    """(from_ms, kind, many) of a post, oldest first."""
    rows = await db.fetch(
        "SELECT from_ms, kind, many FROM post_hours WHERE account_no = ? AND number = ? ORDER BY from_ms LIMIT ?",
        ref.account_no, ref.number, limit,
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]


async def days(db: Reader, account_no: int, first: int, last: int) -> list[tuple[int, str, int]]:
    """(day, kind, many) of an account, both days included."""
    rows = await db.fetch(
        "SELECT day, kind, many FROM account_days WHERE account_no = ? AND day >= ? AND day <= ?",
        account_no, first, last,
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]


async def growth(db: Reader, account_no: int, first: int, last: int) -> list[tuple[int, str, int, int]]:
    """(day, source, came, left) of an account's followers, both days included."""
    rows = await db.fetch(
        "SELECT day, source, came, left_ FROM follower_days WHERE account_no = ? AND day >= ? AND day <= ?",
        account_no, first, last,
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def grown_after(db: Reader, account_no: int, day: int) -> int:
    """How many more followers there are now than at the end of a day."""
    row = await db.fetch_one(
        "SELECT sum(came) - sum(left_) FROM follower_days WHERE account_no = ? AND day > ?", account_no, day
    )
    return int(row[0]) if row is not None and row[0] is not None else 0


async def totals(db: Reader, ref: Ref) -> Totals:
    """A post's counts."""
    row = await db.fetch_one(
        f"SELECT {FIGURES} FROM post_figures f WHERE f.account_no = ? AND f.number = ?", ref.account_no, ref.number
    )
    return Totals() if row is None else Totals(*row)


async def published(db: Reader, account_no: int, first: int, last: int, limit: int) -> list[tuple[Ref, Totals]]:
    """An account's standing posts of some days with their counts, newest first."""
    rows = await db.fetch(
        "SELECT p.number, coalesce(f.impressions, 0), coalesce(f.opens, 0), coalesce(f.visits, 0) FROM posts p "
        "LEFT JOIN post_figures f ON f.account_no = p.account_no AND f.number = p.number "
        "WHERE p.account_no = ? AND p.created_ms >= ? AND p.created_ms < ? AND p.fate = ? "
        "ORDER BY p.number DESC LIMIT ?",
        account_no, first * DAY_MS, (last + 1) * DAY_MS, int(Fate.STANDS), limit,
    )  # fmt: skip
    return [(Ref(account_no, row[0]), Totals(*row[1:])) for row in rows]


async def best(db: Reader, account_no: int, first: int, last: int, limit: int) -> list[tuple[Ref, Totals]]:
    """The same, the most opened first."""
    rows = await db.fetch(
        f"SELECT f.number, {FIGURES} FROM post_figures f JOIN posts p ON p.account_no = f.account_no "
        "AND p.number = f.number WHERE f.account_no = ? AND f.created_ms >= ? AND f.created_ms < ? AND p.fate = ? "
        "ORDER BY f.opens DESC, f.impressions DESC, f.number DESC LIMIT ?",
        account_no, first * DAY_MS, (last + 1) * DAY_MS, int(Fate.STANDS), limit,
    )  # fmt: skip
    return [(Ref(account_no, row[0]), Totals(*row[1:])) for row in rows]
