"""Tables of accounts, devices and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from teahouse.db import Reader, Transaction, marks, padded
from teahouse.users.types import Account, Device, RefreshToken, RegistrationToken

ACCOUNT = "user_no, localpart, password, admin, created_ms, closed_ms, closed_reason, signer"


def account(row: Sequence[object]) -> Account:
    """A row of `ACCOUNT`."""
    user_no, localpart, password, admin, created_ms, closed_ms, reason, signer = row
    return Account(user_no, localpart, password, bool(admin), created_ms, closed_ms, reason, bool(signer))  # type: ignore[arg-type]


async def by_localpart(db: Reader, localpart: str) -> Account | None:
    """The account of a user name. What cannot be one is not looked for: PostgreSQL refuses some text outright."""
    if not localpart.isascii() or not localpart.isprintable():
        return None
    row = await db.fetch_one(f"SELECT {ACCOUNT} FROM users WHERE localpart = ?", localpart)
    return None if row is None else account(row)


async def by_number(db: Reader, user_no: int) -> Account | None:
    """The account of a number."""
    row = await db.fetch_one(f"SELECT {ACCOUNT} FROM users WHERE user_no = ?", user_no)
    return None if row is None else account(row)


async def accounts(db: Reader, after: str, limit: int) -> list[Account]:
    """Accounts by name, after one."""
    rows = await db.fetch(f"SELECT {ACCOUNT} FROM users WHERE localpart > ? ORDER BY localpart LIMIT ?", after, limit)
    return [account(row) for row in rows]


async def count_admins(db: Reader) -> int:
    """How many administrators there are."""
    row = await db.fetch_one("SELECT count(*) FROM users WHERE admin = 1 AND closed_ms IS NULL")
    return row[0] if row else 0


async def numbers(db: Reader, localparts: Sequence[str]) -> dict[str, int]:
    """The numbers of the open accounts among some user names."""
    asked = [name for name in localparts if name.isascii() and name.isprintable()]
    rows = await db.fetch(
        f"SELECT localpart, user_no FROM users WHERE localpart IN ({marks(len(asked))}) AND closed_ms IS NULL",
        *padded(asked),
    )
    return {row[0]: row[1] for row in rows}


async def insert_many(tx: Transaction, made: Sequence[Account]) -> None:
    """Add accounts whose names are free."""
    await tx.execute_many(
        f"INSERT INTO users ({ACCOUNT}) VALUES (?, ?, NULL, ?, ?, NULL, NULL, 0)",
        [(each.user_no, each.localpart, int(each.admin), each.created_ms) for each in made],
    )


async def insert(tx: Transaction, made: Account) -> bool:
    """Add an account; False when the name is taken."""
    added = await tx.execute(
        f"INSERT INTO users ({ACCOUNT}) VALUES (?, ?, ?, ?, ?, NULL, NULL, ?) ON CONFLICT DO NOTHING",
        made.user_no, made.localpart, made.password, int(made.admin), made.created_ms, int(made.signer),
    )  # fmt: skip
    return bool(added)


async def set_password(tx: Transaction, user_no: int, password: str | None) -> None:
    """Change a password's hash."""
    await tx.execute("UPDATE users SET password = ? WHERE user_no = ?", password, user_no)


async def close(tx: Transaction, user_no: int, now_ms: int, reason: str | None) -> None:
    """Deactivate an account: it keeps its name, so that nobody else gets it."""
    await tx.execute("UPDATE users SET closed_ms = ?, closed_reason = ? WHERE user_no = ?", now_ms, reason, user_no)


async def devices(db: Reader, user_no: int) -> list[Device]:
    """A user's devices."""
    rows = await db.fetch(
        "SELECT device_id, display_name, seen_ms, seen_ip FROM devices WHERE user_no = ? ORDER BY device_id", user_no
    )
    return [Device(*row) for row in rows]


async def device(db: Reader, user_no: int, device_id: str) -> Device | None:
    """One device."""
    row = await db.fetch_one(
        "SELECT device_id, display_name, seen_ms, seen_ip FROM devices WHERE user_no = ? AND device_id = ?",
        user_no, device_id,
    )  # fmt: skip
    return None if row is None else Device(*row)


async def put_device(tx: Transaction, user_no: int, device_id: str, name: str | None, now_ms: int) -> bool:
    """Add a device; True when it is new. An existing one keeps its name."""
    added = await tx.execute(
        "INSERT INTO devices (user_no, device_id, display_name, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        user_no, device_id, name, now_ms,
    )  # fmt: skip
    return bool(added)


async def rename_device(tx: Transaction, user_no: int, device_id: str, name: str) -> None:
    """Change a device's name."""
    await tx.execute(
        "UPDATE devices SET display_name = ? WHERE user_no = ? AND device_id = ?", name, user_no, device_id
    )


async def seen(tx: Transaction, rows: Sequence[tuple[int, str, int, str]]) -> None:
    """Note when and from where devices were seen: (seen_ms, seen_ip, user_no, device_id)."""
    await tx.execute_many("UPDATE devices SET seen_ms = ?, seen_ip = ? WHERE user_no = ? AND device_id = ?", rows)


async def delete_devices(tx: Transaction, user_no: int, device_ids: Sequence[str]) -> None:
    """Delete devices with all their tokens."""
    for table in ("devices", "access_tokens", "refresh_tokens"):
        await tx.execute(
            f"DELETE FROM {table} WHERE user_no = ? AND device_id IN ({marks(len(device_ids))})",
            user_no, *padded(device_ids),
        )  # fmt: skip


async def drop_tokens(tx: Transaction, user_no: int, device_id: str) -> None:
    """Take a device's tokens away."""
    await drop_access_tokens(tx, user_no, device_id)
    await tx.execute("DELETE FROM refresh_tokens WHERE user_no = ? AND device_id = ?", user_no, device_id)


