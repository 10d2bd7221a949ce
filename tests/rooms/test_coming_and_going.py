"""Join, invite, knock, leave, kick, ban, unban, forget: who may, and what follows."""

from typing import Any

import pytest

from tests.world import Answer, Person, World

MEMBER = "/rooms/{roomId}/state/m.room.member/{stateKey}"
REASON = "the kettle"


async def membership(looker: Person, room: str, person: Person) -> str | None:
    answer = await looker.ask("GET", MEMBER, roomId=room, stateKey=person.user_id)
    return None if answer.status == 404 else str(answer.json["membership"])


async def try_to(person: Person, verb: str, room: str, other: Person | None = None, **body: Any) -> Answer:
    target = {} if other is None else {"user_id": other.user_id}
    if verb == "knock":
        return await person.ask("POST", "/knock/{roomIdOrAlias}", body, roomIdOrAlias=room)
    return await person.ask("POST", f"/rooms/{{roomId}}/{verb}", {**target, **body}, roomId=room)


async def trio(tea: World, **wish: Any) -> tuple[Person, Person, Person, str]:
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    return alice, bob, carol, await alice.create(**wish)


async def test_one_comes_by_invitation_or_not_at_all(tea: World) -> None:
    alice, bob, carol, room = await trio(tea)
    assert (await try_to(bob, "join", room)).status == 403
    assert (await try_to(bob, "invite", room, carol)).status == 403
    await alice.invite(room, bob)
    await bob.join(room)
    await bob.join(room)  # again changes nothing
    assert (await try_to(alice, "invite", room, bob)).status == 403
    assert await membership(alice, room, bob) == "join"
    await alice.invite(room, carol)
    await carol.leave(room)
    assert (await try_to(carol, "join", room)).status == 403


async def test_a_restricted_room_lets_in_the_members_of_the_other(tea: World) -> None:
    alice, bob, carol, parlour = await trio(tea)
    rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": parlour}]}
    room = await alice.create(initial_state=[{"type": "m.room.join_rules", "content": rule}])
    for guest in (bob, carol):
        await alice.invite(parlour, guest)
    await bob.join(parlour)
    assert (await try_to(carol, "join", room)).status == 403  # only invited to the other
    await bob.join(room)
    event = await alice.good("GET", MEMBER, roomId=room, stateKey=bob.user_id)
    assert event["join_authorised_via_users_server"] == alice.user_id
    await bob.leave(parlour)
    await bob.leave(room)
    assert (await try_to(bob, "join", room)).status == 403
    await alice.invite(room, carol)
    await carol.join(room)  # an invitation is enough


@pytest.mark.parametrize("rule", ["knock", "knock_restricted"])
async def test_a_knock_is_answered_by_an_invitation_or_taken_back(tea: World, rule: str) -> None:
    rules = {"type": "m.room.join_rules", "content": {"join_rule": rule, "allow": []}}
    alice, bob, carol, room = await trio(tea, initial_state=[rules])
    assert (await try_to(bob, "knock", room, reason=REASON)).json == {"room_id": room}
    assert (await try_to(bob, "join", room)).status == 403
    assert await membership(alice, room, bob) == "knock"
    section = (await bob.sync())["rooms"]["knock"][room]["knock_state"]["events"]
    assert {"m.room.create", "m.room.member"} <= {event["type"] for event in section}
    await alice.invite(room, bob)
    await bob.join(room)
    assert (await try_to(bob, "knock", room)).status == 403
    await try_to(carol, "knock", room)
    await carol.leave(room)
    assert await membership(alice, room, carol) == "leave"


async def test_one_who_is_kicked_may_come_back_and_one_who_is_banned_not(tea: World) -> None:
    alice, bob, carol, room = await trio(tea, preset="public_chat")
    for guest in (bob, carol):
        await guest.join(room)
    for verb in ("kick", "ban"):
        assert (await try_to(bob, verb, room, carol)).status == 403
    since = (await bob.sync())["next_batch"]
    assert (await try_to(alice, "kick", room, bob, reason=REASON)).status == 200
    [gone] = (await bob.sync(since))["rooms"]["leave"][room]["timeline"]["events"]
    assert (gone["content"], gone["sender"]) == ({"membership": "leave", "reason": REASON}, alice.user_id)
    assert (await try_to(alice, "kick", room, bob)).status == 403
    await bob.join(room)
    assert (await try_to(alice, "ban", room, bob)).status == 200
    assert (await try_to(bob, "join", room)).status == 403
    assert (await try_to(bob, "knock", room)).status == 403
    assert (await try_to(alice, "invite", room, bob)).status == 403
    assert (await try_to(alice, "unban", room, bob)).status == 200
    again = await try_to(alice, "unban", room, bob)
    assert (again.status, again.errcode) == (403, "M_BAD_STATE")
    await bob.join(room)


async def test_a_room_is_forgotten_only_after_leaving_it(tea: World) -> None:
    alice, bob, _, room = await trio(tea, preset="public_chat")
    await bob.join(room)
    await alice.say(room)
    assert (await try_to(bob, "forget", room)).status == 400
    await bob.leave(room)
    archived = {"filter": '{"room":{"include_leave":true}}'}
    assert room in (await bob.sync(**archived))["rooms"]["leave"]
    assert (await try_to(bob, "forget", room)).status == 200
    assert "rooms" not in await bob.sync(**archived)
    read = await bob.ask("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=room)
    assert read.status == 403
    await bob.join(room)
    assert room in (await bob.sync())["rooms"]["join"]


async def test_what_is_no_room_is_refused(tea: World) -> None:
    alice = await tea.person("alice")
    room = await alice.create()
    for nothing in ("", " ", "tea", "!", "#", "!nothing", "!nothing:tea.test", "#nothing:tea.test", room + ":tea.test"):
        for verb in ("join", "knock"):
            path = {"roomIdOrAlias": nothing}
            answer = await alice.ask("POST", f"/{verb}/{{roomIdOrAlias}}", {}, **path)
            assert answer.status in (400, 403, 404), (verb, nothing, answer)
        for verb in ("join", "leave", "forget"):
            answer = await try_to(alice, verb, nothing)
            assert answer.status in (400, 403, 404), (verb, nothing, answer)


async def test_a_reason_has_its_limit(tea: World) -> None:
    alice, bob, _, room = await trio(tea, preset="public_chat")
    await bob.join(room)
    assert (await try_to(bob, "leave", room, reason="x" * 501)).status == 403
    assert (await try_to(bob, "leave", room, reason=7)).status == 400
    assert await membership(alice, room, bob) == "join"


async def test_one_may_say_more_by_joining_and_not_who_one_is(tea: World) -> None:
    alice, bob, _, room = await trio(tea, preset="public_chat")
    said = {"org.example": {"cup": 1}, "reason": REASON}
    forged = {"membership": "ban", "displayname": "alice", "is_direct": True, "join_authorised_via_users_server": "x"}
    await bob.good("POST", "/join/{roomIdOrAlias}", {**said, **forged}, roomIdOrAlias=room)
    event = await alice.good("GET", MEMBER, roomId=room, stateKey=bob.user_id)
    assert event == {"membership": "join", "displayname": "bob", **said}
    assert (await try_to(bob, "join", room, **{"org.example": 1.5})).errcode == "M_BAD_JSON"
    assert await try_to(bob, "join", room) == Answer(200, {"room_id": room})
