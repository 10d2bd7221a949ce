"""Mirroring an own feed: each entry one post, whatever happens to the feed or the server."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from teahouse.mirrors import service
from teahouse.mirrors.service import FAILURES_MAX, NEW_MAX, OLD_AFTER_MS, POLL_EVERY_MS, POLL_WAIT_MAX_MS
from teahouse.outbound.guard import Guard
from tests.clock import START_MS, ManualClock
from tests.databases import Place
from tests.mirrors.feeds import Feed, Item
from tests.outbound.web import Web, web
from tests.public_accounts.newsroom import ACCOUNT, Account, newsroom, timeline
from tests.world import World, world

MIRROR = f"{ACCOUNT}/mirror"
POSTS = f"{ACCOUNT}/posts"
DAY_MS = 86_400_000
LONG = "<p>" + "Water first, then leaves. " * 40 + "</p>"


@asynccontextmanager
async def mirroring(place: Place, folder: Path, clock: ManualClock, site: Web) -> AsyncIterator[World]:
    settings = {"outbound__allowed_networks": "127.0.0.1/32", "outbound__allowed_ports": str(site.port)}
    async with world(place, folder / "data", clock, **settings) as made:
        yield made


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


@pytest.fixture
async def tea(place: Place, tmp_path: Path, clock: ManualClock, site: Web) -> AsyncIterator[World]:
    async with mirroring(place, tmp_path, clock, site) as made:
        made.alter = hold_still
        hold_still(made.app)
        yield made


@pytest.fixture
async def daily(tea: World) -> Account:
    return (await newsroom(tea))[0]


def hold_still(app: Any) -> None:
    """Keep the poller of the background from polling: tests do it when they want to."""
    app.mirrors._arrived.set = lambda: None


async def mirror(tea: World, daily: Account, url: str) -> None:
    await daily.owner.good("PUT", MIRROR, {"url": url}, handle=daily.handle)
    await tea.app.mirrors.poll_due()


async def poll(tea: World) -> None:
    tea.clock.pass_ms(POLL_EVERY_MS)
    await tea.app.mirrors.poll_due()


async def state(daily: Account) -> Any:
    return await daily.owner.good("GET", MIRROR, handle=daily.handle)


async def posts(daily: Account) -> list[Any]:
    """Its posts, oldest first."""
    answer = await daily.owner.good("GET", POSTS, None, {"limit": 100}, handle=daily.handle)
    return list(reversed(answer["posts"]))


def texts(found: list[Any]) -> list[str]:
    return [each["content"].get("text", "").partition("\n")[0] for each in found]


@pytest.mark.parametrize("form", ["rss", "atom"])
async def test_new_entries_become_posts_in_order_and_old_ones_only_once(
    form: str, tea: World, daily: Account, site: Web
) -> None:
    feed = Feed([Item("2", "Second"), Item("1", "First")])
    url = site.page("/feed", getattr(feed, form)())
    await mirror(tea, daily, url)
    await poll(tea)
    assert texts(await posts(daily)) == ["First", "Second"]
    feed.add(Item("3", "Third"), Item("4", "Fourth"))
    site.page("/feed", getattr(feed, form)())
    await poll(tea)
    await tea.restart()
    await poll(tea)
    found = await posts(daily)
    assert texts(found) == ["First", "Second", "Third", "Fourth"]
    assert [each["number"] for each in found] == [1, 2, 3, 4]


async def test_a_whole_text_becomes_a_sanitised_article_and_a_short_one_a_link(
    tea: World, daily: Account, site: Web
) -> None:
    evil = '<script>alert(1)</script><a href="javascript:alert(1)" onclick="x()">here</a><iframe src="/x"></iframe>'
    feed = Feed(
        [
            Item("1", "On <i>water</i>", LONG + evil, link="https://example.org/water"),
            Item("2", "Short", "<b>Just</b> a line.", link="https://example.org/short"),
        ]
    )
    await mirror(tea, daily, site.page("/feed", feed.rss()))
    short, article = await posts(daily)
    assert article["kind"] == "article"
    assert article["content"]["article"]["title"] == "On water"
    assert article["content"]["link"] == "https://example.org/water"
    assert article["content"]["language"] == "en-gb"
    for bad in ("script", "alert", "onclick", "iframe"):
        assert bad not in article["content"]["article"]["html"]
    assert short["kind"] == "link"
    assert short["content"]["text"] == "Short\n\nJust a line."
    assert short["content"]["link"] == "https://example.org/short"


async def test_the_first_poll_takes_the_newest_and_leaves_the_rest_for_good(
    tea: World, daily: Account, site: Web
) -> None:
    feed = Feed()
    feed.add(*(Item(str(number), f"Entry {number}", published_ms=START_MS - (100 - number) * DAY_MS) for number in
               range(NEW_MAX + 15)))  # fmt: skip
    await mirror(tea, daily, site.page("/feed", feed.rss()))
    expected = [f"Entry {number}" for number in range(15, NEW_MAX + 15)]
    assert texts(await posts(daily)) == expected
    await poll(tea)
    feed.items = feed.items[NEW_MAX:]  # the newest were taken down; the older ones come to the top
    site.page("/feed", feed.rss())
    await poll(tea)
    assert texts(await posts(daily)) == expected


async def test_what_was_there_before_shows_its_date_and_alerts_nobody_and_what_is_new_is_news(
    tea: World, site: Web
) -> None:
    daily, reader = await newsroom(tea)
    await reader.good("PUT", f"{ACCOUNT}/follow", {"alerts": True}, handle=daily.handle)
    since = (await reader.sync())["next_batch"]
    long_ago = START_MS - 400 * DAY_MS
    feed = Feed([Item("1", "Old", published_ms=long_ago)])
    await mirror(tea, daily, site.page("/feed", feed.rss()))
    feed.add(Item("2", "Belated", published_ms=START_MS - OLD_AFTER_MS * 2), Item("3", "News", published_ms=START_MS))
    site.page("/feed", feed.rss())
    await poll(tea)
    old, belated, news = await posts(daily)
    assert old["content"]["written_ms"] == long_ago // 1_000 * 1_000
    assert old["created_ts"] >= START_MS
    assert "written_ms" in belated["content"]
    assert "written_ms" not in news["content"]
    answer = await reader.sync(since)
    events = {each["content"]["body"].partition("\n")[0]: each for each in timeline(answer, daily.room_id)}
    assert events["Old"]["content"]["msgtype"] == events["Belated"]["content"]["msgtype"] == "m.notice"
    assert events["Old"]["content"]["body"].endswith("(2024-05-11)")
    assert events["News"]["content"]["msgtype"] == "m.text"
    room = answer["rooms"]["join"][daily.room_id]
    assert room["unread_notifications"]["notification_count"] == 1


async def test_a_deleted_post_does_not_come_back_nor_does_one_after_setting_the_feed_anew(
    tea: World, daily: Account, site: Web
) -> None:
    url = site.page("/feed", Feed([Item("1", "First")]).rss())
    await mirror(tea, daily, url)
    await daily.owner.good("DELETE", f"{POSTS}/{{number}}", handle=daily.handle, number="1")
    await poll(tea)
    await daily.owner.good("DELETE", MIRROR, handle=daily.handle)
    assert (await daily.owner.ask("GET", MIRROR, handle=daily.handle)).status == 404
    await mirror(tea, daily, url)
    assert await posts(daily) == []
    assert (await state(daily))["state"] == "good"


async def test_the_feed_is_asked_whether_it_changed(tea: World, daily: Account, site: Web) -> None:
    site.page("/feed", Feed([Item("1")]).rss(), 'ETag: "1"', "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT")
    await mirror(tea, daily, site.url("/feed"))
    site.page("/feed", b"", status="304 Not Modified")
    await tea.restart()
    await poll(tea)
    assert site.asked[-1].headers["if-none-match"] == '"1"'
    assert site.asked[-1].headers["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert (await state(daily))["state"] == "good"
    await poll(tea)
    assert site.asked[-1].headers["if-none-match"] == '"1"'


async def test_a_failing_feed_is_asked_less_and_less_then_no_more_until_its_owner_says_so(
    tea: World, daily: Account, site: Web
) -> None:
    url = site.page("/feed", b"gone", status="500 Oh no")
    await mirror(tea, daily, url)
    shown = await state(daily)
    assert (shown["state"], shown["failures"]) == ("failing", 1)
    assert "500" in shown["failure"]
    await poll(tea)
    assert len(site.asked) == 1  # the wait has doubled
    await poll(tea)
    assert len(site.asked) == 2
    for _ in range(FAILURES_MAX):
        tea.clock.pass_ms(POLL_WAIT_MAX_MS)
        await tea.app.mirrors.poll_due()
    assert len(site.asked) == FAILURES_MAX
    assert (await state(daily))["state"] == "stopped"
    site.page("/feed", Feed([Item("1", "Back")]).rss())
    tea.clock.pass_ms(POLL_WAIT_MAX_MS)
    await tea.app.mirrors.poll_due()
    assert await posts(daily) == []
    await mirror(tea, daily, url)
    assert texts(await posts(daily)) == ["Back"]
    shown = await state(daily)
    assert (shown["state"], shown["failures"], shown["failure"]) == ("good", 0, "")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not a feed", b"<html><body>A page</body></html>", b"{}", bytes(range(256)) * 20, b"<rss", b"\xff\xfe<",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b"<a>" * 100_000,
    ],
    ids=range(9),
)  # fmt: skip
async def test_what_is_no_feed_is_a_failure_that_is_shown(body: bytes, tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", body, "Content-Type: application/xml"))
    shown = await state(daily)
    assert shown["state"] == "failing"
    assert "cannot be read as an RSS or Atom feed" in shown["failure"]
    assert await posts(daily) == []


async def test_a_feed_never_brings_in_a_file_of_the_server(tea: World, daily: Account, site: Web) -> None:
    evil = (
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>'
        b"<item><guid>1</guid><title>Hello &e;</title></item></channel></rss>"
    )
    await mirror(tea, daily, site.page("/feed", evil))
    assert "root:" not in str(await posts(daily))


async def test_entities_that_multiply_come_to_nothing(tea: World, daily: Account, site: Web) -> None:
    entities = [b'<!ENTITY a0 "' + b"a" * 1_000 + b'">']
    entities += [b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 50) for n in range(1, 9)]
    bomb = b'<?xml version="1.0"?><!DOCTYPE rss [' + b"".join(entities) + b']><rss version="2.0"><channel><item>'
    bomb += b"<guid>1</guid><title>Boom &a8;</title></item></channel></rss>"
    await mirror(tea, daily, site.page("/feed", bomb))
    assert len(str(await posts(daily))) < 10_000


async def test_odd_entries_harm_no_others(tea: World, daily: Account, site: Web) -> None:
    feed = Feed(
        [
            Item("", "No id, no link"), Item("1", "", ""), Item("2", "", "<img src=x>"), Item("3", "T" * 1_000),
            Item("4", "Same"), Item("4", "Same again"), Item("5", "Huge", "<p>" + "x " * 300_000 + "</p>"),
            Item("6", "Bad link", link="javascript:alert(1)"), Item("7", "Ctrl \x85\u2028 chars"), Item("8", "Good"),
        ]
    )  # fmt: skip
    await mirror(tea, daily, site.page("/feed", feed.rss()))
    assert (await state(daily))["state"] == "good"
    found = await posts(daily)
    said = texts(found)
    assert "Good" in said
    assert said.count("Same") + said.count("Same again") == 1
    assert any(text.startswith("TTTT") and len(text) == 200 for text in said)
    assert any(text.startswith("Huge") for text in said)
    assert "javascript" not in str(found)
    await poll(tea)
    assert len(await posts(daily)) == len(found)


async def test_a_flood_of_entries_is_cut_at_every_poll(tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", Feed([Item("0", "First")]).rss()))
    feed = Feed()
    feed.add(*(Item(f"new{n}", f"Entry {n}", published_ms=START_MS + n * 1_000) for n in range(300)))
    site.page("/feed", feed.rss())
    await poll(tea)
    await poll(tea)
    assert len(await posts(daily)) == 1 + NEW_MAX
    assert texts(await posts(daily))[-1] == "Entry 299"


async def test_a_post_that_is_refused_holds_up_what_follows_only_until_the_next_poll(
    tea: World, daily: Account, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends a poll half way (a stop, a limit) leaves the rest to the next one, and repeats nothing."""
    calls = 0
    real = service.take_over

    async def cut_short(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise service.Unavailable("The server is stopping.")
        await real(*arguments)

    monkeypatch.setattr(service, "take_over", cut_short)
    feed = Feed([Item(str(number), f"Entry {number}") for number in range(5, 0, -1)])
    await daily.owner.good("PUT", MIRROR, {"url": site.page("/feed", feed.rss(), 'ETag: "1"')}, handle=daily.handle)
    with pytest.raises(service.Unavailable):
        await tea.app.mirrors.poll_due()
    assert texts(await posts(daily)) == ["Entry 1", "Entry 2"]
    await tea.restart()
    await poll(tea)
    assert "if-none-match" not in site.asked[-1].headers
    assert texts(await posts(daily)) == [f"Entry {number}" for number in range(1, 6)]


async def test_only_an_owner_mirrors_and_only_while_they_own(tea: World, site: Web) -> None:
    daily, reader = await newsroom(tea)
    url = site.page("/feed", Feed([Item("1", "First")]).rss())
    editor = await tea.person("editor")
    role = {"handle": "daily", "userId": editor.user_id}
    await daily.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "editor"}, **role)
    for person in (reader, editor):
        assert (await person.ask("PUT", MIRROR, {"url": url}, handle="daily")).status == 403
        assert (await person.ask("DELETE", MIRROR, handle="daily")).status == 403
    assert (await reader.ask("GET", MIRROR, handle="daily")).status == 403
    assert (await editor.ask("GET", MIRROR, handle="daily")).status == 404
    await mirror(tea, daily, url)
    await daily.owner.good("PUT", f"{ACCOUNT}/staff/{{userId}}", {"role": "owner"}, **role)
    await daily.owner.good("DELETE", f"{ACCOUNT}/staff/{{userId}}", handle="daily", userId=daily.owner.user_id)
    site.page("/feed", Feed([Item("2", "Second")]).rss())
    await poll(tea)
    shown = await editor.good("GET", MIRROR, handle="daily")
    assert shown["state"] == "stopped"
    assert "owns" in shown["failure"]


