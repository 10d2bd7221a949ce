"""Whose devices changed: told to themselves and to those who share encrypted rooms, from memory or from the log."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from teahouse.db import Database
from teahouse.errors import InvalidParam
from teahouse.http.messages import Requester
from teahouse.keys import store
from teahouse.keys.device_lists import RECENT_CHANGES_MAX
from tests.keys.people import Stage, device_keys, keys_upload, stage


async def upload(on: Stage, device: Requester, key: Ed25519PrivateKey | None = None) -> None:
    keys = device_keys(device, key or Ed25519PrivateKey.generate())
    await on.keys.device_keys.upload(device, keys_upload(device=keys))


async def test_a_change_is_told_to_those_who_share_a_room_and_to_oneself(database: Database) -> None:
    on = stage(database)
    (alice,), (bob,), (carol,) = (on.people.add(name, "D") for name in ("alice", "bob", "carol"))
    on.people.sharing = {alice.user_no: {bob.user_no}, bob.user_no: {alice.user_no}}
    since = database.head
    await upload(on, alice)
    for seer, told in ((alice, [alice.user_no]), (bob, [alice.user_no]), (carol, [])):
        assert await on.keys.device_lists.changed(seer.user_no, since, database.head) == told
    assert await on.keys.device_lists.changed(bob.user_no, database.head, database.head) == []


async def test_the_same_upload_again_is_no_change(database: Database) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "D")
    key = Ed25519PrivateKey.generate()
    await upload(on, alice, key)
    since = on.keys.device_lists.latest_change_pos
    await upload(on, alice, key)
    assert on.keys.device_lists.latest_change_pos == since


async def test_a_restarted_server_still_knows_the_changes(database: Database) -> None:
    before = stage(database)
    (alice,), (bob,) = before.people.add("alice", "D"), before.people.add("bob", "D")
    since = database.head
    await upload(before, alice)
    after = stage(database)
    after.people.sharing = {bob.user_no: {alice.user_no}}
    assert await after.keys.device_lists.changed(bob.user_no, since, database.head) == [alice.user_no]
    assert await after.keys.device_lists.changed(alice.user_no, since, database.head) == [alice.user_no]


@pytest.mark.parametrize("changes", [RECENT_CHANGES_MAX + 100])
async def test_more_changes_than_memory_holds_lose_none(database: Database, changes: int) -> None:
    on = stage(database)
    (alice,) = on.people.add("alice", "D")
    sharing = {10_000_000, 10_000_000 + changes - 1}
    on.people.sharing = {alice.user_no: sharing}
    since = database.head
    async with database.transaction() as tx:
        for changed in range(changes):
            await on.keys.device_lists.record(tx, 10_000_000 + changed)
    assert set(await on.keys.device_lists.changed(alice.user_no, since, database.head)) == sharing
    assert len(await store.changes(database, 0, since)) == store.CHANGES_READ_MAX + 1


async def test_a_change_wakes_those_who_share_rooms_after_it_is_durable(database: Database) -> None:
    on = stage(database)
    (alice,), (bob,) = on.people.add("alice", "D"), on.people.add("bob", "D")
    on.people.sharing = {alice.user_no: {bob.user_no}}
    running = asyncio.create_task(on.keys.run())
    await upload(on, alice)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    assert set(on.woken) == {alice.user_no, bob.user_no}


async def test_a_deleted_device_is_gone_with_everything_it_had(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    await upload(on, phone)
    await on.keys.inbox.send(tablet, "m.test", "1", {phone.user_id: {"PHONE": {"a": 1}}})
    since = database.head
    async with database.transaction() as tx:
        await on.keys.devices_deleted(tx, phone.user_no, ["PHONE", "TABLET"])
    assert await on.keys.device_lists.changed(phone.user_no, since, database.head) == [phone.user_no]
    assert (await on.keys.device_keys.query(tablet, {phone.user_id: []}))["device_keys"] == {phone.user_id: {}}
    assert await on.keys.inbox.inbox(phone.user_no, "PHONE", 0, database.head) == ([], database.head)
    for table in ("device_keys", "one_time_keys", "fallback_keys", "claimed_keys", "inbox", "inbox_txns"):
        assert await database.fetch(f"SELECT 1 FROM {table} WHERE user_no = ? LIMIT 1", phone.user_no) == []


async def test_keys_of_another_device_are_refused(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    theirs = keys_upload(device=device_keys(tablet, Ed25519PrivateKey.generate()))
    with pytest.raises(InvalidParam):
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
