"""Filters of sync: what each part keeps out, and that nothing else is lost by it."""

from typing import Any

import pytest

from tests.world import Person, World

ROOM_DATA = "/user/{userId}/rooms/{roomId}/account_data/{type}"


async def filtered(reader: Person, since: str | None = None, **wanted: Any) -> Any:
    return await reader.sync(since, filter=wanted)


def types(section: Any) -> list[str]:
    return [event["type"] for event in section.get("events", [])]


async def test_global_account_data_is_filtered_by_type_that_of_the_server_too(tea: World) -> None:
    alice = await tea.person("alice")
    for kind in ("org.example.tea", "org.example.cup", "net.example"):
        template = "/user/{userId}/account_data/{type}"
        await alice.good("PUT", template, {}, userId=alice.user_id, type=kind)
    some = await filtered(alice, account_data={"types": ["org.*"], "not_types": ["*.cup"]})
    assert types(some["account_data"]) == ["org.example.tea"]
    assert "account_data" not in await filtered(alice, account_data={"types": []})
    assert "account_data" not in await filtered(alice, account_data={"not_types": ["*"]})
    assert "m.push_rules" in types((await filtered(alice, account_data={"types": ["m.*"]}))["account_data"])


async def test_account_data_of_rooms_is_filtered_by_room_also_for_one_who_comes_back(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    rooms = [await alice.create(preset="public_chat") for _ in range(2)]
    since = (await bob.sync())["next_batch"]
    for room in rooms:
        await bob.join(room)
        await bob.good("PUT", ROOM_DATA, {}, userId=bob.user_id, roomId=room, type="org.example")
    for part in ({"rooms": rooms[:1]}, {"not_rooms": rooms[1:]}):
        for place in (None, since):
            answer = await filtered(bob, place, room={"account_data": part})
            shown = [types(answer["rooms"]["join"][room]["account_data"]) for room in rooms]
            assert shown == [["org.example"], []], (part, place)


async def test_a_left_room_is_shown_with_its_account_data(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    since = (await bob.sync())["next_batch"]
    await bob.good("PUT", ROOM_DATA, {"cups": 1}, userId=bob.user_id, roomId=room, type="org.example")
    await bob.leave(room)
    for answer in (await bob.sync(since), await filtered(bob, room={"include_leave": True})):
        data = answer["rooms"]["leave"][room]["account_data"]["events"]
        assert data == [{"type": "org.example", "content": {"cups": 1}}]


def told(section: Any) -> dict[tuple[str, str], Any]:
    """The state that a client holds after a section: that before the timeline, then that in it."""
    events = [*section["state"]["events"], *section["timeline"]["events"]]
    return {(event["type"], event["state_key"]): event["content"] for event in events if "state_key" in event}


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("lazy", [False, True])
async def test_what_a_filter_keeps_out_of_the_timeline_is_told_as_state(tea: World, limit: int, lazy: bool) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await alice.create(preset="public_chat", name="first")
    await bob.join(room)
    wanted = {"timeline": {"types": ["m.room.message"], "limit": limit}, "state": {"lazy_load_members": lazy}}
    since = (await filtered(bob, room=wanted))["next_batch"]
    for name in ("second", "third"):
        await alice.say(room)
        await alice.set(room, "m.room.name", {"name": name})
        await carol.join(room)
    await alice.set(room, "org.example", {"late": True})
    for place, more in ((since, {}), (None, {}), (since, {"full_state": True})):
        answer = await bob.sync(place, filter={"room": wanted}, **more)
        section = answer["rooms"]["join"][room]
        state = told(section)
        assert types(section["timeline"]) == ["m.room.message"] * min(limit, 2)
        assert state["m.room.name", ""] == {"name": "third"}, (place, more)
        assert state["org.example", ""] == {"late": True}
        assert lazy or state["m.room.member", carol.user_id]["membership"] == "join"
        names = [event for event in section["state"]["events"] if event["type"] == "m.room.name"]
        assert len(names) == 1
