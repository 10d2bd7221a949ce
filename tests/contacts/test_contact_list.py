"""The list of contacts: paged, remarked on, and nobody else's business."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import ManualClock
from tests.databases import Place
from tests.world import SERVER, Person, World, world

CONTACTS = "/_teahouse/v1/contacts"
ONE = f"{CONTACTS}/{{userId}}"


@pytest.fixture
async def house(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server on which strangers greet first."""
    async with world(place, tmp_path / "data", clock, greetings__required=True) as made:
        yield made


async def befriend(one: Person, other: Person) -> str:
    room = await one.create(is_direct=True, invite=[other.user_id])
    await other.join(room)
    return room


async def test_contacts_come_page_by_page_each_once(house: World) -> None:
    alice = await house.person("alice")
    friends = [await house.person(f"friend{number}") for number in range(5)]
    for friend in friends:
        await befriend(alice, friend)
    found: list[str] = []
    query = {"limit": 2}
    while True:
        page = await alice.good("GET", CONTACTS, None, query)
        assert len(page["contacts"]) <= 2
        found += [contact["user_id"] for contact in page["contacts"]]
        if "next_batch" not in page:
            break
        query = {"limit": 2, "from": page["next_batch"]}
    assert sorted(found) == sorted(friend.user_id for friend in friends)
    assert {contact["since_ts"] for contact in (await alice.good("GET", CONTACTS))["contacts"]} == {
        house.clock.now_ms()
    }


async def test_a_remark_is_ones_own_and_has_its_limit(house: World) -> None:
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    await befriend(alice, bob)
    await alice.good("PUT", ONE, {"remark": "x" * 200}, userId=bob.user_id)
    assert (await alice.ask("PUT", ONE, {"remark": "x" * 201}, userId=bob.user_id)).status == 400
    assert (await alice.ask("PUT", ONE, {"remark": 7}, userId=bob.user_id)).status == 400
    assert (await alice.good("GET", CONTACTS))["contacts"][0]["remark"] == "x" * 200
    assert (await bob.good("GET", CONTACTS))["contacts"][0]["remark"] == ""
    assert (await carol.good("GET", CONTACTS))["contacts"] == []


@pytest.mark.parametrize(("method", "path"), [("PUT", ONE), ("DELETE", ONE), ("POST", f"{ONE}/block")])
async def test_what_is_none_of_ones_contacts_is_not_found(house: World, method: str, path: str) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    body = {"remark": "tea"} if method == "PUT" else {}
    assert (await alice.ask(method, path, body, userId=f"@nobody:{SERVER}")).status == 404
    if not path.endswith("block"):  # strangers can be blocked
        assert (await alice.ask(method, path, body, userId=bob.user_id)).errcode == "M_NOT_FOUND"
    assert (await house.ask(None, method, path, body, userId=bob.user_id)).status == 401


async def test_blocking_ends_the_contact_and_ignores_which_other_devices_hear(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    await befriend(alice, bob)
    tablet = await alice.device("TABLET")
    since = (await tablet.sync())["next_batch"]
    await alice.good("POST", f"{ONE}/block", {}, userId=bob.user_id)
    heard = {event["type"]: event["content"] for event in (await tablet.sync(since))["account_data"]["events"]}
    assert heard["m.ignored_user_list"] == {"ignored_users": {bob.user_id: {}}}
    assert (await bob.good("GET", CONTACTS))["contacts"] == []
    group = await alice.ask("POST", "/createRoom", {"invite": [bob.user_id]})
    assert group.status == 403
    assert (await alice.ask("POST", f"{ONE}/block", {}, userId=alice.user_id)).status == 400


async def test_one_who_left_before_the_answer_makes_no_contact(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    room = await alice.create(is_direct=True, invite=[bob.user_id])
    await alice.leave(room)
    await bob.ask("POST", "/rooms/{roomId}/join", {}, roomId=room)
    assert (await alice.good("GET", CONTACTS))["contacts"] == []


@pytest.mark.parametrize("parts", ["sender", "target"])
@pytest.mark.parametrize("required", [True, False])
async def test_an_invitation_from_before_two_parted_makes_no_contact(
    place: Place, tmp_path: Path, required: bool, parts: str
) -> None:
    async with world(place, tmp_path / "data", greetings__required=required) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        await befriend(alice, bob)
        room = await alice.create(is_direct=True, invite=[bob.user_id])
        one, other = (alice, bob) if parts == "sender" else (bob, alice)
        await one.good("DELETE", ONE, userId=other.user_id)
        await bob.join(room)
        for person in (alice, bob):
            assert (await person.good("GET", CONTACTS))["contacts"] == []
        await befriend(bob, alice)  # as strangers do
        assert len((await alice.good("GET", CONTACTS))["contacts"]) == 1


@pytest.mark.parametrize("in_flight", [False, True])
@pytest.mark.parametrize("required", [True, False])
async def test_one_who_was_blocked_makes_no_contact_by_accepting_an_older_greeting(
    place: Place, tmp_path: Path, required: bool, in_flight: bool
) -> None:
    async with world(place, tmp_path / "data", greetings__required=required) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        room = await alice.create(is_direct=True, invite=[bob.user_id])
        blocking = alice.good("POST", f"{ONE}/block", {}, userId=bob.user_id)
        if in_flight:
            await asyncio.gather(bob.join(room), blocking)
        else:
            await blocking
            await bob.join(room)
        for person in (alice, bob):
            assert (await person.good("GET", CONTACTS))["contacts"] == []
