"""The home feed: what one follows and oneself, newest first, in pages that neither repeat nor leave out."""

import pytest

from tests.feed.stage import FEED, MY, blogger, carry_on, follow, places
from tests.public_accounts.newsroom import FOLLOW, POST, opened
from tests.world import Person, World

NEWER = f"{FEED}/newer"


async def walk(reader: Person, limit: int = 2, path: str = FEED) -> list[tuple[str, int]]:
    """All pages of a timeline."""
    found, start = [], None
    while True:
        page = await reader.good("GET", path, None, {"limit": limit, "from": start})
        found += places(page)
        start = page.get("next_batch")
        if start is None:
            return found


async def test_the_feed_merges_what_one_follows_and_oneself_newest_first(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob")
    for account in (bob, carl, ann, bob, ann):
        await account.publish()
    assert await walk(ann.owner) == [("ann", 2), ("bob", 2), ("ann", 1), ("bob", 1)]
    await follow(ann.owner, "carl")
    assert await walk(ann.owner) == [("ann", 2), ("bob", 2), ("ann", 1), ("carl", 1), ("bob", 1)]
    await ann.owner.good("DELETE", FOLLOW, handle="bob")
    assert await walk(ann.owner) == [("ann", 2), ("ann", 1), ("carl", 1)]
    await tea.restart()
    assert await walk(ann.owner) == [("ann", 2), ("ann", 1), ("carl", 1)]
    assert (await tea.ask(None, "GET", FEED)).status == 401


async def test_a_token_stays_good_while_posts_follows_and_fates_change(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob")
    for account in (bob, carl, bob, carl, bob, bob):
        await account.publish()
    page = await ann.owner.good("GET", FEED, None, {"limit": 2})
    assert places(page) == [("bob", 4), ("bob", 3)]
    token = page["next_batch"]
    await bob.publish("new")
    await follow(ann.owner, "carl")
    await bob.owner.good("DELETE", POST, handle="bob", number="1")
    await bob.owner.good("DELETE", POST, handle="bob", number="3")
    rest = await ann.owner.good("GET", FEED, None, {"limit": 9, "from": token})
    assert places(rest) == [("carl", 2), ("bob", 2), ("carl", 1)]
    await ann.owner.good("DELETE", FOLLOW, handle="bob")
    assert places(await ann.owner.good("GET", FEED, None, {"from": token})) == [("carl", 2), ("carl", 1)]


async def test_what_is_newer_is_counted_without_ones_own(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob")
    await bob.publish()
    since = (await ann.owner.good("GET", FEED))["newer_since"]
    assert await ann.owner.good("GET", NEWER, None, {"since": since}) == {"count": 0, "more": False}
    for account in (bob, carl, ann, bob):
        await account.publish()
    assert await ann.owner.good("GET", NEWER, None, {"since": since}) == {"count": 2, "more": False}
    await bob.owner.good("DELETE", POST, handle="bob", number="3")
    assert await ann.owner.good("GET", NEWER, None, {"since": since}) == {"count": 1, "more": False}
    assert (await ann.owner.good("GET", NEWER, None, {"since": "0"}))["count"] == 2


async def test_muted_blocked_and_ignored_accounts_stay_out_and_following_goes_on(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    dora = await blogger(tea, "dora")
    await follow(ann.owner, "bob", "carl", "dora")
    for account in (bob, carl, dora):
        await account.publish("mine")
    assert (await carry_on(dora, "bob")).status == 200
    await ann.owner.good("PUT", f"{MY}/mutes/{{handle}}", handle="bob")
    ignored = {"ignored_users": {carl.owner.user_id: {}}}
    template = "/user/{userId}/account_data/m.ignored_user_list"
    await ann.owner.good("PUT", template, ignored, userId=ann.owner.user_id)
    assert await walk(ann.owner) == [("dora", 1)]
    assert {each["handle"] for each in (await ann.owner.good("GET", f"{MY}/follows"))["accounts"]} == {
        "bob", "carl", "dora"
    }  # fmt: skip
    await ann.owner.good("DELETE", f"{MY}/mutes/{{handle}}", handle="bob")
    await ann.owner.good("PUT", template, {"ignored_users": {}}, userId=ann.owner.user_id)
    assert await walk(ann.owner) == [("dora", 2), ("dora", 1), ("carl", 1), ("bob", 1)]
    await ann.owner.good("PUT", f"{MY}/blocks/{{handle}}", handle="bob")
    assert await walk(ann.owner) == [("dora", 1), ("carl", 1)]


async def test_reposts_can_be_switched_off_for_one_account(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob", "carl")
    weekly = await opened(await tea.person("owner"), "weekly")
    await weekly.publish("News")
    await bob.publish("mine")
    for account in (bob, carl):
        await carry_on(account, "weekly")
    shown = await ann.owner.good("GET", FEED)
    assert places(shown) == [("carl", 1), ("bob", 2), ("bob", 1)]
    assert shown["posts"][0]["carried"]["content"]["text"] == "News"
    await ann.owner.good("PUT", f"{MY}/no_reposts/{{handle}}", handle="bob")
    assert await walk(ann.owner) == [("carl", 1), ("bob", 1)]
    await ann.owner.good("DELETE", f"{MY}/no_reposts/{{handle}}", handle="bob")
    assert len(await walk(ann.owner)) == 3


async def test_a_repost_goes_with_its_original_unless_it_says_something(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob", "carl")
    weekly = await opened(await tea.person("owner"), "weekly")
    await weekly.publish("News")
    await carry_on(bob, "weekly")
    await carry_on(carl, "weekly", text="Look!")
    await weekly.owner.good("DELETE", POST, handle="weekly", number="1")
    [post] = (await ann.owner.good("GET", FEED))["posts"]
    assert (post["account"], post["carried"]["state"], "content" in post["carried"]) == ("carl", "deleted", False)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"words": ["GREEN TEA"]}, [3, 2, 1]),
        ({"words": ["绿茶"]}, [5, 4, 2, 1]),
        ({"words": ["gree"]}, [5, 4, 3, 2, 1]),
        ({"languages": ["de"]}, [5, 4, 1]),
        ({"languages": ["zh", "de"]}, [5, 4, 3, 1]),
        ({"sensitive": "hide"}, [5, 4, 3, 2]),
        ({"sensitive": "show"}, [5, 4, 3, 2, 1]),
    ],
)
async def test_a_reader_sets_what_stays_out(tea: World, settings: object, left: list[int]) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await follow(ann.owner, "bob")
    await bob.publish("Blood", warning="Not for all")
    await bob.publish("The tea is green.", language="en")
    await bob.publish("我喜欢绿茶", language="zh-Hans")
    await bob.publish("", poll={"question": "Green tea?", "answers": ["yes", "no"]})
    await bob.publish("Gréen  TEA!")
    await ann.owner.good("PUT", f"{MY}/feed", settings)
    assert await walk(ann.owner) == [("bob", number) for number in left]
    assert len(await walk(bob.owner)) == 5


async def test_a_page_is_full_although_much_is_left_out(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await follow(ann.owner, "bob", "carl")
    await carl.publish("first")
    for number in range(9):
        await bob.publish("spam" if number % 3 else "tea")
    await ann.owner.good("PUT", f"{MY}/feed", {"words": ["spam"]})
    page = await ann.owner.good("GET", FEED, None, {"limit": 3})
    assert places(page) == [("bob", 7), ("bob", 4), ("bob", 1)]
    assert await walk(ann.owner, 1) == [("bob", 7), ("bob", 4), ("bob", 1), ("carl", 1)]


async def test_the_public_feed_has_everything_or_one_language(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await ann.publish("eins", language="de-AT")
    await bob.publish("two", language="en")
    await bob.publish("?")
    public = "/_teahouse/v1/public"
    stranger = (await tea.ask(None, "GET", public)).json
    assert places(stranger) == [("bob", 2), ("bob", 1), ("ann", 1)]
    for language, found in (("de", [("ann", 1)]), ("DE-at", [("ann", 1)]), ("de-CH", []), ("en", [("bob", 1)])):
        assert places((await tea.ask(None, "GET", public, None, {"language": language})).json) == found
    await bob.owner.good("DELETE", POST, handle="bob", number="1")
    assert await walk(ann.owner, 1, public) == [("bob", 2), ("ann", 1)]
    await ann.owner.good("PUT", f"{MY}/mutes/{{handle}}", handle="bob")
    assert await walk(ann.owner, 1, public) == [("ann", 1)]


async def test_who_carried_a_post_on_is_listed_with_its_likes(tea: World) -> None:
    ann, bob, carl = [await blogger(tea, name) for name in ("ann", "bob", "carl")]
    await ann.publish()
    for account, text in ((bob, ""), (carl, "Look!")):
        await carry_on(account, "ann", text=text)
        await account.owner.good("PUT", f"{POST}/like", {}, handle="ann", number="1")
    at = {"handle": "ann", "number": "1"}
    page = await ann.owner.good("GET", f"{POST}/reposts", None, {"limit": 1}, **at)
    assert (page["likes"], page["reposts"], places(page)) == (2, 2, [("carl", 1)])
    rest = await ann.owner.good("GET", f"{POST}/reposts", None, {"from": page["next_batch"]}, **at)
    assert places(rest) == [("bob", 1)]
    await ann.owner.good("DELETE", POST, **at)
    assert (await bob.owner.ask("GET", f"{POST}/reposts", **at)).status == 404


BAD = [
    {"from": "x"}, {"from": "-1"}, {"from": "1\0"}, {"from": "9" * 40}, {"from": ""}, {"from": "s1_2_0_0"},
    {"limit": "-3"}, {"limit": "0"}, {"limit": "1e9"},
]  # fmt: skip


@pytest.mark.parametrize("query", BAD, ids=str)
@pytest.mark.parametrize("path", [FEED, "/_teahouse/v1/public", "/_teahouse/v1/tags/tea", "/_teahouse/v1/mentions"])
async def test_bad_pages_are_refused_clearly(tea: World, path: str, query: dict[str, str]) -> None:
    ann = await tea.person("ann")
    refused = await ann.ask("GET", path, None, query)
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


async def test_bad_questions_for_newer_posts_are_refused(tea: World) -> None:
    ann = await tea.person("ann")
    for query, errcode in (
        ({}, "M_MISSING_PARAM"),
        ({"since": "now"}, "M_INVALID_PARAM"),
        ({"since": "-1"}, "M_INVALID_PARAM"),
    ):
        refused = await ann.ask("GET", NEWER, None, query)
        assert (refused.status, refused.errcode) == (400, errcode)
    assert await ann.good("GET", NEWER, None, {"since": "9" * 18}) == {"count": 0, "more": False}
