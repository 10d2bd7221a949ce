"""Who is typing, and who is there: shown while it lasts, to those it is for."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from teahouse.rooms import ephemeral
from tests.clock import ManualClock
from tests.databases import Place
from tests.world import Person, World, world

STATUS = "/presence/{userId}/status"
SOON_MS = 30
WAIT_MS = 10_000  # for what comes by itself; it comes in a fraction of this


async def type_in(person: Person, room: str, timeout: int = 30_000, *, typing: bool = True) -> None:
    body = {"typing": typing, "timeout": timeout} if typing else {"typing": False}
    await person.good("PUT", "/rooms/{roomId}/typing/{userId}", body, roomId=room, userId=person.user_id)


def typing(answer: Any, room: str) -> list[str] | None:
    events = answer.get("rooms", {}).get("join", {}).get(room, {}).get("ephemeral", {}).get("events", [])
    shown = [event["content"]["user_ids"] for event in events if event["type"] == "m.typing"]
    return shown[-1] if shown else None


async def pair(tea: World) -> tuple[Person, Person, str]:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    return alice, bob, room


async def test_typing_is_shown_until_it_is_taken_back(tea: World) -> None:
    alice, bob, room = await pair(tea)
    start = (await bob.sync())["next_batch"]
    await type_in(alice, room)
    seen = await bob.sync(start, timeout=WAIT_MS)
    assert typing(seen, room) == [alice.user_id]
    assert typing(await bob.sync(), room) == [alice.user_id]
    await type_in(alice, room)  # goes on: nothing new
    assert typing(await bob.sync(seen["next_batch"]), room) is None
    await type_in(alice, room, typing=False)
    assert typing(await bob.sync(seen["next_batch"]), room) == []
    assert typing(await bob.sync(), room) is None


async def test_typing_ends_by_itself(tea: World) -> None:
    alice, bob, room = await pair(tea)
    await type_in(alice, room, SOON_MS)
    seen = await bob.sync()
    answer = await bob.sync(seen["next_batch"], timeout=WAIT_MS)
    assert typing(answer, room) == []


@pytest.mark.parametrize("ending", ["message", "leaving"])
async def test_one_who_sent_it_or_left_types_no_more(tea: World, ending: str) -> None:
    alice, bob, room = await pair(tea)
    await type_in(bob, room)
    seen = await alice.sync()
    assert typing(seen, room) == [bob.user_id]
    await (bob.say(room) if ending == "message" else bob.leave(room))
    assert typing(await alice.sync(seen["next_batch"]), room) == []


async def test_typing_lasts_a_while_where_no_time_is_named(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, room = await pair(tea)
    path = {"roomId": room, "userId": alice.user_id}
    await alice.good("PUT", "/rooms/{roomId}/typing/{userId}", {"typing": True}, **path)
    assert typing(await bob.sync(), room) == [alice.user_id]
    monkeypatch.setattr(ephemeral, "TYPING_DEFAULT_MS", 1)
    seen = await bob.sync()
    await alice.good("PUT", "/rooms/{roomId}/typing/{userId}", {"typing": True}, **path)
    assert typing(await bob.sync(seen["next_batch"], timeout=10_000), room) == []


async def test_typing_is_ones_own_for_no_time_below_none(tea: World) -> None:
    alice, bob, room = await pair(tea)
    carol = await tea.person("carol")
    template = "/rooms/{roomId}/typing/{userId}"
    refused = [
        (bob, alice.user_id, {"typing": True, "timeout": 1}, 403),
        (carol, carol.user_id, {"typing": True, "timeout": 1}, 403),
        (alice, alice.user_id, {"typing": True, "timeout": -1}, 400),
        (alice, alice.user_id, {"typing": False, "timeout": -1}, 400),
        (alice, alice.user_id, {"timeout": 1}, 400),
    ]
    for person, user_id, body, status in refused:
        assert (await person.ask("PUT", template, body, roomId=room, userId=user_id)).status == status
    assert typing(await alice.sync(), room) is None


@pytest.fixture
async def open_house(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server on which presence is on."""
    async with world(place, tmp_path / "data", clock, greetings__required=True, presence__enabled=True) as made:
        yield made


async def befriended(made: World) -> tuple[Person, Person, Person]:
    """Two contacts, and somebody who is none of theirs."""
    alice, bob, carol = [await made.person(name) for name in ("alice", "bob", "carol")]
    direct = await alice.create(is_direct=True, invite=[bob.user_id])
    await bob.join(direct)
    public = await alice.create(preset="public_chat")
    await carol.join(public)
    return alice, bob, carol


def presences(answer: Any) -> dict[str, str]:
    events = answer.get("presence", {}).get("events", [])
    return {event["sender"]: event["content"]["presence"] for event in events}


async def test_contacts_see_who_is_there_and_others_do_not(open_house: World) -> None:
    alice, bob, carol = await befriended(open_house)
    since = (await bob.sync(set_presence="offline"))["next_batch"]
    theirs = (await carol.sync(set_presence="offline"))["next_batch"]
    await alice.good("PUT", STATUS, {"presence": "online", "status_msg": "steeping"}, userId=alice.user_id)
    answer = await bob.sync(since, timeout=WAIT_MS, set_presence="offline")
    assert presences(answer) == {alice.user_id: "online"}
    assert answer["presence"]["events"][0]["content"]["status_msg"] == "steeping"
    assert presences(await carol.sync(theirs, set_presence="offline")) == {}
    assert (await carol.ask("GET", STATUS, userId=alice.user_id)).status == 403
    assert (await bob.good("GET", STATUS, userId=alice.user_id))["presence"] == "online"
    wanted = '{"presence":{"not_types":["m.presence"]}}'
    assert presences(await bob.sync(since, set_presence="offline", filter=wanted)) == {}


async def test_syncing_shows_that_one_is_there_unless_one_says_otherwise(open_house: World) -> None:
    alice, bob, _ = await befriended(open_house)
    await alice.sync(set_presence="unavailable")
    assert (await bob.good("GET", STATUS, userId=alice.user_id))["presence"] == "unavailable"
    await alice.sync()
    assert (await bob.good("GET", STATUS, userId=alice.user_id))["presence"] == "online"
    assert (await alice.ask("GET", "/sync", None, {"set_presence": "busy"})).status == 400


async def test_one_who_is_heard_of_no_more_is_shown_as_gone(open_house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, _ = await befriended(open_house)
    monkeypatch.setattr(ephemeral, "OFFLINE_AFTER_MS", SOON_MS)
    await alice.sync()
    seen = await bob.sync(set_presence="offline")
    if presences(seen)[alice.user_id] == "online":
        seen = await bob.sync(seen["next_batch"], timeout=WAIT_MS, set_presence="offline")
    assert presences(seen) == {alice.user_id: "offline"}


async def test_presence_is_off_by_default(tea: World) -> None:
    alice, bob, _ = await befriended(tea)
    since = (await bob.sync())["next_batch"]
    await alice.good("PUT", STATUS, {"presence": "online"}, userId=alice.user_id)
    await alice.sync()
    assert "presence" not in await bob.sync(since)
    assert "presence" not in await bob.sync()
    assert (await alice.good("GET", STATUS, userId=alice.user_id))["presence"] == "offline"
