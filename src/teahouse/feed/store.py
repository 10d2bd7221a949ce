"""Positions of posts, in the orders that timelines need."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from heapq import nlargest

from teahouse.db import Reader, marks, padded
from teahouse.posts.types import Ref

ACCOUNTS_AT_ONCE = 1_024  # accounts that one statement asks about
LOOKED_AT_MAX = 512  # newest posts of all accounts, among which those of many accounts usually are
STATEMENTS_AT_ONCE = 4  # of one reader's page: a PostgreSQL server answers them beside one another
ONE_ACCOUNT = (
    "SELECT account_no, pos FROM (SELECT account_no, pos FROM posts WHERE account_no = ? AND fate = 0 AND pos > ? "
    "AND pos < ? ORDER BY pos DESC LIMIT ?) b"
)
HIGHEST = 1 << 62  # above every position


async def heads(reader: Reader, account_nos: Sequence[int]) -> dict[int, int]:
    """The position of each account's newest standing post; accounts without one are left out."""
    rows = await reader.fetch(f"SELECT account_no, head FROM ({heads_of(len(account_nos))}) h WHERE head > 0",
                              HIGHEST, *padded(account_nos))  # fmt: skip
    return {row[0]: row[1] for row in rows}


def heads_of(count: int) -> str:
    """A table of accounts with the position of their newest standing post below a position, NULL for none."""
    return (
        "SELECT a.account_no, (SELECT p.pos FROM posts p WHERE p.account_no = a.account_no AND p.fate = 0 "
        "AND p.pos < ? ORDER BY p.pos DESC LIMIT 1) AS head FROM public_accounts a "
        f"WHERE a.account_no IN ({marks(count)})"
    )


async def newest_each(reader: Reader, account_nos: Sequence[int], count: int) -> dict[int, list[int]]:
    """The newest positions of each account's standing posts."""
    found: dict[int, list[int]] = {}
    for account_no, pos in await _several(reader, account_nos, 0, HIGHEST, count, len(account_nos) * count):
        found.setdefault(account_no, []).append(pos)
    return found


async def newest_of(reader: Reader, account_nos: Sequence[int], after: int, before: int, count: int) -> list[int]:
    """The newest positions of several accounts' posts together, in after < pos < before, in any order.

    They can be only of those `count` accounts whose newest post there is newest, and at or above the last of those:
    the others' rows are never read.
    """
    parts = [account_nos[first : first + ACCOUNTS_AT_ONCE] for first in range(0, len(account_nos), ACCOUNTS_AT_ONCE)]
    found: list[tuple[int, int]] = []
    for first in range(0, len(parts), STATEMENTS_AT_ONCE):
        some = parts[first : first + STATEMENTS_AT_ONCE]
        for rows in await asyncio.gather(*(_newest_heads(reader, part, after, before, count) for part in some)):
            found += rows
    newest = nlargest(count, found)
    if not newest:
        return []
    low = newest[-1][0] - 1 if len(newest) == count else after
    return [pos for _, pos in await _several(reader, [each for _, each in newest], low, before, count, count)]


async def newest_among(
    reader: Reader, account_nos: Collection[int], after: int, before: int, count: int
) -> list[int] | None:
    """The newest positions of some accounts' posts in after < pos < before, newest first, where they are among the
    newest of all accounts; None where one would have to look further."""
    rows = await reader.fetch(
        "SELECT pos, account_no FROM posts WHERE fate = 0 AND pos < ? AND pos > ? ORDER BY pos DESC LIMIT ?",
        before, after, LOOKED_AT_MAX,
    )  # fmt: skip
    found = [row[0] for row in rows if row[1] in account_nos][:count]
    return found if len(found) == count or len(rows) < LOOKED_AT_MAX else None


