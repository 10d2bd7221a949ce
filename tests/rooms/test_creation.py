"""Making rooms: presets, what a client brings along, versions; a room is made whole or not at all."""

from pathlib import Path
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.databases import Place
from tests.public_accounts.newsroom import newsroom
from tests.world import SERVER, Person, World, world

GUESTS = "m.room.guest_access"
RULES = "m.room.join_rules"
VISIBILITY = "m.room.history_visibility"
LEVELS = "m.room.power_levels"


async def state_of(person: Person, room: str) -> dict[tuple[str, str], dict[str, Any]]:
    events = await person.good("GET", "/rooms/{roomId}/state", roomId=room)
    return {(event["type"], event["state_key"]): event["content"] for event in events}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, ("invite", "shared", "can_join")),
        ({"preset": "private_chat"}, ("invite", "shared", "can_join")),
        ({"preset": "trusted_private_chat"}, ("invite", "shared", "can_join")),
        ({"preset": "public_chat"}, ("public", "shared", "forbidden")),
        ({"visibility": "public"}, ("public", "shared", "forbidden")),
        ({"visibility": "public", "preset": "private_chat"}, ("invite", "shared", "can_join")),
    ],
)
async def test_a_preset_decides_who_may_come_and_what_they_read(
    tea: World, wish: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    alice = await tea.person("alice")
    state = await state_of(alice, await alice.create(**wish))
    found = (
        state[RULES, ""]["join_rule"], state[VISIBILITY, ""]["history_visibility"], state[GUESTS, ""]["guest_access"],
    )  # fmt: skip
    assert found == expected


async def test_what_a_client_brings_along_goes_before_the_preset_and_after_it_name_and_topic(tea: World) -> None:
    alice = await tea.person("alice")
    initial = [
        {"type": VISIBILITY, "content": {"history_visibility": "joined"}},
        {"type": "org.example.tea", "state_key": "cup", "content": {"leaves": 2}},
        {"type": "m.room.name", "content": {"name": "before"}},
        {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
    ]
    room = await alice.create(
        preset="public_chat", initial_state=initial, name="Tea", topic="leaves", room_alias_name="tea",
        creation_content={"m.federate": False, "creator": "@mallory:x"}, power_level_content_override={"invite": 50},
    )  # fmt: skip
    state = await state_of(alice, room)
    assert state[VISIBILITY, ""] == {"history_visibility": "joined"}
    assert state["org.example.tea", "cup"] == {"leaves": 2}
    assert state["m.room.encryption", ""]["algorithm"] == "m.megolm.v1.aes-sha2"
    assert state["m.room.name", ""] == {"name": "Tea"}
    assert state["m.room.topic", ""]["topic"] == "leaves"
    assert state["m.room.canonical_alias", ""] == {"alias": f"#tea:{SERVER}"}
    assert state["m.room.create", ""] == {"m.federate": False, "room_version": "12"}
    assert state[LEVELS, ""]["invite"] == 50
    page = await alice.good("GET", "/rooms/{roomId}/messages", None, {"dir": "f", "limit": 50}, roomId=room)
    kinds = [event["type"] for event in page["chunk"]]
    assert kinds[:3] == ["m.room.create", "m.room.member", LEVELS]
    assert kinds.index("m.room.canonical_alias") < kinds.index(RULES) < kinds.index("org.example.tea")


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_each_version_has_its_ids_and_its_creators(tea: World, version: str) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    wish = {"preset": "trusted_private_chat", "is_direct": True, "invite": [bob.user_id], "room_version": version}
    room = await alice.create(**wish)
    state = await state_of(alice, room)
    create, users = state["m.room.create", ""], state[LEVELS, ""]["users"]
    assert create["room_version"] == version
    assert state["m.room.member", bob.user_id]["is_direct"]
    assert (":" in room) == (version != "12")
    assert ("creator" in create) == (version == "10")
    if version == "12":
        assert create["additional_creators"] == [bob.user_id]
        assert users == {}
    else:
        assert users == {alice.user_id: 100, bob.user_id: 100}
    await bob.join(room)
    await bob.set(room, "m.room.name", {"name": "ours"})  # a trusted guest has all power


async def test_without_a_wish_rooms_have_the_version_of_the_capabilities(tea: World) -> None:
    alice = await tea.person("alice")
    versions = (await alice.good("GET", "/capabilities"))["capabilities"]["m.room_versions"]
    assert set(versions["available"]) == {"10", "11", "12"}
    created = (await state_of(alice, await alice.create()))["m.room.create", ""]
    assert created["room_version"] == versions["default"] == "12"


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"preset": "secret_chat"}, 400),
        ({"visibility": "hidden"}, 400),
        ({"room_version": "9"}, 400),
        ({"room_alias_name": "#tea"}, 400),
        ({"invite": ["bob"]}, 400),
        ({"invite": [f"@nobody:{SERVER}"]}, 404),
        ({"invite": [f"@guest{number}:{SERVER}" for number in range(101)]}, 400),
        ({"invite_3pid": [{"medium": "email"}]}, 400),
        ({"initial_state": [{"type": "m.room.create", "content": {}}]}, 400),
        ({"initial_state": [{"type": "m.room.member", "content": {"membership": "join"}}]}, 400),
        ({"initial_state": [{"type": "a", "content": {}, "state_key": str(number)} for number in range(101)]}, 400),
        ({"initial_state": [{"type": "a", "content": {"much": "x" * 70_000}}]}, 413),
        ({"power_level_content_override": {"ban": "high"}}, 400),
        ({"name": "x" * 256}, 400),
        ({"topic": "x" * 5_000}, 400),
    ],
)
async def test_what_cannot_be_leaves_no_room_and_no_alias(tea: World, wish: dict[str, Any], status: int) -> None:
    alice = await tea.person("alice")
    named = {"room_alias_name": "free", **wish}
    answer = await alice.ask("POST", "/createRoom", named)
    assert answer.status == status, answer
    assert (await alice.good("GET", "/joined_rooms"))["joined_rooms"] == []
    assert (await alice.ask("GET", "/directory/room/{roomAlias}", roomAlias=f"#free:{SERVER}")).status == 404


