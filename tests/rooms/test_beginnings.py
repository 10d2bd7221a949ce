"""With what state a room may begin, and which power levels the server adds."""

from typing import Any

import pytest

from tests.rooms.test_creation import LEVELS, state_of
from tests.world import SERVER, World

ALICE = f"@alice:{SERVER}"


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "Tea", "power_level_content_override": {"users": {ALICE: 0}}, "room_version": "11"},
        {"power_level_content_override": {"users": {ALICE: 100}}, "room_version": "12"},
        {"initial_state": [{"type": "org.example", "state_key": "@bob:tea.test", "content": {}}]},
    ],
)
async def test_a_room_that_cannot_begin_so_is_not_made(tea: World, wish: dict[str, Any]) -> None:
    alice = await tea.person("alice")
    answer = await alice.ask("POST", "/createRoom", wish)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_ROOM_STATE"), answer
    assert (await alice.good("GET", "/joined_rooms"))["joined_rooms"] == []


@pytest.mark.parametrize(
    ("override", "tombstone"),
    [
        ({}, 150),
        ({"events": {"m.room.name": 10}}, 150),
        ({"state_default": 200}, 201),
        ({"state_default": 2**53 - 1}, 2**53 - 1),
        ({"events": {"m.room.tombstone": 60}}, 60),
    ],
)
async def test_to_replace_a_room_takes_more_than_other_state(
    tea: World, override: dict[str, Any], tombstone: int
) -> None:
    alice = await tea.person("alice")
    room = await alice.create(power_level_content_override=override, room_version="12")
    levels = (await state_of(alice, room))[LEVELS, ""]
    assert levels["events"]["m.room.tombstone"] == tombstone
    assert {key: value for key, value in levels.items() if key in override and key != "events"} == {
        key: value for key, value in override.items() if key != "events"
    }


@pytest.mark.parametrize("creators", ["tea", [{}], ["tea"], [5], {}])
async def test_creators_that_are_none_are_refused(tea: World, creators: Any) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    for more in ({}, {"preset": "trusted_private_chat", "invite": [bob.user_id]}):
        wish = {"creation_content": {"additional_creators": creators}, **more}
        answer = await alice.ask("POST", "/createRoom", wish)
        assert (answer.status, answer.errcode) == (400, "M_BAD_JSON"), (wish, answer)


async def test_guests_of_a_trusted_chat_join_the_creators_that_were_named(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    wish = {"additional_creators": [bob.user_id, "@carol:elsewhere.test"]}
    room = await alice.create(preset="trusted_private_chat", invite=[bob.user_id], creation_content=wish)
    assert (await state_of(alice, room))["m.room.create", ""]["additional_creators"] == wish["additional_creators"]


async def test_a_main_alias_of_any_shape_can_be_replaced(tea: World) -> None:
    alice = await tea.person("alice")
    kind = "m.room.canonical_alias"
    for content in ({"alt_aliases": 5}, {"alias": {}, "alt_aliases": [[], {}]}):
        room = await alice.create(initial_state=[{"type": kind, "content": content}])
        for right in ({"alias": "", "alt_aliases": []}, {"alias": None}, {}):
            await alice.set(room, kind, right)
        path = {"roomId": room, "eventType": kind, "stateKey": ""}
        template = "/rooms/{roomId}/state/{eventType}/{stateKey}"
        for wrong, code in (
            ({"alias": 5}, "M_BAD_JSON"), ({"alt_aliases": 5}, "M_BAD_JSON"), ({"alias": "tea"}, "M_INVALID_PARAM"),
            ({"alias": f"#tea:{SERVER}"}, "M_BAD_ALIAS"), ({"alt_aliases": ["#tea:else.test"]}, "M_BAD_ALIAS"),
        ):  # fmt: skip
            assert (await alice.ask("PUT", template, wrong, **path)).errcode == code, wrong


async def test_a_list_of_servers_is_state_as_any_other(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(room_version="11")
    content = {"allow": ["*"], "deny": ["elsewhere.test"], "allow_ip_literals": False}
    await alice.set(room, "m.room.server_acl", content)
    new = (await alice.good("POST", "/rooms/{roomId}/upgrade", {"new_version": "12"}, roomId=room))["replacement_room"]
    assert (await state_of(alice, new))["m.room.server_acl", ""] == content
