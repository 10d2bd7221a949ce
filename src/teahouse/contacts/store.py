"""Tables of contacts and greetings."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.contacts.types import Contact, Greeting
from teahouse.db import Reader, Transaction


async def contact(db: Reader, user_no: int, other_no: int) -> Contact | None:
    """One contact of a user."""
    row = await db.fetch_one(
        "SELECT other_no, since_ms, remark FROM contacts WHERE user_no = ? AND other_no = ?", user_no, other_no
    )
    return None if row is None else Contact(*row)


async def contacts(db: Reader, user_no: int, after: int, limit: int) -> list[Contact]:
    """Contacts of a user with other_no > after, in its order."""
    rows = await db.fetch(
        "SELECT other_no, since_ms, remark FROM contacts WHERE user_no = ? AND other_no > ? ORDER BY other_no LIMIT ?",
        user_no, after, limit,
    )  # fmt: skip
    return [Contact(*row) for row in rows]


async def count(db: Reader, user_no: int) -> int:
    """How many contacts a user has."""
    row = await db.fetch_one("SELECT count(*) FROM contacts WHERE user_no = ?", user_no)
    return row[0] if row else 0


async def befriend(tx: Transaction, user_no: int, other_no: int, now_ms: int) -> None:
    """Make two users contacts, and answer what greetings were between them."""
    await tx.execute_many(
        "INSERT INTO contacts (user_no, other_no, since_ms, remark) VALUES (?, ?, ?, '') ON CONFLICT DO NOTHING",
        [(user_no, other_no, now_ms), (other_no, user_no, now_ms)],
    )
    await withdraw(tx, user_no, other_no)
    await withdraw(tx, other_no, user_no)


async def part(tx: Transaction, user_no: int, other_no: int) -> int:
    """End a contact in both directions; the number of rows that went."""
    gone = await tx.execute("DELETE FROM contacts WHERE user_no = ? AND other_no = ?", user_no, other_no)
    return gone + await tx.execute("DELETE FROM contacts WHERE user_no = ? AND other_no = ?", other_no, user_no)


async def remark(tx: Transaction, user_no: int, other_no: int, text: str) -> int:
    """Set the private remark on a contact."""
    sql = "UPDATE contacts SET remark = ? WHERE user_no = ? AND other_no = ?"
    return await tx.execute(sql, text, user_no, other_no)


async def greet(tx: Transaction, target_no: int, sender_no: int, room_no: int, now_ms: int, reason: str) -> None:
    """Note a greeting; a second one to the same person takes the first one's place."""
    await tx.execute(
        "INSERT INTO greetings (target_no, sender_no, room_no, sent_ms, refused, reason) VALUES (?, ?, ?, ?, 0, ?) "
        "ON CONFLICT (target_no, sender_no) DO UPDATE SET room_no = excluded.room_no, sent_ms = excluded.sent_ms, "
        "refused = 0, reason = excluded.reason",
        target_no, sender_no, room_no, now_ms, reason,
    )  # fmt: skip


async def withdraw(tx: Transaction, sender_no: int, target_no: int) -> None:
    """The sender's greeting counts no more."""
    await tx.execute("DELETE FROM greetings WHERE target_no = ? AND sender_no = ?", target_no, sender_no)


async def refuse(tx: Transaction, target_no: int, room_no: int) -> None:
    """The target said no. The row stays for its sender, who sees it pending until it expires."""
    await tx.execute("UPDATE greetings SET refused = 1 WHERE target_no = ? AND room_no = ?", target_no, room_no)


async def incoming(db: Reader, target_no: int, limit: int) -> list[Greeting]:
    """Greetings that wait for this user's answer, newest first."""
    rows = await db.fetch(
        "SELECT sender_no, room_no, sent_ms, reason FROM greetings WHERE target_no = ? AND refused = 0 "
        "ORDER BY sent_ms DESC LIMIT ?",
        target_no, limit,
    )  # fmt: skip
    return greetings(rows)


async def outgoing(db: Reader, sender_no: int, since_ms: int, limit: int) -> list[Greeting]:
    """Greetings this user sent since a time, newest first; refused ones look like waiting ones."""
    rows = await db.fetch(
        "SELECT target_no, room_no, sent_ms, reason FROM greetings WHERE sender_no = ? AND sent_ms >= ? "
        "ORDER BY sent_ms DESC LIMIT ?",
        sender_no, since_ms, limit,
    )  # fmt: skip
    return greetings(rows)


async def sent(db: Reader, sender_no: int, since_ms: int) -> int:
    """How many greetings a user has out that were sent since a time."""
    row = await db.fetch_one("SELECT count(*) FROM greetings WHERE sender_no = ? AND sent_ms >= ?", sender_no, since_ms)
    return row[0] if row else 0


async def last_sent(db: Reader, sender_no: int, target_no: int) -> int | None:
    """When this user greeted the other one, if that greeting was not accepted since."""
    row = await db.fetch_one(
        "SELECT sent_ms FROM greetings WHERE target_no = ? AND sender_no = ?", target_no, sender_no
    )
    return None if row is None else int(row[0])


def greetings(rows: Sequence[Sequence[object]]) -> list[Greeting]:
    """Rows as greetings."""
    return [Greeting(*row) for row in rows]  # type: ignore[arg-type]
