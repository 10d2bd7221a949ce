"""Rows of followers, and the counts that are kept of them."""

from __future__ import annotations

from collections.abc import Iterable

from teahouse.db import Reader, Row, Transaction
from teahouse.public_accounts.types import Account, Follow

EPOCH_S = 1_577_836_800  # 2020 began; since_s counts from here, so that four bytes last until 2088
FOLLOW = "f.since, f.until, f.since_s, f.flags, f.news"
PUT = (
    "INSERT INTO follows (user_no, account_no, since, until, since_s, flags, news) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (user_no, account_no) DO UPDATE SET since = excluded.since, until = excluded.until, "
    "since_s = excluded.since_s, flags = excluded.flags, news = excluded.news"
)


def follow_of(account_no: int, room_no: int, row: Row) -> Follow:
    """A row of FOLLOW as a tie."""
    since, until, since_s, flags, news = row
    return Follow(account_no, room_no, since, until or 0, since_s + EPOCH_S, flags, news or until or since)


def row_of(user_no: int, tie: Follow) -> Row:
    """A tie as the parameters of PUT."""
    news = None if tie.news == (tie.until or tie.since) else tie.news
    return (user_no, tie.account_no, tie.since, tie.until or None, tie.since_s - EPOCH_S, tie.flags, news)


async def follows_of(reader: Reader, user_no: int) -> list[Follow]:
    """Whom somebody follows or followed; bounded by how many accounts one may follow."""
    rows = await reader.fetch(
        f"SELECT f.account_no, a.room_no, {FOLLOW} FROM follows f "
        "JOIN public_accounts a ON a.account_no = f.account_no WHERE f.user_no = ?",
        user_no,
    )
    return [follow_of(row[0], row[1], row[2:]) for row in rows]


async def follow(reader: Reader, user_no: int, account: Account) -> Follow | None:
    """One tie, or None."""
    row = await reader.fetch_one(
        f"SELECT {FOLLOW} FROM follows f WHERE f.user_no = ? AND f.account_no = ?", user_no, account.account_no
    )
    return None if row is None else follow_of(account.account_no, account.room_no, row)


async def count_follows(reader: Reader, user_no: int) -> int:
    """How many accounts somebody follows now."""
    row = await reader.fetch_one("SELECT count(*) FROM follows WHERE user_no = ? AND until IS NULL", user_no)
    return 0 if row is None else int(row[0])


async def put_follow(tx: Transaction, user_no: int, tie: Follow) -> None:
    """Store a tie in the place of the one before."""
    await tx.execute(PUT, *row_of(user_no, tie))


async def put_follows(tx: Transaction, ties: Iterable[tuple[int, Follow]]) -> None:
    """Store many."""
    await tx.execute_many(PUT, [row_of(user_no, tie) for user_no, tie in ties])


async def own_news(reader: Reader, account: Account) -> int:
    """The newest of what a person did or read in their own channel, which is no event of it; 0 for nothing."""
    row = await reader.fetch_one(
        "SELECT max(newest) FROM (SELECT max(pos) AS newest FROM receipts WHERE room_no = ? AND user_no = ? "
        "UNION ALL SELECT max(pos) FROM interactions WHERE user_no = ? AND account_no = ? "
        "UNION ALL SELECT max(until) FROM interactions WHERE user_no = ? AND account_no = ?) AS deeds",
        account.room_no, *(account.account_no,) * 5,
    )  # fmt: skip
    return 0 if row is None else int(row[0] or 0)


async def count_followers(tx: Transaction, account: Account, by: int, day: int, source: str) -> None:
    """Move the account's number of followers, and the day's, by where they came from."""
    await tx.execute(
        "UPDATE public_accounts SET followers = followers + ? WHERE account_no = ?", by, account.account_no
    )
    await tx.execute(
        "UPDATE rooms SET joined_count = (SELECT followers + 1 FROM public_accounts WHERE account_no = ?) "
        "WHERE room_no = ?",
        account.account_no, account.room_no,
    )  # fmt: skip
    came, left = max(by, 0), max(-by, 0)
    await tx.execute(
        "INSERT INTO follower_days (account_no, day, source, came, left_) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (account_no, day, source) DO UPDATE SET came = follower_days.came + excluded.came, "
        "left_ = follower_days.left_ + excluded.left_",
        account.account_no, day, source, came, left,
    )  # fmt: skip
