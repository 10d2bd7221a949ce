"""The rows of device keys, one-time keys, cross-signing keys, signatures and device-list changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from teahouse.db import Reader, Row, Transaction, marks, padded
from teahouse.http import codec
from teahouse.keys.types import (
    CLAIMED_KEYS_REMEMBERED,
    CrossSigningKey,
    JsonObject,
    KeyCounts,
    OneTimeKey,
    Signature,
)

IN_LIST_MAX = 256  # values in one IN list; longer lists are read in parts
CHANGES_PAGE = 1_000  # changed users read at once
EVERYONE = 0  # seen_by: all who share a room

_decode = msgspec.json.decode


def parts(values: Collection[int]) -> Iterable[list[int]]:
    """The values in lists of bounded length."""
    ordered = list(values)
    for first in range(0, len(ordered), IN_LIST_MAX):
        yield ordered[first : first + IN_LIST_MAX]


async def device_keys(reader: Reader, user_nos: Collection[int]) -> dict[int, dict[str, JsonObject]]:
    """Every device's keys, by user_no and device_id."""
    found: dict[int, dict[str, JsonObject]] = {}
    for some in parts(user_nos):
        rows = await reader.fetch(
            f"SELECT user_no, device_id, keys FROM device_keys WHERE user_no IN ({marks(len(some))})", *padded(some)
        )
        for user_no, device_id, keys in rows:
            found.setdefault(user_no, {})[device_id] = _decode(keys)
    return found


async def one_device_keys(reader: Reader, user_no: int, device_id: str) -> JsonObject | None:
    """One device's keys."""
    row = await reader.fetch_one("SELECT keys FROM device_keys WHERE user_no = ? AND device_id = ?", user_no, device_id)
    return None if row is None else _decode(row[0])


async def put_device_keys(tx: Transaction, user_no: int, device_id: str, keys: JsonObject) -> None:
    """Store one device's keys in the place of earlier ones."""
    await tx.execute(
        "INSERT INTO device_keys (user_no, device_id, keys) VALUES (?, ?, ?)"
        " ON CONFLICT (user_no, device_id) DO UPDATE SET keys = excluded.keys",
        user_no, device_id, codec.encode(keys),
    )  # fmt: skip


async def delete_devices(tx: Transaction, user_no: int, device_ids: Collection[str]) -> None:
    """Remove everything the devices have here, save for their inbox."""
    for device_id in device_ids:
        for table in ("device_keys", "one_time_keys", "claimed_keys", "fallback_keys"):
            await tx.execute(f"DELETE FROM {table} WHERE user_no = ? AND device_id = ?", user_no, device_id)
        await delete_signatures_on(tx, user_no, device_id)
        await delete_signatures_by(tx, user_no, f"ed25519:{device_id}")


async def one_time_keys(reader: Reader, user_no: int, device_id: str) -> dict[str, bytes]:
    """A device's unclaimed one-time keys, by name; ONE_TIME_KEYS_MAX bounds them."""
    rows = await reader.fetch(
        "SELECT algorithm, key_id, key FROM one_time_keys WHERE user_no = ? AND device_id = ?", user_no, device_id
    )
    return {f"{algorithm}:{key_id}": key for algorithm, key_id, key in rows}


async def claimed_digests(reader: Reader, user_no: int, device_id: str, digests: Sequence[bytes]) -> set[bytes]:
    """Which of the digests are of keys that were handed out."""
    rows = await reader.fetch(
        f"SELECT digest FROM claimed_keys WHERE user_no = ? AND device_id = ? AND digest IN ({marks(len(digests))})",
        user_no, device_id, *padded(digests),
    )  # fmt: skip
    return {digest for (digest,) in rows}


