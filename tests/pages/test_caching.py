"""Pages are kept, but never shown older than what they show."""

from email.utils import parsedate_to_datetime
from typing import Any

from teahouse.pages import cache
from teahouse.pages.cache import Rendered, RenderedPages
from teahouse.posts.editions import ACCOUNTS_MAX, Editions
from tests.posts.studio import fetch
from tests.public_accounts.newsroom import ACCOUNT, POST, newsroom, opened
from tests.world import World


async def test_a_hot_page_asks_the_database_nothing(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    for path in ("/@daily", "/@daily/1", "/latest", "/explore", "/@daily/feed.atom", "/tag/x", "/sitemap.xml"):
        first = await fetch(tea, path)
        before = tea.counted.cost
        assert (await fetch(tea, path)).body == first.body
        assert (tea.counted.cost - before).statements == 0, path


async def test_a_page_that_a_reader_has_is_not_sent_again(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    first = await fetch(tea, "/@daily/1")
    assert first.headers["cache-control"] == "public, max-age=10"
    etag = first.headers["etag"]
    for tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await fetch(tea, "/@daily/1", if_none_match=tag)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == etag
    assert (await fetch(tea, "/@daily/1", if_none_match='"other"')).status == 200
    tea.clock.pass_ms(1_000)
    dated = (await fetch(tea, "/@daily/1")).headers["last-modified"]
    assert (await fetch(tea, "/@daily/1", if_modified_since=dated)).status == 304
    assert (await fetch(tea, "/@daily/1", if_modified_since=dated, if_none_match='"other"')).status == 200
    assert (await fetch(tea, "/@daily/1", if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT")).status == 200
    assert (await fetch(tea, "/@daily/1", if_modified_since="nonsense")).status == 200
    await account.owner.good("PUT", POST, {"content": {"text": "More tea."}}, handle="daily", number="1")
    assert (await fetch(tea, "/@daily/1", if_none_match=etag)).status == 200


async def test_a_page_that_changed_this_second_has_no_date_yet(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    assert "last-modified" not in (await fetch(tea, "/@daily/1")).headers
    tea.clock.pass_ms(1_000)
    dated = (await fetch(tea, "/@daily/1")).headers["last-modified"]
    assert parsedate_to_datetime(dated).timestamp() * 1_000 == tea.clock.now_ms() - 1_000
    tea.clock.pass_ms(60_000)
    assert (await fetch(tea, "/@daily/1")).headers["last-modified"] == dated  # made anew, and the same


async def test_what_changes_is_seen_at_once_on_every_page(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Word-a #tea")
    other = await opened(reader, "weekly")
    await other.publish("", repost={"account": "daily", "number": 1})
    pages = ("/@daily", "/@daily/1", "/latest", "/tag/tea", "/@weekly", "/@weekly/1", "/@daily/feed.rss",
             "/feed.atom", "/tag/tea/feed.rss", "/@weekly/feed.atom")  # fmt: skip

    async def showing(word: str) -> set[str]:
        return {path for path in pages if word in (await fetch(tea, path)).body.decode()}

    assert await showing("Word-a") == set(pages)
    await account.owner.good("PUT", POST, {"content": {"text": "Word-b #tea"}}, handle="daily", number="1")
    assert await showing("Word-a") == set()
    assert await showing("Word-b") == set(pages)
    post = await tea.app.posts.find_numbered((await tea.app.public_accounts.require("daily")).account_no, 1)
    await tea.app.removals.remove(post.ref)
    assert await showing("Word-b") == set()
    await tea.app.removals.restore(post.ref)
    assert await showing("Word-b") == set(pages)
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert await showing("Word-b") == set()
    assert "/@daily/1<" not in (await fetch(tea, "/sitemap/posts/1")).body.decode()


async def test_a_new_profile_and_a_new_pin_are_seen_at_once(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    assert b"Pinned" not in (await fetch(tea, "/@daily")).body
    await account.owner.good("PUT", f"{ACCOUNT}/pin", {"number": 1}, handle="daily")
    assert b"Pinned" in (await fetch(tea, "/@daily")).body
    await account.owner.good("PUT", ACCOUNT, {"name": "The New Leaf", "about": {}}, handle="daily")
    for path in ("/@daily", "/@daily/1", "/latest", "/@daily/feed.atom", "/explore"):
        assert b"The New Leaf" in (await fetch(tea, path)).body, path


async def test_counts_may_be_late_by_seconds_only(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Tea.")
    assert b"0 likes" in (await fetch(tea, "/@daily/1")).body
    await reader.good("PUT", f"{POST}/like", {}, handle="daily", number="1")
    await reader.good("PUT", f"{ACCOUNT}/follow", {}, handle="daily")
    tea.clock.pass_ms(cache.AGE_MAX_MS)
    assert b"1 like<" in (await fetch(tea, "/@daily/1")).body
    assert b"1 follower<" in (await fetch(tea, "/@daily")).body


async def test_pages_kept_in_memory_have_a_limit(tea: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "KEPT_MAX_BYTES", 1_000)
    monkeypatch.setattr(cache, "PAGE_MAX_BYTES", 400)
    kept = RenderedPages(tea.clock, tea.app.posts.editions, tea.app.public_accounts)
    for number in range(10):
        kept.keep(number, Rendered(200, "text/html", b"x" * 300), kept.edition)
    kept.keep("large", Rendered(200, "text/html", b"x" * 500), kept.edition)
    there = [key for key in (*range(10), "large") if await kept.find(key) is not None]
    assert there == [7, 8, 9]


async def test_what_changed_while_a_page_was_made_makes_it_old(tea: World) -> None:
    account, _ = await newsroom(tea)
    kept = RenderedPages(tea.clock, tea.app.posts.editions, tea.app.public_accounts)
    shown = await tea.app.public_accounts.require("daily")
    edition = kept.edition
    await account.publish("Meanwhile.")
    kept.keep("page", Rendered(200, "text/html", b"", [await tea.app.public_accounts.require("daily")]), edition)
    assert await kept.find("page") is None
    kept.keep("page", Rendered(200, "text/html", b"", [shown]), kept.edition)
    assert await kept.find("page") is None  # by the account as it was before
    kept.keep("page", Rendered(200, "text/html", b"", [await tea.app.public_accounts.require("daily")]), kept.edition)
    assert await kept.find("page") is not None


class Committing:
    """A transaction that is committed at once."""

    def on_commit(self, action: Any) -> None:
        action()


def test_more_accounts_than_are_told_apart_all_count_as_changed() -> None:
    editions, tx = Editions(), Committing()
    for account_no in range(ACCOUNTS_MAX):
        editions.changed(tx, account_no)  # type: ignore[arg-type]
    since = editions.count
    assert editions.unchanged([1, 2, ACCOUNTS_MAX + 7], since)
    editions.changed(tx, ACCOUNTS_MAX)  # type: ignore[arg-type]
    assert not editions.unchanged([1], since)
    assert not editions.unchanged([ACCOUNTS_MAX], since)
    assert editions.unchanged([1, ACCOUNTS_MAX], editions.count)