async def drop_access_tokens(tx: Transaction, user_no: int, device_id: str) -> None:
    """Take a device's access tokens away, not those that refresh them."""
    await tx.execute("DELETE FROM access_tokens WHERE user_no = ? AND device_id = ?", user_no, device_id)


async def add_access_token(
    tx: Transaction, token_hash: bytes, user_no: int, device_id: str, expires_ms: int | None
) -> None:
    """Store an access token."""
    await tx.execute(
        "INSERT INTO access_tokens (token_hash, user_no, device_id, expires_ms) VALUES (?, ?, ?, ?)",
        token_hash, user_no, device_id, expires_ms,
    )  # fmt: skip


async def access_token(db: Reader, token_hash: bytes) -> tuple[int, str, int | None] | None:
    """(user_no, device_id, expires_ms) of an access token."""
    row = await db.fetch_one(
        "SELECT user_no, device_id, expires_ms FROM access_tokens WHERE token_hash = ?", token_hash
    )
    return None if row is None else (row[0], row[1], row[2])


async def add_refresh_token(tx: Transaction, token_hash: bytes, user_no: int, device_id: str) -> None:
    """Store a refresh token."""
    await tx.execute(
        "INSERT INTO refresh_tokens (token_hash, user_no, device_id, successor) VALUES (?, ?, ?, NULL)",
        token_hash, user_no, device_id,
    )  # fmt: skip


async def refresh_token(db: Reader, token_hash: bytes) -> RefreshToken | None:
    """A refresh token."""
    row = await db.fetch_one(
        "SELECT user_no, device_id, successor FROM refresh_tokens WHERE token_hash = ?", token_hash
    )
    return None if row is None else RefreshToken(row[0], row[1], row[2] is not None)


async def drop_replaced(tx: Transaction, devices: Sequence[tuple[int, str]]) -> None:
    """Revoke the refresh tokens of (user_no, device_id) that were exchanged for newer ones."""
    await tx.execute_many(
        "DELETE FROM refresh_tokens WHERE user_no = ? AND device_id = ? AND successor IS NOT NULL", devices
    )


async def succeed(tx: Transaction, user_no: int, device_id: str, old: bytes, new: bytes) -> None:
    """`old` was exchanged for `new`: it stays valid, in case the answer is lost, and what came before it goes."""
    await tx.execute(
        "DELETE FROM refresh_tokens WHERE user_no = ? AND device_id = ? AND token_hash <> ? AND token_hash <> ?",
        user_no, device_id, old, new,
    )  # fmt: skip
    await tx.execute("UPDATE refresh_tokens SET successor = ? WHERE token_hash = ?", new, old)


async def add_login_token(tx: Transaction, token_hash: bytes, user_no: int, now_ms: int, expires_ms: int) -> None:
    """Store a one-time login token, and drop those whose time has passed."""
    await tx.execute("DELETE FROM login_tokens WHERE expires_ms <= ?", now_ms)
    await tx.execute(
        "INSERT INTO login_tokens (token_hash, user_no, expires_ms) VALUES (?, ?, ?)", token_hash, user_no, expires_ms
    )


async def take_login_token(tx: Transaction, token_hash: bytes, now_ms: int) -> int | None:
    """Use a one-time login token up; whose it was."""
    row = await tx.fetch_one(
        "DELETE FROM login_tokens WHERE token_hash = ? AND expires_ms > ? RETURNING user_no", token_hash, now_ms
    )
    return None if row is None else row[0]


async def drop_login_tokens(tx: Transaction, user_no: int) -> None:
    """Void a user's one-time login tokens."""
    await tx.execute("DELETE FROM login_tokens WHERE user_no = ?", user_no)


async def registration_tokens(db: Reader) -> list[RegistrationToken]:
    """Every registration token."""
    rows = await db.fetch(
        "SELECT token, uses_allowed, uses, expires_ms, makes_admin FROM registration_tokens ORDER BY created_ms"
    )
    return [RegistrationToken(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


async def registration_token(db: Reader, token: str) -> RegistrationToken | None:
    """One registration token."""
    row = await db.fetch_one(
        "SELECT token, uses_allowed, uses, expires_ms, makes_admin FROM registration_tokens WHERE token = ?", token
    )
    return None if row is None else RegistrationToken(row[0], row[1], row[2], row[3], bool(row[4]))


async def add_registration_token(tx: Transaction, token: RegistrationToken, now_ms: int) -> None:
    """Add a registration token."""
    await tx.execute(
        "INSERT INTO registration_tokens (token, uses_allowed, uses, expires_ms, makes_admin, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        token.token, token.uses_allowed, token.uses, token.expires_ms, int(token.makes_admin), now_ms,
    )  # fmt: skip


async def use_registration_token(tx: Transaction, token: str, now_ms: int) -> bool:
    """Use a registration token once; False when it is used up, expired or unknown."""
    used = await tx.execute(
        "UPDATE registration_tokens SET uses = uses + 1 "
        "WHERE token = ? AND (uses_allowed IS NULL OR uses < uses_allowed) AND (expires_ms IS NULL OR expires_ms > ?)",
        token, now_ms,
    )  # fmt: skip
    return bool(used)


async def register_action(tx: Transaction, now_ms: int, actor: str, action: str, subject: str, reason: str) -> None:
    """Write a line of the register of staff actions."""
    await tx.execute(
        "INSERT INTO staff_actions (action_no, done_ms, actor, action, subject, reason) VALUES (?, ?, ?, ?, ?, ?)",
        tx.positions(), now_ms, actor, action, subject, reason,
    )  # fmt: skip
