"""People with devices and keys, for tests of the keys slice."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.bus.local import LocalBus
from teahouse.db import Database, Reader
from teahouse.errors import UserAuthNeeded
from teahouse.http.messages import Requester
from teahouse.keys import Keys
from teahouse.keys.types import JsonObject, KeyUpload, OneTimeKey

SERVER = "tea.example"


@dataclass
class People:
    """A directory of users, their devices and rooms, and whether they can prove who they are."""

    names: dict[str, int] = field(default_factory=dict)
    device_names: dict[int, dict[str, str | None]] = field(default_factory=dict)
    rooms: dict[int, set[int]] = field(default_factory=dict)
    asked: int = 0

    def add(self, name: str, *device_ids: str) -> list[Requester]:
        """A person with devices, as requesters."""
        user_no = 1024 * (len(self.device_names) + 1)
        self.names[f"@{name}:{SERVER}"] = user_no
        self.device_names[user_no] = dict.fromkeys(device_ids)
        return [Requester(f"@{name}:{SERVER}", user_no, device_id) for device_id in device_ids]

    async def number(self, user_id: str) -> int | None:
        return self.names.get(user_id)

    async def user_id(self, user_no: int) -> str:
        return next(user_id for user_id, known in self.names.items() if known == user_no)

    async def devices(self, reader: Reader, user_nos: Collection[int]) -> Mapping[int, Mapping[str, str | None]]:
        return {user_no: self.device_names[user_no] for user_no in user_nos if user_no in self.device_names}

    async def shared_rooms(self, user_no: int) -> Collection[int]:
        return self.rooms.get(user_no, set())

    async def fail_to_prove(self) -> None:
        self.asked += 1
        raise UserAuthNeeded("Prove that it is you.", flows=[])

    async def prove(self) -> None:
        self.asked += 1


@dataclass
class Stage:
    """The keys slice over one database."""

    keys: Keys
    people: People
    woken: list[int]
    woken_rooms: list[int]


def stage(database: Database) -> Stage:
    """A fresh slice."""
    people, bus = People(), LocalBus()
    found = Stage(Keys(database, bus, people, people), people, [], [])
    bus.subscribe(lambda rooms, users: (found.woken.extend(users), found.woken_rooms.extend(rooms)))
    return found


def public(key: Ed25519PrivateKey) -> str:
    """A public key in unpadded base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")


def signed(value: Mapping[str, Any], user_id: str, key_name: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """`value` with one more signature."""
    bare = {name: part for name, part in value.items() if name not in ("signatures", "unsigned")}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    signature = base64.b64encode(key.sign(text)).decode().rstrip("=")
    own = value.get("signatures", {}).get(user_id, {})
    return {**value, "signatures": {**value.get("signatures", {}), user_id: {**own, f"ed25519:{key_name}": signature}}}


def device_keys(device: Requester, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A device's signed keys."""
    value = {
        "user_id": device.user_id,
        "device_id": device.device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {f"ed25519:{device.device_id}": public(key), f"curve25519:{device.device_id}": public(key)},
    }
    return signed(value, device.user_id, device.device_id, key)


def cross_signing_key(person: Requester, usage: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """An unsigned cross-signing key."""
    return {"user_id": person.user_id, "usage": [usage], "keys": {f"ed25519:{public(key)}": public(key)}}


def one_time_key(key_id: str, content: str = "tea", algorithm: str = "signed_curve25519") -> OneTimeKey:
    """A one-time key whose content is told apart by `content`."""
    return OneTimeKey(algorithm, key_id, msgspec.json.encode({"key": content + key_id, "signatures": {}}))


def keys_upload(*one_time: OneTimeKey, device: JsonObject | None = None, fallback: Any = ()) -> KeyUpload:
    """What a device uploads."""
    return KeyUpload(device, one_time, fallback)
