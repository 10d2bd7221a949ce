"""What people keep about a room goes with them into the one that replaces it."""

from typing import Any

from tests.world import Person, World

TAG = "/user/{userId}/rooms/{roomId}/tags/{tag}"
TAGS = "/user/{userId}/rooms/{roomId}/tags"
RULE = "/pushrules/global/{kind}/{ruleId}"
DIRECT = "/user/{userId}/account_data/m.direct"


async def tags(person: Person, room: str) -> Any:
    return (await person.good("GET", TAGS, userId=person.user_id, roomId=room))["tags"]


async def tag(person: Person, room: str, name: str) -> None:
    await person.good("PUT", TAG, {"order": 0.5}, userId=person.user_id, roomId=room, tag=name)


async def rules_about(person: Person, room: str) -> list[tuple[str, bool, Any]]:
    """(kind, whether it is on, actions) of the rules about a room."""
    rules = (await person.good("GET", "/pushrules/"))["global"]
    about = {"kind": "event_match", "key": "room_id", "pattern": room}
    return [
        (kind, each["enabled"], each["actions"])
        for kind, its in rules.items()
        for each in its
        if each["rule_id"] == room or about in each.get("conditions", [])
    ]


async def settle(person: Person, room: str, other: str) -> None:
    """Set everything that is kept about a room."""
    await tag(person, room, "m.favourite")
    await person.good("PUT", RULE, {"actions": []}, kind="room", ruleId=room)
    about = {"kind": "event_match", "key": "room_id", "pattern": room}
    for name in (room, "tea"):
        await person.good("PUT", RULE, {"actions": ["notify"], "conditions": [about]}, kind="override", ruleId=name)
    await person.good("PUT", RULE + "/enabled", {"enabled": False}, kind="override", ruleId="tea")
    await person.good("PUT", DIRECT, {other: [room], "@carol:tea.test": ["!else"]}, userId=person.user_id)


async def test_who_replaces_a_room_and_who_follows_take_along_what_they_kept(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    old = await alice.create(preset="public_chat", room_version="11")
    await bob.join(old)
    for person, other in ((alice, bob), (bob, alice)):
        await settle(person, old, other.user_id)
    upgraded = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old)
    new = upgraded["replacement_room"]
    await bob.join(new)
    for person, other in ((alice, bob), (bob, alice)):
        assert await tags(person, new) == {"m.favourite": {"order": 0.5}}
        kept = await rules_about(person, old)
        assert await rules_about(person, new) == kept
        assert sorted(kind for kind, _, _ in kept) == ["override", "override", "room"]
        direct = await person.good("GET", DIRECT, userId=person.user_id)
        assert direct == {other.user_id: [old, new], "@carol:tea.test": ["!else"]}


async def test_what_was_set_in_the_new_room_stays_and_comes_but_once(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    old = await alice.create(preset="public_chat")
    await bob.join(old)
    await settle(bob, old, alice.user_id)
    upgraded = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old)
    new = upgraded["replacement_room"]
    await tag(bob, new, "u.tea")
    await bob.good("PUT", RULE, {"actions": ["notify"]}, kind="room", ruleId=new)
    await bob.join(new)
    assert await tags(bob, new) == {"u.tea": {"order": 0.5}}
    assert ("room", True, ["notify"]) in await rules_about(bob, new)
    await bob.good("DELETE", RULE, kind="room", ruleId=new)
    await bob.good("PUT", "/profile/{userId}/displayname", {"displayname": "Bob"}, userId=bob.user_id)
    assert all(kind != "room" for kind, _, _ in await rules_about(bob, new))


async def test_a_room_that_only_says_it_replaces_another_is_given_nothing(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    old = await alice.create(preset="public_chat")
    await bob.join(old)
    await settle(bob, old, alice.user_id)
    for predecessor in ({"room_id": old}, {"room_id": "!else"}, {"room_id": 5}, old, {}):
        false = await alice.create(preset="public_chat", creation_content={"predecessor": predecessor})
        await bob.join(false)
        assert await tags(bob, false) == {}
        assert await rules_about(bob, false) == []
