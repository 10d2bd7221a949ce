"""Cross-signing keys and the signatures that hold them together.

A user's own signatures are shown to everyone; a signature on somebody else's master key only to its signer.
Source: Client-Server API, "Cross-signing".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from teahouse.db import Database, Transaction
from teahouse.errors import (
    Conflict,
    Forbidden,
    InvalidParam,
    InvalidSignature,
    MissingParam,
    NotFound,
    TeahouseError,
    TooLarge,
)
from teahouse.http.messages import Requester
from teahouse.keys import signing, store
from teahouse.keys.device_lists import DeviceLists
from teahouse.keys.types import (
    SIGNATURES_MAX,
    CrossSigningKey,
    JsonObject,
    Signature,
    UserDirectory,
)

USAGES = ("master", "self_signing", "user_signing")
Prove = Callable[[], Awaitable[None]]
Failures = dict[str, dict[str, TeahouseError]]


def parse_key(requester: Requester, usage: str, value: JsonObject) -> CrossSigningKey:
    """A cross-signing key of the requester as uploaded; raises InvalidParam for any other shape."""
    usages, keys = value.get("usage"), value.get("keys")
    if value.get("user_id") != requester.user_id:
        raise InvalidParam(f"The {usage} key names another user than you.")
    if not isinstance(usages, list) or usage not in usages:
        raise InvalidParam(f"The {usage} key's usage does not say '{usage}'.")
    if not isinstance(keys, dict) or len(keys) != 1:
        raise InvalidParam(f"The {usage} key must hold exactly one public key.")
    ((name, public_key),) = keys.items()
    if not isinstance(public_key, str) or name != signing.ED25519 + public_key or not signing.public_key(public_key):
        raise InvalidParam(f"The {usage} key's name must be 'ed25519:' and its public key in unpadded base64.")
    # Signatures of others have no place here: theirs come by their own upload, and only they see them.
    own = signing.signatures_by(value, requester.user_id)
    signatures = {"signatures": {requester.user_id: own}} if own else {}
    return CrossSigningKey(usage, public_key, {**signing.bare(value), **signatures})


class CrossSigning:
    """The cross-signing keys of users."""

    def __init__(self, database: Database, users: UserDirectory, lists: DeviceLists) -> None:
        self._database = database
        self._users = users
        self._lists = lists

    async def upload(self, requester: Requester, keys: Mapping[str, JsonObject], prove: Prove) -> None:
        """Store the requester's keys, by usage.

        The first set, and the same set again, need no further proof of who uploads; anything else waits for `prove`.
        """
        parsed = {usage: parse_key(requester, usage, value) for usage, value in keys.items()}
        if await self._put(requester, parsed, proven=False):
            return
        await prove()
        if not await self._put(requester, parsed, proven=True):
            raise Conflict("Your keys changed meanwhile; try again.")

    async def sign(self, requester: Requester, objects: Mapping[str, Mapping[str, JsonObject]]) -> Failures:
        """Store the requester's signatures on keys, by user id and key id; what was refused, and why, the same way."""
        if sum(map(len, objects.values())) > SIGNATURES_MAX:
            raise TooLarge(f"One upload may hold at most {SIGNATURES_MAX} signed keys.")
        failures: Failures = {}
        found: list[Signature] = []
        numbers = {user_id: await self._users.number(user_id) for user_id in objects}
        async with self._database.transaction() as tx:
            devices = (await store.device_keys(tx, [requester.user_no])).get(requester.user_no, {})
            signer = _Signer(requester, devices, await self._keys_of(tx, requester.user_no))
            for user_id, named in objects.items():
                user_no = numbers[user_id]
                theirs = {} if user_no is None else await self._keys_of(tx, user_no)
                for key_id, value in named.items():
                    try:
                        found.extend(signer.accept(user_id, user_no, theirs, key_id, value))
                    except TeahouseError as refusal:
                        failures.setdefault(user_id, {})[key_id] = refusal
            await store.put_signatures(tx, found)
            for user_no in {one.user_no for one in found}:
                own = user_no == requester.user_no
                await self._lists.record(tx, user_no, store.EVERYONE if own else requester.user_no)
        return failures

    async def _put(self, requester: Requester, keys: Mapping[str, CrossSigningKey], *, proven: bool) -> bool:
        """Store the keys unless that needs a proof that is missing: then False."""
        user_no = requester.user_no
        async with self._database.transaction() as tx:
            stored = await self._keys_of(tx, user_no)
            master = keys.get("master") or stored.get("master")
            if master is None:
                raise MissingParam("There is no master key yet; upload one first.")
            new_master = differs(stored.get("master"), master)
            fresh = [key for usage, key in keys.items() if new_master or not same(stored.get(usage), key)]
            if not fresh:
                return True
            for key in fresh:
                name = signing.ED25519 + master.public_key
                if key.usage != "master" and not signing.is_signed(key.key, requester.user_id, name, master.public_key):
                    raise InvalidSignature(f"The {key.usage} key is not signed by the master key.")
            devices = (await self._users.devices(tx, [user_no])).get(user_no, {})
            if any(key.public_key in devices for key in fresh):
                raise Forbidden("The public key is the id of one of your devices.")
            if "master" in stored and not proven:
                return False
            await self._replace(tx, user_no, stored, fresh, new_master)
        return True

    async def _replace(
        self,
        tx: Transaction,
        user_no: int,
        stored: Mapping[str, CrossSigningKey],
        fresh: Sequence[CrossSigningKey],
        new_master: bool,
    ) -> None:
        """Store the fresh keys in the place of the earlier ones; below a new master key no earlier key stays."""
        for earlier in stored.values():
            successor = next((key for key in fresh if key.usage == earlier.usage), None)
            if new_master or (successor is not None and differs(earlier, successor)):
                await store.delete_cross_signing_key(tx, user_no, earlier)
        for key in fresh:
            await store.put_cross_signing_key(tx, user_no, key)
        await self._lists.record(tx, user_no)

    @staticmethod
    async def _keys_of(tx: Transaction, user_no: int) -> dict[str, CrossSigningKey]:
        return (await store.cross_signing_keys(tx, [user_no])).get(user_no, {})


