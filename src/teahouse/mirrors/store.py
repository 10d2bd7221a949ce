"""The rows of what comes from outside."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Reader, Row, Transaction, marks, padded
from teahouse.mirrors.types import Mirror, Taken

COLUMNS = (
    "account_no, url, author_no, set_ms, polled_ms, good_ms, due_ms, failures, failure, etag, modified"
)
LEFT_OUT = 0  # instead of the position of a post, for what was seen and is never to become one


async def mirror_of(reader: Reader, account_no: int) -> Mirror | None:
    """The feed an account mirrors."""
    row = await reader.fetch_one(f"SELECT {COLUMNS} FROM mirrors WHERE account_no = ?", account_no)
    return None if row is None else mirror(row)


async def due(reader: Reader, now_ms: int, limit: int) -> list[Mirror]:
    """Feeds that are to be polled, the longest waiting first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM mirrors WHERE due_ms > 0 AND due_ms <= ? ORDER BY due_ms LIMIT ?", now_ms, limit
    )
    return [mirror(row) for row in rows]


async def put(tx: Transaction, each: Mirror) -> None:
    """Mirror a feed from now on."""
    await tx.execute("DELETE FROM mirrors WHERE account_no = ?", each.account_no)
    await tx.execute(
        f"INSERT INTO mirrors ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        each.account_no, each.url, each.author_no, each.set_ms, each.polled_ms, each.good_ms, each.due_ms,
        each.failures, each.failure, each.etag, each.modified,
    )  # fmt: skip


async def polled(tx: Transaction, each: Mirror) -> bool:
    """Note what a poll came to; False when the feed was changed or dropped meanwhile."""
    changed = await tx.execute(
        "UPDATE mirrors SET polled_ms = ?, good_ms = ?, due_ms = ?, failures = ?, failure = ?, etag = ?, modified = ? "
        "WHERE account_no = ? AND url = ? AND set_ms = ?",
        each.polled_ms, each.good_ms, each.due_ms, each.failures, each.failure, each.etag, each.modified,
        each.account_no, each.url, each.set_ms,
    )  # fmt: skip
    return changed > 0


async def drop(tx: Transaction, account_no: int) -> bool:
    """Mirror nothing more; False when nothing was."""
    return await tx.execute("DELETE FROM mirrors WHERE account_no = ?", account_no) > 0


async def known(reader: Reader, account_no: int, hashes: Sequence[bytes]) -> dict[bytes, Taken]:
    """Which of some entries were seen before, by their hashes."""
    if not hashes:
        return {}
    rows = await reader.fetch(
        "SELECT entry_hash, pos, said, version FROM outside_entries WHERE account_no = ? AND entry_hash IN "
        f"({marks(len(hashes))})",
        account_no, *padded(hashes),
    )  # fmt: skip
    return {
        bytes(entry_hash): Taken(bytes(entry_hash), pos, None if said is None else bytes(said), version)
        for entry_hash, pos, said, version in rows
    }


async def take(tx: Transaction, account_no: int, entry_hash: bytes, pos: int, said: bytes | None = None) -> bool:
    """Note that an entry became the post at a position; False when it was seen before. With `said` it follows."""
    changed = await tx.execute(
        "INSERT INTO outside_entries (account_no, entry_hash, pos, said) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        account_no, entry_hash, pos, said,
    )  # fmt: skip
    return changed > 0


async def followed(tx: Transaction, account_no: int, entry_hash: bytes, said: bytes, version: int) -> None:
    """Note what an entry says by now, and the newest wording of its post that came from it."""
    await tx.execute(
        "UPDATE outside_entries SET said = ?, version = ? WHERE account_no = ? AND entry_hash = ?",
        said, version, account_no, entry_hash,
    )  # fmt: skip


async def leave_out(tx: Transaction, account_no: int, hashes: Sequence[bytes]) -> None:
    """Note entries that are never to become posts."""
    await tx.execute_many(
        "INSERT INTO outside_entries (account_no, entry_hash, pos) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(account_no, each, LEFT_OUT) for each in hashes],
    )


def mirror(row: Row) -> Mirror:
    """A row of COLUMNS."""
    return Mirror(*row)
