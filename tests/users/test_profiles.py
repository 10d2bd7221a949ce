"""Profiles: fields, their grammar and sizes, and what of them rooms see."""

from typing import Any

import pytest

from teahouse.users.profiles import PROFILE_MAX_BYTES
from tests.world import Answer, Person, World

FIELD = "/profile/{userId}/{keyName}"


async def put(person: Person, name: str, value: Any) -> Answer:
    return await person.ask("PUT", FIELD, {name: value}, userId=person.user_id, keyName=name)


async def profile(tea: World, user_id: str) -> Any:
    return (await tea.ask(None, "GET", "/profile/{userId}", userId=user_id)).json


async def test_a_new_account_is_called_by_its_user_name(tea: World) -> None:
    alice = await tea.person("alice")
    assert await profile(tea, alice.user_id) == {"displayname": "alice"}


async def test_fields_are_set_read_and_removed(tea: World) -> None:
    alice = await tea.person("alice")
    fields = {
        "displayname": "Alice 茶",
        "avatar_url": "mxc://tea.test/pot",
        "m.tz": "Asia/Shanghai",
        "org.example.cups": {"today": [1, None, True]},
        "org.example.nothing": None,
    }
    for name, value in fields.items():
        assert (await put(alice, name, value)).json == {}
    assert await profile(tea, alice.user_id) == fields
    await tea.restart()
    for name, value in fields.items():
        one = await tea.ask(None, "GET", FIELD, userId=alice.user_id, keyName=name)
        assert one.json == {name: value}
    for name in fields:
        for _ in range(2):  # removing what is not there succeeds too
            assert (await alice.ask("DELETE", FIELD, userId=alice.user_id, keyName=name)).json == {}
        gone = await tea.ask(None, "GET", FIELD, userId=alice.user_id, keyName=name)
        assert (gone.status, gone.errcode) == (404, "M_NOT_FOUND")
    assert await profile(tea, alice.user_id) == {}


@pytest.mark.parametrize("name", ["displayname", "avatar_url"])
@pytest.mark.parametrize("nothing", ["", None])
async def test_an_empty_name_or_picture_is_none(tea: World, name: str, nothing: Any) -> None:
    alice = await tea.person("alice")
    await put(alice, "avatar_url", "mxc://tea.test/pot")
    assert (await put(alice, name, nothing)).status == 200
    assert name not in await profile(tea, alice.user_id)


@pytest.mark.parametrize(
    ("name", "value", "errcode"),
    [
        ("displayname", 5, "M_BAD_JSON"),
        ("displayname", "x" * 257, "M_INVALID_PARAM"),
        ("avatar_url", "https://tea.test/pot.png", "M_INVALID_PARAM"),
        ("avatar_url", "mxc://" + "x" * 1_000, "M_INVALID_PARAM"),
        ("m.tz", {}, "M_BAD_JSON"),
        ("m.tz", None, "M_BAD_JSON"),
        ("Org.Example", "x", "M_INVALID_PARAM"),
        ("org example", "x", "M_INVALID_PARAM"),
        ("1.org", "x", "M_INVALID_PARAM"),
        ("org.example." + "x" * 244, "x", "M_KEY_TOO_LARGE"),
        ("org.example.big", "x" * PROFILE_MAX_BYTES, "M_PROFILE_TOO_LARGE"),
    ],
)
async def test_what_the_specification_does_not_allow_is_refused(
    tea: World, name: str, value: Any, errcode: str
) -> None:
    alice = await tea.person("alice")
    refused = await put(alice, name, value)
    assert (refused.status, refused.errcode) == (400, errcode)
    assert await profile(tea, alice.user_id) == {"displayname": "alice"}


async def test_the_whole_profile_stays_below_its_limit(tea: World) -> None:
    alice = await tea.person("alice")
    for name in ("org.example.a", "org.example.b", "org.example.c"):
        assert (await put(alice, name, "x" * 20_000)).status == 200
    assert (await put(alice, "org.example.d", "x" * 6_000)).errcode == "M_PROFILE_TOO_LARGE"
    assert (await put(alice, "org.example.c", "x" * 25_000)).status == 200  # in the place of the other


async def test_a_profile_is_its_owners_to_change(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    for method, body in (("PUT", {"displayname": "Bob's now"}), ("DELETE", None)):
        refused = await bob.ask(method, FIELD, body, userId=alice.user_id, keyName="displayname")
        assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    missing = await alice.ask("PUT", FIELD, {"avatar_url": "x"}, userId=alice.user_id, keyName="displayname")
    assert (missing.status, missing.errcode) == (400, "M_MISSING_PARAM")


@pytest.mark.parametrize("user_id", ["@nobody:tea.test", "@alice:elsewhere.test"])
async def test_nobody_has_no_profile(tea: World, user_id: str) -> None:
    refused = await tea.ask(None, "GET", "/profile/{userId}", userId=user_id)
    assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND")


async def test_a_new_name_or_picture_is_carried_into_every_room_once(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    rooms = [await alice.create(preset="public_chat") for _ in range(2)]
    await bob.join(rooms[0])
    since = (await bob.sync())["next_batch"]
    for _ in range(2):  # the same again changes nothing
        await put(alice, "displayname", "Alice in Tea")
    await put(alice, "avatar_url", "mxc://tea.test/pot")
    await put(alice, "org.example.cups", 5)
    timeline = (await bob.sync(since))["rooms"]["join"][rooms[0]]["timeline"]["events"]
    assert [event["content"] for event in timeline] == [
        {"membership": "join", "displayname": "Alice in Tea"},
        {"membership": "join", "displayname": "Alice in Tea", "avatar_url": "mxc://tea.test/pot"},
    ]
    path = "/rooms/{roomId}/state/m.room.member/{userId}"
    other = await alice.good("GET", path, roomId=rooms[1], userId=alice.user_id)
    assert other["avatar_url"] == "mxc://tea.test/pot"
    await alice.good("DELETE", FIELD, userId=alice.user_id, keyName="displayname")
    assert "displayname" not in await alice.good("GET", path, roomId=rooms[0], userId=alice.user_id)


async def test_the_same_value_again_writes_nothing(tea: World) -> None:
    alice = await tea.person("alice")
    await put(alice, "org.example.cups", [5])
    commits = tea.database.commits
    await put(alice, "org.example.cups", [5])
    assert tea.database.commits == commits
    await put(alice, "org.example.cups", [6])
    assert tea.database.commits == commits + 1
