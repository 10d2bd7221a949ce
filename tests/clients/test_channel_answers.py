"""What a public account's channel answers, asked by matrix-nio and matrix-js-sdk alike: the rows of docs/bots.md.

Both clients follow the same account, and each is the other's other follower. What they are asked stands, in the same
words for both, in actors/nio_questions.py and actors/js/questions.mjs.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.clients.actor import Actor, StepFailed
from tests.clients.environments import Environments
from tests.clients.newsroom import Newsroom, newsroom
from tests.clients.stage import Person, Stage, befriend, tells
from tests.serving import ServedTeahouse, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_FOUND = [404, "M_NOT_FOUND"]
FORBIDDEN = [403, "M_FORBIDDEN"]
OLDER_POSTS = 16  # with the channel's own beginnings more than a first timeline holds
TIMELINE_EVENTS = 20  # a timeline without a filter


@dataclass
class Readers:
    """One with each client, and for each test a channel that nobody follows yet."""

    stage: Stage
    people: tuple[Person, Person]
    nio: Actor
    js: Actor

    @property
    def both(self) -> tuple[Actor, Actor]:
        return self.nio, self.js

    @property
    def pairs(self) -> tuple[tuple[Actor, Actor], ...]:
        return (self.nio, self.js), (self.js, self.nio)

    async def follow(self) -> Newsroom:
        """A new account that both follow."""
        room = await newsroom(self.stage)
        for reader in self.both:
            await reader.do("join", room_id=room.room_id)
        return room

    async def see(self, room: Newsroom, text: str) -> str:
        """A post that both have seen, with all that came before it; its event id."""
        event_id = str((await room.publish(text))["event_id"])
        for reader in self.both:
            await reader.sees("message", room_id=room.room_id, event_id=event_id)
        return event_id


@pytest.fixture(scope="module")
def open_house() -> Iterator[ServedTeahouse]:
    """A server where contacts see who is there, so that it shows who does not."""
    with served({"TEAHOUSE_PRESENCE_ENABLED": "true"}) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def readers(
    open_house: ServedTeahouse, environments: Environments, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Readers]:
    stage = Stage(open_house, environments, tmp_path_factory.mktemp("readers"))
    alice, bob = await asyncio.gather(stage.person("alice"), stage.person("bob"))
    nio, js = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "js", "browser"))
    yield Readers(stage, (alice, bob), nio, js)
    await stage.close()


def name_of(reader: Actor) -> str:
    return reader.user_id[1:].partition(":")[0]


def alias(room: Newsroom) -> str:
    return f"#{room.handle}:{room.user_id.partition(':')[2]}"


async def test_joining_by_alias_or_id_follows_once(readers: Readers) -> None:
    room = await newsroom(readers.stage)
    ways = (room.room_id, alias(room))
    for reader, names in ((readers.nio, ways), (readers.js, ways[::-1])):
        since = await reader.asks("token")
        assert [(await reader.do("join", room_id=name))["room_id"] for name in names[:1]] == [room.room_id]
        own = await reader.asks("own", room_id=room.room_id)
        assert own[0] == "join"
        assert [(await reader.do("join", room_id=name))["room_id"] for name in names * 2] == [room.room_id] * 4
        told = {"sections": ["join"], "own": own}
        assert await reader.asks("since", room_id=room.room_id, token=since) == told
    assert (await room.ask("GET", ""))["followers"] == 2
    await readers.see(room, "Two came, five times each.")
    for reader, other in readers.pairs:
        assert reader.saw("member", room_id=room.room_id, user_id=other.user_id) == []
        members = [event for event in await reader.asks("timeline", room_id=room.room_id)
                   if event["type"] == "m.room.member"]  # fmt: skip
        assert [event["state_key"] for event in members] == [room.user_id]


async def test_a_channel_looks_the_same_to_one_who_was_there_and_one_who_starts_now(readers: Readers) -> None:
    room = await readers.follow()
    await readers.see(room, "For two followers.")
    for reader in readers.both:
        shown = await reader.asks("room", room_id=room.room_id)
        membership, name, event_id = shown.pop("own")
        assert (membership, name) == ("join", name_of(reader))
        assert shown == {
            "name": f"The Daily Leaf {room.handle}",
            "joined": 3, "invited": 0, "heroes": [],
            "unread": [0, 0],
            "version": "12", "federate": False, "join_rule": "public", "history": "world_readable", "encrypted": False,
            "levels": [100, 100, 100, 100, 100], "users": {},  # the account made the room, which outranks every level
            "may_send": ["m.reaction", "m.room.redaction"],
            "fully_read": None, "typing": [],
        }  # fmt: skip
        again = await reader.asks("room", room_id=room.room_id, afresh=True)
        assert again == shown | {"own": [membership, name, event_id]}
        token = await reader.asks("token")
        whole = {"room_id": room.room_id, "token": token, "full_state": True}
        assert (await reader.asks("since", **whole)) == {"sections": ["join"], "own": ["join", event_id]}


def bare(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events with the contents of messages alone: nio fills up those of some state events with defaults."""
    return [event if "state_key" not in event else event | {"content": None} for event in events]


