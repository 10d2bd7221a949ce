"""A group has at most 500 members, invitations included; public rooms have a limit of their own."""

import asyncio
from pathlib import Path
from typing import Any

from tests.clock import ManualClock
from tests.databases import Place
from tests.world import Answer, Person, World, world

LIMIT = 500
AT_ONCE = 50


async def crowd(tea: World, count: int) -> list[Person]:
    return [await tea.person(f"guest{number}") for number in range(count)]


async def everyone(people: list[Person], method: str, template: str, body: Any = None, **path: str) -> list[Answer]:
    answers: list[Answer] = []
    for first in range(0, len(people), AT_ONCE):
        part = people[first : first + AT_ONCE]
        answers += await asyncio.gather(*(person.ask(method, template, body, **path) for person in part))
    return answers


async def invite(host: Person, room: str, guests: list[Person]) -> list[Answer]:
    answers: list[Answer] = []
    for first in range(0, len(guests), AT_ONCE):
        bodies = [{"user_id": guest.user_id} for guest in guests[first : first + AT_ONCE]]
        asked = (host.ask("POST", "/rooms/{roomId}/invite", body, roomId=room) for body in bodies)
        answers += await asyncio.gather(*asked)
    return answers


def refused(answer: Answer) -> bool:
    return (answer.status, answer.errcode) == (403, "M_FORBIDDEN") and str(LIMIT) in answer.json["error"]


async def test_the_501st_of_a_group_is_refused_and_a_room_of_501_stays_public(tea: World) -> None:
    alice, guests = await tea.person("alice"), await crowd(tea, LIMIT)
    group = await alice.create()
    # The last one after the others: of invites sent at once any may come last.
    answers = await invite(alice, group, guests[:-1])
    assert {answer.status for answer in answers} == {200}
    assert refused((await invite(alice, group, guests[-1:]))[0])
    joined = await everyone(guests[:10], "POST", "/rooms/{roomId}/join", {}, roomId=group)
    assert {answer.status for answer in joined} == {200}  # who is invited counts already
    assert refused((await invite(alice, group, guests[-1:]))[0])
    await guests[10].leave(group)
    assert (await invite(alice, group, guests[-1:]))[0].status == 200

    square = await alice.create(preset="public_chat")
    joined = await everyone(guests, "POST", "/rooms/{roomId}/join", {}, roomId=square)
    assert {answer.status for answer in joined} == {200}
    path = {"roomId": square, "eventType": "m.room.join_rules"}
    for rule in ("invite", "knock", "restricted", "private"):
        closing = await alice.ask("PUT", "/rooms/{roomId}/state/{eventType}", {"join_rule": rule}, **path)
        assert refused(closing), rule
    assert (await alice.good("GET", "/rooms/{roomId}/state/{eventType}", **path))["join_rule"] == "public"
    await guests[0].leave(square)
    await alice.set(square, "m.room.join_rules", {"join_rule": "invite"})


async def test_no_other_way_in_goes_around_the_limit(place: Place, clock: ManualClock, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", clock, rooms__group_members_max=3) as small:
        alice, guests = await small.person("alice"), await crowd(small, 4)
        names = [guest.user_id for guest in guests]
        assert (await alice.ask("POST", "/createRoom", {"invite": names[:3]})).status == 403
        parlour = await alice.create(invite=names[:2])
        for guest in guests[:2]:
            await guest.join(parlour)
        rules = {"join_rule": "knock_restricted", "allow": [{"type": "m.room_membership", "room_id": parlour}]}
        group = await alice.create(invite=names[2:], initial_state=[{"type": "m.room.join_rules", "content": rules}])
        restricted = await guests[0].ask("POST", "/rooms/{roomId}/join", {}, roomId=group)
        assert (restricted.status, restricted.errcode) == (403, "M_FORBIDDEN")
        await guests[1].good("POST", "/knock/{roomIdOrAlias}", {}, roomIdOrAlias=group)
        assert (await invite(alice, group, guests[1:2]))[0].status == 403
        path = {"roomId": group, "eventType": "m.room.member", "stateKey": names[0]}
        body = {"membership": "invite"}
        assert (await alice.ask("PUT", "/rooms/{roomId}/state/{eventType}/{stateKey}", body, **path)).status == 403
        open_room = await alice.create(preset="public_chat")
        for guest in guests:
            await guest.join(open_room)
        levels = await alice.good("GET", "/rooms/{roomId}/state/m.room.power_levels", roomId=open_room)
        await alice.set(open_room, "m.room.power_levels", {**levels, "invite": 100})
        [rule] = [event for event in await alice.good("GET", "/rooms/{roomId}/state", roomId=open_room)
                  if event["type"] == "m.room.join_rules"]  # fmt: skip
        await alice.redact(open_room, rule["event_id"])  # empties nothing that says who may join
        kept = await alice.good("GET", "/rooms/{roomId}/state/m.room.join_rules", roomId=open_room)
        assert kept["join_rule"] == "public"


async def test_a_public_room_has_a_limit_of_its_own(place: Place, clock: ManualClock, tmp_path: Path) -> None:
    async with world(place, tmp_path / "data", clock, rooms__public_members_max=3) as small:
        alice, guests = await small.person("alice"), await crowd(small, 3)
        room = await alice.create(preset="public_chat")
        answers = await everyone(guests, "POST", "/rooms/{roomId}/join", {}, roomId=room)
        assert sorted(answer.status for answer in answers) == [200, 200, 403]
        assert "3" in next(answer.json["error"] for answer in answers if answer.status == 403)
