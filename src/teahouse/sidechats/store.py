"""The rows of side chats."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Reader, Transaction, marks, padded
from teahouse.sidechats.types import TURN_AFTER_MS, Errand, SideChat

COLUMNS = (
    "room_no, account_no, reader_no, opened_ms, spoke_ms, turn_ms, waiting_ms, claimed_by, claimed_until_ms"
)  # fmt: skip
FREE = "(claimed_by = 0 OR claimed_until_ms <= ?)"
# Each takes account_no and its own parameters, then the last row of the page before: (when, room_no).
LISTS = {
    "waiting": (f"waiting_ms > 0 AND {FREE}", "waiting_ms"),
    "mine": ("waiting_ms > 0 AND claimed_until_ms > ? AND claimed_by = ?", "waiting_ms"),
    "others": ("waiting_ms > 0 AND claimed_until_ms > ? AND claimed_by <> ?", "waiting_ms"),
    "answered": ("waiting_ms = 0 AND spoke_ms > 0", "spoke_ms"),
}


async def by_room(db: Reader, room_no: int) -> SideChat | None:
    """The chat that a room is."""
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM side_chats WHERE room_no = ?", room_no)
    return None if row is None else SideChat(*row)


async def of_pair(db: Reader, account_no: int, reader_no: int) -> SideChat | None:
    """The chat of a reader with an account."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM side_chats WHERE account_no = ? AND reader_no = ?", account_no, reader_no
    )
    return None if row is None else SideChat(*row)


async def insert(tx: Transaction, room_no: int, account_no: int, reader_no: int, now_ms: int) -> int:
    """A new chat; 0 when the pair has one."""
    return await tx.execute(
        f"INSERT INTO side_chats ({COLUMNS}) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
        room_no, account_no, reader_no, now_ms,
    )  # fmt: skip


async def opened_since(db: Reader, reader_no: int, since_ms: int) -> int:
    """How many chats a reader opened after a time."""
    row = await db.fetch_one(
        "SELECT count(*) FROM side_chats WHERE reader_no = ? AND opened_ms > ?", reader_no, since_ms
    )
    return row[0] if row else 0


async def listed(
    db: Reader, account_no: int, which: str, user_no: int, now_ms: int, before: tuple[int, int], limit: int
) -> list[SideChat]:
    """An account's chats of one list, the newest first, before the last one of the page before."""
    condition, order = LISTS[which]
    params = {"waiting": (now_ms,), "mine": (now_ms, user_no), "others": (now_ms, user_no), "answered": ()}[which]
    when, room_no = before
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM side_chats WHERE account_no = ? AND {condition} "
        f"AND ({order} < ? OR ({order} = ? AND room_no < ?)) ORDER BY {order} DESC, room_no DESC LIMIT ?",
        account_no, *params, when, when, room_no, limit,
    )  # fmt: skip
    return [SideChat(*row) for row in rows]


async def count_waiting(db: Reader, account_no: int) -> int:
    """How many readers wait for an answer."""
    row = await db.fetch_one("SELECT count(*) FROM side_chats WHERE account_no = ? AND waiting_ms > 0", account_no)
    return row[0] if row else 0


async def asked(tx: Transaction, chat: SideChat, now_ms: int) -> None:
    """The reader wrote."""
    begins = chat.spoke_ms <= now_ms - TURN_AFTER_MS
    if begins:
        await tx.execute(
            "INSERT INTO chat_turns (account_no, began_ms, room_no, answered_ms) VALUES (?, ?, ?, 0) "
            "ON CONFLICT DO NOTHING",
            chat.account_no, now_ms, chat.room_no,
        )  # fmt: skip
    await tx.execute(
        "UPDATE side_chats SET spoke_ms = ?, turn_ms = ?, waiting_ms = ? WHERE room_no = ?",
        now_ms, now_ms if begins else chat.turn_ms, chat.waiting_ms or now_ms, chat.room_no,
    )  # fmt: skip


