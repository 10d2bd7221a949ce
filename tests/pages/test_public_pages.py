"""What outsiders see of public accounts and their posts."""

import re
from typing import Any

from tests.posts.studio import fetch, picture
from tests.public_accounts.newsroom import ACCOUNT, POST, newsroom, opened
from tests.world import Fetched, World

COMMENTS = f"{POST}/comments"


def text(answer: Fetched) -> str:
    return answer.body.decode()


async def page(tea: World, path: str, query: str = "", **headers: str) -> str:
    """A page that is there."""
    answer = await fetch(tea, path, query, **headers)
    assert answer.status == 200, answer.body
    return text(answer)


def main(html: str) -> str:
    """What stands on a page, without head, header and footer."""
    return html.partition('<main id="main">')[2].partition("</main>")[0]


async def test_an_account_shows_who_it_is_and_its_posts_newest_first(tea: World) -> None:
    owner = await tea.person("owner")
    about = {"description": "Tea & news.\nSee #oolong", "links": ["https://example.org/a?b=1&c=2"], "language": "fr"}
    account = await opened(owner, about=about)
    await account.publish("First cup.")
    await account.publish("Second cup.")
    html = await page(tea, "/@daily")
    assert "<bdi>The Daily Leaf</bdi>" in html
    assert 'Tea &amp; news.\nSee <a href="/tag/oolong">#oolong</a>' in html
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="nofollow noopener noreferrer ugc">' in html
    assert "0 followers" in html
    assert html.index("Second cup.") < html.index("First cup.")
    assert 'href="/@daily/follow"' in html
    assert text(await fetch(tea, "/%40Daily")) == html


