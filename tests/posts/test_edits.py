"""Edits and what stays through them: wordings, corrections, pins, topics."""

import asyncio
from typing import Any

from tests.posts.studio import fetch
from tests.public_accounts.newsroom import ACCOUNT, POST, Account, newsroom, timeline
from tests.world import World

ONE = {"handle": "daily", "number": "1"}
TOPICS = f"{ACCOUNT}/topics"


async def edit(account: Account, text: str, correction: str = "", **content: Any) -> Any:
    body = {"content": {"text": text, **content}, "correction": correction}
    return await account.owner.ask("PUT", POST, body, **ONE)


async def test_a_correction_stays_to_be_seen_until_the_next_one(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Water boils at 90 degrees.")
    assert (await edit(account, "Water boils at 100 degrees.", "It said\n90.")).status == 200
    assert (await edit(account, "Water boils at 100 °C.")).status == 200  # no notice of its own takes none away
    shown = await reader.good("GET", POST, **ONE)
    assert (shown["correction"], shown["content"]["text"]) == ("It said 90.", "Water boils at 100 °C.")
    assert "corrected_ts" in shown
    await reader.join(account.room_id)
    event = timeline(await reader.sync(), account.room_id)[-1]
    assert event["content"]["m.new_content"]["body"] == "Water boils at 100 °C.\n\n✎ It said 90."
    assert event["content"]["m.new_content"]["io.teahouse.post"]["correction"] == "It said 90."
    versions = (await reader.good("GET", f"{POST}/versions", **ONE))["versions"]
    assert [each["correction"] for each in versions] == ["", "It said 90.", ""]
    assert "It said 90." in (await fetch(tea, "/@daily/1")).body.decode()
    await edit(account, "Water boils.", "Where is left open.")
    assert (await reader.good("GET", POST, **ONE))["correction"] == "Where is left open."
    assert (await edit(account, "x", "y" * 501)).status == 413


async def test_two_edits_at_once_are_two_wordings(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("first")
    answers = await asyncio.gather(*(edit(account, str(number)) for number in range(6)))
    assert {answer.status for answer in answers} == {200}
    versions = (await reader.good("GET", f"{POST}/versions", **ONE))["versions"]
    assert [each["version"] for each in versions] == [6, 5, 4, 3, 2, 1, 0]
    assert sorted(each["content"]["text"] for each in versions) == ["0", "1", "2", "3", "4", "5", "first"]


async def test_an_edit_and_a_deletion_at_once_leave_no_words_behind(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("secret")
    deleting = account.owner.ask("DELETE", POST, **ONE)
    answers = await asyncio.gather(edit(account, "secret again"), deleting, edit(account, "secret once more"))
    assert {answer.status for answer in answers} <= {200, 404}
    assert (await account.post(1))["state"] == "deleted"
    for table, column in (("events", "event"), ("post_versions", "content")):
        rows = await tea.database.fetch(f"SELECT {column} FROM {table}")
        assert all(b"secret" not in bytes(row[0]) for row in rows), table


async def test_a_post_that_is_deleted_is_pinned_no_more(tea: World) -> None:
    account, reader = await newsroom(tea)
    post = await account.publish("Pinned.")
    await reader.join(account.room_id)
    state = "/rooms/{roomId}/state/m.room.pinned_events"
    await account.owner.good("PUT", f"{ACCOUNT}/pin", {"number": 1}, handle="daily")
    assert (await reader.good("GET", state, roomId=account.room_id))["pinned"] == [post["event_id"]]
    await account.owner.good("DELETE", POST, **ONE)
    assert (await reader.good("GET", state, roomId=account.room_id))["pinned"] == []
    assert (await reader.good("GET", ACCOUNT, handle="daily"))["pinned"] == 0


async def test_an_edit_keeps_a_topic_that_was_taken_back_since(tea: World) -> None:
    account, _ = await newsroom(tea)
    topic = (await account.owner.good("POST", TOPICS, {"name": "Green"}, handle="daily"))["place"]
    await account.publish("Green.", topics=[topic])
    await account.owner.good("DELETE", f"{TOPICS}/{{place}}", handle="daily", place=str(topic))
    assert (await edit(account, "Greener.", topics=[topic])).status == 200
    body = {"content": {"text": "x", "topics": [topic]}}
    assert (await account.owner.ask("POST", f"{ACCOUNT}/posts", body, handle="daily")).status == 400


async def test_what_readers_voted_about_or_carried_on_does_not_change(tea: World) -> None:
    account, _ = await newsroom(tea)
    poll = {"question": "Which?", "answers": ["a", "b"]}
    await account.publish("", poll=poll)
    assert (await edit(account, "Please vote.", poll=poll)).status == 200
    for content in ({"poll": {**poll, "answers": ["a", "c"]}}, {}, {"poll": poll, "warning": "Heated."}):
        assert (await edit(account, "x", **content)).status == 400, content
    assert (await account.post(1))["content"]["poll"]["answers"] == ["a", "b"]