async def answered(tx: Transaction, chat: SideChat, pos: int, author_no: int, now_ms: int, until_ms: int) -> None:
    """One of the staff answered, and has the chat from here on."""
    await tx.execute("INSERT INTO chat_answers (pos, author_no) VALUES (?, ?)", pos, author_no)
    await tx.execute(
        "UPDATE side_chats SET spoke_ms = ?, waiting_ms = 0, claimed_by = ?, claimed_until_ms = ? WHERE room_no = ?",
        now_ms, author_no, until_ms, chat.room_no,
    )  # fmt: skip
    await tx.execute(
        "UPDATE chat_turns SET answered_ms = ? WHERE account_no = ? AND began_ms = ? AND room_no = ? "
        "AND answered_ms = 0",
        now_ms, chat.account_no, chat.turn_ms, chat.room_no,
    )  # fmt: skip


async def hand(tx: Transaction, room_no: int, user_no: int, until_ms: int) -> None:
    """Give a chat to somebody; to nobody for 0."""
    await tx.execute(
        "UPDATE side_chats SET claimed_by = ?, claimed_until_ms = ? WHERE room_no = ?", user_no, until_ms, room_no
    )


async def settle(tx: Transaction, room_no: int) -> None:
    """Nothing waits in a chat any more."""
    await tx.execute(
        "UPDATE side_chats SET waiting_ms = 0, claimed_by = 0, claimed_until_ms = 0 WHERE room_no = ?", room_no
    )


async def turns(db: Reader, account_no: int, since_ms: int, limit: int) -> list[tuple[int, int]]:
    """(began_ms, answered_ms) of an account's newest conversations."""
    rows = await db.fetch(
        "SELECT began_ms, answered_ms FROM chat_turns WHERE account_no = ? AND began_ms > ? "
        "ORDER BY began_ms DESC LIMIT ?",
        account_no, since_ms, limit,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def authors(db: Reader, positions: Sequence[int]) -> dict[int, int]:
    """Who wrote what the account's user signed, by position."""
    if not positions:
        return {}
    rows = await db.fetch(
        f"SELECT pos, author_no FROM chat_answers WHERE pos IN ({marks(len(positions))})", *padded(positions)
    )
    return dict(rows)


async def is_signer(tx: Transaction, user_no: int) -> bool:
    """Whether a user signs for a public account that is not a person's own."""
    row = await tx.fetch_one("SELECT kind FROM public_accounts WHERE account_no = ?", user_no)
    return row is not None and row[0] != "person"


async def add_errand(tx: Transaction, account_no: int, reader_no: int, room_no: int, rule_no: int) -> None:
    """Something for an account's user to do."""
    await tx.execute(
        "INSERT INTO chat_errands (errand_no, account_no, reader_no, room_no, rule_no) VALUES (?, ?, ?, ?, ?)",
        tx.positions(), account_no, reader_no, room_no, rule_no,
    )  # fmt: skip


async def errands(db: Reader, after: int, limit: int) -> list[Errand]:
    """What is to do, oldest first."""
    rows = await db.fetch(
        "SELECT errand_no, account_no, reader_no, room_no, rule_no FROM chat_errands WHERE errand_no > ? "
        "ORDER BY errand_no LIMIT ?",
        after, limit,
    )  # fmt: skip
    return [Errand(*row) for row in rows]


async def done(tx: Transaction, errand: Errand) -> None:
    """An errand was run."""
    await tx.execute("DELETE FROM chat_errands WHERE errand_no = ?", errand.errand_no)


async def rests(tx: Transaction, room_no: int, rule_no: int, now_ms: int, since_ms: int) -> bool:
    """Note that a rule answers in a chat now; True when it did so after `since_ms` already."""
    noted = await tx.execute(
        "INSERT INTO chat_replied (room_no, rule_no, replied_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (room_no, rule_no) DO UPDATE SET replied_ms = excluded.replied_ms "
        "WHERE chat_replied.replied_ms <= ?",
        room_no, rule_no, now_ms, since_ms,
    )  # fmt: skip
    return not noted
