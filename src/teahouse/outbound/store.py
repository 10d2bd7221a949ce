"""The rows of the outbox."""

from __future__ import annotations

from teahouse.db import Reader, Transaction
from teahouse.outbound.types import Waiting


async def insert(tx: Transaction, mail_no: int, message_id: str, about: str, content: bytes, now_ms: int) -> None:
    """A mail that waits, due at once."""
    await tx.execute(
        "INSERT INTO mail_outbox (mail_no, message_id, about, content, written_ms, due_ms, attempts, failed_ms, "
        "failure) VALUES (?, ?, ?, ?, ?, ?, 0, 0, '')",
        mail_no, message_id, about, content, now_ms, now_ms,
    )  # fmt: skip


async def due(reader: Reader, now_ms: int, limit: int) -> list[Waiting]:
    """Mails whose time has come, the longest waiting first."""
    rows = await reader.fetch(
        "SELECT mail_no, message_id, about, content, written_ms, attempts FROM mail_outbox "
        "WHERE failed_ms = 0 AND due_ms <= ? ORDER BY due_ms, mail_no LIMIT ?",
        now_ms, limit,
    )  # fmt: skip
    return [Waiting(*row) for row in rows]


async def waiting(reader: Reader, limit: int) -> int:
    """How many mails wait, counted up to a limit."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM mail_outbox WHERE failed_ms = 0 LIMIT ?) AS counted", limit
    )
    return 0 if row is None else int(row[0])


async def delete(tx: Transaction, mail_no: int) -> int:
    """A mail was taken; 0 when it was withdrawn meanwhile, else 1."""
    return await tx.execute("DELETE FROM mail_outbox WHERE mail_no = ?", mail_no)


async def withdraw(tx: Transaction, about: str) -> int:
    """Drop mails that wait, by what their writer calls them; how many."""
    return await tx.execute("DELETE FROM mail_outbox WHERE about = ? AND failed_ms = 0", about)


async def postpone(tx: Transaction, mail_no: int, due_ms: int, attempts: int, failure: str) -> None:
    """A mail is tried again later."""
    await tx.execute(
        "UPDATE mail_outbox SET due_ms = ?, attempts = ?, failure = ? WHERE mail_no = ?",
        due_ms, attempts, failure, mail_no,
    )  # fmt: skip


async def give_up(tx: Transaction, mail_no: int, now_ms: int, attempts: int, failure: str) -> int:
    """A mail is not tried again; what it said is gone. 0 when it was withdrawn meanwhile, else 1."""
    return await tx.execute(
        "UPDATE mail_outbox SET failed_ms = ?, attempts = ?, failure = ?, content = ? WHERE mail_no = ?",
        now_ms, attempts, failure, b"", mail_no,
    )  # fmt: skip


async def sweep(tx: Transaction, before_ms: int) -> None:
    """Forget mails that were given up long ago."""
    await tx.execute("DELETE FROM mail_outbox WHERE failed_ms > 0 AND failed_ms < ?", before_ms)


async def failures(reader: Reader, limit: int) -> list[tuple[int, int, str]]:
    """Mails that were given up, newest first: when, after how many attempts, and why."""
    rows = await reader.fetch(
        "SELECT failed_ms, attempts, failure FROM mail_outbox WHERE failed_ms > 0 ORDER BY failed_ms DESC LIMIT ?",
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]