async def add_one_time_keys(
    tx: Transaction, user_no: int, device_id: str, pos: int, keys: Sequence[OneTimeKey]
) -> None:
    """Add keys to be claimed after all earlier ones, and forget the oldest claims."""
    await tx.execute_many(
        "INSERT INTO one_time_keys (user_no, device_id, algorithm, pos, key_id, key) VALUES (?, ?, ?, ?, ?, ?)",
        [(user_no, device_id, key.algorithm, pos, key.key_id, key.key) for key in keys],
    )
    await tx.execute(
        "DELETE FROM claimed_keys WHERE user_no = ? AND device_id = ? AND pos <="
        " (SELECT pos FROM claimed_keys WHERE user_no = ? AND device_id = ? ORDER BY pos DESC LIMIT 1 OFFSET ?)",
        user_no, device_id, user_no, device_id, CLAIMED_KEYS_REMEMBERED,
    )  # fmt: skip


async def claim_one_time_key(tx: Transaction, user_no: int, device_id: str, algorithm: str) -> Row | None:
    """Take the oldest key away and return (key_id, key): one statement, so that nobody else gets it too."""
    rows = await tx.fetch(
        "DELETE FROM one_time_keys WHERE user_no = ? AND device_id = ? AND algorithm = ? AND (pos, key_id) ="
        " (SELECT pos, key_id FROM one_time_keys WHERE user_no = ? AND device_id = ? AND algorithm = ?"
        " ORDER BY pos, key_id LIMIT 1) RETURNING key_id, key",
        user_no, device_id, algorithm, user_no, device_id, algorithm,
    )  # fmt: skip
    return rows[0] if rows else None


async def remember_claim(tx: Transaction, user_no: int, device_id: str, digest: bytes, pos: int) -> None:
    """Note that a key was handed out."""
    await tx.execute(
        "INSERT INTO claimed_keys (user_no, device_id, digest, pos) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        user_no, device_id, digest, pos,
    )  # fmt: skip


async def use_fallback_key(tx: Transaction, user_no: int, device_id: str, algorithm: str) -> Row | None:
    """Mark the fallback key used and return (key_id, key)."""
    rows = await tx.fetch(
        "UPDATE fallback_keys SET used = 1 WHERE user_no = ? AND device_id = ? AND algorithm = ?"
        " RETURNING key_id, key",
        user_no, device_id, algorithm,
    )  # fmt: skip
    return rows[0] if rows else None


async def put_fallback_key(tx: Transaction, user_no: int, device_id: str, key: OneTimeKey) -> None:
    """Store a fallback key in the place of its algorithm's earlier one. The same key again stays used if it was."""
    await tx.execute(
        "INSERT INTO fallback_keys (user_no, device_id, algorithm, key_id, key, used) VALUES (?, ?, ?, ?, ?, 0)"
        " ON CONFLICT (user_no, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, key = excluded.key,"
        " used = 0 WHERE fallback_keys.key_id <> excluded.key_id OR fallback_keys.key <> excluded.key",
        user_no, device_id, key.algorithm, key.key_id, key.key,
    )  # fmt: skip


async def key_counts(reader: Reader, user_no: int, device_id: str) -> KeyCounts:
    """How many one-time keys of each algorithm are left, and which fallback keys are unused."""
    counted = await reader.fetch(
        "SELECT algorithm, count(*) FROM one_time_keys WHERE user_no = ? AND device_id = ? GROUP BY algorithm",
        user_no, device_id,
    )  # fmt: skip
    unused = await reader.fetch(
        "SELECT algorithm FROM fallback_keys WHERE user_no = ? AND device_id = ? AND used = 0", user_no, device_id
    )
    # Named even when there are none: some clients only upload when they read a zero.
    return KeyCounts({"signed_curve25519": 0, **dict(counted)}, [algorithm for (algorithm,) in unused])


async def drop_one_time_keys(tx: Transaction) -> None:
    """Forget all one-time and fallback keys of everybody."""
    await tx.execute("DELETE FROM one_time_keys")
    await tx.execute("DELETE FROM fallback_keys")


async def cross_signing_keys(reader: Reader, user_nos: Collection[int]) -> dict[int, dict[str, CrossSigningKey]]:
    """The users' cross-signing keys, by user_no and usage."""
    found: dict[int, dict[str, CrossSigningKey]] = {}
    for some in parts(user_nos):
        rows = await reader.fetch(
            f"SELECT user_no, usage, public_key, key FROM cross_signing_keys WHERE user_no IN ({marks(len(some))})",
            *padded(some),
        )
        for user_no, usage, public_key, key in rows:
            found.setdefault(user_no, {})[usage] = CrossSigningKey(usage, public_key, _decode(key))
    return found


