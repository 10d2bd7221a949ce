"""The shapes of bodies: decoded, bounded, and turned into the slice's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from teahouse.errors import BadJson, InvalidParam, TooLarge
from teahouse.http import codec
from teahouse.http.messages import Request
from teahouse.keys.types import (
    BACKUP_AUTH_DATA_MAX_BYTES,
    BACKUP_SESSION_MAX_BYTES,
    DEVICE_KEYS_MAX_BYTES,
    FALLBACK_KEYS_MAX,
    IDENTIFIER_MAX_BYTES,
    ONE_TIME_KEY_MAX_BYTES,
    BackedUpKey,
    JsonObject,
    KeyUpload,
    OneTimeKey,
)
from teahouse.matrix.canonical_json import INTEGER_MAX

Count = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]
Signatures = dict[str, dict[str, str]]


class UploadBody(msgspec.Struct):
    """Of `keys/upload`."""

    device_keys: dict[str, Any] | None = None
    one_time_keys: dict[str, str | dict[str, Any]] | None = None
    fallback_keys: dict[str, str | dict[str, Any]] | None = None


class DeviceKeysShape(msgspec.Struct):
    """What device keys must hold, besides what else a client puts there."""

    user_id: str
    device_id: str
    algorithms: list[str]
    keys: dict[str, str]
    signatures: Signatures


class QueryBody(msgspec.Struct):
    """Of `keys/query`."""

    device_keys: dict[str, list[str]]


class ClaimBody(msgspec.Struct):
    """Of `keys/claim`."""

    one_time_keys: dict[str, dict[str, str]]


class CrossSigningBody(msgspec.Struct):
    """Of `keys/device_signing/upload`."""

    master_key: dict[str, Any] | None = None
    self_signing_key: dict[str, Any] | None = None
    user_signing_key: dict[str, Any] | None = None
    auth: dict[str, Any] | None = None


class MessagesBody(msgspec.Struct):
    """Of `sendToDevice`."""

    messages: dict[str, dict[str, dict[str, Any]]]


class BackupVersionBody(msgspec.Struct):
    """Of `room_keys/version`. What an algorithm keeps is the clients' business: an object, of older ones a string."""

    algorithm: str
    auth_data: dict[str, Any] | str
    version: str | None = None


class BackupKeyBody(msgspec.Struct):
    """One session's key."""

    first_message_index: Count
    forwarded_count: Count
    is_verified: bool
    session_data: dict[str, Any] | str


class BackupRoomBody(msgspec.Struct):
    """The keys of one room."""

    sessions: dict[str, BackupKeyBody]


class BackupBody(msgspec.Struct):
    """The keys of many rooms."""

    rooms: dict[str, BackupRoomBody]


def body(request: Request, kind: Any) -> Any:
    """The body in the shape of `kind`; raises NotJson, or BadJson for any other shape."""
    return shaped(codec.json_object(request), kind)


def shaped(value: Any, kind: Any) -> Any:
    """`value` in the shape of `kind`; raises BadJson."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadJson(f"The body has the wrong shape: {error}.") from None


def name(text: str, what: str) -> str:
    """An identifier of bounded size that every store can hold; raises InvalidParam."""
    if not text or not text.isprintable() or len(text.encode(errors="replace")) > IDENTIFIER_MAX_BYTES:
        raise InvalidParam(f"A {what} has 1 to {IDENTIFIER_MAX_BYTES} bytes and no control characters.")
    return text


def key_upload(request: Request) -> KeyUpload:
    """The body of `keys/upload`."""
    upload: UploadBody = body(request, UploadBody)
    keys = upload.device_keys
    if keys is not None:
        shaped(keys, DeviceKeysShape)
        bounded(keys, DEVICE_KEYS_MAX_BYTES, "device keys object")
        keys = {part: value for part, value in keys.items() if part != "unsigned"}
    fallback_keys = one_time_keys(upload.fallback_keys or {})
    if len({key.algorithm for key in fallback_keys}) < len(fallback_keys) or len(fallback_keys) > FALLBACK_KEYS_MAX:
        raise InvalidParam(f"There may be one fallback key for an algorithm, for {FALLBACK_KEYS_MAX} algorithms.")
    return KeyUpload(keys, one_time_keys(upload.one_time_keys or {}), fallback_keys)


def one_time_keys(named: Mapping[str, str | JsonObject]) -> list[OneTimeKey]:
    """Keys by `algorithm:key_id`; objects must hold `key` and `signatures`."""
    found = []
    for full_name, value in named.items():
        algorithm, colon, key_id = name(full_name, "key name").partition(":")
        if not (algorithm and colon and key_id):
            raise InvalidParam("A one-time key's name is 'algorithm:key_id'.")
        if not isinstance(value, str):
            shaped(value, _KeyObject)
        found.append(OneTimeKey(algorithm, key_id, bounded(value, ONE_TIME_KEY_MAX_BYTES, "one-time key")))
    return found


def messages(request: Request) -> dict[str, dict[str, dict[str, Any]]]:
    """The body of `sendToDevice`, user and device ids checked."""
    decoded: MessagesBody = body(request, MessagesBody)
    for user_id, by_device in decoded.messages.items():
        name(user_id, "user id")
        for device_id in by_device:
            name(device_id, "device id")
    return decoded.messages


def cross_signing_keys(decoded: CrossSigningBody) -> dict[str, JsonObject]:
    """The uploaded keys, by usage."""
    keys = {
        "master": decoded.master_key,
        "self_signing": decoded.self_signing_key,
        "user_signing": decoded.user_signing_key,
    }
    present: dict[str, JsonObject] = {usage: key for usage, key in keys.items() if key is not None}
    for key in present.values():
        bounded(key, DEVICE_KEYS_MAX_BYTES, "cross-signing key")
    return present


def signed_objects(request: Request) -> dict[str, dict[str, JsonObject]]:
    """The body of `keys/signatures/upload`."""
    objects: dict[str, dict[str, JsonObject]] = body(request, dict[str, dict[str, dict[str, Any]]])
    for user_id, named in objects.items():
        name(user_id, "user id")
        for value in named.values():
            bounded(value, DEVICE_KEYS_MAX_BYTES, "signed key")
    return objects


def backup_version(request: Request) -> BackupVersionBody:
    """The body of `room_keys/version`; raises InvalidParam for an algorithm that has no name."""
    decoded: BackupVersionBody = body(request, BackupVersionBody)
    name(decoded.algorithm, "backup algorithm")
    bounded(decoded.auth_data, BACKUP_AUTH_DATA_MAX_BYTES, "backup's auth_data")
    return decoded


def backup_keys(rooms: Mapping[str, Mapping[str, BackupKeyBody]]) -> Sequence[BackedUpKey]:
    """Keys by room and session."""
    return [
        BackedUpKey(
            name(room_id, "room id"),
            name(session_id, "session id"),
            key.first_message_index,
            key.forwarded_count,
            key.is_verified,
            bounded(key.session_data, BACKUP_SESSION_MAX_BYTES, "backed up session"),
        )
        for room_id, sessions in rooms.items()
        for session_id, key in sessions.items()
    ]


def bounded(value: Any, max_bytes: int, what: str) -> bytes:
    """The value as JSON; raises TooLarge beyond its bound."""
    encoded = codec.encode(value)
    if len(encoded) > max_bytes:
        raise TooLarge(f"A {what} has at most {max_bytes} bytes.")
    return encoded


class _KeyObject(msgspec.Struct):
    key: str
    signatures: Signatures
