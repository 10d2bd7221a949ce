"""A decision takes a post out of sight: no door shows anything of it. Undone, it leaves two events behind, by which
clients that hold the post show it as gone and then again, and nothing else.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from teahouse.db import Transaction
from teahouse.db.migrate import MIGRATIONS, versions
from teahouse.errors import Forbidden, NotFound
from teahouse.eventlog.types import StoredEvent
from teahouse.http.messages import Auth
from teahouse.matrix.events import POST as POST_MARK
from teahouse.posts.types import Ref
from tests.posts.studio import address, fetch, picture
from tests.public_accounts.newsroom import FOLLOW, POST, Account, newsroom, opened, timeline
from tests.world import Fetched, Person, World

COMMENTS = f"{POST}/comments"
SCHEMA = "\n".join((MIGRATIONS / f"{name}.sql").read_text() for name in versions() if "analytics" not in name)
TABLES = sorted(set(re.findall(r"CREATE TABLE (\w+)", SCHEMA)))
# What differs each time it is asked, or is not of this world.
LEFT_OUT = re.compile(r"/_matrix/client/v1/media/|/versions|/voip|/thirdparty|/login/get_token|/setup|openapi|/keys/")
QUERIES = {
    "/_matrix/client/v3/rooms/{roomId}/messages": "dir=b&limit=100",
    "/_matrix/client/v3/rooms/{roomId}/context/{eventId}": "limit=20",
    "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}": "recurse=true",
    "/oembed": "url=http%3A%2F%2Flocalhost%2F%40daily%2F1",
}


@dataclass
class Newsroom:
    """Two accounts whose posts refer to each other, and who reads them."""

    tea: World
    daily: Account
    weekly: Account
    reader: Person
    pictures: list[str]
    events: list[str]

    async def ref(self, account: Account, number: int) -> Ref:
        return Ref((await self.tea.app.public_accounts.require(account.handle)).account_no, number)

    async def remove(self, account: Account, number: int) -> str:
        return await self.tea.app.removals.remove(await self.ref(account, number))

    async def restore(self, account: Account, number: int) -> str:
        return await self.tea.app.removals.restore(await self.ref(account, number))

    async def log(self) -> list[tuple[int, Any]]:
        """Every event that is stored, with its position."""
        rows = await self.tea.database.fetch("SELECT pos, event FROM events ORDER BY pos")
        return [(pos, json.loads(event)) for pos, event in rows]

    async def tables(self) -> Mapping[str, list[str]]:
        """Every row of every table."""
        found = {}
        for table in TABLES:
            rows = await self.tea.database.fetch(f"SELECT * FROM {table}")
            found[table] = sorted(map(repr, rows))
        return found

    async def answers(self) -> Mapping[str, Fetched]:
        """What every door that is opened with GET answers to a stranger, a follower and a member of the staff."""
        found: dict[str, Fetched] = {}
        for route in self.tea.app.http.router.routes:
            if route.method != "GET" or LEFT_OUT.search(route.template):
                continue
            for path in self.paths(route.template):
                for person in (None, self.reader, self.daily.owner):
                    if person is None and route.auth is Auth.REQUIRED:
                        continue
                    headers = {} if person is None else {"authorization": f"Bearer {person.token}"}
                    answer = await fetch(self.tea, path, QUERIES.get(route.template, ""), **headers)
                    found[f"{path} {person and person.user_id}"] = answer
        for url in self.pictures:
            found[url] = await fetch(self.tea, address(url))
        return found

    def paths(self, template: str) -> list[str]:
        """An endpoint's paths with everything there is put in; none when it asks for something of another kind."""
        values = {
            "handle": ["daily", "weekly"], "number": ["1", "2", "3", "4"], "eventId": self.events, "tag": ["leaf"],
            "roomId": [self.daily.room_id, self.weekly.room_id], "userId": [self.reader.user_id],
            "relType": ["m.replace"], "eventType": ["m.room.message"],
        }  # fmt: skip
        paths = [template]
        for name in re.findall(r"\{(\w+)\}", template):
            if name not in values:
                return []
            paths = [path.replace(f"{{{name}}}", quote(value, safe="")) for path in paths for value in values[name]]
        return paths