async def put_cross_signing_key(tx: Transaction, user_no: int, key: CrossSigningKey) -> None:
    """Store a cross-signing key in the place of the earlier one of its usage."""
    await tx.execute(
        "INSERT INTO cross_signing_keys (user_no, usage, public_key, key) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_no, usage) DO UPDATE SET public_key = excluded.public_key, key = excluded.key",
        user_no, key.usage, key.public_key, codec.encode(key.key),
    )  # fmt: skip


async def delete_cross_signing_key(tx: Transaction, user_no: int, key: CrossSigningKey) -> None:
    """Remove a cross-signing key with the signatures on it and by it."""
    await tx.execute("DELETE FROM cross_signing_keys WHERE user_no = ? AND usage = ?", user_no, key.usage)
    await delete_signatures_on(tx, user_no, key.public_key)
    await delete_signatures_by(tx, user_no, f"ed25519:{key.public_key}")


async def signatures(reader: Reader, user_nos: Collection[int], seer_no: int) -> list[Signature]:
    """The signatures on the users' keys that `seer_no` may see: the owners' own, and the seer's."""
    found: list[Signature] = []
    for some in parts(user_nos):
        rows = await reader.fetch(
            "SELECT user_no, signed_key, signer_no, signer_key, signature FROM key_signatures"
            f" WHERE user_no IN ({marks(len(some))}) AND (signer_no = user_no OR signer_no = ?)",
            *padded(some), seer_no,
        )  # fmt: skip
        found.extend(Signature(*row) for row in rows)
    return found


async def put_signatures(tx: Transaction, found: Iterable[Signature]) -> None:
    """Store signatures; the same signer's later one replaces the earlier."""
    await tx.execute_many(
        "INSERT INTO key_signatures (user_no, signed_key, signer_no, signer_key, signature) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (user_no, signed_key, signer_no, signer_key) DO UPDATE SET signature = excluded.signature",
        [(s.user_no, s.signed_key, s.signer_no, s.signer_key, s.signature) for s in found],
    )


async def delete_signatures_on(tx: Transaction, user_no: int, signed_key: str) -> None:
    """Forget all signatures on a key that changed or went."""
    await tx.execute("DELETE FROM key_signatures WHERE user_no = ? AND signed_key = ?", user_no, signed_key)


async def delete_signatures_by(tx: Transaction, user_no: int, signer_key: str) -> None:
    """Forget all signatures by a key that changed or went."""
    await tx.execute("DELETE FROM key_signatures WHERE signer_no = ? AND signer_key = ?", user_no, signer_key)


async def record_change(tx: Transaction, user_no: int, seen_by: int, pos: int) -> None:
    """Note that the user's keys changed, as far as `seen_by` can see."""
    await tx.execute(
        "INSERT INTO device_list_changes (user_no, seen_by, pos) VALUES (?, ?, ?)"
        " ON CONFLICT (user_no, seen_by) DO UPDATE SET pos = excluded.pos",
        user_no, seen_by, pos,
    )  # fmt: skip


async def changes_after(reader: Reader, seen_by: int, pos: int) -> list[tuple[int, int]]:
    """A page of users with the position of their newest change for `seen_by`, those after `pos`, oldest first."""
    rows = await reader.fetch(
        "SELECT user_no, pos FROM device_list_changes WHERE seen_by = ? AND pos > ? ORDER BY pos LIMIT ?",
        seen_by, pos, CHANGES_PAGE,
    )  # fmt: skip
    return [(user_no, changed_pos) for user_no, changed_pos in rows]


def merged(value: JsonObject, added: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """`value` with further signatures: user id to key name to signature."""
    if not added:
        return dict(value)
    earlier = value.get("signatures")
    known = earlier if isinstance(earlier, dict) else {}
    together = {user_id: dict(named) for user_id, named in known.items()}
    for user_id, named in added.items():
        together.setdefault(user_id, {}).update(named)
    return {**value, "signatures": together}
