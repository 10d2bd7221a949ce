"""The rows of who works for which account."""

from __future__ import annotations

from teahouse.db import Reader, Transaction
from teahouse.errors import Forbidden, NotFound
from teahouse.public_accounts.tokens import end_tokens

STAFF_MAX = 100  # people who work for one account


async def role(reader: Reader, user_no: int, account_no: int) -> str:
    """What somebody may do for an account; '' for nothing."""
    row = await reader.fetch_one(
        "SELECT role FROM account_staff WHERE user_no = ? AND account_no = ?", user_no, account_no
    )
    return "" if row is None else str(row[0])


async def insert(tx: Transaction, user_no: int, account_no: int, role: str, now_ms: int) -> None:
    """Somebody begins to work for an account; one who does already stays as they are."""
    await tx.execute(
        "INSERT INTO account_staff (user_no, account_no, role, since_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        user_no, account_no, role, now_ms,
    )  # fmt: skip


async def check_owned(tx: Transaction, user_no: int, account_no: int, owned_max: int) -> None:
    """Raises Forbidden for somebody who is to own one account more than they may."""
    owned = await tx.fetch_one(
        "SELECT count(*) FROM account_staff WHERE user_no = ? AND account_no <> ? AND role = 'owner'",
        user_no, account_no,
    )  # fmt: skip
    if owned is not None and owned[0] >= owned_max:
        raise Forbidden(f"One person owns at most {owned_max} accounts.")


async def set_role(tx: Transaction, account_no: int, user_no: int, role: str, now_ms: int) -> None:
    """Let somebody work for an account; '' ends it. The last owner stays."""
    rows = await tx.fetch("SELECT user_no, role FROM account_staff WHERE account_no = ? LIMIT ?", account_no, STAFF_MAX)
    others = [number for number, held in rows if held == "owner" and number != user_no]
    if role != "owner" and not others:
        raise Forbidden("An account keeps at least one owner.")
    if role:
        if len(rows) >= STAFF_MAX and user_no not in dict(rows):
            raise Forbidden(f"At most {STAFF_MAX} people work for one account.")
        person = await tx.fetch_one("SELECT closed_ms, signer FROM users WHERE user_no = ?", user_no)
        if person is None or person[0] is not None:
            raise NotFound("There is no such user, or no longer.")
        if person[1]:
            raise Forbidden("A public account works for no other: name a person.")
    await tx.execute("DELETE FROM account_staff WHERE user_no = ? AND account_no = ?", user_no, account_no)
    if role != "owner":
        await end_tokens(tx, user_no, account_no)
    if role:
        await tx.execute("DELETE FROM account_blocks WHERE account_no = ? AND user_no = ?", account_no, user_no)
        await insert(tx, user_no, account_no, role, now_ms)


async def end_all(tx: Transaction, user_no: int) -> None:
    """Somebody works for no account any more, and what they made for programs ends."""
    await tx.execute("DELETE FROM account_staff WHERE user_no = ?", user_no)
    await tx.execute("DELETE FROM posting_tokens WHERE maker_no = ?", user_no)
