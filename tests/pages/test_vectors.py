"""Hostile texts in every place that a page or feed shows: in a real browser nothing runs, nothing leaves the server."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import feedparser
import httpx
import pytest
from playwright.sync_api import Browser

from tests.pages.vectors import VECTORS
from tests.posts.studio import PNG
from tests.serving import ServedTeahouse

API = "/_teahouse/v1/accounts"
NAME_MAX = 60
FEEDS = ("/@mallory/feed.rss", "/@mallory/feed.atom", "/feed.rss", "/feed.atom", "/@echo/feed.rss", "/@echo/feed.atom")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedTeahouse]:
    served = ServedTeahouse(tmp_path_factory.mktemp("vectors") / "data", TEAHOUSE_GREETINGS_REQUIRED="false",
                            TEAHOUSE_PUBLIC_ACCOUNTS_PERSON_POSTS_PER_DAY="10000")  # fmt: skip
    served.start(recorded=False)
    Attack(served).everywhere()
    yield served
    served.kill()


class Attack:
    """Somebody who writes every vector wherever the server takes it."""

    def __init__(self, server: ServedTeahouse) -> None:
        self.server = server
        self.client = httpx.Client(base_url=server.url, timeout=60)
        self.taken = 0

    def everywhere(self) -> None:
        self.sign_up("mallory")
        about = {"description": self.joined(VECTORS[:40])[:990], "language": "en"}
        self.good("POST", API, {"handle": "mallory", "kind": "person", "name": VECTORS[0][:NAME_MAX], "about": about})
        url = self.upload()
        for vector in VECTORS:
            self.name(vector, about)
            for content in contents(vector, url):
                self.publish("mallory", content, vector)
        commented = self.publish("mallory", {"text": "Say something."}, "")
        for vector in VECTORS:
            path = f"{API}/mallory/posts/{commented}/comments"
            self.maybe("POST", path, {"body": vector})
        edited = self.publish("mallory", {"text": "First."}, "")
        for vector in VECTORS[:40]:
            body = {"content": {"text": vector}, "correction": vector}
            self.maybe("PUT", f"{API}/mallory/posts/{edited}", body)
        self.maybe("PUT", "/_matrix/client/v3/profile/@mallory:tea.test/displayname", {"displayname": VECTORS[17]})
        posts = self.taken
        self.sign_up("echo")
        self.good("POST", API, {"handle": "echo", "kind": "person", "name": "Echo", "about": {}})
        for number in range(max(1, posts - 60), posts + 1):
            self.maybe("POST", f"{API}/echo/posts", {"content": {"repost": {"account": "mallory", "number": number}}})

    def name(self, vector: str, about: Any) -> None:
        """Profiles: the last that is taken stays, so each is seen by the pages of the posts that follow at once."""
        for link in (vector, f"https://example.org/{vector}"):
            self.maybe("PUT", f"{API}/mallory", {"name": vector[:NAME_MAX] or "x", "about": about | {"links": [link]}})

    def sign_up(self, name: str) -> None:
        self.client.headers.pop("Authorization", None)
        body = {"username": name, "password": "correct horse", "auth": {"type": "m.login.dummy"}}
        made = self.client.post("/_matrix/client/v3/register", json=body).json()
        self.client.headers["Authorization"] = f"Bearer {made['access_token']}"

    def upload(self) -> str:
        """A picture with a hostile name."""
        answer = self.client.post(
            "/_matrix/media/v3/upload", content=PNG, params={"filename": '"><script>taken()</script>.png'},
            headers={"content-type": "image/png"},
        )  # fmt: skip
        return str(answer.json()["content_uri"])

    def publish(self, handle: str, content: Any, vector: str) -> int:
        """Publish, if the server takes it; the post's number."""
        answer = self.maybe("POST", f"{API}/{handle}/posts", {"content": content})
        if answer.status_code == 200:
            self.taken = int(answer.json()["number"])
        return self.taken

    def maybe(self, method: str, path: str, body: Any) -> httpx.Response:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code < 500, (path, body, answer.text)
        return answer

    def good(self, method: str, path: str, body: Any) -> Any:
        answer = self.maybe(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @staticmethod
    def joined(vectors: Any) -> str:
        return "\n".join(vectors)


def contents(vector: str, url: str) -> Iterator[Any]:
    """Posts with a vector in each of their places."""
    picture = {"url": url, "mimetype": "image/png", "description": vector, "name": vector[:200]}
    yield {"text": f"{vector} #{vector} @{vector} https://example.org/{vector}", "warning": "", "language": "en"}
    yield {"media": [picture]}
    yield {"text": "Careful", "warning": vector}
    yield {"poll": {"question": vector, "answers": [vector[:90], f"{vector[:90]}!"]}}
    html = f'<p>{vector}</p><a href="{vector}">x</a><img src="{vector}" alt="{vector}"><h2 id=\'{vector}\'>y</h2>'
    yield {"article": {"title": vector, "html": html, "cover": picture}}
    yield {"link": vector}
    yield {"link": f"https://example.org/{vector}"}
    yield {"text": "x", "language": vector}
    yield {"media": [{**picture, "mimetype": vector}]}
    yield {"media": [{**picture, "url": f"mxc://tea.test/{vector}"}]}


def everything(server: ServedTeahouse) -> list[str]:
    """The path of every page: by walking through the lists, and by asking for what is not there."""
    client = httpx.Client(base_url=server.url, timeout=60)
    paths = ["/", "/explore", "/latest", "/@mallory", "/@echo", "/@mallory/follow", "/@echo/1", "/@echo/2"]
    last = client.get(f"{API}/mallory").json()["posts"]
    before: int | None = None
    while before != 1:  # texts and polls look alike alone and in lists; articles and pictures do not
        posts = client.get(f"{API}/mallory/posts", params={"limit": 100, "from": before or last + 1}).json()["posts"]
        paths += [f"/@mallory/{each['number']}" for each in posts if each["kind"] == "article"]
        paths += [f"/@mallory/{each['number']}" for each in posts[::4] if each["kind"] == "pictures"]
        before = posts[-1]["number"] if posts else 1
    paths += [f"/@mallory?before={before}" for before in range(21, last + 20, 20)]
    paths += [f"/@mallory/{last}/history", f"/@mallory/{last - 1}"]
    for vector in VECTORS:
        escaped = quote(vector, safe="")
        paths.append(f"/explore?q={escaped}")
    few = [quote(vector, safe="") for vector in VECTORS[::5]]
    paths += [f"/tag/{escaped}" for escaped in few] + [f"/@{escaped}" for escaped in few]
    paths += [f"/@mallory/{escaped}" for escaped in few] + [f"/@mallory?before={escaped}" for escaped in few]
    paths += [f"/explore?kind={escaped}&lang={escaped}&after={escaped}" for escaped in few]
    paths += [f"/latest?before=mallory%2F{escaped}" for escaped in few] + [f"/sitemap/{escaped}/1" for escaped in few]
    return paths


def test_nothing_runs_and_nothing_leaves_the_server(server: ServedTeahouse, browser: Browser) -> None:
    paths = everything(server)
    assert len(paths) > 250
    context = browser.new_context()
    page = context.new_page()
    wrong: list[str] = []
    context.expose_function("taken", lambda: wrong.append(f"ran on {page.url}"))
    context.add_init_script("window.alert = window.taken")
    page.on("request", lambda sent: None if sent.url.startswith(server.url) else wrong.append(f"left: {sent.url}"))
    page.on("dialog", lambda dialog: wrong.append(f"asked on {page.url}"))
    page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}") if "Security" in said.text else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for path in paths:
        page.goto(server.url + path, wait_until="load")
        found = page.evaluate(
            """() => { document.querySelectorAll('details').forEach(each => each.open = true);
            const all = [...document.querySelectorAll('*')];
            return [
              document.scripts.length,
              all.filter(each => [...each.attributes].some(at => at.name.startsWith('on'))).length,
              [...document.links].filter(each => !/^(https?|mailto|matrix):$/.test(each.protocol)).length,
              all.filter(each => each.hasAttribute('style')).length,
              document.querySelectorAll('iframe,object,embed,base,meta[http-equiv],form[action^=\"/\"] ~ form').length,
              document.querySelectorAll('style').length, document.querySelectorAll('main').length ] }"""
        )
        assert found == [0, 0, 0, 0, 0, 1, 1], (path, found)
        assert page.url == server.url + path or page.url.startswith(server.url), path
    context.close()
    assert wrong == []


