"""The rows of followers by e-mail."""

from __future__ import annotations

from teahouse.db import Reader, Row, Transaction
from teahouse.mailings.types import MailFollower, MailList

COLUMNS = "follower_no, account_no, address, asked_ms, asks, confirmed_ms, token_hash, mailed, returned"


def follower_of(row: Row | None) -> MailFollower | None:
    """A row of COLUMNS."""
    return None if row is None else MailFollower(*row)


async def by_number(reader: Reader, follower_no: int) -> MailFollower | None:
    """A follower by number."""
    return follower_of(
        await reader.fetch_one(f"SELECT {COLUMNS} FROM mail_followers WHERE follower_no = ?", follower_no)
    )


async def by_address(reader: Reader, account_no: int, address_hash: bytes) -> MailFollower | None:
    """A follower of an account by address."""
    return follower_of(
        await reader.fetch_one(
            f"SELECT {COLUMNS} FROM mail_followers WHERE account_no = ? AND address_hash = ?", account_no, address_hash
        )
    )


async def asked_since(reader: Reader, address_hash: bytes, since_ms: int, limit: int) -> int:
    """How many mails to confirm an address was sent for accounts that it was entered for since a time."""
    rows = await reader.fetch(
        "SELECT asks FROM mail_followers WHERE address_hash = ? AND asked_ms > ? LIMIT ?", address_hash, since_ms, limit
    )
    return sum(row[0] for row in rows)


async def waiting_of(reader: Reader, account_no: int, since_ms: int, limit: int) -> int:
    """How many wait to be confirmed for an account, counted up to a limit."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM mail_followers WHERE confirmed_ms = 0 AND asked_ms > ? AND account_no = ? "
        "LIMIT ?) AS counted",
        since_ms, account_no, limit,
    )  # fmt: skip
    return 0 if row is None else int(row[0])


async def insert(
    tx: Transaction, follower_no: int, account_no: int, address_hash: bytes, address: bytes, now_ms: int, token: bytes
) -> None:
    """Somebody who may be a follower."""
    await tx.execute(
        "INSERT INTO mail_followers (follower_no, account_no, address_hash, address, asked_ms, asks, confirmed_ms, "
        "token_hash, mailed, returned) VALUES (?, ?, ?, ?, ?, 1, 0, ?, 0, 0)",
        follower_no, account_no, address_hash, address, now_ms, token,
    )  # fmt: skip


async def asked(tx: Transaction, follower_no: int, now_ms: int, asks: int, token_hash: bytes) -> None:
    """An address was entered again."""
    await tx.execute(
        "UPDATE mail_followers SET asked_ms = ?, asks = ?, token_hash = ? WHERE follower_no = ?",
        now_ms, asks, token_hash, follower_no,
    )  # fmt: skip


async def confirm(tx: Transaction, follower_no: int, now_ms: int, newest: int) -> None:
    """A follower said yes; posts after `newest` are new to them."""
    await tx.execute(
        "UPDATE mail_followers SET confirmed_ms = ?, token_hash = ?, mailed = ?, returned = 0 WHERE follower_no = ?",
        now_ms, b"", newest, follower_no,
    )  # fmt: skip


async def delete(tx: Transaction, follower_no: int) -> None:
    """A follower wants no more mail; nothing of them is kept."""
    await tx.execute("DELETE FROM mail_followers WHERE follower_no = ?", follower_no)


async def count(tx: Transaction, account_no: int, by: int, newest: int) -> None:
    """Followers came or went; a new list begins after `newest`."""
    await tx.execute(
        "INSERT INTO mail_lists (account_no, followers, mailed) VALUES (?, ?, ?) "
        "ON CONFLICT (account_no) DO UPDATE SET followers = mail_lists.followers + excluded.followers",
        account_no, by, newest,
    )  # fmt: skip


async def followers(reader: Reader, account_no: int) -> int:
    """How many follow an account by e-mail."""
    row = await reader.fetch_one("SELECT followers FROM mail_lists WHERE account_no = ?", account_no)
    return 0 if row is None else int(row[0])


async def with_news(reader: Reader, after: int, limit: int) -> list[MailList]:
    """Lists whose account has posts that were not mailed to all, by account number."""
    rows = await reader.fetch(
        "SELECT l.account_no, l.mailed, a.posts FROM mail_lists l "
        "JOIN public_accounts a ON a.account_no = l.account_no "
        "WHERE l.account_no > ? AND a.posts > l.mailed ORDER BY l.account_no LIMIT ?",
        after, limit,
    )  # fmt: skip
    return [MailList(*row) for row in rows]


async def behind(tx: Transaction, account_no: int, newest: int, limit: int) -> list[MailFollower]:
    """Followers who were not written about posts up to `newest`."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM mail_followers WHERE account_no = ? AND mailed < ? AND confirmed_ms > 0 "
        "ORDER BY mailed, follower_no LIMIT ?",
        account_no, newest, limit,
    )  # fmt: skip
    return [MailFollower(*row) for row in rows]


async def mailed(tx: Transaction, follower_no: int, newest: int) -> None:
    """A follower was written about posts up to `newest`."""
    await tx.execute("UPDATE mail_followers SET mailed = ? WHERE follower_no = ?", newest, follower_no)


async def all_mailed(tx: Transaction, account_no: int, newest: int) -> None:
    """So were all followers of an account."""
    await tx.execute("UPDATE mail_lists SET mailed = ? WHERE account_no = ?", newest, account_no)


async def outcome(tx: Transaction, follower_no: int, *, arrived: bool) -> None:
    """A mail reached a follower, or did not."""
    if arrived:
        await tx.execute(
            "UPDATE mail_followers SET returned = 0 WHERE follower_no = ? AND returned > 0", follower_no
        )  # fmt: skip
    else:
        await tx.execute("UPDATE mail_followers SET returned = returned + 1 WHERE follower_no = ?", follower_no)


async def sweep(tx: Transaction, before_ms: int) -> None:
    """Forget who did not confirm in time."""
    await tx.execute("DELETE FROM mail_followers WHERE confirmed_ms = 0 AND asked_ms < ?", before_ms)
