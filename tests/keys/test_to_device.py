"""To-device messages: once to each device, again for the same token, then gone; a full inbox refuses nobody."""

import asyncio
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teahouse.db import Database
from teahouse.errors import TooLarge
from teahouse.http.messages import Requester
from teahouse.keys import types
from teahouse.keys.types import INBOX_PAGE_MESSAGES, INBOX_TXNS_REMEMBERED, MESSAGE_MAX_BYTES
from tests.keys.people import Stage, stage


async def send(on: Stage, sender: Requester, txn_id: str, to: Requester, device_id: str, content: object = 1) -> None:
    await on.keys.to_device.send(sender, "m.test", txn_id, {to.user_id: {device_id: {"n": content}}})


async def received(on: Stage, device: Requester, since: int, to: int) -> tuple[list[object], int]:
    messages, last = await on.keys.inbox(device.user_no, device.device_id, since, to)
    return [msgspec.json.decode(message)["content"]["n"] for message in messages], last


async def test_a_message_reaches_its_device_alone_and_says_who_sent_it(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    (bob,) = on.people.add("bob", "LAPTOP")
    await send(on, bob, "1", phone, "PHONE")
    messages, last = await on.keys.inbox(phone.user_no, "PHONE", 0, database.head)
    assert [msgspec.json.decode(message) for message in messages] == [
        {"content": {"n": 1}, "sender": bob.user_id, "type": "m.test"}
    ]
    assert last == database.head
    assert await received(on, tablet, 0, database.head) == ([], database.head)
    assert on.woken == [phone.user_no]


async def test_a_retried_send_is_delivered_once(database: Database) -> None:
    on = stage(database)
    (phone,), (bob, bobs_other) = on.people.add("alice", "PHONE"), on.people.add("bob", "LAPTOP", "OTHER")
    await asyncio.gather(*(send(on, bob, "same", phone, "PHONE") for _ in range(5)))
    assert (await received(on, phone, 0, database.head))[0] == [1]
    await send(on, bobs_other, "same", phone, "PHONE", 2)
    assert (await received(on, phone, 0, database.head))[0] == [1, 2]


async def test_the_star_is_all_devices_and_nobody_unknown_is_an_error(database: Database) -> None:
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    messages = {
        phone.user_id: {"*": {"n": "all"}, "TABLET": {"n": "tablet"}, "GONE": {"n": "gone"}},
        "@nobody:tea.example": {"*": {"n": "nobody"}},
    }
    await on.keys.to_device.send(phone, "m.test", "1", messages)
    assert (await received(on, phone, 0, database.head))[0] == ["all"]
    assert (await received(on, tablet, 0, database.head))[0] == ["tablet"]


async def test_the_same_since_repeats_and_the_next_token_ends_it(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    for n in range(INBOX_PAGE_MESSAGES + 5):
        await send(on, phone, str(n), phone, "PHONE", n)
    to = database.head
    first, last = await received(on, phone, 0, to)
    assert first == list(range(INBOX_PAGE_MESSAGES))
    assert last < to
    assert await received(on, phone, 0, to) == (first, last)
    await on.keys.acknowledge(phone.user_no, "PHONE", last)
    rest, last = await received(on, phone, last, to)
    assert rest == list(range(INBOX_PAGE_MESSAGES, INBOX_PAGE_MESSAGES + 5))
    assert last == to
    await on.keys.acknowledge(phone.user_no, "PHONE", last)
    assert await database.fetch("SELECT 1 FROM inbox LIMIT 1") == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["send", "sync", "lost"]), min_size=1, max_size=25))
async def test_every_message_arrives_in_order_whatever_answers_are_lost(database: Database, steps: list[str]) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", f"PHONE-{uuid4()}")
    since, sent, kept = database.head, 0, []
    for step in [*steps, "sync"]:
        if step == "send":
            await send(on, phone, str(sent), phone, phone.device_id, sent)
            sent += 1
            continue
        await on.keys.acknowledge(phone.user_no, phone.device_id, since)
        page, last = await received(on, phone, since, database.head)
        if step == "sync":
            since = last
            kept.extend(page)
    assert kept == list(range(sent))


async def test_a_full_inbox_refuses_no_sender_and_marks_its_device_stale_until_it_is_empty(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in ("inbox", "inbox_store"):
        monkeypatch.setattr(f"teahouse.keys.{module}.INBOX_MESSAGES_MAX", 3)
    assert types.INBOX_MESSAGES_MAX == 10_000
    on = stage(database)
    phone, tablet = on.people.add("alice", "PHONE", "TABLET")
    for n in range(5):
        await send(on, phone, str(n), phone, "*", n)
        page, last = await received(on, tablet, 0, database.head)
        await on.keys.acknowledge(tablet.user_no, "TABLET", last)
    assert (await received(on, phone, 0, database.head))[0] == [0, 1, 2]
    assert page == [4]
    assert await on.keys.to_device.missed(phone.user_no, "PHONE") == 2
    assert await on.keys.to_device.missed(phone.user_no, "TABLET") == 0
    assert "PHONE" in caplog.text
    await on.keys.acknowledge(phone.user_no, "PHONE", database.head)
    assert await on.keys.to_device.missed(phone.user_no, "PHONE") == 0
    since = database.head
    await send(on, phone, "after", phone, "PHONE", "after")
    assert (await received(on, phone, since, database.head))[0] == ["after"]


async def test_what_one_send_may_reach_and_hold_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage(database)
    phone, _ = on.people.add("alice", "PHONE", "TABLET")
    with pytest.raises(TooLarge):
        await send(on, phone, "1", phone, "PHONE", "x" * MESSAGE_MAX_BYTES)
    monkeypatch.setattr("teahouse.keys.inbox.MESSAGES_MAX", 1)
    with pytest.raises(TooLarge):
        await send(on, phone, "2", phone, "*")
    monkeypatch.undo()
    monkeypatch.setattr("teahouse.keys.inbox.SEND_MAX_BYTES", 100)
    with pytest.raises(TooLarge):
        await send(on, phone, "3", phone, "*")
    assert (await received(on, phone, 0, database.head))[0] == []


async def test_old_transaction_ids_are_forgotten(database: Database) -> None:
    on = stage(database)
    (phone,) = on.people.add("alice", "PHONE")
    for n in range(INBOX_TXNS_REMEMBERED + 200):
        await on.keys.to_device.send(phone, "m.test", str(n), {})
    rows = await database.fetch("SELECT count(*) FROM inbox_txns")
    assert INBOX_TXNS_REMEMBERED <= rows[0][0] <= INBOX_TXNS_REMEMBERED + 64
