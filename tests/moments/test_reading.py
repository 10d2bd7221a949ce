"""Moments as friends read them: in a stock client's sync, and through Teahouse's own API."""

from __future__ import annotations

import pytest

from teahouse.db import Reader
from teahouse.moments import store as moments_store
from teahouse.moments.journal import Journal
from tests.moments.town import (
    MOMENT,
    MOMENTS,
    befriend,
    feed,
    joined,
    look_back,
    publish,
    put_on,
    room_of,
    show_to,
    take_off,
    texts,
    town,
    unfriend,
)
from tests.world import World

DAY_MS = 86_400_000
MEMBER = "/rooms/{roomId}/state/m.room.member/{userId}"


async def test_a_friend_reads_a_moment_and_a_stranger_does_not(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    carol = await tea.person("carol")
    before = {person.user_id: (await person.sync())["next_batch"] for person in (bob, carol)}
    moment_id = await publish(alice, "Rain on the roof.")
    room = await room_of(alice)
    for since in (None, before[bob.user_id]):
        assert texts(await bob.sync(since), room) == ["Rain on the roof."]
    for since in (None, before[carol.user_id]):
        assert "rooms" not in await carol.sync(since)
    assert (await feed(alice), await feed(bob), await feed(carol)) == (["Rain on the roof."],) * 2 + ([],)
    hidden = await carol.ask("GET", MOMENT, momentId=moment_id)
    assert (hidden.status, hidden.errcode) == (404, "M_NOT_FOUND")
    refused = await carol.ask("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=room)
    assert (refused.status, refused.errcode) == (403, "M_FORBIDDEN")


async def test_the_room_shows_the_author_and_oneself_quietly_and_aside(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice)
    room = await room_of(alice)
    await carol.sync()
    shown = joined(await bob.sync(), room)
    events = [*shown["state"]["events"], *shown["timeline"]["events"]]
    assert {event["state_key"] for event in events if event["type"] == "m.room.member"} == {
        alice.user_id, bob.user_id,
    }  # fmt: skip
    assert shown["summary"]["m.joined_member_count"] == 3
    assert shown["unread_notifications"] == {"notification_count": 0, "highlight_count": 0}
    assert shown["account_data"]["events"] == [{"type": "m.tag", "content": {"tags": {"m.lowpriority": {}}}}]
    [topic] = [event["content"]["topic"] for event in events if event["type"] == "m.room.topic"]
    assert "not end-to-end encrypted" in topic
    assert carol.user_id not in str(events)
    for name in ("members", "joined_members"):
        assert carol.user_id not in str(await bob.good("GET", f"/rooms/{{roomId}}/{name}", roomId=room))
    hidden = await bob.ask("GET", MEMBER, roomId=room, userId=carol.user_id)
    assert (hidden.status, hidden.errcode) == (404, "M_NOT_FOUND")
    assert joined(await alice.sync(), room)["summary"]["m.joined_member_count"] == 3


async def test_a_tag_that_the_reader_chose_stays(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice)
    room = await room_of(alice)
    await bob.sync()
    template = "/user/{userId}/rooms/{roomId}/tags/m.favourite"
    await bob.good("PUT", template, {}, userId=bob.user_id, roomId=room)
    await bob.good("DELETE", template.replace("m.favourite", "m.lowpriority"), userId=bob.user_id, roomId=room)
    await put_on(bob, "unwanted", alice)
    await take_off(bob, "unwanted", alice)
    await bob.sync()
    tags = await bob.good("GET", "/user/{userId}/rooms/{roomId}/tags", userId=bob.user_id, roomId=room)
    assert list(tags["tags"]) == ["m.favourite"]


@pytest.mark.parametrize("scope", ["friends", "some", "all_but", "self"])
async def test_each_audience_admits_whom_it_says(tea: World, scope: str) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice, "Hello.", scope, *([bob] if scope in ("some", "all_but") else []))
    room = await room_of(alice)
    seen = {"friends": (True, True), "some": (True, False), "all_but": (False, True), "self": (False, False)}[scope]
    for person, sees in zip((bob, carol), seen, strict=True):
        assert (await feed(person) == ["Hello."]) is sees
        answer = await person.sync()
        assert (joined(answer, room) is not None) is sees  # that there is a room says that there are moments
        assert (texts(answer, room) == ["Hello."]) is sees
    assert await feed(alice) == ["Hello."]
    assert texts(await alice.sync(), room) == ["Hello."]


async def test_nothing_says_that_a_moment_for_others_is_there(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice, "one")
    room = await room_of(alice)
    first = await bob.sync()
    hidden = await publish(alice, "two", "some", carol)
    second = await bob.sync(first["next_batch"])
    assert "rooms" not in second
    await publish(alice, "three")
    third = await bob.sync(first["next_batch"])
    assert texts(third, room) == ["three"]
    assert not joined(third, room)["timeline"]["limited"]
    page = await bob.good("GET", "/rooms/{roomId}/messages", None, {"dir": "f", "limit": 50}, roomId=room)
    assert hidden not in str(page)
    assert [event["content"]["body"] for event in page["chunk"] if event["type"] == "m.room.message"] == [
        "one", "three",
    ]  # fmt: skip
    assert texts(await carol.sync(), room) == ["one", "two", "three"]


async def test_unfriended_is_unseen_at_once_and_an_older_token_hears_of_it(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice, "Between friends.")
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await unfriend(alice, bob)
    assert await feed(bob) == []
    for template, query in (
        ("/rooms/{roomId}/messages", {"dir": "b"}), ("/rooms/{roomId}/event/{eventId}", {}),
        ("/rooms/{roomId}/context/{eventId}", {}), ("/rooms/{roomId}/state", {}), ("/rooms/{roomId}/members", {}),
    ):  # fmt: skip
        refused = await bob.ask("GET", template, None, query, roomId=room, eventId=moment_id)
        # A single event is not there for those who may not read it.
        wanted = (404, "M_NOT_FOUND") if template.endswith("/event/{eventId}") else (403, "M_FORBIDDEN")
        assert (refused.status, refused.errcode) == wanted, template
    await publish(alice, "Among others.")
    for _ in range(2):
        left = (await bob.sync(since))["rooms"]["leave"][room]
        assert [event["content"] for event in left["timeline"]["events"]] == [{"membership": "leave"}]
        assert "rooms" not in await bob.sync()
        await tea.restart()


async def test_friends_again_see_what_was_made_meanwhile(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, "one")
    room = await room_of(alice)
    token = (await bob.sync())["next_batch"]
    await unfriend(bob, alice)
    await publish(alice, "two")
    gone = (await bob.sync(token))["next_batch"]
    await befriend(tea, alice, bob)
    for since, limited in ((None, False), (token, True), (gone, True)):
        answer = await bob.sync(since)
        assert texts(answer, room) == ["one", "two"]
        assert joined(answer, room)["timeline"]["limited"] is limited


async def test_widening_shows_a_moment_to_those_let_in_and_twice_to_nobody(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice, "one", "some", bob)
    room = await room_of(alice)
    tokens = [(await person.sync())["next_batch"] for person in (alice, bob, carol)]
    await show_to(alice, moment_id, "friends")
    for person, since, news in zip((alice, bob, carol), tokens, ([], [], ["one"]), strict=True):
        assert texts(await person.sync(since), room) == news
        assert texts(await person.sync(), room) == ["one"]
        assert await feed(person) == ["one"]


async def test_narrowing_denies_later_reads_and_being_let_in_again_shows_it_anew(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice, "one")
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await show_to(alice, moment_id, "all_but", bob)
    assert (await feed(bob), texts(await bob.sync(), room), await feed(carol)) == ([], [], ["one"])
    hidden = await bob.ask("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=moment_id)
    assert hidden.status == 404
    assert "rooms" not in await bob.sync(since)
    await show_to(alice, moment_id, "friends")
    assert texts(await bob.sync(since), room) == ["one"]
    await tea.restart()
    assert (texts(await bob.sync(), room), texts(await carol.sync(), room)) == (["one"], ["one"])


async def test_friends_see_as_far_back_as_the_author_lets_them(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, "old")
    room = await room_of(alice)
    tea.clock.pass_ms(4 * DAY_MS)
    await publish(alice, "new")
    assert await feed(bob) == ["new", "old"]
    since = (await bob.sync())["next_batch"]
    await look_back(alice, 3)
    assert (await feed(bob), texts(await bob.sync(), room), await feed(alice)) == (["new"], ["new"], ["new", "old"])
    carol = await tea.person("carol")
    await befriend(tea, alice, carol)
    assert (await feed(carol), texts(await carol.sync(), room)) == (["new"], ["new"])
    tea.clock.pass_ms(3 * DAY_MS + 1)
    assert (await feed(bob), texts(await bob.sync(), room)) == ([], [])
    assert "rooms" not in await bob.sync(since)
    await look_back(alice, 90)
    again = await bob.sync(since)
    assert texts(again, room) == ["old", "new"]
    assert joined(again, room)["timeline"]["limited"]
    refused = await alice.ask("PUT", f"{MOMENTS}/settings", {"days": 7})
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_one_who_is_hidden_from_sees_nothing_and_is_not_told(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, "one")
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await put_on(alice, "hidden", bob)
    await publish(alice, "two")
    assert "rooms" not in await bob.sync(since)
    assert (await feed(bob), texts(await bob.sync(), room)) == ([], [])
    assert (await bob.good("GET", "/joined_rooms"))["joined_rooms"] == [room]
    await take_off(alice, "hidden", bob)
    assert await feed(bob) == ["two", "one"]
    assert texts(await bob.sync(since), room) == ["one", "two"]


async def test_one_who_is_hidden_from_while_nothing_of_it_is_in_memory_sees_nothing(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teahouse.moments.circles.MOMENTS_CACHED_MAX", 0)  # one author at a time
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    await publish(alice, "Not for everybody.")
    assert "Not for everybody." in str(await carol.sync())
    await publish(bob)
    await carol.sync()
    await put_on(alice, "hidden", carol)
    page = await carol.ask("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=await room_of(alice))
    assert "Not for everybody." not in str(page.json)
    assert "Not for everybody." not in str(await carol.sync())


async def test_one_who_is_hidden_from_while_they_are_looking_sees_nothing_afterwards(
    tea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, carol = await town(tea, "alice", "carol")
    await publish(alice, "Not for everybody.")
    await carol.sync()
    await tea.restart()
    read, looking = moments_store.journal, False

    async def hide_meanwhile(db: Reader, author_no: int) -> Journal | None:
        nonlocal looking
        journal = await read(db, author_no)
        if not looking:
            looking = True
            await put_on(alice, "hidden", carol)
        return journal

    monkeypatch.setattr(moments_store, "journal", hide_meanwhile)
    await carol.sync()
    assert looking
    page = await carol.ask("GET", "/rooms/{roomId}/messages", None, {"dir": "b"}, roomId=await room_of(alice))
    assert "Not for everybody." not in str(page.json)


async def test_leaving_the_room_is_not_wanting_this_friend_s_moments(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    await publish(alice, "one")
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await bob.leave(room)
    assert room in (await bob.sync(since))["rooms"]["leave"]
    assert await feed(bob) == []
    unwanted = await bob.good("GET", f"{MOMENTS}/lists/{{list}}", list="unwanted")
    assert unwanted == {"users": [alice.user_id]}
    await publish(alice, "two")
    gone = await bob.sync()
    assert "rooms" not in gone
    await bob.join(room)
    assert (await feed(bob), texts(await bob.sync(gone["next_batch"]), room)) == (["two", "one"], ["one", "two"])
    own = await alice.ask("POST", "/rooms/{roomId}/leave", {}, roomId=room)
    assert (own.status, own.errcode) == (403, "M_FORBIDDEN")


async def test_moments_of_a_closed_account_are_seen_by_nobody(tea: World) -> None:
    alice, bob = await town(tea, "alice", "bob")
    moment_id = await publish(alice, "one")
    room = await room_of(alice)
    since = (await bob.sync())["next_batch"]
    await tea.app.accounts.close(alice.user_no)
    for _ in range(2):
        assert room in (await bob.sync(since))["rooms"]["leave"]
        assert (await feed(bob), "rooms" in await bob.sync()) == ([], False)
        assert (await bob.ask("GET", MOMENT, momentId=moment_id)).status == 404
        refused = await bob.ask("GET", "/rooms/{roomId}/event/{eventId}", roomId=room, eventId=moment_id)
        assert refused.status == 404
        await tea.restart()


async def test_pages_of_the_feed_hold_every_moment_once(tea: World) -> None:
    alice, bob, carol, dave = await town(tea, "alice", "bob", "carol", "dave")
    said = []
    for number in range(30):
        author = (alice, bob, carol)[number % 3]
        said.append(f"moment {number}")
        await publish(author, said[-1], "all_but" if number % 5 == 0 else "friends", *([dave] * (number % 5 == 0)))
    shown: list[str] = []
    query: dict[str, object] = {"limit": 7}
    while True:
        page = await dave.good("GET", MOMENTS, None, query)
        shown += [moment["content"]["text"] for moment in page["moments"]]
        await publish(alice, "later")  # what comes meanwhile moves nothing
        if "next_batch" not in page:
            break
        query["from"] = page["next_batch"]
    assert shown == [text for number, text in reversed(list(enumerate(said))) if number % 5]
    page = await dave.good("GET", f"{MOMENTS}/of/{{userId}}", None, {"limit": 50}, userId=bob.user_id)
    assert {moment["author"] for moment in page["moments"]} == {bob.user_id}


async def test_the_audience_is_told_to_the_author_alone(tea: World) -> None:
    alice, bob, carol = await town(tea, "alice", "bob", "carol")
    moment_id = await publish(alice, "one", "all_but", carol)
    own = await alice.good("GET", MOMENT, momentId=moment_id)
    assert own["audience"] == {"scope": "all_but", "users": [carol.user_id]}
    assert "audience" not in await bob.good("GET", MOMENT, momentId=moment_id)
    assert carol.user_id not in str(await bob.sync())