class _Signer:
    """What one user's keys may sign, and whether they did."""

    def __init__(
        self, requester: Requester, devices: Mapping[str, JsonObject], crossing: Mapping[str, CrossSigningKey]
    ) -> None:
        self._user_id = requester.user_id
        self._user_no = requester.user_no
        self._devices = devices
        self._crossing = crossing

    def accept(
        self,
        user_id: str,
        user_no: int | None,
        theirs: Mapping[str, CrossSigningKey],
        key_id: str,
        value: JsonObject,
    ) -> list[Signature]:
        """The signatures on one key, all verified; raises NotFound for an unknown key and InvalidSignature."""
        master = theirs.get("master")
        if user_no is None:
            raise NotFound("There is no such user.")
        signers: dict[str, str]
        stored: Mapping[str, Any]
        if master is not None and key_id == master.public_key:
            stored = master.key
            signers = self._devices_as_signers() if user_id == self._user_id else self._as_signer("user_signing")
        elif user_id == self._user_id and key_id in self._devices:
            stored = self._devices[key_id]
            signers = self._as_signer("self_signing")
        else:
            raise NotFound("There is no such key.")
        if signing.bare(stored) != signing.bare(value):
            raise InvalidSignature("The signed key is not the one that is stored.")
        given = signing.signatures_by(value, self._user_id)
        known = signing.signatures_by(stored, self._user_id)
        added = {name: text for name, text in given.items() if known.get(name) != text}
        for name in added:
            if name not in signers or not signing.is_signed(value, self._user_id, name, signers[name]):
                raise InvalidSignature(f"The signature by '{name}' is not valid here.")
        if not given:
            raise InvalidSignature("There is no signature of yours on the key.")
        return [Signature(user_no, key_id, self._user_no, name, text) for name, text in added.items()]

    def _as_signer(self, usage: str) -> dict[str, str]:
        key = self._crossing.get(usage)
        return {} if key is None else {signing.ED25519 + key.public_key: key.public_key}

    def _devices_as_signers(self) -> dict[str, str]:
        """The Ed25519 keys of the user's own devices, by key name."""
        found = {}
        for device_id, keys in self._devices.items():
            name = signing.ED25519 + device_id
            public_key = keys["keys"].get(name)
            if public_key is not None:
                found[name] = public_key
        return found


def differs(earlier: CrossSigningKey | None, key: CrossSigningKey) -> bool:
    """Whether the public key is another one."""
    return earlier is None or earlier.public_key != key.public_key


def same(earlier: CrossSigningKey | None, key: CrossSigningKey) -> bool:
    """Whether the upload brings nothing new."""
    return earlier is not None and signing.bare(earlier.key) == signing.bare(key.key)
