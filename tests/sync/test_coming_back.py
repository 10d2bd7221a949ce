"""What a device is told of rooms that it left, came back to, declined or forgot."""

import json
from typing import Any

from tests.world import World

LEFT: dict[str, Any] = {"filter": {"room": {"include_leave": True}}}


def types(section: dict[str, Any]) -> set[str]:
    return {event["type"] for part in ("state", "timeline") for event in section[part]["events"]}


async def test_one_who_declined_an_invitation_is_shown_nothing_of_the_room(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(name="secret", invite=[bob.user_id])
    since = (await bob.sync())["next_batch"]
    await bob.leave(room)
    for answer in (await bob.sync(since), await bob.sync(**LEFT), await bob.sync(use_state_after=True, **LEFT)):
        section = answer["rooms"]["leave"][room]
        assert [event["state_key"] for event in section["timeline"]["events"]] == [bob.user_id]
        assert "secret" not in json.dumps(section)
    for path in ("/rooms/{roomId}/state", "/rooms/{roomId}/members", "/rooms/{roomId}/messages?dir=b"):
        assert (await bob.ask("GET", path.partition("?")[0], None, {"dir": "b"}, roomId=room)).status == 403


async def test_a_room_joined_and_left_between_two_looks_is_shown_whole(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", name="tea")
    since = (await bob.sync())["next_batch"]
    await bob.join(room)
    await bob.leave(room)
    filtered: dict[str, Any] = {"filter": {"room": {"timeline": {"limit": 1}}}}
    section = (await bob.sync(since, **filtered))["rooms"]["leave"][room]
    assert {"m.room.create", "m.room.name"} <= types(section)


async def test_account_data_set_while_away_is_told_on_joining(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    path = {"userId": bob.user_id, "roomId": room}
    await bob.good("PUT", "/user/{userId}/rooms/{roomId}/tags/m.favourite", {"order": 0.5}, **path)
    since = (await bob.sync())["next_batch"]
    await bob.join(room)
    section = (await bob.sync(since))["rooms"]["join"][room]
    assert [event["type"] for event in section["account_data"]["events"]] == ["m.tag"]


async def test_state_that_changed_out_of_sight_is_told_before_the_timeline(tea: World) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await alice.create(preset="public_chat")
    await alice.set(room, "m.room.history_visibility", {"history_visibility": "joined"})
    await bob.join(room)
    await carol.join(room)
    since = (await bob.sync())["next_batch"]
    await bob.leave(room)
    await carol.leave(room)
    seen = (await bob.sync(since))["next_batch"]
    await bob.join(room)
    for token in (since, seen):
        section = (await bob.sync(token))["rooms"]["join"][room]
        members = {e["state_key"]: e["content"]["membership"] for e in section["state"]["events"] if e["state_key"]}
        assert members[carol.user_id] == "leave"
        assert section["timeline"]["limited"]
        assert [event["sender"] for event in section["timeline"]["events"]] == [bob.user_id]


async def test_a_lazy_device_that_comes_back_hears_of_members_who_changed_meanwhile(tea: World) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    await carol.join(room)
    lazy: dict[str, Any] = {"filter": {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 1}}}}
    since = (await bob.sync(**lazy))["next_batch"]
    await alice.say(room)
    since = (await bob.sync(since, **lazy))["next_batch"]
    await bob.leave(room)
    since = (await bob.sync(since, **lazy))["next_batch"]
    await alice.good("PUT", "/profile/{userId}/displayname", {"displayname": "A."}, userId=alice.user_id)
    await bob.sync(since, **lazy)
    await bob.join(room)
    section = (await bob.sync(since, **lazy))["rooms"]["join"][room]
    names = {e["state_key"]: e["content"].get("displayname") for e in section["state"]["events"]}
    assert names[alice.user_id] == "A."


async def test_full_state_for_a_lazy_device_names_only_the_members_it_needs(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(preset="public_chat", name="tea")
    for number in range(8):
        await (await tea.person(f"other{number}")).join(room)
    since = (await alice.sync())["next_batch"]
    lazy: dict[str, Any] = {"filter": {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 1}}}}
    section = (await alice.sync(since, full_state=True, **lazy))["rooms"]["join"][room]
    members = [event["state_key"] for event in section["state"]["events"] if event["type"] == "m.room.member"]
    assert members == [alice.user_id]


async def test_another_device_hears_of_leaving_a_room_that_was_forgotten_at_once(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    other = await bob.device("OTHER")
    since = (await other.sync())["next_batch"]
    await bob.leave(room)
    await bob.good("POST", "/rooms/{roomId}/forget", {}, roomId=room)
    after = await other.sync(since)
    assert room in after["rooms"]["leave"]
    assert "rooms" not in await other.sync(after["next_batch"])
    assert "rooms" not in await other.sync(**LEFT)


async def test_a_room_that_loses_its_name_gets_heroes(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", name="tea")
    await bob.join(room)
    since = (await alice.sync())["next_batch"]
    await alice.set(room, "m.room.name", {"name": ""})
    section = (await alice.sync(since))["rooms"]["join"][room]
    assert section["summary"]["m.heroes"] == [bob.user_id]
