"""A poll in a channel, answered with stock clients: each answer is counted, and its sender alone is shown it."""

import asyncio
from typing import Any

import pytest

from tests.clients.actor import StepFailed
from tests.clients.newsroom import newsroom
from tests.clients.stage import Stage

RESPONSE = "org.matrix.msc3381.poll.response"
POLL = {"question": "Which tea?", "answers": ["Green", "Black", "None"]}


async def test_answers_of_stock_clients_are_votes_that_their_senders_alone_see(stage: Stage) -> None:
    room, alice, bob = await asyncio.gather(newsroom(stage), stage.person("alice"), stage.person("bob"))
    nio, js = await asyncio.gather(stage.enter(alice, "nio"), stage.enter(bob, "js", "browser"))
    for follower in (nio, js):
        await follower.do("join", room_id=room.room_id)
    post = await room.publish("", poll=POLL)
    path, where = f"/posts/{post['number']}", {"room_id": room.room_id, "event_id": post["event_id"]}

    async def votes() -> Any:
        return (await room.ask("GET", path))["votes"]

    for follower in (nio, js):
        await follower.sees("poll", **where)
    shown = await js.do("poll", **where)
    assert (shown["question"], shown["responses"]) == ("Which tea?", [])
    green, black, none = (answer["id"] for answer in shown["answers"])
    assert [answer["text"] for answer in shown["answers"]] == POLL["answers"]
    given = {}
    for follower, answer in ((nio, green), (js, black)):
        given[follower] = await follower.do("vote", **where, answers=[answer])
        echo = await follower.sees("vote", room_id=room.room_id, event_id=given[follower]["event_id"])
        assert (echo["sender"], echo["content"][RESPONSE]["answers"]) == (follower.user_id, [answer])
    assert await votes() == [1, 1, 0]
    # A second answer takes the place of the first.
    again = await js.do("vote", **where, answers=[none])
    await js.sees("vote", room_id=room.room_id, event_id=again["event_id"])
    assert await votes() == [1, 0, 1]
    assert (await js.do("poll", **where))["responses"][-1] == {"sender": js.user_id, "answers": [none]}
    await nio.do("redact", room_id=room.room_id, event_id=given[nio]["event_id"])
    assert await votes() == [0, 0, 1]
    for answers, why in ((["7"], "Choose 1 to 1"), ([green, black], "Choose 1 to 1"), (["green"], "ids of the chosen")):
        for follower in (nio, js):
            with pytest.raises(StepFailed, match=why):
                await follower.do("vote", **where, answers=answers)
    assert await votes() == [0, 0, 1]
    # On a device that was not there, the poll shows one's own answer and nobody else's.
    later = await stage.enter(bob, "js", "laptop")
    await later.sees("poll", **where)
    assert (await later.do("poll", **where))["responses"] == [{"sender": js.user_id, "answers": [none]}]
    await room.ask("DELETE", path)
    for follower in (nio, js):
        await follower.sees("redacted", room_id=room.room_id, redacts=post["event_id"])
        assert follower.saw("vote", sender=(js if follower is nio else nio).user_id) == []