async def test_all_followers_have_one_timeline_and_scroll_back_to_its_beginning(readers: Readers) -> None:
    room = await newsroom(readers.stage)
    posts = [(await room.publish(f"Post {number}."))["event_id"] for number in range(OLDER_POSTS)]
    for reader in readers.both:
        await reader.do("join", room_id=room.room_id)
    posts += [await readers.see(room, "The first that finds them here."), await readers.see(room, "And the second.")]
    for question, held in (("timeline", TIMELINE_EVENTS + 2), ("scrolled", None)):
        one, other = [await reader.asks(question, room_id=room.room_id) for reader in readers.both]
        assert bare(one) == bare(other)
        assert held in (None, len(one))
        assert [event["membership"] for event in one[-2:]] == ["join", "join"]
        shown = [event["event_id"] for event in one if event["type"] == "m.room.message"]
        assert shown == posts[-len(shown) :]
    assert shown == posts
    assert one[0]["type"] == "m.room.create"
    assert len({event["event_id"] for event in one}) == len(one)
    assert [event["state_key"] for event in one if event["type"] == "m.room.member"] == [room.user_id]


async def test_posts_count_as_unread_where_they_alert_and_never_highlight(readers: Readers) -> None:
    room = await readers.follow()
    quiet = await readers.see(room, "Posts alert nobody who did not ask for it.")
    for reader in readers.both:
        assert (await reader.asks("room", room_id=room.room_id))["unread"] == [0, 0]
        await reader.asks("alert", room_id=room.room_id)
        await reader.asks("read_markers", room_id=room.room_id, event_id=quiet)
    for reader in readers.both:
        await room.publish(f"A word to {name_of(reader)}, whose id is {reader.user_id}.")
    last = await readers.see(room, "@room, three are unread.")
    for reader in readers.both:
        for afresh in (False, True):
            assert (await reader.asks("room", room_id=room.room_id, afresh=afresh))["unread"] == [3, 0]
        await reader.asks("receipt", room_id=room.room_id, event_id=last)
        liked = await reader.do("react", room_id=room.room_id, event_id=last, key="🍵")
        await reader.sees("reaction", room_id=room.room_id, event_id=liked["event_id"])  # and what was before it
        for afresh in (False, True):
            assert (await reader.asks("room", room_id=room.room_id, afresh=afresh))["unread"] == [0, 0]


async def test_where_one_has_read_and_types_is_nobody_else_s_to_see(readers: Readers) -> None:
    room = await readers.follow()
    first, second = await readers.see(room, "One."), await readers.see(room, "Two.")
    for reader in readers.both:
        await reader.asks("read_markers", room_id=room.room_id, event_id=first)
        assert await reader.asks("read_by", room_id=room.room_id, user_id=reader.user_id) == first
        await reader.asks("receipt", room_id=room.room_id, event_id=second)
        await reader.asks("type", room_id=room.room_id)
    await readers.see(room, "Whatever came before has come.")
    for reader, other in readers.pairs:
        assert await reader.asks("read_by", room_id=room.room_id, user_id=reader.user_id) == second
        assert await reader.asks("read_by", room_id=room.room_id, user_id=other.user_id) is None
        assert reader.saw("receipt", room_id=room.room_id, user_id=other.user_id) == []
        for afresh in (False, True):
            shown = await reader.asks("room", room_id=room.room_id, afresh=afresh)
            assert (shown["fully_read"], shown["typing"]) == (first, [])


async def test_member_lists_are_the_account_and_oneself(readers: Readers) -> None:
    room = await newsroom(readers.stage)
    await readers.follow()  # another one, so that both have synced since this one was founded
    for reader in readers.both:
        earlier = await reader.asks("token")
        await reader.do("join", room_id=room.room_id)
        account, everybody = {room.user_id: "join"}, {room.user_id: "join", reader.user_id: "join"}
        for query, wanted in (
            ({}, everybody), ({"membership": "join"}, everybody), ({"not_membership": "leave"}, everybody),
            ({"membership": "leave"}, {}), ({"membership": "invite"}, {}), ({"not_membership": "join"}, {}),
            ({"at": await reader.asks("token")}, everybody), ({"at": earlier}, account),
        ):  # fmt: skip
            assert await reader.asks("members", room_id=room.room_id, **query) == wanted, query
        joined = await reader.asks("joined_members", room_id=room.room_id)
        assert joined == {
            room.user_id: f"The Daily Leaf {room.handle}", reader.user_id: name_of(reader)
        }  # fmt: skip


async def test_one_s_own_membership_is_an_event_that_no_other_follower_finds(readers: Readers) -> None:
    before_ms = int(time.time()) * 1_000
    room = await readers.follow()
    where = {"room_id": room.room_id}
    for reader, other in readers.pairs:
        _, own = await reader.asks("own", **where)
        found = await reader.asks("event", **where, event_id=own)
        assert before_ms <= found.pop("origin_server_ts") <= time.time() * 1_000
        mine = reader.user_id
        assert found == {"event_id": own, "type": "m.room.member", "sender": mine, "state_key": mine}
        assert (await reader.asks("context", **where, event_id=own))["event_id"] == own
        for question in ("event", "context"):
            assert await other.asks(question, **where, event_id=own) == NOT_FOUND
        for user_id, name in ((mine, name_of(reader)), (room.user_id, f"The Daily Leaf {room.handle}")):
            content = await reader.asks("member", **where, user_id=user_id)
            assert (content["membership"], content["displayname"]) == ("join", name)
        assert await other.asks("member", **where, user_id=reader.user_id) == NOT_FOUND


