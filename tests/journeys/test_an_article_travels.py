"""One article on its way: written with a picture, read by followers with two stock clients, by an outsider in a browser
and in a feed reader, carried on by a repost, corrected and deleted; and every copy and count follows."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import feedparser
import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.clients.actor import Actor
from tests.clients.conftest import environments
from tests.clients.environments import Environments
from tests.clients.stage import Stage
from tests.serving import ServedTeahouse

__all__ = ["environments"]

T = TypeVar("T")
FOLLOWERS = 6  # besides those with real clients: figures below five are not told
WAIT_S = 20  # for readings to be written
PASSWORD = "correct horse battery"
FIRST = "<p>The first leaves are <strong>late</strong> this year.</p>"
SECOND = "<p>The first leaves came in time.</p>"


class Teller:
    """Somebody with the house's own API."""

    def __init__(self, server: ServedTeahouse, name: str) -> None:
        server.register(name, PASSWORD)
        self._client = httpx.Client(base_url=server.url, timeout=30)
        login = {"type": "m.login.password", "user": name, "password": PASSWORD}
        token = self._client.post("/_matrix/client/v3/login", json=login).raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the own API, answered well."""
        return self._client.request(method, f"/_teahouse/v1{path}", json=body).raise_for_status().json()

    def client(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the Client-Server API, answered well."""
        return self._client.request(method, f"/_matrix/client/v3{path}", json=body).raise_for_status().json()

    def upload(self, picture: bytes) -> str:
        """A picture's mxc address."""
        headers = {"Content-Type": "image/png"}
        answer = self._client.post("/_matrix/media/v3/upload", content=picture, headers=headers)
        return str(answer.raise_for_status().json()["content_uri"])


class Cast:
    """The stock clients, in a loop of their own beside the browser's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._loop.run_forever)

    def play(self, step: Coroutine[Any, Any, T]) -> T:
        """Play one step to its end."""
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(120)

    def close(self) -> None:
        """Let the loop end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.shutdown()


def picture() -> bytes:
    """A small picture."""
    held = io.BytesIO()
    Image.new("RGB", (640, 360), (31, 111, 84)).save(held, "PNG")
    return held.getvalue()


def entries(server: ServedTeahouse, path: str) -> list[Any]:
    """What a feed reader shows of a feed."""
    parsed = feedparser.parse(httpx.get(f"{server.url}{path}").raise_for_status().content)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return list(parsed.entries)


def reads(actor: Actor, room_id: str, event_id: str, words: str) -> Coroutine[Any, Any, None]:
    """A follower finds a post in their channel, and marks it as read."""

    async def read() -> None:
        seen = await actor.sees("message", room_id=room_id, event_id=event_id)
        assert words in str(seen["body"])
        await actor.do("read", room_id=room_id, event_id=event_id)

    return read()


async def joined(stage: Stage, room_ids: list[str]) -> list[Actor]:
    """One follower with each client, of all these channels."""
    people = [await stage.person("nia"), await stage.person("jan")]
    actors = [await stage.enter(people[0], "nio"), await stage.enter(people[1], "js", "browser")]
    for actor in actors:
        for room_id in room_ids:
            await actor.do("join", room_id=room_id)
    return actors


async def newest(actor: Actor, room_id: str) -> str:
    """The newest messages of a room, as a client shows them."""
    return str((await actor.do("history", room_id=room_id))["messages"])


def crowd(server: ServedTeahouse, room_id: str) -> list[Teller]:
    """Some more followers, whose clients do nothing but what they are told."""
    people = [Teller(server, f"reader{number}") for number in range(FOLLOWERS)]
    for person in people:
        person.client("POST", f"/rooms/{room_id}/join", {})
    return people


def figures(editor: Teller, opens: int) -> Any:
    """What the account's staff see of the post, once so many have opened it: readings are written some time later."""
    for _ in range(WAIT_S):
        found = editor.do("GET", "/accounts/daily/posts/1/analytics")["post"]
        if found["read"]["opens"] == opens:
            break
        time.sleep(1)
    return found


def outsider_reads(page: Page, address: str, words: str) -> None:
    """Somebody without an account opens a post's page; its picture is there."""
    page.goto(address)
    page.reload()  # a page may be some seconds old without being asked for anew
    expect(page.get_by_role("heading", name="Frost on the hills")).to_be_visible()
    expect(page.get_by_text(words)).to_be_visible()
    assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth > 0)")