def holding(answers: Mapping[str, Fetched], words: str) -> list[str]:
    """The doors that show some words."""
    return [path for path, answer in answers.items() if words.encode() in answer.body]


def changed(before: Mapping[str, Fetched], after: Mapping[str, Fetched]) -> list[str]:
    """The doors that answer otherwise than before. Figures of reading are left out: to look at a door is to read. So is
    where the log ended when a feed was read.
    """
    ends = re.compile(rb'"newer_since":"\d+"')
    same = {path for path in before if ends.sub(b"", after[path].body) == ends.sub(b"", before[path].body)}
    return [path for path in before if path not in same and "/analytics" not in path]


async def furnished(tea: World) -> Newsroom:
    """Post 1 of the daily has everything that a post can gather; 2 is a poll, 3 an article; the weekly carries 1 on."""
    daily, reader = await newsroom(tea)
    weekly = await opened(await tea.person("second"), "weekly")
    await reader.join(daily.room_id)
    await reader.join(weekly.room_id)
    shown = [await picture(daily.owner, "secret-1-picture"), await picture(daily.owner, "secret-3-cover")]
    posts = [await daily.publish("secret-1 #leaf", media=[shown[0]], language="en")]
    posts.append(await daily.publish("secret-2", poll={"question": "secret-2?", "answers": ["yes", "no"]}))
    article = {"title": "secret-3", "html": "<p>secret-3 within</p>", "cover": shown[1]}
    posts.append(await daily.publish("", article=article))
    posts.append(await weekly.publish("carried #leaf", repost={"account": "daily", "number": 1}))
    one, two = {"handle": "daily", "number": "1"}, {"handle": "daily", "number": "2"}
    edit = {"content": {"text": "secret-1 again #leaf", "media": [shown[0]]}, "correction": "secret-1 corrected"}
    await daily.owner.good("PUT", POST, edit, **one)
    for at in (one, {"handle": "weekly", "number": "1"}):
        await reader.good("PUT", f"{POST}/like", {"emoji": "🍵"}, **at)
    first = await reader.good("POST", COMMENTS, {"body": "secret-1 said"}, **one)
    await daily.owner.good("POST", COMMENTS, {"body": "secret-1 answered", "answers_to": first["comment_id"]}, **one)
    await reader.good("PUT", f"{POST}/vote", {"answers": [1]}, **two)
    rows = await tea.database.fetch("SELECT room_no, pos FROM relations WHERE rel_type = 'm.replace'")
    edits = [tea.app.identifiers.event_id(pos, room_no) for room_no, pos in rows]
    events = [*(post["event_id"] for post in posts), *edits]
    return Newsroom(tea, daily, weekly, reader, [each["url"] for each in shown], events)


async def test_no_door_shows_anything_of_a_removed_post(tea: World) -> None:
    room = await furnished(tea)
    before = await room.answers()
    doors = {f"{route.template}" for route in tea.app.http.router.routes if route.method == "GET"}
    assert len(before) > len(doors)
    for number in (1, 2, 3):
        assert len(holding(before, f"secret-{number}")) >= 8
        await room.remove(room.daily, number)
        gone = await room.answers()
        assert holding(gone, f"secret-{number}") == []
        assert all(answer.status < 500 for answer in gone.values())
        await room.restore(room.daily, number)
    assert (await fetch(tea, address(room.pictures[0]))).status == 200


async def test_what_followers_kept_in_sync_is_gone_from_the_next_one_too(tea: World) -> None:
    room = await furnished(tea)
    fresh = await room.reader.sync()
    assert "secret-1" in str(fresh)
    await room.remove(room.daily, 1)
    again = str(await room.reader.sync())
    assert "secret-1" not in again
    assert "removed by a decision" in again


def shown(events: Iterable[Any]) -> dict[str, Any]:
    """What a client shows of events it was given, in their order: what replaces another is shown in its place."""
    found: dict[str, Any] = {}
    for event in events:
        content = event["content"]
        relation = content.get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            if relation["event_id"] in found:
                found[relation["event_id"]] = content["m.new_content"]
        elif event["type"] in ("m.room.message", "org.matrix.msc3381.poll.start"):
            found[event["event_id"]] = content
    return found


def page(answer: Fetched) -> dict[str, Any]:
    """What a client shows of a page of history, newest first."""
    return shown(reversed(json.loads(answer.body)["chunk"]))