@pytest.mark.parametrize(
    "url", ["", "feed", "file:///etc/passwd", "http://127.0.0.2/", "http://[::1]/", "http://example.org:22/feed"]
)
async def test_an_address_inside_or_of_no_web_is_refused_at_once(url: str, tea: World, daily: Account) -> None:
    answer = await daily.owner.ask("PUT", MIRROR, {"url": url}, handle=daily.handle)
    assert (answer.status, answer.errcode) == (400, "M_INVALID_PARAM")


async def test_a_feed_that_leads_inside_later_is_a_failure(tea: World, daily: Account, site: Web) -> None:
    site.page("/secret", Feed([Item("1", "Secret")]).rss())
    await mirror(tea, daily, site.moved("/feed", site.url("/secret", "127.0.0.2")))
    assert "not on the public internet" in (await state(daily))["failure"]
    assert await posts(daily) == []
    assert not Guard([]).allows("127.0.0.1")


async def test_a_hostile_feed_cannot_keep_the_reader_busy(
    tea: World, daily: Account, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teahouse.mirrors.feeds.READING_LIMIT_S", 0.0)
    await mirror(tea, daily, site.page("/feed", Feed([Item("1")]).rss()))
    assert "cannot be read" in (await state(daily))["failure"]
    assert re.search("RSS", (await state(daily))["failure"])


async def test_setting_a_feed_polls_it_by_itself(
    place: Place, tmp_path: Path, clock: ManualClock, site: Web
) -> None:
    async with mirroring(place, tmp_path, clock, site) as tea:
        daily, reader = await newsroom(tea)
        await reader.good("PUT", f"{ACCOUNT}/follow", {}, handle="daily")
        since = (await reader.sync())["next_batch"]
        url = site.page("/feed", Feed([Item("1", "By itself")]).rss())
        await daily.owner.good("PUT", MIRROR, {"url": url}, handle="daily")
        answer = await reader.sync(since, timeout=15_000)
        assert "By itself" in str(timeline(answer, daily.room_id))


VERSIONS = f"{POSTS}/{{number}}/versions"


async def wordings(daily: Account, number: int = 1) -> list[str]:
    """All wordings of a post, the first one first."""
    answer = await daily.owner.good("GET", VERSIONS, handle=daily.handle, number=str(number))
    return [each["content"].get("text", "").partition("\n")[0] for each in reversed(answer["versions"])]


async def changed(tea: World, site: Web, *items: Item) -> None:
    """The feed says this now, and is polled."""
    site.page("/feed", Feed(list(items)).rss())
    await poll(tea)


async def test_a_changed_entry_is_an_edit_whose_every_wording_is_seen(tea: World, daily: Account, site: Web) -> None:
    reader = await tea.person("follower")
    await reader.good("PUT", f"{ACCOUNT}/follow", {}, handle="daily")
    since = (await reader.sync())["next_batch"]
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea"), Item("2", "Cups")]).rss()))
    await changed(tea, site, Item("1", "Tea, corrected"), Item("2", "Cups"))
    await changed(tea, site, Item("1", "Tea, corrected"), Item("2", "Cups"))
    await tea.restart()
    await poll(tea)
    assert texts(await posts(daily)) == ["Cups", "Tea, corrected"]
    assert await wordings(daily, 2) == ["Tea", "Tea, corrected"]
    assert await wordings(daily, 1) == ["Cups"]
    events = timeline(await reader.sync(since), daily.room_id)
    assert [event["content"].get("m.relates_to", {}).get("rel_type") for event in events] == [None, None, "m.replace"]


async def test_only_what_changes_the_post_is_an_edit(tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea", LONG)]).rss()))
    await changed(tea, site, Item("1", "Tea", LONG + "<script>count(2)</script>"))
    assert await wordings(daily) == [""]
    await changed(tea, site, Item("1", "Tea, again", LONG))
    assert len(await wordings(daily)) == 2


async def test_words_of_staff_stand_and_their_settings_stay(tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea"), Item("2", "Cups")]).rss()))
    path = {"handle": "daily", "number": "1"}
    await daily.owner.good("PUT", f"{POSTS}/{{number}}", {"content": {"text": "Ours"}}, **path)
    number = {"handle": "daily", "number": "2"}
    await daily.owner.good("PUT", f"{POSTS}/{{number}}/commenters", {"comments": "nobody"}, **number)
    await changed(tea, site, Item("1", "Tea, corrected"), Item("2", "Cups, corrected"))
    ours, theirs = await posts(daily)
    assert {ours["content"]["text"], theirs["content"]["text"]} == {"Ours", "Tea, corrected"}
    closed = theirs if theirs["number"] == 2 else ours
    assert closed["content"]["comments"] == "nobody"


async def test_a_deleted_post_stays_deleted_when_its_entry_changes(tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea")]).rss()))
    await daily.owner.good("DELETE", f"{POSTS}/{{number}}", handle="daily", number="1")
    await changed(tea, site, Item("1", "Tea, corrected"))
    assert await posts(daily) == []
    assert (await state(daily))["state"] == "good"


async def test_a_feed_that_changes_at_every_poll_fills_no_history(
    tea: World, daily: Account, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WORDINGS_MAX", 3)
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea 0")]).rss()))
    for number in range(1, 6):
        await changed(tea, site, Item("1", f"Tea {number}"))
    assert await wordings(daily) == ["Tea 0", "Tea 1", "Tea 2"]
    assert (await state(daily))["state"] == "good"


async def test_of_too_many_changes_the_newest_are_followed(
    tea: World, daily: Account, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHANGED_MAX", 1)
    await mirror(tea, daily, site.page("/feed", Feed([Item("2", "Cups"), Item("1", "Tea")]).rss()))
    for _ in range(2):
        await changed(tea, site, Item("2", "Cups, larger"), Item("1", "Tea, larger"))
    assert sorted(texts(await posts(daily))) == ["Cups, larger", "Tea"]


async def test_a_change_that_no_post_may_say_leaves_the_post_as_it_was(tea: World, daily: Account, site: Web) -> None:
    await mirror(tea, daily, site.page("/feed", Feed([Item("1", "Tea")]).rss()))
    await changed(tea, site, Item("1", ""))
    assert texts(await posts(daily)) == ["Tea"]
    await changed(tea, site, Item("1", "Tea, at last"))
    assert texts(await posts(daily)) == ["Tea, at last"]
