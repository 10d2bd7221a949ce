"""How far people have read: receipts for all, for oneself and in threads, and read markers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from teahouse.app import App
from teahouse.db import Reader, Transaction
from teahouse.errors import StorageFull
from teahouse.eventlog.state import RoomState
from teahouse.rooms import receipts
from tests.world import Answer, Person, World

RECEIPT = "/rooms/{roomId}/receipt/{receiptType}/{eventId}"
Shown = dict[tuple[str, str, str | None], str]  # kind, user and thread: the event


@pytest.fixture(autouse=True)
def receipts_gather_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "SHOWN_AFTER_S", 0.05)


async def read(person: Person, room: str, event_id: str, kind: str = "m.read", **body: Any) -> Answer:
    return await person.ask("POST", RECEIPT, body, roomId=room, receiptType=kind, eventId=event_id)


async def shown(person: Person, room: str) -> Shown:
    """The receipts of a room as a fresh sync shows them."""
    await person.world.receipts_shown()
    return told(await person.sync(), room)


def told(answer: Any, room: str) -> Shown:
    """The receipts of a room in a sync answer."""
    events = answer.get("rooms", {}).get("join", {}).get(room, {}).get("ephemeral", {}).get("events", [])
    return {
        (kind, user_id, body.get("thread_id")): event_id
        for event in events
        if event["type"] == "m.receipt"
        for event_id, kinds in event["content"].items()
        for kind, users in kinds.items()
        for user_id, body in users.items()
    }


async def pair(tea: World) -> tuple[Person, Person, str]:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    return alice, bob, room


async def test_everybody_sees_a_receipt_and_it_only_moves_forward(tea: World) -> None:
    alice, bob, room = await pair(tea)
    first, second = await alice.say(room), await alice.say(room)
    await read(bob, room, second)
    assert await shown(alice, room) == {("m.read", bob.user_id, None): second}
    assert (await read(bob, room, first)).status == 200
    assert await shown(alice, room) == {("m.read", bob.user_id, None): second}
    await tea.restart()
    assert await shown(alice, room) == {("m.read", bob.user_id, None): second}


async def test_a_private_receipt_is_seen_by_ones_own_devices_alone(tea: World) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    tablet = await bob.device("TABLET")
    await read(bob, room, said, "m.read.private")
    assert await shown(alice, room) == {}
    assert await shown(tablet, room) == {("m.read.private", bob.user_id, None): said}
    section = (await tablet.sync())["rooms"]["join"][room]
    assert section["unread_notifications"]["notification_count"] == 0


async def test_of_two_private_receipts_on_one_event_the_wider_is_shown(tea: World) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    for order in ({"thread_id": "main"}, {}), ({}, {"thread_id": "main"}):
        for body in order:
            await read(bob, room, said, "m.read.private", **body)
            await tea.receipts_shown()
        assert await shown(bob, room) == {("m.read.private", bob.user_id, None): said}
        said = await alice.say(room)


@pytest.mark.parametrize("kind", ["m.read", "m.read.private"])
async def test_a_receipt_shown_while_its_room_is_read_into_memory_reaches_those_who_looked_before(
    tea: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    tablet = await bob.device("TABLET")
    since = (await tablet.sync())["next_batch"]
    monkeypatch.setattr(receipts, "SHOWN_AFTER_S", 1_000.0)  # the next process shows it
    await read(bob, room, said, kind)
    reading, armed = asyncio.Event(), False

    def hold_up(app: App) -> None:
        load, run = app.eventlog.store.load, app.receipts.run

        async def read_state(db: Reader, room_no: int) -> RoomState | None:
            state = await load(db, room_no)
            if armed and not reading.is_set():
                reading.set()
                await tea.receipts_shown()
            return state

        async def show() -> None:
            await reading.wait()
            await run()

        monkeypatch.setattr(app.eventlog.store, "load", read_state)
        monkeypatch.setattr(app.receipts, "run", show)

    tea.alter = hold_up
    await tea.restart()
    armed = True
    first = await tablet.sync(since)
    assert reading.is_set()
    second = await tablet.sync(first["next_batch"])
    assert told(first, room) | told(second, room) == {(kind, bob.user_id, None): said}


async def test_a_full_disk_delays_receipts_and_loses_none(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "SHOWN_AFTER_LARGE_S", 0.05)
    alice, bob, room = await pair(tea)
    said = await alice.say(room)
    since = (await alice.sync())["next_batch"]
    transaction, refused = tea.counted.transaction, asyncio.Event()

    @asynccontextmanager
    async def full(*_: Any) -> AsyncIterator[Transaction]:
        refused.set()
        raise StorageFull("The server's disk is full.")
        yield

    await read(bob, room, said)
    monkeypatch.setattr(tea.counted, "transaction", full)
    await refused.wait()
    monkeypatch.setattr(tea.counted, "transaction", transaction)
    await tea.receipts_shown()
    assert told(await alice.sync(since), room) == {("m.read", bob.user_id, None): said}


async def test_threads_are_read_apart(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root = await alice.say(room)
    inside = await alice.say(room, **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    await read(bob, room, root, thread_id="main")
    await read(bob, room, inside, thread_id=root)
    assert await shown(alice, room) == {
        ("m.read", bob.user_id, "main"): root,
        ("m.read", bob.user_id, root): inside,
    }
    for wrong in ("", "other", "$nothing"):
        answer = await read(bob, room, inside, thread_id=wrong)
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM"), wrong


@pytest.mark.parametrize("restarted", [False, True])
async def test_sending_counts_as_reading(tea: World, restarted: bool) -> None:
    alice, bob, room = await pair(tea)
    await alice.say(room)
    await bob.say(room)
    if restarted:
        await tea.restart()
    section = (await bob.sync())["rooms"]["join"][room]
    assert section["unread_notifications"]["notification_count"] == 0


async def test_read_markers_move_receipts_and_the_fully_read_line(tea: World) -> None:
    alice, bob, room = await pair(tea)
    first, second = await alice.say(room), await alice.say(room)
    tablet = await bob.device("TABLET")
    since = (await tablet.sync())["next_batch"]
    markers = {"m.fully_read": first, "m.read": second, "m.read.private": second}
    await bob.good("POST", "/rooms/{roomId}/read_markers", markers, roomId=room)
    data = (await tablet.sync(since))["rooms"]["join"][room]["account_data"]["events"]
    assert {"type": "m.fully_read", "content": {"event_id": first}} in data
    assert await shown(alice, room) == {("m.read", bob.user_id, None): second}
    assert (await read(bob, room, second, "m.fully_read")).status == 200
    assert (await read(bob, room, second, "m.fully_read", thread_id="main")).status == 400
    path = {"userId": bob.user_id, "roomId": room}
    marker = await bob.good("GET", "/user/{userId}/rooms/{roomId}/account_data/m.fully_read", **path)
    assert marker == {"event_id": second}


async def test_only_members_mark_what_they_read_and_only_events_of_the_room(tea: World) -> None:
    alice, bob, room = await pair(tea)
    elsewhere = await alice.say(await alice.create(preset="public_chat"))
    carol = await tea.person("carol")
    said = await alice.say(room)
    assert (await read(carol, room, said)).status == 403
    assert (await read(bob, room, said, "m.seen")).status == 400
    for nothing in (elsewhere, "$nothing", "nothing"):
        assert (await read(bob, room, nothing)).status == 200  # what we do not know says nothing
    assert await shown(alice, room) == {}


async def test_receipts_shown_together_are_read_once_for_all_readers(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat")
    others = [await tea.person(f"reader{number}") for number in range(6)]
    for other in others:
        await other.join(room)
    said = await alice.say(room)
    for showing in range(2):  # the first since the start, and one after it
        since = [(await other.sync())["next_batch"] for other in others]
        for other in others:
            await read(other, room, said)
        await tea.receipts_shown()
        costs = []
        for other, place in zip(others, since, strict=True):
            before = tea.counted.cost
            [receipts] = (await other.sync(place))["rooms"]["join"][room]["ephemeral"]["events"]
            costs.append((tea.counted.cost - before).rows)
            assert set(receipts["content"][said]["m.read"]) == {each.user_id for each in others}
        assert max(costs[1:]) <= costs[0] - len(others), (showing, costs)
        said = await alice.say(room)


async def test_a_receipt_for_what_has_just_been_said_reads_nothing(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "SHOWN_AFTER_S", 3_600.0)  # showing reads what it shows, at a time of its own
    alice, bob, room = await pair(tea)
    await read(bob, room, await alice.say(room), thread_id="main")  # brings into memory where bob has read
    for body in ({}, {"thread_id": "main"}):
        said = await alice.say(room)
        before = tea.counted.cost
        assert (await read(bob, room, said, **body)).status == 200
        cost = tea.counted.cost - before
        assert cost.rows == 0, (body, cost)


async def test_a_receipt_is_for_the_thread_its_event_is_in(tea: World) -> None:
    alice, bob, room = await pair(tea)
    root, other = await alice.say(room), await alice.say(room)

    async def relate(event_id: str, rel_type: str) -> str:
        relation = {"rel_type": rel_type, "event_id": event_id, "key": "1"}
        return await alice.send(room, "org.example", {"m.relates_to": relation})

    inside = await relate(root, "m.thread")
    liked_root, liked_inside = await relate(root, "m.annotation"), await relate(inside, "m.annotation")
    emptied = await relate(root, "m.thread")
    await alice.redact(room, emptied)
    right = [
        (root, "main"), (other, "main"), (liked_root, "main"), (root, root), (liked_root, root), (inside, root),
        (liked_inside, root), (emptied, "main"), (emptied, root),
    ]  # fmt: skip
    wrong = [(inside, "main"), (liked_inside, "main"), (other, root), (inside, other)]
    for event_id, thread in right:
        assert (await read(bob, room, event_id, thread_id=thread)).status == 200, (event_id, thread)
    for event_id, thread in wrong:
        answer = await read(bob, room, event_id, thread_id=thread)
        assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM"), (event_id, thread)
    assert (await read(bob, room, root, thread_id=5)).errcode == "M_INVALID_PARAM"


async def test_the_fully_read_line_is_at_an_event_of_the_room(tea: World) -> None:
    alice, bob, room = await pair(tea)
    elsewhere = await alice.say(await alice.create(preset="public_chat"))
    for event_id in (elsewhere, "$nothing", "nothing"):
        markers = {"m.fully_read": event_id}
        answers = (
            await bob.ask("POST", "/rooms/{roomId}/read_markers", markers, roomId=room),
            await read(bob, room, event_id, "m.fully_read"),
        )
        for answer in answers:
            assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")
