"""Of whose devices a client is told: of those it shares rooms with, encrypted or not, as they come, change and go."""

import asyncio
from typing import Any

import pytest

from teahouse.rooms import shared
from tests.world import Person, World

ENCRYPTED = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
KINDS = pytest.mark.parametrize("state", [[], ENCRYPTED], ids=["plain", "encrypted"])


async def renew(person: Person, mark: str = "") -> None:
    """Upload device keys."""
    keys: dict[str, Any] = {
        "user_id": person.user_id, "device_id": person.device_id, "algorithms": [], "keys": {"ed25519:x": mark},
        "signatures": {},
    }  # fmt: skip
    await person.good("POST", "/keys/upload", {"device_keys": keys})


def lists(answer: Any) -> tuple[list[str], list[str]]:
    section = answer.get("device_lists", {})
    return section.get("changed", []), section.get("left", [])


async def both(person: Person, since: str) -> tuple[list[str], list[str]]:
    """What sync says, which keys/changes says, too."""
    answer = await person.sync(since)
    query = {"from": since, "to": answer["next_batch"]}
    changes = await person.good("GET", "/keys/changes", None, query)
    assert (changes["changed"], changes["left"]) == lists(answer)
    return lists(answer)


async def head(person: Person) -> str:
    return str((await person.sync())["next_batch"])


@KINDS
async def test_who_shares_a_room_is_told_of_those_who_come_change_and_go(tea: World, state: Any) -> None:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    for each in (alice, bob, carol):
        await renew(each)
    room = await alice.create(preset="public_chat", initial_state=state)
    at, bobs = await head(alice), await head(bob)
    await bob.join(room)
    assert await both(alice, at) == ([bob.user_id], [])
    assert await both(bob, bobs) == ([alice.user_id], [])
    at = await head(alice)
    await renew(bob, "new")
    await renew(carol, "new")
    assert await both(alice, at) == ([bob.user_id], [])
    at = await head(alice)
    await bob.good("PUT", "/profile/{userId}/displayname", {"displayname": "Bo"}, userId=bob.user_id)
    await alice.invite(room, carol)
    await carol.leave(room)
    assert await both(alice, at) == ([], [])
    at, bobs = await head(alice), await head(bob)
    await bob.leave(room)
    await renew(bob, "gone")
    assert await both(alice, at) == ([], [bob.user_id])
    changed, left = await both(bob, bobs)
    assert (changed, left) == ([bob.user_id], [alice.user_id])
    at = await head(alice)
    await bob.join(room)
    assert await both(alice, at) == ([bob.user_id], [])


@KINDS
async def test_who_still_shares_another_room_has_not_left(tea: World, state: Any) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    rooms = [await alice.create(preset="public_chat", initial_state=state) for _ in range(2)]
    for room in rooms:
        await bob.join(room)
    for room, left in zip(rooms, ([], [bob.user_id]), strict=True):
        at = await head(alice)
        await bob.leave(room)
        assert await both(alice, at) == ([], left)


async def test_the_last_shared_encrypted_room_is_what_counts(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    plain = await alice.create(preset="public_chat")
    sealed = await alice.create(preset="public_chat", initial_state=ENCRYPTED)
    for room in (plain, sealed):
        await bob.join(room)
    at = await head(alice)
    await bob.leave(sealed)
    assert await both(alice, at) == ([], [bob.user_id])


async def test_a_room_that_becomes_encrypted_tells_of_all_its_members(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    await bob.join(room)
    at = await head(bob)
    await alice.set(room, "m.room.encryption", ENCRYPTED[0]["content"])
    assert await both(bob, at) == ([alice.user_id], [])


@KINDS
async def test_a_change_of_keys_wakes_those_who_wait(tea: World, state: Any) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", initial_state=state)
    await bob.join(room)
    waiting = asyncio.create_task(alice.sync(await head(alice), timeout=60_000))
    await asyncio.sleep(0)
    await renew(bob)
    assert lists(await waiting) == ([bob.user_id], [])


@KINDS
async def test_devices_that_come_go_and_change_their_names_are_told_of(tea: World, state: Any) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat", initial_state=state)
    await bob.join(room)
    at = await head(alice)
    other = await bob.device("TABLET")
    assert await both(alice, at) == ([bob.user_id], [])
    at = await head(alice)
    await bob.device("TABLET")  # the same again
    assert await both(alice, at) == ([], [])
    await bob.good("PUT", "/devices/{deviceId}", {"display_name": "slate"}, deviceId=other.device_id)
    assert await both(alice, at) == ([bob.user_id], [])
    at = await head(alice)
    await (await bob.device("TABLET")).good("POST", "/logout")
    assert await both(alice, at) == ([bob.user_id], [])


async def test_in_a_crowd_that_is_not_encrypted_nobody_is_told_who_comes(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "PLAIN_MEMBERS_MAX", 1)
    alice, bob = await tea.person("alice"), await tea.person("bob")
    room = await alice.create(preset="public_chat")
    at = await head(alice)
    await bob.join(room)
    assert await both(alice, at) == ([], [])
    at = await head(alice)
    await renew(bob)
    assert await both(alice, at) == ([bob.user_id], [])  # what sync finds by itself it tells
