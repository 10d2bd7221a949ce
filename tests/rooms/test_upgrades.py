"""Replacing rooms: who may, and which power they and others have before and after."""

from typing import Any

import pytest

from tests.rooms.test_creation import LEVELS, state_of
from tests.world import Person, World

UPGRADE = "/rooms/{roomId}/upgrade"


async def upgrade(person: Person, room: str, version: str = "11", **more: Any) -> str:
    answer = await person.good("POST", UPGRADE, {"new_version": version, **more}, roomId=room)
    return str(answer["replacement_room"])


async def moderated(tea: World, level: int, **more: Any) -> tuple[Person, Person, str]:
    """Alice's room with more than the usual state, in which Bob has a level, and that is enough to replace it."""
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", room_version="11", name="Tea", topic="leaves")
    await bob.join(room)
    levels = (await state_of(alice, room))[LEVELS, ""]
    levels["users"][bob.user_id] = level
    levels["events"] |= {"m.room.tombstone": level}
    await alice.set(room, LEVELS, levels | more)
    return alice, bob, room


@pytest.mark.parametrize("level", [50, 100])
async def test_who_replaces_a_room_has_in_the_new_one_the_power_they_had(tea: World, level: int) -> None:
    alice, bob, room = await moderated(tea, level)
    before = (await state_of(alice, room))[LEVELS, ""]
    new = await upgrade(bob, room)
    state = await state_of(bob, new)
    assert state[LEVELS, ""] == before
    assert (state["m.room.name", ""]["name"], state["m.room.history_visibility", ""]["history_visibility"]) == (
        "Tea", "shared",
    )  # fmt: skip
    closed = (await state_of(alice, room))[LEVELS, ""]
    assert (closed["events_default"], closed["invite"]) == ((0, 0) if level < 100 else (50, 50))
    await alice.join(new)
    await alice.set(new, "m.room.history_visibility", {"history_visibility": "joined"})


async def test_who_may_not_replace_a_room_by_its_levels_is_refused(tea: World) -> None:
    _, bob, room = await moderated(tea, 50)
    carol = await tea.person("carol")
    for _ in range(2):
        answer = await carol.ask("POST", UPGRADE, {"new_version": "12"}, roomId=room)
        assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
        await carol.join(room)
    assert ("m.room.tombstone", "") not in await state_of(bob, room)


async def test_levels_above_a_hundred_and_those_by_default_are_kept(tea: World) -> None:
    alice = await tea.person("alice")
    levels = {"users": {}, "users_default": 200, "events": {"m.room.topic": 150, "m.room.tombstone": 200}}
    room = await alice.create(room_version="10", topic="leaves", power_level_content_override=levels)
    new = (await state_of(alice, await upgrade(alice, room)))[LEVELS, ""]
    assert {key: new[key] for key in levels} == levels


async def test_the_maker_of_a_room_without_lists_keeps_their_power_in_one_that_has_them(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create(room_version="12", name="Tea")
    new = await upgrade(alice, room, "11")
    assert (await state_of(alice, new))[LEVELS, ""]["users"] == {alice.user_id: 150}  # the level of replacing it
    back = await upgrade(alice, new, "12", additional_creators=["@carol:tea.test"])
    state = await state_of(alice, back)
    assert state[LEVELS, ""]["users"] == {}
    assert state["m.room.create", ""]["additional_creators"] == ["@carol:tea.test"]


@pytest.mark.parametrize("content", [{}, {"replacement_room": 5}, {"replacement_room": "!nothing"}])
async def test_a_tombstone_that_leads_nowhere_does_not_keep_a_room_from_being_replaced(
    tea: World, content: dict[str, Any]
) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    await alice.set(room, "m.room.tombstone", content)
    new = await upgrade(alice, room, "12")
    assert (await state_of(alice, new))["m.room.create", ""]["predecessor"]["room_id"] == room
    assert await upgrade(alice, room, "12") == new
