"""A decision takes a post out of sight: no door shows anything of it. Undone, every table and answer is as before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from teahouse.db.migrate import MIGRATIONS, versions
from teahouse.http.messages import Auth
from teahouse.posts.types import Ref
from tests.posts.studio import Fetched, address, fetch, picture
from tests.public_accounts.newsroom import POST, Account, newsroom, opened
from tests.world import Person, World

COMMENTS = f"{POST}/comments"
SCHEMA = "\n".join((MIGRATIONS / f"{name}.sql").read_text() for name in versions() if "analytics" not in name)
TABLES = sorted(set(re.findall(r"CREATE TABLE (\w+)", SCHEMA)))
# What differs each time it is asked, or is not of this world.
LEFT_OUT = re.compile(r"/_matrix/client/v1/media/|/versions|/voip|/thirdparty|/login/get_token|/setup|openapi|/keys/")
QUERIES = {
    "/_matrix/client/v3/rooms/{roomId}/messages": "dir=b&limit=100",
    "/_matrix/client/v3/rooms/{roomId}/context/{eventId}": "limit=20",
    "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}": "recurse=true",
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

    async def remove(self, account: Account, number: int) -> None:
        async with self.tea.database.transaction() as tx:
            await self.tea.app.posts.remove(tx, await self.ref(account, number), self.tea.clock.now_ms())

    async def restore(self, account: Account, number: int) -> None:
        ref = await self.ref(account, number)
        async with self.tea.database.transaction() as tx:
            await self.tea.app.posts.restore(tx, ref)

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
    """The doors that answer otherwise than before. Figures of reading are left out: to look at a door is to read."""
    return [path for path in before if after[path].body != before[path].body and "/analytics" not in path]


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
    shown = await fetch(tea, address(room.pictures[0]))
    assert shown.status == 200


async def test_what_followers_kept_in_sync_is_gone_from_the_next_one_too(tea: World) -> None:
    room = await furnished(tea)
    fresh = await room.reader.sync()
    assert "secret-1" in str(fresh)
    await room.remove(room.daily, 1)
    again = str(await room.reader.sync())
    assert "secret-1" not in again
    assert "removed by a decision" in again


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_removing_and_restoring_a_post_leaves_every_table_and_answer_as_it_was(tea: World, number: int) -> None:
    room = await furnished(tea)
    await room.answers()  # asking counts as reading, once for each who asks: from here on it changes nothing
    await tea.app.readings.write()
    tables, answers = await room.tables(), await room.answers()
    await room.remove(room.daily, number)
    assert await room.tables() != tables
    assert await room.answers() != answers
    await room.restore(room.daily, number)
    assert await room.tables() == tables
    after = await room.answers()
    assert changed(answers, after) == []
    await tea.restart()
    restarted = await room.answers()
    assert {path for path in answers if restarted[path].status != answers[path].status} == set()


async def test_removing_and_restoring_a_repost_leaves_everything_as_it_was(tea: World) -> None:
    room = await furnished(tea)
    await room.answers()  # asking counts as reading, once for each who asks: from here on it changes nothing
    await tea.app.readings.write()
    tables, answers = await room.tables(), await room.answers()
    await room.remove(room.weekly, 1)
    assert (await room.daily.post(1)).get("reposts", 0) == 0
    assert holding(await room.answers(), "carried #leaf") == []
    await room.restore(room.weekly, 1)
    assert await room.tables() == tables
    after = await room.answers()
    assert changed(answers, after) == []


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
