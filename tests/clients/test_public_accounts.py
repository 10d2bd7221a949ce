"""A public account as stock clients meet it: matrix-nio and matrix-js-sdk follow, read, like and leave it by the
standard calls alone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teahouse.admin.socket import ask
from tests.clients.actor import StepFailed
from tests.clients.environments import Environments
from tests.clients.newsroom import Newsroom, followers, newsroom
from tests.clients.stage import Stage
from tests.serving import ServedTeahouse


async def test_followers_read_an_article_its_edit_and_its_end(stage: Stage) -> None:
    room, (nio, js) = await asyncio.gather(newsroom(stage), followers(stage))
    before = await room.publish("Opened before anybody came.")
    alias = f"#{room.handle}:{room.user_id.partition(':')[2]}"
    for follower in (nio, js):
        assert (await follower.do("join", room_id=alias))["room_id"] == room.room_id
        await follower.sees("message", room_id=room.room_id, event_id=before["event_id"])
    article = {"title": "Frost on the hills", "html": "<p>The first leaves are late.</p>"}
    post = await room.publish("", article=article)
    for follower in (nio, js):
        seen = await follower.sees("message", room_id=room.room_id, event_id=post["event_id"])
        assert seen["sender"] == room.user_id
        assert "Frost on the hills" in seen["body"]
        assert "The first leaves are late." in seen["body"]
        assert not seen["encrypted"]
    article = article | {"html": "<p>The first leaves came in time.</p>"}
    await room.ask("PUT", f"/posts/{post['number']}", {"content": {"article": article}, "correction": "The date."})
    for follower in (nio, js):
        history = (await follower.do("history", room_id=room.room_id))["messages"]
        assert any("came in time" in str(message["body"]) for message in history)
    await room.ask("DELETE", f"/posts/{post['number']}")
    for follower in (nio, js):
        await follower.sees("redacted", room_id=room.room_id, redacts=post["event_id"])
        history = (await follower.do("history", room_id=room.room_id))["messages"]
        assert "Frost on the hills" not in str(history)


@dataclass
class Court:
    """A stage whose server takes decisions on posts."""

    stage: Stage
    server: ServedTeahouse

    async def decide(self, verb: str, room: Newsroom, number: int) -> str:
        """Have a post removed or restored; the id of the event by which clients hear of it."""
        request = {"command": f"post {verb}", "handle": room.handle, "number": number}
        answer = await asyncio.to_thread(ask, self.server.data_dir, request)
        assert answer is not None
        return str(answer["event_id"])


@pytest.fixture
async def court(environments: Environments, tmp_path: Path) -> AsyncIterator[Court]:
    server = ServedTeahouse(tmp_path / "data")
    server.start_with("tests.clients.serve_deciding", "teahouse")
    stage = Stage(server, environments, tmp_path)
    yield Court(stage, server)
    await stage.close()
    server.stop()


async def test_followers_see_a_removed_post_go_at_once_and_come_back(court: Court) -> None:
    room, (nio, js) = await asyncio.gather(newsroom(court.stage), followers(court.stage))
    for follower in (nio, js):
        await follower.do("join", room_id=room.room_id)
    post = await room.publish("Tea from the north slope.")
    where = {"room_id": room.room_id, "event_id": post["event_id"]}
    for follower in (nio, js):
        await follower.sees("message", **where)
    for verb, words in (("remove", "removed by a decision"), ("restore", "Tea from the north slope.")) * 2:
        told = await court.decide(verb, room, post["number"])
        # js-sdk puts what replaces an event in its place, without asking; nio hands both to the program that uses it.
        seen = await nio.sees("message", room_id=room.room_id, event_id=told)
        assert seen["content"]["m.relates_to"] == {"rel_type": "m.replace", "event_id": post["event_id"]}
        assert words in seen["content"]["m.new_content"]["body"]
        await js.sees("message", room_id=room.room_id, event_id=told)
        shown = await js.do("shown", **where)
        assert words in shown["body"], verb
        assert shown["content"].get("msgtype") == ("m.notice" if verb == "remove" else "m.text")
    late = await court.stage.enter(await court.stage.person("late"), "js", "browser")
    await late.do("join", room_id=room.room_id)
    for verb, words in (("remove", "removed by a decision"), ("restore", "Tea from the north slope.")):
        await court.decide(verb, room, post["number"])
        for follower in (nio, js, late):
            history = (await follower.do("history", room_id=room.room_id))["messages"]
            mine = [each for each in history if each["event_id"] == post["event_id"]]
            assert [words in each["body"] for each in mine] == [True], (verb, follower.name)
            assert (await room.ask("GET", ""))["posts"] == 1


async def test_followers_see_the_account_and_themselves_and_nobody_else(stage: Stage) -> None:
    room, (nio, js) = await asyncio.gather(newsroom(stage), followers(stage))
    third = await stage.enter(await stage.person("carol"), "nio")
    for follower in (nio, js, third):
        await follower.do("join", room_id=room.room_id)
    post = await room.publish("For everybody.")
    for follower in (nio, js, third):
        await follower.sees("message", room_id=room.room_id, event_id=post["event_id"])
        shown = await follower.do("look", room_id=room.room_id)
        assert shown["members"] == sorted([follower.user_id, room.user_id])
        assert shown["name"] == f"The Daily Leaf {room.handle}"
        assert (shown["unread"], shown["encrypted"]) == (0, False)
    assert not (await js.do("look", room_id=room.room_id))["may_write"]
    account = await room.ask("GET", "")
    assert account["followers"] == 3
    await js.do("read", room_id=room.room_id, event_id=post["event_id"])
    await nio.do("read", room_id=room.room_id, event_id=post["event_id"])
    again = await room.publish("Once more.")
    for follower in (nio, js):
        await follower.sees("message", room_id=room.room_id, event_id=again["event_id"])
    for one, other in ((nio, js), (js, nio)):
        assert one.saw("receipt", room_id=room.room_id, user_id=other.user_id) == []
        assert one.saw("member", room_id=room.room_id, user_id=other.user_id) == []


async def test_a_reaction_likes_for_its_sender_alone_and_writing_is_refused(stage: Stage) -> None:
    room, (nio, js) = await asyncio.gather(newsroom(stage), followers(stage))
    for follower in (nio, js):
        await follower.do("join", room_id=room.room_id)
    post = await room.publish("Do you like it?")
    for follower in (nio, js):
        await follower.sees("message", room_id=room.room_id, event_id=post["event_id"])
    liked = {follower: await follower.do("react", room_id=room.room_id, event_id=post["event_id"], key="🍵")
             for follower in (nio, js)}  # fmt: skip
    for follower, like in liked.items():
        echo = await follower.sees("reaction", room_id=room.room_id, event_id=like["event_id"])
        assert (echo["reacts_to"], echo["key"]) == (post["event_id"], "🍵")
    assert (await room.ask("GET", f"/posts/{post['number']}"))["likes"] == 2
    await js.do("redact", room_id=room.room_id, event_id=liked[js]["event_id"])
    assert (await room.ask("GET", f"/posts/{post['number']}"))["likes"] == 1
    end = await room.publish("The end.")
    for follower in (nio, js):
        await follower.sees("message", room_id=room.room_id, event_id=end["event_id"])
    for one, other in ((nio, js), (js, nio)):
        assert one.saw("reaction", room_id=room.room_id, sender=other.user_id) == []
        with pytest.raises(StepFailed, match="side chat"):
            await one.do("send_text", room_id=room.room_id, body="May I?")


async def test_leaving_unfollows_and_coming_back_follows_again(stage: Stage) -> None:
    room, (nio, js) = await asyncio.gather(newsroom(stage), followers(stage))
    for follower in (nio, js):
        await follower.do("join", room_id=room.room_id)
    await js.do("leave", room_id=room.room_id)
    await js.sees("member", room_id=room.room_id, user_id=js.user_id, membership="leave")
    await nio.do("leave", room_id=room.room_id)
    assert (await room.ask("GET", ""))["followers"] == 0
    missed = await room.publish("Nobody is here.")
    await asyncio.gather(*(follower.do("join", room_id=room.room_id) for follower in (nio, js)))
    back = await room.publish("Welcome back.")
    for follower in (nio, js):
        await follower.sees("message", room_id=room.room_id, event_id=back["event_id"])
        history = (await follower.do("history", room_id=room.room_id))["messages"]
        assert missed["event_id"] in [message["event_id"] for message in history]
    assert (await room.ask("GET", ""))["followers"] == 2