async def _newest_heads(
    reader: Reader, account_nos: Sequence[int], after: int, before: int, count: int
) -> list[tuple[int, int]]:
    """(position, account_no) of the accounts whose newest post in after < pos < before is newest."""
    rows = await reader.fetch(
        f"SELECT head, account_no FROM ({heads_of(len(account_nos))}) h WHERE head > ? ORDER BY head DESC LIMIT ?",
        before, *padded(account_nos), after, count,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def _several(
    reader: Reader, account_nos: Sequence[int], after: int, before: int, each: int, count: int
) -> list[tuple[int, int]]:
    """(account_no, pos), the newest ones of all, at most `each` of one account."""
    listed = padded(account_nos)
    united = " UNION ALL ".join([ONE_ACCOUNT] * len(listed))
    params = [value for account_no in listed for value in (account_no, after, before, each)]
    # An account that pads the list stands in it again: UNION ALL would give its rows again.
    rows = await reader.fetch(
        f"SELECT DISTINCT account_no, pos FROM ({united}) u ORDER BY pos DESC LIMIT ?", *params, count
    )
    return [(row[0], row[1]) for row in rows]


async def public(reader: Reader, before: int, count: int) -> list[int]:
    """Standing posts of all accounts."""
    rows = await reader.fetch(
        "SELECT pos FROM posts WHERE fate = 0 AND pos < ? ORDER BY pos DESC LIMIT ?", before, count
    )
    return [row[0] for row in rows]


async def with_term(reader: Reader, term: str, before: int, count: int) -> list[int]:
    """Posts that are found by a term."""
    rows = await reader.fetch(
        "SELECT pos FROM post_terms WHERE term = ? AND pos < ? ORDER BY pos DESC LIMIT ?", term, before, count
    )
    return [row[0] for row in rows]


async def tagged(reader: Reader, tag: str, before: int, count: int) -> list[int]:
    """Posts with a hashtag."""
    rows = await reader.fetch(
        "SELECT pos FROM post_tags WHERE tag = ? AND pos < ? ORDER BY pos DESC LIMIT ?", tag, before, count
    )
    return [row[0] for row in rows]


async def carrying(reader: Reader, ref: Ref, before: int, count: int) -> list[int]:
    """Standing posts that carry one on."""
    rows = await reader.fetch(
        "SELECT pos FROM posts WHERE of_account = ? AND of_number = ? AND of_account <> 0 AND fate = 0 AND pos < ? "
        "ORDER BY pos DESC LIMIT ?",
        ref.account_no, ref.number, before, count,
    )  # fmt: skip
    return [row[0] for row in rows]


async def tag_days(reader: Reader, tag: str, limit: int) -> list[tuple[int, int]]:
    """(day, posts) of a hashtag, the newest day first."""
    rows = await reader.fetch("SELECT day, posts FROM tag_days WHERE tag = ? ORDER BY day DESC LIMIT ?", tag, limit)
    return [(row[0], row[1]) for row in rows]


async def having(reader: Reader, term: str, positions: Sequence[int]) -> set[int]:
    """Those of some posts that are found by a term."""
    rows = await reader.fetch(
        f"SELECT pos FROM post_terms WHERE term = ? AND pos IN ({marks(len(positions))})", term, *padded(positions)
    )
    return {row[0] for row in rows}


async def count_term(reader: Reader, term: str, before: int, most: int) -> int:
    """How many posts below a position are found by a term, counted up to `most`."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM post_terms WHERE term = ? AND pos < ? LIMIT ?) c", term, before, most
    )
    return 0 if row is None else int(row[0])


async def position_at(reader: Reader, ms: int) -> int:
    """The position of the first post written at or after a time; above every post when there is none.

    Found by halving: positions rise with time, and so no index by time is needed.
    """
    row = await reader.fetch_one("SELECT pos FROM posts ORDER BY pos DESC LIMIT 1")
    low, high = 0, (row[0] if row is not None else 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = await reader.fetch_one("SELECT pos, created_ms FROM posts WHERE pos >= ? ORDER BY pos LIMIT 1", middle)
        if row is None or row[1] >= ms:
            high = middle
        else:
            low = row[0] + 1
    return low
