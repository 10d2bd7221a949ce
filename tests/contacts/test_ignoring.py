"""Ignored users vanish from sync, invites and unread counts, for the one who ignores them and nobody else."""

from typing import Any

from tests.world import Person, World

RULES = "/pushrules/global/{kind}/{ruleId}"


async def ignore(person: Person, other: Person) -> None:
    path = {"userId": person.user_id, "type": "m.ignored_user_list"}
    await person.good("PUT", "/user/{userId}/account_data/{type}", {"ignored_users": {other.user_id: {}}}, **path)


async def trio(tea: World) -> tuple[Person, Person, Person, str]:
    """Alice, who ignores Bob; Bob; Carol; and a room of the three."""
    alice, bob, carol = [await tea.person(name) for name in ("alice", "bob", "carol")]
    room = await carol.create(preset="public_chat")
    for person in (alice, bob):
        await person.join(room)
    await ignore(alice, bob)
    return alice, bob, carol, room


async def joined(person: Person, room: str, since: str | None = None) -> dict[str, Any]:
    section: dict[str, Any] = (await person.sync(since)).get("rooms", {}).get("join", {}).get(room, {})
    return section


def bodies(section: dict[str, Any]) -> list[str]:
    events = section.get("timeline", {}).get("events", [])
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


async def test_their_messages_are_shown_and_counted_for_others_alone(tea: World) -> None:
    alice, bob, carol, room = await trio(tea)
    since = (await alice.sync())["next_batch"]
    await bob.say(room, "from bob", **{"m.mentions": {"user_ids": [alice.user_id, carol.user_id]}})
    root = await carol.say(room, "from carol")
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    await bob.say(room, "in the thread", **thread)
    for section in (await joined(alice, room), await joined(alice, room, since)):
        assert bodies(section) == ["from carol"]
        assert section["unread_notifications"] == {"notification_count": 1, "highlight_count": 0}
    assert bodies(await joined(carol, room)) == ["from bob", "from carol", "in the thread"]
    page = await alice.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 50}, roomId=room)
    assert "from bob" not in str(page)
    assert "in the thread" not in str(page)


async def test_their_messages_stay_uncounted_also_under_rules_of_ones_own(tea: World) -> None:
    alice, bob, carol, room = await trio(tea)
    rule = {"actions": ["notify", {"set_tweak": "highlight"}], "pattern": "oolong"}
    await alice.good("PUT", RULES, rule, kind="content", ruleId="oolong")
    await bob.say(room, "oolong")
    assert (await joined(alice, room))["unread_notifications"] == {"notification_count": 0, "highlight_count": 0}
    await carol.say(room, "oolong")
    assert (await joined(alice, room))["unread_notifications"] == {"notification_count": 1, "highlight_count": 1}


async def test_their_invites_are_not_shown(tea: World) -> None:
    alice, bob, carol, _ = await trio(tea)
    since = (await alice.sync())["next_batch"]
    unwanted = await bob.create(invite=[alice.user_id])
    wanted = await carol.create(invite=[alice.user_id])
    for answer in (await alice.sync(), await alice.sync(since)):
        assert list(answer["rooms"]["invite"]) == [wanted]
    assert unwanted not in str(await alice.sync())


async def test_neither_their_receipts_nor_their_typing_are_shown(tea: World) -> None:
    alice, bob, carol, room = await trio(tea)
    said = await carol.say(room)
    for person in (bob, carol):
        path = {"roomId": room, "receiptType": "m.read", "eventId": said}
        await person.good("POST", "/rooms/{roomId}/receipt/{receiptType}/{eventId}", {}, **path)
    await tea.receipts_shown()
    typing = {"typing": True, "timeout": 30_000}
    await bob.good("PUT", "/rooms/{roomId}/typing/{userId}", typing, roomId=room, userId=bob.user_id)
    seen = {event["type"]: event["content"] for event in (await joined(alice, room))["ephemeral"]["events"]}
    assert set(seen["m.receipt"][said]["m.read"]) == {carol.user_id}
    assert bob.user_id not in str(seen)
    others = {event["type"]: event["content"] for event in (await joined(carol, room))["ephemeral"]["events"]}
    assert set(others["m.receipt"][said]["m.read"]) == {bob.user_id, carol.user_id}
    assert others["m.typing"] == {"user_ids": [bob.user_id]}


async def test_one_who_is_no_longer_ignored_is_seen_again(tea: World) -> None:
    alice, bob, _, room = await trio(tea)
    await bob.say(room, "heard later")
    path = {"userId": alice.user_id, "type": "m.ignored_user_list"}
    await alice.good("PUT", "/user/{userId}/account_data/{type}", {"ignored_users": {}}, **path)
    section = await joined(alice, room)
    assert bodies(section) == ["heard later"]
    assert section["unread_notifications"]["notification_count"] == 1