async def test_an_upgrade_moves_what_the_room_is_and_closes_the_old_one(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    old = await alice.create(preset="public_chat", room_version="11", name="Tea", topic="leaves")
    await bob.join(old)
    await alice.set(old, "org.example.tea", {"stays": "behind"})
    answer = await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=old)
    new = answer["replacement_room"]
    state = await state_of(alice, new)
    assert (state["m.room.name", ""]["name"], state["m.room.topic", ""]["topic"]) == ("Tea", "leaves")
    assert state["m.room.create", ""]["predecessor"]["room_id"] == old
    assert state[RULES, ""]["join_rule"] == "public"
    assert ("org.example.tea", "") not in state
    tombstone = await bob.good("GET", "/rooms/{roomId}/state/m.room.tombstone", roomId=old)
    assert tombstone["replacement_room"] == new
    said = await bob.ask("PUT", "/rooms/{roomId}/send/m.room.message/1", {"body": "too late"}, roomId=old)
    assert said.status == 403
    await bob.join(new)
    await bob.say(new)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_operator_says_whether_private_rooms_are_encrypted_unasked(
    place: Place, tmp_path: Path, clock: ManualClock, encrypted: bool
) -> None:
    key = ("m.room.encryption", "")
    async with world(place, tmp_path / "data", clock, rooms__encrypt_private=encrypted) as tea:
        alice = await tea.person("alice")
        for wish in ({}, {"preset": "private_chat"}, {"preset": "trusted_private_chat", "is_direct": True}):
            state = await state_of(alice, await alice.create(**wish))
            assert (state.get(key) == {"algorithm": "m.megolm.v1.aes-sha2"}) is encrypted, wish
        assert key not in await state_of(alice, await alice.create(preset="public_chat"))
        own = [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 1}}]
        state = await state_of(alice, await alice.create(initial_state=own))
        assert state[key]["rotation_period_ms"] == 1
        account, reader = await newsroom(tea)
        chat = await reader.good("POST", "/_teahouse/v1/accounts/{handle}/chat", {}, handle="daily")
        assert key not in await state_of(reader, chat["room_id"])
        assert key not in await state_of(account.owner, account.room_id)
