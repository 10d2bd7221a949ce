"""Pages of a room's history: their tokens, their ends, their filters; what one who may not read is told."""

from typing import Any

import pytest

from tests.rooms.test_history import MESSAGES, RELATIONS, ids
from tests.world import Person, World

CONTEXT = "/rooms/{roomId}/context/{eventId}"


async def messages(reader: Person, room: str, **query: Any) -> Any:
    return await reader.good("GET", MESSAGES, None, query, roomId=room)


@pytest.mark.parametrize("direction", ["b", "f"])
async def test_one_pages_until_there_is_no_end_and_the_last_page_shown_may_be_asked_beyond(
    tea: World, direction: str
) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    whole = await messages(alice, room, dir=direction, limit=100)
    assert "end" in whole  # a client that saw something can go on from there, if only to learn that nothing is left
    beyond = await messages(alice, room, **{"dir": direction, "from": whole["end"]})
    assert (beyond["chunk"], "end" in beyond) == ([], False)
    late = await alice.say(room)
    if direction == "f":
        assert ids((await messages(alice, room, **{"dir": "f", "from": whole["end"]}))["chunk"]) == [late]


async def test_a_page_names_its_start_as_it_was_asked_for(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.say(await bob.create())  # the log goes on elsewhere
    token = (await alice.sync())["next_batch"]
    for direction in ("b", "f"):
        assert (await messages(alice, room, **{"dir": direction, "from": token}))["start"] == token


@pytest.mark.parametrize("limit", range(6))
async def test_context_begins_and_ends_where_its_events_do(tea: World, limit: int) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    await alice.say(room, "before")
    said = await alice.say(room)
    after = await alice.say(room, "after")
    found = await alice.good("GET", CONTEXT, None, {"limit": limit}, roomId=room, eventId=said)
    around = ids([*reversed(found["events_before"]), found["event"], *found["events_after"]])
    assert len(around) <= limit + 1
    older = await messages(alice, room, **{"dir": "b", "from": found["start"], "limit": 100})
    newer = await messages(alice, room, **{"dir": "f", "from": found["end"], "limit": 100})
    everything = ids((await messages(alice, room, dir="f", limit=100))["chunk"])
    assert [*reversed(ids(older["chunk"])), *around, *ids(newer["chunk"])] == everything
    whole = await alice.good("GET", CONTEXT, None, {"limit": 100}, roomId=room, eventId=said)
    assert ids(whole["events_after"]) == [after]
    assert (await messages(alice, room, **{"dir": "b", "from": whole["start"]}))["chunk"] == []
    assert (await messages(alice, room, **{"dir": "f", "from": whole["end"]}))["chunk"] == []


async def test_the_filter_of_a_context_holds_for_its_state_and_not_for_its_event(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(name="Tea")
    said = await alice.say(room)
    wanted = {"filter": {"types": ["m.room.name"]}}
    found = await alice.good("GET", CONTEXT, None, wanted, roomId=room, eventId=said)
    assert found["event"]["event_id"] == said
    assert [event["type"] for event in found["state"]] == ["m.room.name"]


async def test_a_stranger_to_a_room_is_told_that_there_is_no_such_event(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create()
    said = await alice.say(room)
    for template in ("/rooms/{roomId}/event/{eventId}", RELATIONS, f"{RELATIONS}/m.thread"):
        for room_id in (room, "!nothing:tea.test"):
            answer = await bob.ask("GET", template, roomId=room_id, eventId=said)
            assert (answer.status, answer.errcode) == (404, "M_NOT_FOUND"), (template, room_id)
    assert (await bob.ask("GET", CONTEXT, roomId=room, eventId=said)).status == 403


async def test_members_are_those_of_one_membership_or_not_of_another(tea: World) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    await bob.leave(room)
    await alice.invite(room, carol)
    query = {"membership": "leave", "not_membership": "join"}
    found = await alice.good("GET", "/rooms/{roomId}/members", None, query, roomId=room)
    assert {event["state_key"] for event in found["chunk"]} == {bob.user_id, carol.user_id}
    query = {"membership": "join", "not_membership": "leave"}
    found = await alice.good("GET", "/rooms/{roomId}/members", None, query, roomId=room)
    assert {event["state_key"] for event in found["chunk"]} == {alice.user_id, carol.user_id}
