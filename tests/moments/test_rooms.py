"""Writing in moments rooms with a stock client: the author publishes, friends like, and nobody does anything else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.moments.town import MOMENT, MOMENTS, feed, publish, room_of, show_to, texts, town, unfriend
from tests.world import Person, World

SEND = "/rooms/{roomId}/send/{eventType}/{txnId}"
RELATIONS = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}"


async def send(person: Person, room: str, event_type: str = "m.room.message", **content: Any) -> Any:
    body = content or {"msgtype": "m.text", "body": "hello"}
    return await person.ask("PUT", SEND, body, roomId=room, eventType=event_type, txnId=person.world.next_txn())


def annotation(event_id: str, key: str = "🍵") -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}}


async def test_a_friend_s_message_is_refused_in_plain_words(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice)
    room = await room_of(alice)
    await bob.sync()
    refused = await send(bob, room)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")
    assert "Only @alice:tea.test writes here" in refused.json["error"]
    assert "React" in refused.json["error"]


async def test_what_the_author_writes_in_a_stock_client_is_a_moment_for_all_friends(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, "first")
    room = await room_of(alice)
    template = SEND.replace("{eventType}", "m.room.message")
    path = {"roomId": room, "txnId": "same"}
    for _ in range(2):
        answer = await alice.good("PUT", template, {"msgtype": "m.text", "body": "from my phone"}, **path)
    assert await feed(bob) == ["from my phone", "first"]
    shown = await bob.good("GET", MOMENT, momentId=answer["event_id"])
    assert shown["content"]["text"] == "from my phone"
    edit = {"rel_type": "m.replace", "event_id": answer["event_id"]}
    for content in (
        {"msgtype": "m.text", "body": "* x", "m.relates_to": edit}, {"msgtype": "m.text", "body": ""},
        {"msgtype": "m.image", "body": "x", "url": "mxc://elsewhere.test/x"},
    ):  # fmt: skip
        assert (await send(alice, room, **content)).status in (400, 403, 404)
    assert (await send(alice, room, "m.room.encrypted", algorithm="x")).status == 403
    await alice.redact(room, answer["event_id"])
    assert await feed(bob) == ["first"]


async def test_a_reaction_is_a_like_that_only_its_sender_s_devices_hear_of(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice)
    room = await room_of(alice)
    tokens = [(await person.sync())["next_batch"] for person in (alice, bob, carol)]
    event_id = await bob.send(room, "m.reaction", annotation(moment_id))
    [echo] = (await bob.sync(tokens[1]))["rooms"]["join"][room]["timeline"]["events"]
    assert (echo["event_id"], echo["content"]) == (event_id, annotation(moment_id))
    assert (await bob.good("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=event_id))["type"] == echo[
        "type"
    ]
    for person, since in ((alice, tokens[0]), (carol, tokens[2])):
        assert "rooms" not in await person.sync(since)
        hidden = await person.ask("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=event_id)
        assert hidden.status == 404
    for person, own in ((alice, []), (bob, [event_id]), (carol, [])):
        found = await person.good("GET", RELATIONS, roomId=room, eventId=moment_id)
        assert [event["event_id"] for event in found["chunk"]] == own
    assert (await alice.good("GET", MOMENT, momentId=moment_id))["likers"] == [bob.user_id]
    before = (await bob.sync())["next_batch"]
    await bob.redact(room, event_id)
    [taken] = (await bob.sync(before))["rooms"]["join"][room]["timeline"]["events"]
    assert taken["type"] == "m.room.redaction"
    assert (await bob.good("GET", RELATIONS, roomId=room, eventId=moment_id))["chunk"] == []
    assert "likes" not in await alice.good("GET", MOMENT, momentId=moment_id)


async def test_the_author_s_own_like_reaches_their_other_device(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice)
    room = await room_of(alice)
    since = (await alice.sync())["next_batch"]
    event_id = await alice.send(room, "m.reaction", annotation(moment_id))
    [echo] = (await alice.sync(since))["rooms"]["join"][room]["timeline"]["events"]
    assert echo["event_id"] == event_id
    await bob.sync()
    assert (await bob.good("GET", MOMENT, momentId=moment_id))["likers"] == [alice.user_id]


async def test_one_who_was_let_in_later_likes_the_event_they_see(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice, "one", "self")
    room = await room_of(alice)
    await show_to(alice, moment_id, "friends")
    answer = await bob.sync()
    [event] = [e for e in answer["rooms"]["join"][room]["timeline"]["events"] if e["type"] == "m.room.message"]
    assert event["event_id"] != moment_id
    await bob.send(room, "m.reaction", annotation(event["event_id"]))
    echo = (await bob.sync(answer["next_batch"]))["rooms"]["join"][room]["timeline"]["events"][-1]
    assert echo["content"]["m.relates_to"]["event_id"] == event["event_id"]
    assert (await bob.good("GET", MOMENT, momentId=event["event_id"]))["liked"]
    # What one may not see one cannot like, by no id.
    hidden = await publish(alice, "two", "self")
    refused = await bob.ask(
        "PUT", SEND, annotation(hidden), roomId=room, eventType="m.reaction", txnId=tea.next_txn()
    )  # fmt: skip
    assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND")


async def test_a_deleted_moment_is_emptied_and_those_who_saw_it_are_told(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice, "stays")
    moment_id = await publish(alice, "goes", "some", bob)
    room = await room_of(alice)
    tokens = [(await person.sync())["next_batch"] for person in (bob, carol)]
    await alice.good("DELETE", MOMENT, momentId=moment_id)
    [told] = (await bob.sync(tokens[0]))["rooms"]["join"][room]["timeline"]["events"]
    assert (told["type"], told["content"]["redacts"]) == ("m.room.redaction", moment_id)
    assert "rooms" not in await carol.sync(tokens[1])
    for person in (alice, bob, carol):
        assert texts(await person.sync(), room) == ["stays"]
        assert await feed(person) == ["stays"]
        page = await person.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 50}, roomId=room)
        assert "goes" not in str(page)
    again = await alice.ask("DELETE", MOMENT, momentId=moment_id)
    assert (again.status, again.errcode) == (404, "M_NOT_FOUND")


async def test_the_room_cannot_be_changed_listed_or_opened_to_others(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    carol = await tea.person("carol")
    await publish(alice)
    room = await room_of(alice)
    await bob.sync()
    for person in (alice, bob):
        for method, template, body in (
            ("PUT", "/rooms/{roomId}/state/m.room.name/", {"name": "x"}),
            ("PUT", "/rooms/{roomId}/state/m.room.encryption/", {"algorithm": "m.megolm.v1.aes-sha2"}),
            ("PUT", "/rooms/{roomId}/state/io.teahouse.moments/", {"author": bob.user_id}),
            ("POST", "/rooms/{roomId}/invite", {"user_id": carol.user_id}),
            ("POST", "/rooms/{roomId}/kick", {"user_id": bob.user_id}),
            ("POST", "/rooms/{roomId}/upgrade", {"new_version": "11"}),
            ("PUT", "/directory/room/{roomAlias}", {"room_id": room}),
            ("PUT", "/directory/list/room/{roomId}", {"visibility": "public"}),
        ):
            refused = await person.ask(method, template, body, roomId=room, roomAlias="#x:tea.test")
            assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN"), (person.user_id, template)
    for template in ("/rooms/{roomId}/join", "/knock/{roomId}"):
        assert (await carol.ask("POST", template, {}, roomId=room)).status == 403


async def test_the_room_is_called_by_its_author_s_name_and_follows_it(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice)
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await alice.good("PUT", "/profile/{userId}/displayname", {"displayname": "Alicia"}, userId=alice.user_id)
    await publish(alice, "renamed")
    shown = (await bob.sync(since))["rooms"]["join"][room]["timeline"]["events"]
    assert {"name": "Alicia · Moments"} in [event["content"] for event in shown]
    name = await bob.good("GET", "/rooms/{roomId}/state/m.room.name/", roomId=room)
    assert name == {"name": "Alicia · Moments"}


async def test_receipts_are_one_s_own(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice)
    room = await room_of(alice)
    tokens = [(await person.sync())["next_batch"] for person in (alice, bob, carol)]
    path = {"roomId": room, "receiptType": "m.read", "eventId": moment_id}
    await bob.good("POST", "/rooms/{roomId}/receipt/{receiptType}/{eventId}", {}, **path)
    shown = await bob.sync(tokens[1])
    [receipts] = shown["rooms"]["join"][room]["ephemeral"]["events"]
    assert list(receipts["content"][moment_id]["m.read"]) == [bob.user_id]
    for person, since in ((alice, tokens[0]), (carol, tokens[2])):
        assert bob.user_id not in str(await person.sync(since))


async def test_own_rules_count_what_one_may_read_and_nothing_else(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice)
    room = await room_of(alice)
    await bob.sync()
    rule = {"actions": ["notify"]}
    await bob.good("PUT", "/pushrules/global/room/{ruleId}", rule, ruleId=room)
    await publish(alice, "for carol", "some", carol)
    await publish(alice, "for all")
    assert (await bob.sync())["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 1


@pytest.mark.parametrize("count", [2, 3])
async def test_moments_are_silent_for_clients_that_take_the_room_for_a_direct_chat(tea: World, count: int) -> None:
    from teahouse.matrix import push_rules

    alice, bob = await town(tea, "alice", "bob")
    await publish(alice)
    room = await room_of(alice)
    events = (await bob.sync())["rooms"]["join"][room]["timeline"]["events"]
    rules = push_rules.defaults(bob.user_id)
    context = push_rules.PushContext(bob.user_id, count, 100, {})
    assert not any(push_rules.evaluate(rules, event, context).notify for event in events)
    unmarked = {"type": "m.room.message", "content": {"msgtype": "m.text", "body": "x"}}
    assert push_rules.evaluate(rules, unmarked, context).notify


async def test_strangers_and_former_friends_do_nothing_with_a_moment(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice)
    room = await room_of(alice)
    await bob.sync()
    await unfriend(alice, bob)
    carol = await tea.person("carol")
    for person in (bob, carol):
        for method, template, body in (
            ("GET", MOMENT, None), ("PUT", f"{MOMENT}/like", {}), ("DELETE", f"{MOMENT}/like", None),
            ("GET", f"{MOMENT}/comments", None), ("POST", f"{MOMENT}/comments", {"body": "x"}),
            ("DELETE", MOMENT, None), ("PUT", f"{MOMENT}/audience", {"scope": "friends"}),
        ):  # fmt: skip
            refused = await person.ask(method, template, body, momentId=moment_id)
            assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND"), template
        assert (await send(person, room)).json["error"] == "You are not in this room."
        assert (await person.good("GET", f"{MOMENTS}/of/{{userId}}", userId=alice.user_id))["moments"] == []


async def test_of_two_changes_of_one_s_name_the_newer_stands_after_the_timeline(tea: World) -> None:
    [alice] = await town(tea, "alice")
    await publish(alice)
    room = await room_of(alice)
    since = (await alice.sync())["next_batch"]
    for name in ("A", "B"):
        await alice.good("PUT", "/profile/{userId}/displayname", {"displayname": name}, userId=alice.user_id)
    shown = (await alice.sync(since, use_state_after=True))["rooms"]["join"][room]["state_after"]["events"]
    assert [event["content"].get("displayname") for event in shown] == ["B"]