async def test_posts_come_in_pages_without_gap_or_repeat(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number in range(1, 46):
        await account.publish(f"cup-{number}.")
    seen: list[int] = []
    path, query = "/@daily", ""
    for _ in range(3):
        html = await page(tea, path, query)
        seen += [int(found) for found in re.findall(r"cup-(\d+)\.", main(html))]
        query = next(iter(re.findall(r'href="/@daily\?(before=\d+)"', html)), "")
    assert seen == list(range(45, 0, -1))
    assert query == ""


async def test_a_pinned_post_stands_first_and_once(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("House rules.")
    await account.publish("Today's tea.")
    await account.owner.good("PUT", f"{ACCOUNT}/pin", {"number": 1}, handle="daily")
    html = main(await page(tea, "/@daily"))
    assert html.count("House rules.") == 1
    assert html.index("Pinned") < html.index("House rules.") < html.index("Today's tea.".replace("'", "&#39;"))


async def test_links_hashtags_and_mentions_of_accounts_become_links(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Go (https://example.org/a_(b)), see #Grüntee and @daily, not @nobody or me@daily.org. #1 x")
    html = await page(tea, "/@daily/1")
    assert (
        '<a href="https://example.org/a_(b)" rel="nofollow noopener noreferrer ugc">example.org/a_(b)</a>), see' in html
    )
    assert '<a href="/tag/gr%C3%BCntee">#Grüntee</a>' in html
    assert '<a href="/@daily">@daily</a>, not @nobody or me@daily.org. #1 x' in html


async def test_pictures_are_shown_with_what_they_show(tea: World) -> None:
    account, _ = await newsroom(tea)
    media = [await picture(account.owner, f"Cup {number} <of> three") for number in (1, 2, 3)]
    await account.publish("Three cups", media=media)
    html = await page(tea, "/@daily/1")
    for number, each in enumerate(media, 1):
        assert f"/media/{each['url'].rpartition('/')[2]}/" in html
        assert f'alt="Cup {number} &lt;of&gt; three"' in html
        assert f'<figcaption dir="auto">Cup {number} &lt;of&gt; three</figcaption>' in html
    address = re.findall(r'<img src="(/media/[^"?]+)\?', html)[0]
    assert (await fetch(tea, address)).status == 200
    graph = re.findall(r'<meta property="og:image" content="([^"]+)"', html)
    assert graph == [f"http://localhost{address}"]


async def test_an_article_stands_whole_on_its_page_and_begins_in_lists(tea: World) -> None:
    account, _ = await newsroom(tea)
    inner = await picture(account.owner, "")
    body = (
        f'<h2>Water</h2><p>{"Long. " * 100}</p><p><img src="{inner["url"]}" alt="A kettle"></p>'
        '<p><img src="https://elsewhere.example/track.png" alt="Spy"></p><script>alert(1)</script>'
        '<p><a href="/@daily">own</a> <a href="mailto:tea@example.org">mail</a> <a href="next">near</a></p>'
    )
    cover = await picture(account.owner, "A cover")
    await account.publish("", article={"title": "How to <boil>", "html": body, "cover": cover})
    html = await page(tea, "/@daily/1")
    assert '<h1 dir="auto">How to &lt;boil&gt;</h1>' in html
    assert f'src="/media/{inner["url"].rpartition("/")[2]}/file"' in html
    assert "elsewhere.example" not in html
    assert '<a href="/@daily" rel=' in html
    assert '<a href="mailto:tea@example.org" rel=' in html
    assert 'href="next"' not in html
    assert "<script" not in html
    assert "<h2>Water</h2>" in html
    listed = main(await page(tea, "/@daily"))
    assert "How to &lt;boil&gt;" in listed
    assert "<h2>Water</h2>" not in listed


async def test_a_verified_account_says_what_was_checked_and_until_when(tea: World) -> None:
    account, _ = await newsroom(tea)
    shown = await tea.app.public_accounts.require("daily")
    wish = await tea.app.badges.ask(shown, account.owner.user_no, "evidence", "")
    await tea.app.badges.send_document(shown, "register.pdf", b"%PDF")
    for name in ("first", "second"):
        staff = await tea.app.accounts.register(name, None, admin=True)
        assert 'class="badge"' not in await page(tea, "/@daily")
        await tea.app.badges.decide(staff.user_no, wish.request_no, True, "")
    html = await page(tea, "/@daily")
    assert 'aria-label="Verified: news media"' in html
    assert "Two of this server’s staff checked its documents. The badge stands until 15 June 2026." in html
    assert 'aria-label="Verified: news media"' in await page(tea, "/explore")
    await tea.app.badges.withdraw(await tea.app.public_accounts.require("daily"), "The register was another one's.", 1)
    assert 'class="badge"' not in await page(tea, "/@daily")


async def test_a_poll_shows_how_people_voted(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("", poll={"question": "Which tea?", "answers": ["Green", "Black"]})
    await reader.good("PUT", f"{POST}/vote", {"answers": [1]}, handle="daily", number="1")
    html = await page(tea, "/@daily/1")
    assert re.search(r"Green</span><span>0 %.*Black</span><span>100 %", html, re.DOTALL)
    assert "1 vote ·" in html


async def test_a_repost_says_what_the_original_says_now(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Fog until noon.")
    other = await opened(reader, "reader-daily", "person")
    await other.publish("Look:", repost={"account": "daily", "number": 1})
    assert "Fog until noon." in await page(tea, "/@reader-daily/1")
    await account.owner.good("PUT", POST, {"content": {"text": "Fog until one."}}, handle="daily", number="1")
    html = await page(tea, "/@reader-daily/1")
    assert "Fog until one." in html
    assert "noon" not in html
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    for path in ("/@reader-daily/1", "/@reader-daily", "/latest"):
        html = await page(tea, path)
        assert "Fog" not in html
        assert "The original was deleted by its owner." in html


async def test_a_repost_of_a_repost_shows_both(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Fog until noon.")
    second = await opened(reader, "reader-daily", "person")
    await second.publish("They say:", repost={"account": "daily", "number": 1})
    third = await opened(reader, "third", "company")
    await third.publish("He says:", repost={"account": "reader-daily", "number": 1})
    html = main(await page(tea, "/@third/1"))
    assert html.index("He says:") < html.index("They say:") < html.index("Fog until noon.")
    assert "Fog until noon." in text(await fetch(tea, "/@third/feed.atom"))
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert "Fog" not in await page(tea, "/@third/1")
    assert "Fog" not in text(await fetch(tea, "/@third/feed.atom"))


async def test_posts_are_found_by_their_words(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Green tea is served.")
    await account.publish("Black tea is not.")
    found = main(await page(tea, "/latest", "q=green"))
    assert "Green tea" in found
    assert "Black tea" not in found
    assert "Posts found for “<bdi>green</bdi>”" in found
    assert "No post matches." in await page(tea, "/latest", "q=coffee")
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    assert "Green tea" not in await page(tea, "/latest", "q=green")


async def test_lists_come_in_pages_that_lead_nowhere_empty(tea: World) -> None:
    account, _ = await newsroom(tea)
    for number in range(1, 41):
        await account.publish(f"cup-{number}. #tea")
    for path in ("/latest", "/tag/tea"):
        seen: list[int] = []
        query = ""
        for turn in range(2):
            html = await page(tea, path, query)
            seen += [int(found) for found in re.findall(r"cup-(\d+)\.", main(html))]
            query = next(iter(re.findall(rf'href="{path}\?(before=\d+)"', html)), "")
            assert bool(query) == (turn == 0)
        assert seen == list(range(40, 0, -1))


async def test_edits_and_corrections_are_seen_by_everybody(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Ferries every 20 minutes.")
    body = {"content": {"text": "Ferries every 15 minutes."}, "correction": "It is 15, not 20."}
    await account.owner.good("PUT", POST, body, handle="daily", number="1")
    html = main(await page(tea, "/@daily/1"))
    assert "every 15 minutes" in html
    assert "every 20 minutes" not in html
    assert "It is 15, not 20." in html
    assert 'href="/@daily/1/history"' in html
    history = main(await page(tea, "/@daily/1/history"))
    assert history.index("every 15") < history.index("every 20")
    assert "· edited" in main(await page(tea, "/@daily"))


async def test_deleted_removed_and_never_written_are_three_different_words(tea: World) -> None:
    account, _ = await newsroom(tea)
    for text_ in ("Secret one.", "Secret two.", "Stays."):
        await account.publish(text_)
    await account.owner.good("DELETE", POST, handle="daily", number="1")
    post = await tea.app.posts.find_numbered((await tea.app.public_accounts.require("daily")).account_no, 2)
    await tea.app.removals.remove(post.ref)
    deleted, removed, never = [await fetch(tea, f"/@daily/{number}") for number in (1, 2, 9)]
    assert (deleted.status, removed.status, never.status) == (410, 410, 404)
    assert "Deleted by its owner" in text(deleted)
    assert "decision" in text(removed)
    assert "has no post with this number" in text(never)
    for answer in (deleted, removed, await fetch(tea, "/@daily"), await fetch(tea, "/@daily/1/history")):
        assert "Secret" not in text(answer)
    await tea.app.removals.restore(post.ref)
    assert "Secret two." in await page(tea, "/@daily/2")


async def test_what_is_warned_of_is_shown_only_to_who_asks(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("The butler did it.", warning="the end of the film")
    for path in ("/@daily/1", "/@daily", "/latest"):
        html = await page(tea, path)
        inside = re.search(r"<details><summary>(.*?)</summary>(.*?)</details>", html, re.DOTALL)
        assert inside is not None
        assert "the end of the film" in inside[1]
        assert "The butler" in inside[2]
        assert "The butler" not in html.replace(inside[0], "")


async def test_comments_are_shown_with_answers_and_hidden_ones_are_not(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Tea?")
    first = await reader.good("POST", COMMENTS, {"body": "Yes <please>"}, handle="daily", number="1")
    answer = {"body": "With milk", "answers_to": first["comment_id"]}
    await account.owner.good("POST", COMMENTS, answer, handle="daily", number="1")
    second = await reader.good("POST", COMMENTS, {"body": "Rude words"}, handle="daily", number="1")
    html = main(await page(tea, "/@daily/1"))
    assert html.index("Yes &lt;please&gt;") < html.index("With milk") < html.index("Rude words")
    await account.owner.good("PUT", "/_teahouse/v1/comments/{id}/hidden", {}, id=second["comment_id"])
    assert "Rude words" not in await page(tea, "/@daily/1")


async def test_many_comments_come_in_pages(tea: World) -> None:
    account, reader = await newsroom(tea)
    await account.publish("Tea?")
    for number in range(35):
        await reader.good("POST", COMMENTS, {"body": f"says-{number}."}, handle="daily", number="1")
    html = await page(tea, "/@daily/1")
    query = re.findall(r'href="/@daily/1\?(after=\d+)#comments"', html)[0]
    seen = re.findall(r"says-(\d+)\.", html) + re.findall(r"says-(\d+)\.", await page(tea, "/@daily/1", query))
    assert [int(each) for each in seen] == list(range(35))


async def test_a_hashtag_gathers_posts_of_everybody(tea: World) -> None:
    first, reader = await newsroom(tea)
    second = await opened(reader, "weekly")
    await first.publish("One #茶 cup")
    await second.publish("Two cups #茶")
    await second.publish("No tag")
    html = main(await page(tea, "/tag/%E8%8C%B6"))
    assert html.index("Two cups") < html.index("One ")
    assert "No tag" not in html
    unknown = await fetch(tea, "/tag/never-seen")
    assert unknown.status == 404
    assert "Nobody has written about this yet." in text(unknown)


async def test_the_directory_finds_accounts_by_words_and_kind(tea: World) -> None:
    account, reader = await newsroom(tea)
    other = await opened(reader, "leafco", "company", name="Leaf & Co")
    await reader.good("PUT", f"{ACCOUNT}/follow", {}, handle="daily")
    html = main(await page(tea, "/explore"))
    assert html.index("The Daily Leaf") < html.index("Leaf &amp; Co")
    assert "1 follower<" in html
    found = main(await page(tea, "/explore", "q=leafco"))
    assert "Leaf &amp; Co" in found
    assert "The Daily Leaf" not in found
    assert "Leaf &amp; Co" in main(await page(tea, "/explore", "kind=company"))
    assert "No account matches." in await page(tea, "/explore", "q=nothing-like-it")
    assert other.handle == "leafco"
    assert account.handle == "daily"


WRONG = (
    ("/@nobody", "", 404), ("/@daily/0", "", 404), ("/@daily/99", "", 404), ("/@daily/abc", "", 404),
    ("/@daily/99999999999999999999", "", 404), ("/@nobody/1", "", 404), ("/@nobody/1/history", "", 404),
    ("/@nobody/follow", "", 404), ("/@nobody/qr.svg", "", 404), ("/@nobody/feed.rss", "", 404),
    ("/@daily/feed.json", "", 404), ("/@daily", "before=x", 400), ("/@daily/1", "after=-1", 404),
    ("/tag/" + "x" * 200, "", 404), ("/latest", "before=nobody/1", 400),
    ("/latest", "q=since:never", 400), ("/latest", "q=nothing-like-it", 200),
    ("/sitemap/posts/0", "", 404), ("/sitemap/posts/2", "", 404), ("/sitemap/rooms/1", "", 404),
    ("/sitemap/posts/x", "", 400), ("/explore", "after=x", 200), ("/explore", "kind=x", 200),
    ("/@daily", "lang=xx", 200), ("/@daily", "lang=zh", 200), ("/latest", "before=" + "x" * 5_000, 400),
)  # fmt: skip


async def test_addresses_that_are_wrong_are_refused_kindly(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    for path, query, status in WRONG:
        answer = await fetch(tea, path, query)
        assert answer.status == status, (path, query)
        assert answer.headers["content-type"].startswith("text/html"), path
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_page_says_to_machines_what_it_is(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish('A "cup" of <tea>.', language="id")
    html = await page(tea, "/@daily/1", "lang=fr", host="tea.example:8443")
    assert '<html lang="fr">' in html
    assert '<link rel="canonical" href="http://tea.example:8443/@daily/1?lang=fr">' in html
    for language in ("en", "id", "fr", "zh-Hans"):
        alternate = f'hreflang="{language}" href="http://tea.example:8443/@daily/1?lang={language}"'
        assert f'<link rel="alternate" {alternate}>' in html
    assert '<meta name="description" content="A &#34;cup&#34; of &lt;tea&gt;.">' in html
    assert '<meta property="og:type" content="article">' in html
    assert 'type="application/atom+xml"' in html
    assert '<div lang="id">' in html
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">', html)


async def test_following_has_a_page_with_addresses_a_code_and_a_button(tea: World) -> None:
    await newsroom(tea)
    html = await page(tea, "/@daily/follow", host="tea.example")
    assert "#daily:tea.test" in html
    assert 'href="matrix:r/daily:tea.test?action=join"' in html
    assert "http://tea.example/@daily/feed.atom" in html
    assert "&lt;a href=&#34;http://tea.example/@daily/follow&#34;&gt;" in html
    assert "/mail/daily" not in html  # this server sends no mail
    for path in ("/@daily/qr.svg", "/@daily/follow.svg"):
        drawn = await fetch(tea, path)
        assert (drawn.status, drawn.headers["content-type"]) == (200, "image/svg+xml")
        assert drawn.body.startswith(b"<svg")


async def test_pages_answer_to_head_and_load_nothing_from_elsewhere(tea: World) -> None:
    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    for path in ("/", "/explore", "/latest", "/@daily", "/@daily/1", "/@daily/follow"):
        answer = await fetch(tea, path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src" not in policy
        assert "<script" not in text(answer)
    assert tea.app.http.router.find("HEAD", b"/@daily/1")[0].template == "/@{handle}/{number}"


async def test_openings_are_told_without_addresses(tea: World) -> None:
    seen: list[tuple[Any, bytes]] = []

    class Views:
        def viewed(self, ref: Any, visitor: bytes) -> None:
            seen.append((ref, visitor))

    account, _ = await newsroom(tea)
    await account.publish("Tea.")
    views_of(tea, Views())
    for path in ("/@daily/1", "/@daily/1", "/@daily", "/@daily/9"):
        await fetch(tea, path)
    assert [ref.number for ref, _ in seen] == [1, 1]
    assert seen[0][1] == seen[1][1]
    assert b"127.0.0.1" not in seen[0][1]
    tea.clock.pass_ms(86_400_000)
    await fetch(tea, "/@daily/1")
    assert seen[2][1] != seen[0][1]


def views_of(tea: World, views: Any) -> None:
    """Have somebody count, as the application would."""
    route, _ = tea.app.http.router.find("GET", b"/@a/1")
    route.handler.__self__._views = views  # type: ignore[attr-defined]