async def removed_and_restored(
    room: Newsroom, account: Account, number: int
) -> tuple[Mapping[str, Fetched], Mapping[str, Fetched]]:
    """What a removal and its end leave behind: two events. The answers of every door before and after."""
    await room.answers()  # asking counts as reading, once for each who asks: from here on it changes nothing
    await room.tea.app.readings.write()
    tables, answers, log = await room.tables(), await room.answers(), await room.log()
    first = await room.remove(account, number)
    assert await room.tables() != tables
    gone = await room.answers()
    second = await room.restore(account, number)
    after = await room.tables()
    assert {table for table in tables if tables[table] != after[table]} == {"events", "relations", "receipts", "shards"}
    assert len(after["relations"]) == len(tables["relations"]) + 2
    assert len(after["receipts"]) == len(tables["receipts"])  # the account's own: sending counts as reading
    added = await room.log()
    assert added[: len(log)] == log
    assert [event["event_id"] for _, event in added[len(log) :]] == [first, second]
    return answers, gone


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_removing_and_restoring_a_post_leaves_behind_two_events_and_nothing_else(tea: World, number: int) -> None:
    room = await furnished(tea)
    answers, gone = await removed_and_restored(room, room.daily, number)
    assert gone != answers
    after = await room.answers()
    only_events(answers, after)
    await tea.restart()
    restarted = await room.answers()
    assert {path for path in answers if restarted[path].status != answers[path].status} == set()


def only_events(before: Mapping[str, Fetched], after: Mapping[str, Fetched]) -> None:
    """The doors of the room show more events, and clients show the same of them. Every other door answers as before."""
    different = changed(before, after)
    assert different
    assert {path for path in different if not path.startswith("/_matrix/client/")} == set()
    pages = [path for path in before if path.startswith("/_matrix") and "/messages" in path]
    assert len(pages) >= 4
    for path in pages:
        assert page(after[path]) == page(before[path]), path
    places = ("/messages", "/context/", "/relations/", "/event/", "/sync", "/initialSync", "/notifications")
    assert [path for path in different if not any(place in path for place in places)] == []


async def test_removing_and_restoring_a_repost_leaves_behind_two_events_and_nothing_else(tea: World) -> None:
    room = await furnished(tea)
    answers, gone = await removed_and_restored(room, room.weekly, 1)
    assert holding(answers, "carried #leaf") != []
    assert holding(gone, "carried #leaf") == []
    only_events(answers, await room.answers())
    await room.remove(room.weekly, 1)
    assert (await room.daily.post(1)).get("reposts", 0) == 0


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_client_that_holds_the_post_shows_what_a_client_that_comes_now_shows(tea: World, number: int) -> None:
    room = await furnished(tea)
    await room.daily.owner.good("PUT", FOLLOW, {"alerts": True}, handle="daily")
    await room.reader.good("PUT", FOLLOW, {"alerts": True}, handle="daily")
    event_id = room.events[number - 1]
    first = await room.reader.sync()
    held, since = timeline(first, room.daily.room_id), first["next_batch"]
    words = shown(held)[event_id]
    unread = first["rooms"]["join"][room.daily.room_id]["unread_notifications"]
    for times in range(2):
        for act, what in ((room.remove, "removed"), (room.restore, "restored")):
            told = await act(room.daily, number)
            news = await room.reader.sync(since)
            since = news["next_batch"]
            arrived = timeline(news, room.daily.room_id)
            assert [event["event_id"] for event in arrived] == [told], times
            assert arrived[0]["sender"] == room.daily.user_id
            held += arrived
            fresh = await room.reader.sync()
            assert shown(held) == shown(timeline(fresh, room.daily.room_id))
            assert fresh["rooms"]["join"][room.daily.room_id]["unread_notifications"] == unread
            if what == "removed":
                assert "removed by a decision" in str(shown(held)[event_id])
                assert "secret" not in str(arrived)
                assert "secret" not in str(shown(held)[event_id])
            else:
                assert shown(held)[event_id] == words


