"""What the keys slice hands around, its limits, and what it needs of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from teahouse.db import Reader
from teahouse.http.messages import Request, Requester

JsonObject = Mapping[str, Any]

IDENTIFIER_MAX_BYTES = 255  # device, key, room and session ids; the specification's bound for identifiers
DEVICE_KEYS_MAX_BYTES = 65_536  # one device's or one cross-signing key object; real ones are near 1 KB
ONE_TIME_KEY_MAX_BYTES = 8_192  # one key object; leaves room for post-quantum keys
ONE_TIME_KEYS_MAX = 1_000  # kept for one device; clients keep 50 to 100
FALLBACK_KEYS_MAX = 10  # algorithms a device may have a fallback key for; today's clients know one
CLAIMED_KEYS_REMEMBERED = 500  # per device; several times what a client uploads at once
QUERY_USERS_MAX = 5_000  # in one query; ten times the largest group
CLAIM_DEVICES_MAX = 5_000  # in one claim; the largest group with ten devices each
SIGNATURES_MAX = 200  # in one upload; each is verified, about 0.1 ms of CPU
MESSAGES_MAX = 5_000  # devices one send may reach; the largest group with ten devices each
MESSAGE_MAX_BYTES = 65_536  # one to-device message, as events
SEND_MAX_BYTES = 16_777_216  # what one send may store, `*` multiplied out
INBOX_PAGE_MESSAGES = 100  # given out at once; the specification's recommendation
INBOX_MESSAGES_MAX = 10_000  # waiting for one device; months of a busy user's room keys
INBOX_TXNS_REMEMBERED = 1_000  # per sending device; a client retries its newest sends only
BACKUP_KEYS_MAX = 500_000  # in one backup; ten years of fifty new sessions a day fit twice
BACKUP_UPLOAD_KEYS_MAX = 5_000  # in one upload; clients send 100 to 200
BACKUP_SESSION_MAX_BYTES = 16_384  # one encrypted session; real ones are near 600 bytes
BACKUP_AUTH_DATA_MAX_BYTES = 65_536  # a version's auth_data; a key and some signatures
BACKUP_VERSIONS_MAX = 1_000  # versions a user may ever create in one life of the log
BACKUP_PAGE_KEYS = 1_000  # rows read at once while a backup is streamed out


@dataclass(frozen=True, slots=True)
class OneTimeKey:
    """A one-time or fallback key: `key` is its JSON."""

    algorithm: str
    key_id: str
    key: bytes

    @property
    def name(self) -> str:
        """`algorithm:key_id`, the key's name in JSON."""
        return f"{self.algorithm}:{self.key_id}"


@dataclass(frozen=True, slots=True)
class KeyUpload:
    """What a device uploads at once."""

    device_keys: JsonObject | None
    one_time_keys: Sequence[OneTimeKey]
    fallback_keys: Sequence[OneTimeKey]


@dataclass(frozen=True, slots=True)
class CrossSigningKey:
    """One of a user's three cross-signing keys; `key` is the object as uploaded."""

    usage: str
    public_key: str
    key: JsonObject


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature by `signer_no` on the device or master key `signed_key` of `user_no`."""

    user_no: int
    signed_key: str
    signer_no: int
    signer_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """What sync tells a device of its own one-time keys."""

    one_time_keys: Mapping[str, int]
    unused_fallback_types: Sequence[str]


@dataclass(frozen=True, slots=True)
class BackedUpKey:
    """One session's key in a backup; `session_data` is encrypted JSON."""

    room_id: str
    session_id: str
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    session_data: bytes


@dataclass(frozen=True, slots=True)
class BackupVersion:
    """A key backup; `auth_data` is JSON."""

    version: int
    algorithm: str
    auth_data: bytes
    etag: int
    count: int
    deleted: bool


class UserDirectory(Protocol):
    """What keys needs of the users slice."""

    async def number(self, user_id: str) -> int | None:
        """The user_no of a local user, or None when there is no such user."""

    async def user_id(self, user_no: int) -> str:
        """The user id of a user_no."""

    async def devices(self, reader: Reader, user_nos: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        """The devices signed in, by user_no: device_id to display name. Users without devices may be absent.

        `reader` is the caller's transaction where the answer must hold until its end.
        """


class SharedRooms(Protocol):
    """Where users must hear of each other's keys; `rooms` knows."""

    async def shared_rooms(self, user_no: int) -> Collection[int]:
        """The rooms whose members are told at once of the user's keys, by room_no."""


class UserInteractive(Protocol):
    """User-interactive authentication; `users` does it."""

    async def confirm(self, request: Request, body: JsonObject) -> None:
        """Return when the body's `auth` proves that the requester is the person; raises UserAuthNeeded until then."""


class DeviceListDelta(Protocol):
    """What sync tells a user about others' device lists between two of its tokens."""

    async def device_lists(self, requester: Requester, since: str, to: str) -> tuple[Sequence[str], Sequence[str]]:
        """User ids (changed, left); raises InvalidParam for what is not a sync token."""