def test_an_article_travels_and_every_copy_follows(
    tmp_path: Path, environments: Environments, browser: Browser
) -> None:
    server = ServedTeahouse(tmp_path / "data", TEAHOUSE_GREETINGS_REQUIRED="false").start(recorded=False)
    cast, stage = Cast(), Stage(server, environments, tmp_path)
    try:
        travel(server, cast, stage, browser.new_page())
    finally:
        cast.play(stage.close())
        cast.close()
        server.kill()


def travel(server: ServedTeahouse, cast: Cast, stage: Stage, page: Page) -> None:
    """The whole way."""
    editor, carrier = Teller(server, "editor"), Teller(server, "carrier")
    daily = editor.do("POST", "/accounts", {"handle": "daily", "kind": "media", "name": "The Daily Leaf"})
    weekly = carrier.do("POST", "/accounts", {"handle": "weekly", "kind": "media", "name": "The Weekly Leaf"})
    nio, js = cast.play(joined(stage, [daily["room_id"], weekly["room_id"]]))

    people = crowd(server, daily["room_id"])
    cover = {"url": editor.upload(picture()), "mimetype": "image/png", "description": "Hills in the morning"}
    article = {"title": "Frost on the hills", "html": FIRST, "cover": cover}
    post = editor.do("POST", "/accounts/daily/posts", {"content": {"article": article, "language": "en"}})
    for actor in (nio, js):
        cast.play(reads(actor, daily["room_id"], post["event_id"], "Frost on the hills"))
    for person in people:  # all are shown it; all but the last read it
        person.client("GET", "/sync")
    for person in people[:-1]:
        person.client("POST", f"/rooms/{daily['room_id']}/receipt/m.read/{post['event_id']}", {})
    shown = figures(editor, FOLLOWERS + 1)
    assert shown["read"] | {"visits": None} == {
        "impressions": FOLLOWERS + 2, "opens": FOLLOWERS + 1, "visits": None,
    }  # fmt: skip
    assert shown["open_percent"] == pytest.approx(100 * (FOLLOWERS + 1) / (FOLLOWERS + 2), abs=0.1)

    address = f"{server.url}/@daily/{post['number']}"
    outsider_reads(page, address, "this year")
    assert "late" in str(entries(server, "/@daily/feed.atom")[0])
    assert entries(server, "/@daily/feed.rss")[0].title == "Frost on the hills"

    carried = {"text": "Worth reading:", "repost": {"account": "daily", "number": 1}}
    repost = carrier.do("POST", "/accounts/weekly/posts", {"content": carried})
    for actor in (nio, js):
        cast.play(reads(actor, weekly["room_id"], repost["event_id"], "Frost on the hills"))
    cast.play(js.do("react", room_id=daily["room_id"], event_id=post["event_id"], key="👍"))
    carrier.do("PUT", "/accounts/daily/posts/1/like", {})
    carrier.do("POST", "/accounts/daily/posts/1/comments", {"body": "Thank you."})
    shown = carrier.do("GET", "/accounts/daily/posts/1")
    assert (shown["likes"], shown["reposts"], shown["comments"]) == (2, 1, 1)

    changed = {"article": article | {"html": SECOND}, "language": "en"}
    editor.do("PUT", "/accounts/daily/posts/1", {"content": changed, "correction": "They were not late."})
    for actor in (nio, js):
        assert "came in time" in cast.play(newest(actor, daily["room_id"]))
    outsider_reads(page, address, "came in time")
    expect(page.get_by_text("They were not late.")).to_be_visible()
    assert "came in time" in str(entries(server, "/@daily/feed.atom")[0])

    editor.do("DELETE", "/accounts/daily/posts/1")
    for actor in (nio, js):
        cast.play(actor.sees("redacted", room_id=daily["room_id"], redacts=post["event_id"]))
        assert "Frost" not in cast.play(newest(actor, daily["room_id"]))
    page.goto(address)
    gone = page.reload()
    assert gone is not None
    assert gone.status == 410
    expect(page.get_by_text("deleted by its owner")).to_be_visible()
    assert entries(server, "/@daily/feed.atom") == []
    page.goto(f"{server.url}/@weekly/1")
    expect(page.get_by_text("Worth reading:")).to_be_visible()
    assert "Frost on the hills" not in page.content()
    again = carrier.do("GET", "/accounts/daily/posts/1")
    assert again["state"] == "deleted"
