"""The table of user-interactive authentication under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teahouse.db import Reader, Transaction

COLUMNS = "session, request, user_no, stages, completed, registration_token, created_ms"


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `request` is a digest of what is being authenticated; `user_no` is 0 before there is an account."""

    name: str
    request: bytes
    user_no: int
    stages: tuple[str, ...]
    completed: tuple[str, ...]
    registration_token: str | None
    created_ms: int


async def session(db: Reader, name: str) -> Session | None:
    """A session by its name."""
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM uia_sessions WHERE session = ?", name)
    if row is None:
        return None
    return Session(row[0], bytes(row[1]), row[2], tuple(row[3].split()), tuple(row[4].split()), row[5], row[6])


async def add(tx: Transaction, begun: Session) -> None:
    """Store a new session."""
    await tx.execute(
        f"INSERT INTO uia_sessions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        begun.name, begun.request, begun.user_no, " ".join(begun.stages), " ".join(begun.completed),
        begun.registration_token, begun.created_ms,
    )  # fmt: skip


async def advance(tx: Transaction, name: str, completed: Sequence[str], registration_token: str | None) -> None:
    """Store what a session has completed."""
    await tx.execute(
        "UPDATE uia_sessions SET completed = ?, registration_token = ? WHERE session = ?",
        " ".join(completed), registration_token, name,
    )  # fmt: skip


async def drop(tx: Transaction, name: str) -> bool:
    """Delete a session that has served; False when it is gone already."""
    return bool(await tx.execute("DELETE FROM uia_sessions WHERE session = ?", name))


async def drop_expired(tx: Transaction, upto_ms: int) -> None:
    """Delete sessions begun at or before a moment."""
    await tx.execute("DELETE FROM uia_sessions WHERE created_ms <= ?", upto_ms)


async def pending(db: Reader, token: str, but: str, after_ms: int) -> int:
    """How many sessions begun after a moment hold a registration token; one session is not counted."""
    row = await db.fetch_one(
        "SELECT count(*) FROM uia_sessions WHERE registration_token = ? AND session <> ? AND created_ms > ?",
        token, but, after_ms,
    )  # fmt: skip
    return row[0] if row else 0