async def test_what_tells_clients_of_a_removal_says_no_more_than_the_posts_page(tea: World) -> None:
    room = await furnished(tea)
    told = [await room.remove(room.daily, number) for number in (1, 2, 3)]
    stored = {event["event_id"]: event for _, event in await room.log()}
    for number, event_id in enumerate(told, 1):
        said = stored[event_id]["content"]["m.new_content"]
        assert said[POST_MARK] == {"account": "daily", "number": number, "url": f"/@daily/{number}", "removed": True}
        told_page = await fetch(tea, f"/@daily/{number}")
        assert told_page.status == 410
        words = "This post was removed by a decision of this server's moderators."
        texts = [said[key] for key in ("body", "org.matrix.msc1767.text") if key in said]
        assert texts == [f"{words}\n/@daily/{number}"]
    poll = stored[told[1]]["content"]["m.new_content"]["org.matrix.msc3381.poll.start"]
    assert len(poll["answers"]) == 1
    assert stored[told[1]]["type"] == "org.matrix.msc3381.poll.start"


async def test_a_removal_is_one_append_whatever_it_concerns_and_refusing_it_leaves_nothing(tea: World) -> None:
    room = await furnished(tea)
    ref, tables = await room.ref(room.daily, 1), await room.tables()

    async def refuse(tx: Transaction, events: Sequence[StoredEvent]) -> None:
        assert len(events) == 1
        raise Forbidden("A second person must agree.")

    with pytest.raises(Forbidden):
        await tea.app.removals.remove(ref, refuse)
    assert await room.tables() == tables
    with pytest.raises(NotFound):
        await tea.app.removals.restore(ref)
    outcomes = await asyncio.gather(*(tea.app.removals.remove(ref) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, str)] == [NotFound, NotFound]
    assert len((await room.tables())["events"]) == len(tables["events"]) + 1


async def test_deleting_a_post_empties_also_what_its_restoration_said(tea: World) -> None:
    room = await furnished(tea)
    for _ in range(2):
        await room.remove(room.daily, 1)
        await room.restore(room.daily, 1)
    edited = await room.daily.owner.good(
        "PUT", POST, {"content": {"text": "secret-1 thrice"}}, handle="daily", number="1"
    )  # fmt: skip
    assert edited
    await room.daily.owner.good("DELETE", POST, handle="daily", number="1")
    assert "secret-1" not in str(await room.log())
    assert holding(await room.answers(), "secret-1") == []


async def test_a_post_is_removed_so_often_and_no_more(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teahouse.posts.removals.REMOVALS_MAX", 2)
    room = await furnished(tea)
    for _ in range(2):
        await room.remove(room.daily, 1)
        await room.restore(room.daily, 1)
    with pytest.raises(Forbidden, match="at most 2 times"):
        await room.remove(room.daily, 1)
    assert (await room.daily.post(1))["state"] == "standing"


async def test_what_people_did_meanwhile_is_kept(tea: World) -> None:
    room = await furnished(tea)
    one = {"handle": "daily", "number": "1"}
    await room.remove(room.daily, 1)
    for method, template, body in (("PUT", f"{POST}/like", {}), ("POST", COMMENTS, {"body": "late"}),
                                   ("GET", COMMENTS, None), ("GET", f"{POST}/versions", None)):  # fmt: skip
        refused = await room.daily.owner.ask(method, template, body, **one)
        assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND"), template
        assert "removed by a decision" in refused.json["error"]
    await room.reader.good("DELETE", f"{POST}/like", **one)
    await room.weekly.owner.good("DELETE", POST, handle="weekly", number="1")
    await room.restore(room.daily, 1)
    post: Any = await room.daily.post(1)
    assert (post.get("likes", 0), post.get("reposts", 0), post["comments"]) == (0, 0, 2)


async def test_an_owner_cannot_delete_the_tombstone_and_numbers_go_on(tea: World) -> None:
    room = await furnished(tea)
    await room.remove(room.daily, 3)
    gone = await room.daily.post(3)
    assert (gone["state"], "content" in gone) == ("removed", False)
    for method, body in (("DELETE", None), ("PUT", {"content": {"text": "x"}})):
        refused = await room.daily.owner.ask(method, POST, body, handle="daily", number="3")
        assert (refused.status, refused.errcode) == (404, "M_NOT_FOUND")
    assert (await room.daily.publish("four"))["number"] == 4
    await room.restore(room.daily, 3)
    assert (await room.daily.post(3))["content"]["article"]["title"] == "secret-3"
