"""Feeds and maps: what machines read of the public pages."""

from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest

from teahouse.pages.sitemaps import SiteMaps
from tests.posts.studio import fetch, picture
from tests.public_accounts.newsroom import POST, newsroom, opened
from tests.world import World

FEEDS = ("/@daily/feed.rss", "/@daily/feed.atom", "/tag/tea/feed.rss", "/tag/tea/feed.atom", "/feed.rss", "/feed.atom")
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


async def feed(tea: World, path: str) -> Any:
    """A feed as readers of feeds understand it."""
    answer = await fetch(tea, path, host="tea.example")
    assert answer.status == 200
    parsed = feedparser.parse(answer.body, response_headers={"content-type": answer.headers["content-type"]})
    assert parsed.bozo == 0, parsed.get("bozo_exception")
    return parsed


async def locations(tea: World, path: str) -> list[str]:
    """The addresses in a map."""
    answer = await fetch(tea, path, host="tea.example")
    assert answer.headers["content-type"] == "application/xml"
    return [found.text or "" for found in ElementTree.fromstring(answer.body).iter(f"{MAP}loc")]


@pytest.mark.parametrize("kind", ["rss", "atom"])
async def test_posts_are_in_the_feeds_newest_first_and_whole(tea: World, kind: str) -> None:
    account, _ = await newsroom(tea)
    await account.publish("First & <best> #tea https://example.org/")
    body = f"<p>{'Long. ' * 200}</p><h2>End</h2>"
    await account.publish("On #tea", article={"title": "Tea & water", "html": body})
    for path in (f"/@daily/feed.{kind}", f"/tag/tea/feed.{kind}", f"/feed.{kind}"):
        found = await feed(tea, path)
        assert [entry.link for entry in found.entries] == ["http://tea.example/@daily/2", "http://tea.example/@daily/1"]
        newest, first = found.entries
        assert newest.title == "Tea & water"
        whole = newest.summary if kind == "rss" else newest.content[0].value
        assert "<h2>End</h2>" in whole
        said = first.summary if kind == "rss" else first.content[0].value
        assert "First &amp; &lt;best&gt;" in said
        assert 'href="http://tea.example/tag/tea"' in said
        assert [tag.term for tag in first.tags] == ["tea"]
        assert first.author == "The Daily Leaf"
        assert first.published_parsed is not None
        own = f"http://tea.example{path}"
        assert any(each.rel == "self" and each.href == own for each in found.feed.links)


@pytest.mark.parametrize("kind", ["rss", "atom"])
async def test_an_entry_keeps_its_name_for_ever_and_says_when_it_changed(tea: World, kind: str) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    before = (await feed(tea, f"/@daily/feed.{kind}")).entries[0]
    tea.clock.pass_ms(5_000)
    await account.owner.good("PUT", POST, {"content": {"text": "More tea."}}, handle="daily", number="1")
    after = (await feed(tea, f"/@daily/feed.{kind}")).entries[0]
    assert after.id == before.id == "tag:tea.test,2025-06-15:/@daily/1"
    assert after.published == before.published
    assert "More tea." in (after.summary if kind == "rss" else after.content[0].value)
    if kind == "atom":
        assert after.updated > before.updated
    else:
        assert not after.guidislink
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert (await feed(tea, f"/@daily/feed.{kind}")).entries == []


async def test_pictures_come_along(tea: World) -> None:
    account, _ = await newsroom(tea)
    media = [await picture(account.owner, f"Cup {number}") for number in (1, 2)]
    await account.publish("Cups", media=media)
    rss, atom = (await feed(tea, "/@daily/feed.rss")).entries[0], (await feed(tea, "/@daily/feed.atom")).entries[0]
    assert len(rss.enclosures) == 1  # RSS has room for one
    assert len(atom.enclosures) == 2
    assert rss.enclosures[0].type == "image/png"
    assert int(rss.enclosures[0].length) > 0
    path = rss.enclosures[0].href.removeprefix("http://tea.example")
    assert (await fetch(tea, path)).status == 200
    for number in (1, 2):
        assert f'alt="Cup {number}"' in rss.summary


async def test_feeds_tell_nothing_behind_a_warning_and_follow_the_fate_of_originals(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("The butler did it. #tea", warning="the end of the film")
    await account.publish("Fog.")
    other = await opened(reader, "reader-daily", "person")
    await other.publish("See", repost={"account": "daily", "number": 2})
    for path in FEEDS:
        answer = await fetch(tea, path)
        assert b"butler" not in answer.body
        if "@daily" in path:
            assert b"the end of the film" in answer.body
    assert b"Fog." in (await fetch(tea, "/@reader-daily/feed.atom")).body
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    after = (await fetch(tea, "/@reader-daily/feed.atom")).body
    assert b"Fog." not in after
    assert b"deleted by its owner" in after


async def test_signs_that_xml_cannot_say_do_not_break_a_feed(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("bell\x07 form\x0c feed\ufffe end #tea ]]> & ü 茶 🍵")
    for path in FEEDS:
        found = await feed(tea, path)
        assert "茶 🍵" in str(found.entries[0])


async def test_an_empty_feed_is_a_feed(tea: World) -> None:
    await newsroom(tea)
    for path in FEEDS:
        assert (await feed(tea, path)).entries == []


async def test_maps_name_every_standing_post_and_no_other(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number in range(1, 6):
        await account.publish(f"Cup {number}")
    await account.owner.good("DELETE", POST, handle="daily", number="2")
    assert await locations(tea, "/sitemap.xml") == [
        "http://tea.example/sitemap/accounts/1", "http://tea.example/sitemap/posts/1"
    ]  # fmt: skip
    base = "http://tea.example"
    assert await locations(tea, "/sitemap/accounts/1") == [
        f"{base}/", f"{base}/explore", f"{base}/latest", f"{base}/@daily"
    ]  # fmt: skip
    assert await locations(tea, "/sitemap/posts/1") == [f"{base}/@daily/{number}" for number in (1, 3, 4, 5)]
    robots = (await fetch(tea, "/robots.txt", host="tea.example")).body.decode()
    assert f"Sitemap: {base}/sitemap.xml" in robots
    assert "Disallow: /_matrix/" in robots


async def test_maps_are_cut_where_once_they_were_cut(tea: World) -> None:
    account, reader = await newsroom(tea)
    await opened(reader, "weekly")
    for number in range(1, 6):
        await account.publish(f"Cup {number}")
    maps = SiteMaps(tea.app.database, places_max=2)
    assert await maps.paths() == [
        "/sitemap/accounts/1", "/sitemap/accounts/2", "/sitemap/posts/1", "/sitemap/posts/2", "/sitemap/posts/3"
    ]  # fmt: skip

    async def numbers(page: int) -> list[str]:
        return [each.path.rpartition("/")[2] for each in await maps.places("posts", page)]

    assert [await numbers(page) for page in (1, 2, 3)] == [["1", "2"], ["3", "4"], ["5"]]
    await account.owner.good("DELETE", POST, handle="daily", number="3")
    await account.publish("Cup 6")
    await account.publish("Cup 7")
    assert [await numbers(page) for page in (1, 2, 3)] == [["1", "2"], ["4"], ["5", "6"]]
    fresh = SiteMaps(tea.app.database, places_max=2)
    assert [each.path for each in await fresh.places("posts", 3)] == ["/@daily/5", "/@daily/6"]
    assert [each.path for each in await fresh.places("posts", 4)] == ["/@daily/7"]
