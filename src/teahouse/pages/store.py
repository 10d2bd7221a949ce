"""The rows that only maps ask for: every account and every post that stands, in windows of a bounded size."""

from __future__ import annotations

from teahouse.db import Reader, Row


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