def test_every_feed_and_map_is_well_formed(server: ServedTeahouse) -> None:
    for path in (*FEEDS, "/sitemap.xml", "/sitemap/posts/1", "/sitemap/accounts/1", "/@mallory/qr.svg",
                 "/@mallory/follow.svg", "/favicon.svg"):  # fmt: skip
        answer = httpx.get(server.url + path, timeout=60)
        assert answer.status_code == 200, path
        root = ElementTree.fromstring(answer.content)
        assert not list(root.iter("script"))
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        if "feed" in path:
            parsed = feedparser.parse(answer.content)
            assert parsed.bozo == 0, (path, parsed.get("bozo_exception"))
            assert parsed.entries
            entries = [each for each in root.iter() if local(each) in ("item", "entry")]
            said = [each.text or "" for entry in entries for each in entry if local(each) in ("description", "content")]
            assert len(said) > 15
            for html in said:
                reading = Reading()
                reading.feed(html)
                assert reading.wrong == [], (path, html)


def local(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


class Reading(HTMLParser):
    """What a browser would take from the HTML of an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "iframe", "svg", "math", "object", "embed", "form", "base", "meta", "link"):
            self.wrong.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcset"):
                self.wrong.append(name)
            if name in ("href", "src") and not address.startswith(("http://", "https://", "mailto:")):
                self.wrong.append(address)
            if name == "src" and not address.startswith("http://127.0.0.1"):
                self.wrong.append(address)


def test_every_page_of_the_feeds_was_attacked(server: ServedTeahouse) -> None:
    answer = httpx.get(f"{server.url}{API}/mallory", timeout=60).json()
    assert answer["posts"] > 3 * len(VECTORS)
