"""Friends by consent: greetings, their limits, their silent refusal, and what contacts may do."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import ManualClock
from tests.databases import Place
from tests.world import Person, World, world

CONTACTS = "/_teahouse/v1/contacts"
DAY_MS = 86_400_000


@pytest.fixture
async def house(place: Place, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A server on which strangers greet first, with small limits."""
    async with world(
        place, tmp_path / "data", clock, greetings__required=True, rate_limits__enabled=True,
        greetings__pending_max=4, greetings__per_day_max=3, rate_limits__create_per_minute=1000,
        rate_limits__invite_per_minute=1000,
    ) as made:  # fmt: skip
        yield made


async def greet(sender: Person, target: Person) -> str:
    return await sender.create(is_direct=True, preset="trusted_private_chat", invite=[target.user_id])


async def contacts(person: Person) -> list[str]:
    return [each["user_id"] for each in (await person.good("GET", CONTACTS))["contacts"]]


async def test_an_accepted_greeting_makes_two_contacts_and_opens_groups(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    group = await alice.create()
    body = {"user_id": bob.user_id}
    stranger = await alice.ask("POST", "/rooms/{roomId}/invite", body, roomId=group)
    assert (stranger.status, stranger.errcode) == (403, "M_FORBIDDEN")
    assert "contact" in stranger.json["error"]
    direct = await greet(alice, bob)
    waiting = await bob.good("GET", f"{CONTACTS}/requests")
    assert [(each["user_id"], each["room_id"]) for each in waiting["incoming"]] == [(alice.user_id, direct)]
    await bob.join(direct)
    assert await contacts(alice) == [bob.user_id]
    assert await contacts(bob) == [alice.user_id]
    assert (await bob.good("GET", f"{CONTACTS}/requests"))["incoming"] == []
    await alice.invite(group, bob)
    await bob.join(group)
    await house.restart()
    assert await contacts(alice) == [bob.user_id]


async def test_leaving_the_chat_keeps_the_contact_and_removing_ends_it_for_both(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await greet(alice, bob)
    await bob.join(direct)
    await bob.leave(direct)
    assert await contacts(alice) == [bob.user_id]
    await alice.good("PUT", f"{CONTACTS}/{{userId}}", {"remark": "from the tea house"}, userId=bob.user_id)
    [found] = (await alice.good("GET", CONTACTS))["contacts"]
    assert found["remark"] == "from the tea house"
    await bob.good("DELETE", f"{CONTACTS}/{{userId}}", userId=alice.user_id)
    assert await contacts(alice) == await contacts(bob) == []


async def test_a_refused_greeting_looks_unanswered_to_its_sender(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await greet(alice, bob)
    before, own = await alice.sync(), await bob.sync()
    assert direct in own["rooms"]["invite"]
    await bob.leave(direct)
    after = await alice.sync(before["next_batch"])
    assert "rooms" not in after
    members = await alice.good("GET", "/rooms/{roomId}/members", roomId=direct)
    assert {event["content"]["membership"] for event in members["chunk"]} == {"join", "invite"}
    requests = await alice.good("GET", f"{CONTACTS}/requests")
    assert [each["user_id"] for each in requests["outgoing"]] == [bob.user_id]
    shown = await bob.sync(own["next_batch"])
    assert direct in shown["rooms"]["leave"]
    assert "rooms" not in await bob.sync()
    await house.restart()
    assert "rooms" not in await bob.sync()
    assert direct not in (await bob.sync(shown["next_batch"])).get("rooms", {}).get("leave", {})


async def test_refusing_through_the_state_endpoint_is_as_silent(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await greet(alice, bob)
    before, own = await alice.sync(), await bob.sync()
    event_id = await bob.set(direct, "m.room.member", {"membership": "leave"}, bob.user_id)
    assert "rooms" not in await alice.sync(before["next_batch"])
    [leaving] = (await bob.sync(own["next_batch"]))["rooms"]["leave"][direct]["timeline"]["events"]
    assert leaving["event_id"] == event_id


async def test_one_who_said_nothing_or_no_is_not_greeted_again_for_a_day(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await greet(alice, bob)
    await bob.leave(direct)
    again = await alice.ask("POST", "/createRoom", {"is_direct": True, "invite": [bob.user_id]})
    assert (again.status, again.errcode) == (429, "M_LIMIT_EXCEEDED")
    louder = {"membership": "invite", "is_direct": True, "reason": "Hello?"}
    path = {"roomId": direct, "eventType": "m.room.member", "stateKey": bob.user_id}
    assert (await alice.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", louder, **path)).status == 429
    house.clock.pass_ms(again.json["retry_after_ms"])
    await greet(alice, bob)


async def test_greetings_sent_all_at_once_keep_to_the_limit(house: World) -> None:
    alice = await house.person("alice")
    others = [await house.person(f"other{number}") for number in range(8)]
    wishes = [{"is_direct": True, "invite": [other.user_id]} for other in others]
    answers = await asyncio.gather(*(alice.ask("POST", "/createRoom", wish) for wish in wishes))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [429] * 5
    assert len((await alice.good("GET", f"{CONTACTS}/requests"))["outgoing"]) == 3


async def test_by_default_twenty_greetings_wait_and_ten_are_sent_a_day(
    place: Place, clock: ManualClock, tmp_path: Path
) -> None:
    rates = {"rate_limits__create_per_minute": 1000}
    async with world(
        place, tmp_path / "data", clock, greetings__required=True, rate_limits__enabled=True, **rates
    ) as made:
        alice = await made.person("alice")
        others = [await made.person(f"other{number}") for number in range(22)]
        statuses = []
        for number, other in enumerate(others):
            if number and number % 9 == 0:  # nine a day, so that only those that wait are too many
                clock.pass_ms(DAY_MS + 1)
            wish = {"is_direct": True, "invite": [other.user_id]}
            statuses.append((await alice.ask("POST", "/createRoom", wish)).status)
        assert statuses == [200] * 20 + [429] * 2
        bob = await made.person("bob")
        statuses = [(await bob.ask("POST", "/createRoom", {"is_direct": True, "invite": [other.user_id]})).status
                    for other in others[:11]]  # fmt: skip
        assert statuses == [200] * 10 + [429]


async def test_a_group_called_direct_is_still_a_group(house: World) -> None:
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    group = await greet(alice, bob)
    await bob.join(group)
    body = {"membership": "invite", "is_direct": True}
    path = {"roomId": group, "eventType": "m.room.member", "stateKey": carol.user_id}
    answer = await alice.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", body, **path)
    assert (answer.status, answer.errcode) == (403, "M_FORBIDDEN")
    both = {"is_direct": True, "invite": [carol.user_id, bob.user_id]}
    assert (await alice.ask("POST", "/createRoom", both)).status == 403


async def test_a_strangers_room_shows_nothing_written_on_it(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    words = {"name": "Buy at tea.example", "topic": "Buy at tea.example"}
    room = await alice.create(is_direct=True, invite=[bob.user_id], **words)
    shown = (await bob.sync())["rooms"]["invite"][room]["invite_state"]["events"]
    assert "Buy" not in str(shown)
    assert {(event["type"], event["state_key"]) for event in shown} >= {
        ("m.room.create", ""), ("m.room.member", alice.user_id), ("m.room.member", bob.user_id),
    }  # fmt: skip
    await bob.join(room)
    group = await alice.create(invite=[bob.user_id], **words)
    assert "Buy" in str((await bob.sync())["rooms"]["invite"][group])


async def test_without_greetings_invites_are_those_of_plain_matrix(tea: World) -> None:
    alice, bob = await tea.person("alice"), await tea.person("bob")
    group = await alice.create(invite=[bob.user_id], name="Tea")
    assert "Tea" in str((await bob.sync())["rooms"]["invite"][group])
    since = (await alice.sync())["next_batch"]
    await bob.leave(group)
    assert group in (await alice.sync(since))["rooms"]["join"]
    assert await contacts(alice) == []


async def test_greetings_are_limited_a_day_and_in_waiting(house: World) -> None:
    alice = await house.person("alice")
    others = [await house.person(f"other{number}") for number in range(6)]
    for other in others[:3]:
        await greet(alice, other)
    body = {"is_direct": True, "invite": [others[3].user_id]}
    assert (await alice.ask("POST", "/createRoom", body)).status == 429
    house.clock.pass_ms(DAY_MS + 1)
    await greet(alice, others[3])
    answer = await alice.ask("POST", "/createRoom", {"is_direct": True, "invite": [others[4].user_id]})
    assert (answer.status, answer.errcode) == (429, "M_LIMIT_EXCEEDED")
    house.clock.pass_ms(30 * DAY_MS)
    await greet(alice, others[4])


@pytest.mark.parametrize("reason", ["see https://tea.example", "www.tea.example", "x" * 201])
async def test_a_greeting_with_a_link_or_too_long_is_refused(house: World, reason: str) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await alice.create(is_direct=True)
    body = {"membership": "invite", "is_direct": True, "reason": reason}
    path = {"roomId": direct, "eventType": "m.room.member", "stateKey": bob.user_id}
    answer = await alice.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", body, **path)
    assert answer.status == 403
    assert (await bob.good("GET", f"{CONTACTS}/requests"))["incoming"] == []


async def test_one_who_is_blocked_vanishes_and_is_not_told(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    direct = await greet(alice, bob)
    await bob.join(direct)
    await block(bob, alice)
    assert await contacts(alice) == []
    token = (await bob.sync())["next_batch"]
    await alice.say(direct, "still there?")
    section = (await bob.sync(token)).get("rooms", {}).get("join", {}).get(direct)
    assert section is None or section["timeline"]["events"] == []
    again = await greet(alice, bob)
    assert again not in (await bob.sync()).get("rooms", {}).get("invite", {})
    assert (await bob.good("GET", f"{CONTACTS}/requests"))["incoming"] == []


async def block(person: Person, other: Person) -> None:
    await person.good("POST", f"{CONTACTS}/{{userId}}/block", {}, userId=other.user_id)


async def test_one_who_takes_no_invites_is_left_alone(house: World) -> None:
    alice, bob = await house.person("alice"), await house.person("bob")
    path = {"userId": bob.user_id, "type": "m.invite_permission_config"}
    await bob.good("PUT", "/user/{userId}/account_data/{type}", {"default_action": "block"}, **path)
    answer = await alice.ask("POST", "/createRoom", {"is_direct": True, "invite": [bob.user_id]})
    assert (answer.status, answer.errcode) == (403, "M_INVITE_BLOCKED")
