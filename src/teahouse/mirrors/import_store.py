"""The rows of imports."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teahouse.db import Reader, Row, Transaction
from teahouse.mirrors.types import Import, Problem

COLUMNS = (
    "import_no, account_no, author_no, file, state, sent_ms, ended_ms, lines, added, known, failed, problems, failure"
)

NAMES = COLUMNS.split(", ")
_problems = msgspec.json.Decoder(list[Problem])


async def add(tx: Transaction, job: Import) -> None:
    """Keep an import that begins."""
    await tx.execute(
        f"INSERT INTO imports ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        job.import_no, job.account_no, job.author_no, job.file, job.state, job.sent_ms, job.ended_ms, job.lines,
        job.added, job.known, job.failed, encoded(job.problems), job.failure,
    )  # fmt: skip


async def find(reader: Reader, account_no: int, import_no: int) -> Import | None:
    """One import of an account."""
    row = await reader.fetch_one(
        f"SELECT {COLUMNS} FROM imports WHERE import_no = ? AND account_no = ?", import_no, account_no
    )
    return None if row is None else job_of(row)


async def newest(reader: Reader, account_no: int, limit: int) -> list[Import]:
    """An account's imports, the newest first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM imports WHERE account_no = ? ORDER BY import_no DESC LIMIT ?", account_no, limit
    )
    return [job_of(row) for row in rows]


async def waiting(reader: Reader, limit: int) -> list[Import]:
    """Imports that have not ended, the oldest first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM imports WHERE state = 'waiting' ORDER BY import_no LIMIT ?", limit
    )
    return [job_of(row) for row in rows]


async def count_added(tx: Transaction, import_no: int) -> None:
    """One more line became a post, in this transaction."""
    await tx.execute("UPDATE imports SET added = added + 1 WHERE import_no = ?", import_no)


async def end(tx: Transaction, job: Import) -> None:
    """Note what an import came to; what it added was counted before."""
    await tx.execute(
        "UPDATE imports SET state = ?, ended_ms = ?, known = ?, failed = ?, problems = ?, failure = ? "
        "WHERE import_no = ?",
        job.state, job.ended_ms, job.known, job.failed, encoded(job.problems), job.failure, job.import_no,
    )  # fmt: skip


async def drop_older(tx: Transaction, account_no: int, kept: int) -> None:
    """Forget all but the newest imports of an account."""
    await tx.execute(
        "DELETE FROM imports WHERE account_no = ? AND state <> 'waiting' AND import_no <= "
        "(SELECT import_no FROM imports WHERE account_no = ? ORDER BY import_no DESC LIMIT 1 OFFSET ?)",
        account_no, account_no, kept,
    )  # fmt: skip


def encoded(problems: Sequence[Problem]) -> str:
    """Problems as they are stored."""
    return msgspec.json.encode(problems).decode()


def job_of(row: Row) -> Import:
    """A row of COLUMNS."""
    return Import(**dict(zip(NAMES, row, strict=True)) | {"problems": _problems.decode(row[11])})