async def test_what_is_around_and_about_a_post_holds_no_other_follower(readers: Readers) -> None:
    room = await readers.follow()
    post = await readers.see(room, "Do you like it?")
    where = {"room_id": room.room_id, "event_id": post}
    for reader in readers.both:
        liked = (await reader.do("react", **where, key="🍵"))["event_id"]
        assert await reader.asks("relations", **where) == [liked]
        around = await reader.asks("context", **where)
        assert around["event_id"] == post
        assert set(around["members"]) <= {room.user_id, reader.user_id}
        for user in readers.both:
            if user is not reader:
                assert await user.asks("event", room_id=room.room_id, event_id=liked) == NOT_FOUND


async def test_leaving_ends_with_an_event_of_one_s_own_and_coming_back_begins_with_a_new_one(readers: Readers) -> None:
    room = await readers.follow()
    where = {"room_id": room.room_id}
    for reader in readers.both:
        since, (_, first) = await reader.asks("token"), await reader.asks("own", **where)
        assert await reader.asks("forget", **where) == [400, "M_UNKNOWN"]
        await reader.do("leave", **where)
        await reader.sees("left", **where)
        membership, left = await reader.asks("own", **where)
        assert membership == "leave"
        assert left != first
        assert await reader.asks("since", **where, token=since) == {"sections": ["leave"], "own": ["leave", left]}
        assert (await reader.asks("rooms"))[room.room_id] == "leave"
        await reader.asks("forget", **where)
        assert room.room_id not in await reader.asks("rooms")
        await reader.do("join", **where)
        membership, second = await reader.asks("own", **where)
        assert membership == "join"
        assert second not in (first, left)
        assert (await reader.asks("event", **where, event_id=second))["state_key"] == reader.user_id
        assert (await reader.asks("rooms"))[room.room_id] == "join"
    for reader, other in readers.pairs:
        assert reader.saw("member", **where, user_id=other.user_id) == []


async def test_the_directory_counts_the_followers(readers: Readers) -> None:
    room = await newsroom(readers.stage)
    entry = {"room_id": room.room_id, "join_rule": "public", "world_readable": True, "alias": alias(room)}
    for count, reader in enumerate(readers.both, 1):
        for each in readers.both:
            assert await each.asks("directory", term=room.handle) == [entry | {"joined": count}]
        await reader.do("join", room_id=room.room_id)
    for each in readers.both:
        assert await each.asks("directory", term=room.handle) == [entry | {"joined": 3}]


async def test_readers_neither_write_nor_encrypt_nor_change_a_channel(readers: Readers) -> None:
    room = await readers.follow()
    for reader in readers.both:
        for event_type, content in (
            ("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
            ("m.room.power_levels", {"users": {reader.user_id: 100}}),
            ("m.room.name", {"name": "Mine"}),
        ):
            asked: dict[str, Any] = {"room_id": room.room_id, "event_type": event_type, "content": content}
            assert await reader.asks("put_state", **asked) == FORBIDDEN, event_type
        with pytest.raises(StepFailed, match="side chat"):
            await reader.do("send_text", room_id=room.room_id, body="May I?")
    await readers.see(room, "As before.")
    for reader in readers.both:
        shown = await reader.asks("room", room_id=room.room_id)
        assert (shown["name"], shown["encrypted"]) == (f"The Daily Leaf {room.handle}", False)


async def test_following_the_same_account_relates_nobody_but_friendship_does(readers: Readers) -> None:
    room = await readers.follow()
    await asyncio.gather(*(readers.stage.enter(person, "nio", "tablet") for person in readers.people))
    for reader in readers.both:
        await reader.asks("rename", name="A follower")
        await reader.asks("say_status", status="reading")
    await readers.see(room, "Nobody heard of it.")
    for reader, other in readers.pairs:
        nothing = {"rooms": [], "devices": False, "changed": False, "status": None}
        assert await reader.asks("knows", user_id=other.user_id) == nothing
        assert await reader.asks("presence", user_id=other.user_id) == FORBIDDEN
        assert reader.saw("presence", user_id=other.user_id) == []

    chat = await befriend(*readers.both, "12")
    for reader, other in readers.pairs:
        await tells(reader, [other], chat, "We know each other.")
        await reader.asks("say_status", status="talking")
        await other.sees("presence", user_id=reader.user_id, status="talking")
    for reader, other in readers.pairs:
        everything = {"rooms": [chat], "devices": True, "changed": True, "status": "talking"}
        assert await reader.asks("knows", user_id=other.user_id) == everything
        assert await reader.asks("presence", user_id=other.user_id) == "online"
