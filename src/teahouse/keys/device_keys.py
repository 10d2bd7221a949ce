"""Device keys and one-time keys: uploaded by their device, queried and claimed by everyone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from teahouse.db import Database, Transaction
from teahouse.errors import BadJson, Forbidden, InvalidParam, TooLarge
from teahouse.http.messages import Requester
from teahouse.keys import signing, store
from teahouse.keys.device_lists import DeviceLists
from teahouse.keys.types import (
    CLAIM_DEVICES_MAX,
    ONE_TIME_KEYS_MAX,
    QUERY_USERS_MAX,
    JsonObject,
    KeyCounts,
    KeyUpload,
    OneTimeKey,
    Signature,
    UserDirectory,
)

COUNTS_CACHED_MAX = 50_000  # devices whose key counts stay in memory, about 500 bytes each
SHOWN_TO_OWNER = "user_signing"


class DeviceKeys:
    """The public keys of devices."""

    def __init__(self, database: Database, users: UserDirectory, lists: DeviceLists) -> None:
        self._database = database
        self._users = users
        self._lists = lists
        self._counts: OrderedDict[tuple[int, str], KeyCounts] = OrderedDict()
        self._count_changes = 0

    async def upload(self, requester: Requester, upload: KeyUpload) -> Mapping[str, int]:
        """Store what a device uploads, all or nothing; the counts of its one-time keys afterwards.

        Uploading the same again changes nothing. Raises BadJson when the keys are another device's, InvalidParam when
        a key's name is taken by another key, TooLarge when the device has too many.
        """
        user_no, device_id = requester.user_no, requester.device_id
        keys = upload.device_keys
        if keys is not None and (keys.get("user_id") != requester.user_id or keys.get("device_id") != device_id):
            raise BadJson("The device keys name another user or device than yours.")
        async with self._database.transaction() as tx:
            if keys is not None:
                await self._put_device_keys(tx, user_no, device_id, keys)
            if upload.one_time_keys:
                await self._add_one_time_keys(tx, user_no, device_id, upload.one_time_keys)
            for key in upload.fallback_keys:
                await store.put_fallback_key(tx, user_no, device_id, key)
            counts = await store.key_counts(tx, user_no, device_id)
            if upload.one_time_keys or upload.fallback_keys:
                tx.on_commit(lambda: self._forget_counts([(user_no, device_id)]))
        return counts.one_time_keys

    async def query(self, requester: Requester, wanted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The keys of the users, each with the wanted devices (all when none is named), as the requester may see them.

        Unknown users are absent; known ones without keys have an empty entry.
        """
        if len(wanted) > QUERY_USERS_MAX:
            raise TooLarge(f"One query may name at most {QUERY_USERS_MAX} users.")
        numbers = {user_id: no for user_id in wanted if (no := await self._users.number(user_id)) is not None}
        devices = await store.device_keys(self._database, numbers.values())
        names = await self._users.devices(self._database, devices.keys())
        signatures = await store.signatures(self._database, numbers.values(), requester.user_no)
        added = await self._by_key(signatures)
        answer: dict[str, dict[str, Any]] = {
            name: {} for name in ("device_keys", "master_keys", "self_signing_keys", "user_signing_keys", "failures")
        }
        for user_id, no in numbers.items():
            only = wanted[user_id]
            answer["device_keys"][user_id] = {
                device_id: self._shown(keys, added.get((no, device_id), {}), names.get(no, {}).get(device_id))
                for device_id, keys in devices.get(no, {}).items()
                if not only or device_id in only
            }
        for no, keys in (await store.cross_signing_keys(self._database, numbers.values())).items():
            for usage, key in keys.items():
                owner = await self._users.user_id(no)
                if usage != SHOWN_TO_OWNER or no == requester.user_no:
                    answer[f"{usage}_keys"][owner] = store.merged(key.key, added.get((no, key.public_key), {}))
        return answer

    async def claim(self, wanted: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, dict[str, Any]]]:
        """Hand out one key of each wanted device, by user id and device id; absent where there is none.

        No one-time key is ever handed out twice; when none is left the fallback key is.
        """
        if sum(map(len, wanted.values())) > CLAIM_DEVICES_MAX:
            raise TooLarge(f"One claim may name at most {CLAIM_DEVICES_MAX} devices.")
        numbers = {user_id: no for user_id in wanted if (no := await self._users.number(user_id)) is not None}
        claimed: dict[str, dict[str, dict[str, Any]]] = {}
        async with self._database.transaction() as tx:
            touched = []
            for user_id, user_no in numbers.items():
                for device_id, algorithm in wanted[user_id].items():
                    key = await self._claim_one(tx, user_no, device_id, algorithm)
                    if key is not None:
                        claimed.setdefault(user_id, {})[device_id] = key
                        touched.append((user_no, device_id))
            tx.on_commit(lambda: self._forget_counts(touched))
        return claimed

    async def counts(self, user_no: int, device_id: str) -> KeyCounts:
        """How many one-time keys the device has left and which fallback keys are unused; from memory when unchanged."""
        known = self._counts.get((user_no, device_id))
        if known is not None:
            self._counts.move_to_end((user_no, device_id))
            return known
        changes = self._count_changes
        counts = await store.key_counts(self._database, user_no, device_id)
        if changes == self._count_changes:  # else a commit came between reading and here, and this may be old
            self._counts[user_no, device_id] = counts
            if len(self._counts) > COUNTS_CACHED_MAX:
                self._counts.popitem(last=False)
        return counts

    async def device_added(self, tx: Transaction, user_no: int, device_id: str) -> None:
        """Note a device added in `tx`, before it has keys. Raises Forbidden for the id of a cross-signing key."""
        await self._check_id(tx, user_no, device_id)
        await self._lists.record(tx, user_no)

    async def devices_deleted(self, tx: Transaction, user_no: int, device_ids: Collection[str]) -> None:
        """Forget the keys of devices that were deleted in `tx`."""
        await store.delete_devices(tx, user_no, device_ids)
        await self._lists.record(tx, user_no)
        tx.on_commit(lambda: self._forget_counts([(user_no, device_id) for device_id in device_ids]))

    async def drop_one_time_keys(self, tx: Transaction) -> None:
        """Forget everybody's one-time and fallback keys: after a restore some were already handed out."""
        await store.drop_one_time_keys(tx)
        tx.on_commit(self._forget_all_counts)

    async def _put_device_keys(self, tx: Transaction, user_no: int, device_id: str, keys: JsonObject) -> None:
        earlier = await store.one_device_keys(tx, user_no, device_id)
        if earlier == keys:
            return
        await self._check_id(tx, user_no, device_id)
        if earlier is not None and signing.bare(earlier) != signing.bare(keys):
            await store.delete_signatures_on(tx, user_no, device_id)
        await store.put_device_keys(tx, user_no, device_id, keys)
        await self._lists.record(tx, user_no)

    @staticmethod
    async def _check_id(tx: Transaction, user_no: int, device_id: str) -> None:
        crossing = (await store.cross_signing_keys(tx, [user_no])).get(user_no, {})
        if any(key.public_key == device_id for key in crossing.values()):
            # "Servers must ensure that device IDs will not collide with cross-signing public keys."
            raise Forbidden("The device id is one of your cross-signing keys.")

    async def _add_one_time_keys(
        self, tx: Transaction, user_no: int, device_id: str, keys: Sequence[OneTimeKey]
    ) -> None:
        held = await store.one_time_keys(tx, user_no, device_id)
        digests = {key.name: signing.digest(key.name, key.key) for key in keys}
        claimed = await store.claimed_digests(tx, user_no, device_id, list(digests.values()))
        fresh = []
        for key in keys:
            if key.name in held:
                if msgspec.json.decode(held[key.name]) != msgspec.json.decode(key.key):
                    raise InvalidParam(f"There is another one-time key with the name '{key.name}'.")
            elif digests[key.name] not in claimed:  # an upload repeated after a claim must not bring the key back
                fresh.append(key)
        if len(held) + len(fresh) > ONE_TIME_KEYS_MAX:
            raise TooLarge(f"A device may have at most {ONE_TIME_KEYS_MAX} one-time keys.")
        await store.add_one_time_keys(tx, user_no, device_id, tx.positions(), fresh)

    @staticmethod
    async def _claim_one(tx: Transaction, user_no: int, device_id: str, algorithm: str) -> dict[str, Any] | None:
        row = await store.claim_one_time_key(tx, user_no, device_id, algorithm)
        if row is not None:
            name = f"{algorithm}:{row[0]}"
            await store.remember_claim(tx, user_no, device_id, signing.digest(name, row[1]), tx.positions())
        else:
            row = await store.use_fallback_key(tx, user_no, device_id, algorithm)
        return None if row is None else {f"{algorithm}:{row[0]}": msgspec.Raw(row[1])}

    async def _by_key(self, signatures: Sequence[Signature]) -> dict[tuple[int, str], dict[str, dict[str, str]]]:
        """Signatures as JSON has them, by the key they are on."""
        found: dict[tuple[int, str], dict[str, dict[str, str]]] = {}
        for one in signatures:
            signer = await self._users.user_id(one.signer_no)
            found.setdefault((one.user_no, one.signed_key), {}).setdefault(signer, {})[one.signer_key] = one.signature
        return found

    @staticmethod
    def _shown(keys: JsonObject, added: Mapping[str, Mapping[str, str]], name: str | None) -> dict[str, Any]:
        unsigned = {"device_display_name": name} if name else {}
        return {**store.merged(keys, added), "unsigned": unsigned}

    def _forget_counts(self, devices: Collection[tuple[int, str]]) -> None:
        self._count_changes += 1
        for device in devices:
            self._counts.pop(device, None)

    def _forget_all_counts(self) -> None:
        self._count_changes += 1
        self._counts.clear()
