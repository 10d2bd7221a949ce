"""Filters of sync: what each part keeps out, and that nothing else is lost by it."""

from typing import Any

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
