"""The rows of media ids and of the files behind them."""

from __future__ import annotations

from typing import Any

from teahouse.db import Reader, Transaction
from teahouse.media.types import Media, Stored

FILES_PAGE = 1_000  # rows read at once while all files are listed


async def media(reader: Reader, media_id: str) -> Media | None:
    """One media id, or None."""
    row = await reader.fetch_one(
        "SELECT media_id, user_no, sha256, content_type, file_name, size_bytes, expires_ms FROM media"
        " WHERE media_id = ?",
        media_id,
    )
    return None if row is None else Media(*row)


async def pending(reader: Reader, user_no: int, now_ms: int) -> int:
    """How many ids the user holds without content."""
    rows = await reader.fetch("SELECT count(*) FROM media WHERE expires_ms > ? AND user_no = ?", now_ms, user_no)
    count: int = rows[0][0]
    return count


async def reserve(tx: Transaction, media_id: str, user_no: int, now_ms: int, expires_ms: int) -> None:
    """Add an id without content, and remove expired ones."""
    await tx.execute("DELETE FROM media WHERE expires_ms <= ?", now_ms)
    await tx.execute(
        "INSERT INTO media (media_id, user_no, sha256, content_type, file_name, size_bytes, created_ms, expires_ms)"
        " VALUES (?, ?, NULL, '', NULL, 0, ?, ?)",
        media_id, user_no, now_ms, expires_ms,
    )  # fmt: skip


async def add(tx: Transaction, found: Media, now_ms: int) -> None:
    """Add an id with its content, or fill a reserved one."""
    await tx.execute(
        "INSERT INTO media (media_id, user_no, sha256, content_type, file_name, size_bytes, created_ms, expires_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (media_id) DO UPDATE SET sha256 = excluded.sha256,"
        " content_type = excluded.content_type, file_name = excluded.file_name, size_bytes = excluded.size_bytes,"
        " created_ms = excluded.created_ms, expires_ms = NULL",
        found.media_id, found.user_no, found.sha256, found.content_type, found.file_name, found.size_bytes, now_ms,
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO media_usage (user_no, size_bytes, uploads) VALUES (?, ?, 1) ON CONFLICT (user_no) DO UPDATE SET"
        " size_bytes = media_usage.size_bytes + excluded.size_bytes, uploads = media_usage.uploads + 1",
        found.user_no, found.size_bytes,
    )  # fmt: skip


async def drop(tx: Transaction, found: Media) -> bool:
    """Remove an id; whether its content goes with it, because no other id stands for it."""
    changed = await tx.execute("DELETE FROM media WHERE media_id = ?", found.media_id)
    if not changed or found.sha256 is None:
        return False
    await tx.execute(
        "UPDATE media_usage SET size_bytes = size_bytes - ?, uploads = uploads - 1 WHERE user_no = ?",
        found.size_bytes, found.user_no,
    )  # fmt: skip
    if await tx.fetch_one("SELECT 1 FROM media WHERE sha256 = ? LIMIT 1", found.sha256) is not None:
        return False
    return await tx.execute("DELETE FROM media_files WHERE sha256 = ?", found.sha256) > 0


async def add_file(tx: Transaction, stored: Stored, now_ms: int) -> None:
    """Note that content is on the disk."""
    await tx.execute(
        "INSERT INTO media_files (sha256, size_bytes, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        stored.sha256, stored.size_bytes, now_ms,
    )  # fmt: skip


async def has_file(reader: Reader, sha256: bytes) -> bool:
    """Whether the content is known."""
    return await reader.fetch_one("SELECT 1 FROM media_files WHERE sha256 = ?", sha256) is not None


async def used_bytes(reader: Reader, user_no: int) -> int:
    """What the user's uploads add up to."""
    row = await reader.fetch_one("SELECT size_bytes FROM media_usage WHERE user_no = ?", user_no)
    return 0 if row is None else row[0]


async def files_after(reader: Reader, sha256: bytes) -> list[Stored]:
    """A page of the files, in the order of their hashes."""
    rows: list[Any] = await reader.fetch(
        "SELECT sha256, size_bytes FROM media_files WHERE sha256 > ? ORDER BY sha256 LIMIT ?", sha256, FILES_PAGE
    )
    return [Stored(bytes(digest), size_bytes) for digest, size_bytes in rows]
