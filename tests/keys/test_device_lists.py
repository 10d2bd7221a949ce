"""Whose devices changed: told to themselves and to those who share rooms, from memory or from the log."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.db import Database
from teahouse.errors import BadJson
from teahouse.http.messages import Requester
from teahouse.keys.device_lists import RECENT_CHANGES_MAX
from tests.keys.people import Stage, device_keys, keys_upload, stage


class Counted:
    """A database whose reads are counted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        self.reads += name in ("fetch", "fetch_one")
        return getattr(self._database, name)


async def upload(on: Stage, device: Requester, key: Ed25519PrivateKey | None = None) -> None:
    keys = device_keys(device, key or Ed25519PrivateKey.generate())
    await on.keys.device_keys.upload(device, keys_upload(device=keys))


async def test_a_change_is_told_once(database: Database) -> None:
    on = stage(database)
    (alice,), (bob,) = on.people.add("alice", "D"), on.people.add("bob", "D")
    since = database.head
    await upload(on, alice)
    for seer in (alice, bob):
        assert await on.keys.changes(since, database.head, seer.user_no) == {alice.user_no}
    assert await on.keys.changes(database.head, database.head, bob.user_no) == set()
    await upload(on, bob)
    assert await on.keys.changes(on.keys.latest_change_pos - 1, database.head, bob.user_no) == {bob.user_no}


async def test_the_same_upload_again_is_no_change(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "D")
    key = Ed25519PrivateKey.generate()
    await upload(on, alice, key)
    since = on.keys.latest_change_pos
    await upload(on, alice, key)
    assert on.keys.latest_change_pos == since


async def test_a_restarted_server_still_knows_the_changes(database: Database) -> None:
    before = stage(database)
    (alice,), (bob,) = before.people.add("alice", "D"), before.people.add("bob", "D")
    since = database.head
    await upload(before, alice)
    assert await stage(database).keys.changes(since, database.head, bob.user_no) == {alice.user_no}


async def test_more_changes_than_memory_holds_lose_none(database: Database) -> None:
    on = stage(database)
    since, users = database.head, range(10_000, 10_000 + RECENT_CHANGES_MAX + 100)
    async with database.transaction() as tx:
        for changed in users:
            await on.keys.device_lists.record(tx, changed)
    assert await on.keys.changes(since, database.head, 1) == set(users)


async def test_a_sync_without_changes_asks_the_database_nothing(database: Database) -> None:
    counted = Counted(database)
    on = stage(counted)
    (alice,) = on.people.add("alice", "D")
    await upload(on, alice)
    await on.keys.one_time_key_counts(alice.user_no, "D")
    since, before = database.head, counted.reads
    assert await on.keys.changes(since, since + 1, alice.user_no) == set()
    assert await on.keys.one_time_key_counts(alice.user_no, "D") == {"signed_curve25519": 0}
    assert await on.keys.unused_fallback_types(alice.user_no, "D") == []
    assert counted.reads == before > 0


async def test_a_change_wakes_its_user_and_those_who_share_rooms(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "D")
    on.people.rooms = {alice.user_no: {2048, 4096}}
    running = asyncio.create_task(on.keys.run())
    await upload(on, alice)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    assert on.woken == [alice.user_no]
    assert sorted(on.woken_rooms) == [2048, 4096]


async def test_a_deleted_device_is_gone_with_everything_it_had(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    await upload(on, phone)
    await on.keys.to_device.send(tablet, "m.test", "1", {phone.user_id: {"PHONE": {"a": 1}}})
    since = database.head
    async with database.transaction() as tx:
        await on.keys.devices_deleted(tx, phone.user_no, ["PHONE", "TABLET"])
    assert await on.keys.changes(since, database.head, phone.user_no) == {phone.user_no}
    assert (await on.keys.device_keys.query(tablet, {phone.user_id: []}))["device_keys"] == {phone.user_id: {}}
    assert await on.keys.inbox(phone.user_no, "PHONE", 0, database.head) == ([], database.head)
    for table in ("device_keys", "one_time_keys", "fallback_keys", "claimed_keys", "inbox", "inbox_txns"):
        assert await database.fetch(f"SELECT 1 FROM {table} WHERE user_no = ? LIMIT 1", phone.user_no) == []


async def test_keys_of_another_device_are_refused(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    theirs = keys_upload(device=device_keys(tablet, Ed25519PrivateKey.generate()))
    with pytest.raises(BadJson):
        await on.keys.device_keys.upload(phone, theirs)


async def test_a_query_shows_names_and_only_the_devices_asked_for(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    on.people.device_names[phone.user_no]["PHONE"] = "Alice's phone"
    await upload(on, phone)
    await upload(on, tablet)
    shown = await on.keys.device_keys.query(phone, {phone.user_id: ["PHONE"], "@nobody:tea.example": []})
    assert list(shown["device_keys"]) == [phone.user_id]
    assert list(shown["device_keys"][phone.user_id]) == ["PHONE"]
    assert shown["device_keys"][phone.user_id]["PHONE"]["unsigned"] == {"device_display_name": "Alice's phone"}
