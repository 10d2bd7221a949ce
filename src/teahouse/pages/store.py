"""The rows that only pages ask for: posts of all accounts in the order they came, and everything there is, for maps."""

from __future__ import annotations

from teahouse.db import Reader, Row
from teahouse.posts.types import Ref


async def newest(reader: Reader, before: int, limit: int) -> list[int]:
    """Positions of standing posts below one, the newest first."""
    rows = await reader.fetch(
        "SELECT pos FROM posts WHERE pos < ? AND fate = 0 ORDER BY pos DESC LIMIT ?", before, limit
    )
    return [row[0] for row in rows]


async def tagged(reader: Reader, tag: str, before: int, limit: int) -> list[int]:
    """The same of posts with a hashtag."""
    rows = await reader.fetch(
        "SELECT t.pos FROM post_tags t JOIN posts p ON p.pos = t.pos WHERE t.tag = ? AND t.pos < ? AND p.fate = 0 "
        "ORDER BY t.pos DESC LIMIT ?",
        tag, before, limit,
    )  # fmt: skip
    return [row[0] for row in rows]


async def position(reader: Reader, ref: Ref) -> int | None:
    """Where a post, standing or gone, is in the order of all."""
    row = await reader.fetch_one(
        "SELECT pos FROM posts WHERE account_no = ? AND number = ?", ref.account_no, ref.number
    )
    return None if row is None else int(row[0])


async def accounts_window(reader: Reader, after: int, size: int) -> int | None:
    """The last account_no of the `size` accounts after one; None when there are fewer."""
    row = await reader.fetch_one(
        "SELECT account_no FROM public_accounts WHERE account_no > ? ORDER BY account_no LIMIT 1 OFFSET ?",
        after, size - 1,
    )  # fmt: skip
    return None if row is None else int(row[0])


async def accounts_after(reader: Reader, after: int, size: int) -> list[Row]:
    """(account_no, handle, created_ms) of the accounts after one."""
    return await reader.fetch(
        "SELECT account_no, handle, created_ms FROM public_accounts WHERE account_no > ? ORDER BY account_no LIMIT ?",
        after, size,
    )  # fmt: skip


async def posts_window(reader: Reader, after: int, size: int) -> int | None:
    """The last position of the `size` posts after one, gone ones counted; None when there are fewer."""
    row = await reader.fetch_one("SELECT pos FROM posts WHERE pos > ? ORDER BY pos LIMIT 1 OFFSET ?", after, size - 1)
    return None if row is None else int(row[0])


async def posts_after(reader: Reader, after: int, upto: int, size: int) -> list[Row]:
    """(handle, number, changed_ms) of the standing posts between two positions."""
    return await reader.fetch(
        "SELECT a.handle, p.number, v.written_ms FROM posts p JOIN public_accounts a ON a.account_no = p.account_no "
        "JOIN post_versions v ON v.account_no = p.account_no AND v.number = p.number AND v.version = p.version "
        "WHERE p.pos > ? AND p.pos <= ? AND p.fate = 0 ORDER BY p.pos LIMIT ?",
        after, upto, size,
    )  # fmt: skip
