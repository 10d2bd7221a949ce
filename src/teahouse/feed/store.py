"""Positions of posts, in the orders that timelines need."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

from teahouse.db import Reader, marks, padded

ACCOUNTS_AT_ONCE = 1_024  # accounts that one statement asks about
ONE_ACCOUNT = (
    "SELECT account_no, pos FROM (SELECT account_no, pos FROM posts WHERE account_no = ? AND fate = 0 AND pos > ? "
    "AND pos < ? ORDER BY pos DESC LIMIT ?) b"
)
HIGHEST = 1 << 62  # above every position


async def heads(reader: Reader, account_nos: Sequence[int], count: int) -> dict[int, list[int]]:
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
    newest: list[tuple[int, int]] = []
    for first in range(0, len(account_nos), ACCOUNTS_AT_ONCE):
        some = account_nos[first : first + ACCOUNTS_AT_ONCE]
        rows = await reader.fetch(
            "SELECT head, account_no FROM (SELECT a.account_no, (SELECT p.pos FROM posts p WHERE "
            "p.account_no = a.account_no AND p.fate = 0 AND p.pos < ? ORDER BY p.pos DESC LIMIT 1) AS head "
            f"FROM public_accounts a WHERE a.account_no IN ({marks(len(some))})) h WHERE head > ? "
            "ORDER BY head DESC LIMIT ?",
            before, *padded(some), after, count,
        )  # fmt: skip
        newest += [(row[0], row[1]) for row in rows]
    newest = nlargest(count, newest)
    if not newest:
        return []
    low = newest[-1][0] - 1 if len(newest) == count else after
    return [pos for _, pos in await _several(reader, [each for _, each in newest], low, before, count, count)]


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
