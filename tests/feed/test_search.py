"""Search of public posts and hashtags: what is found, what is found no more, and what it costs."""

import pytest

from teahouse.posts.types import Ref
from tests.feed.stage import MY, blogger, places
from tests.public_accounts.newsroom import POST
from tests.world import Answer, World

SEARCH = "/_teahouse/v1/search/posts"
TAG = "/_teahouse/v1/tags/{tag}"
DAY_MS = 86_400_000


async def search(tea: World, q: str, **query: object) -> Answer:
    """Ask as a stranger."""
    return await tea.ask(None, "GET", SEARCH, None, {"q": q, **query})


async def found(tea: World, q: str, **query: object) -> list[tuple[str, int]]:
    """The posts that a stranger finds."""
    answer = await search(tea, q, **query)
    assert answer.status == 200, answer
    return places(answer.json)


async def test_all_words_must_match_without_case_and_diacritics(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await ann.publish("Grüner Tee aus Japan")
    await bob.publish("Green tea, and a CAFÉ")
    await bob.publish("", poll={"question": "Tea or coffee?", "answers": ["Darjeeling", "Arabica"]})
    await ann.publish("", article={"title": "Steeping", "html": "<p>How long <b>oolong</b> steeps.</p>"})
    for question, answer in (
        ("tea", [("bob", 2), ("bob", 1)]),
        ("TEA cafe", [("bob", 1)]),
        ("gruner tee", [("ann", 1)]),
        ("darjeeling", [("bob", 2)]),
        ("oolong steeping", [("ann", 2)]),
        ("tea japan", []),
        ("te", []),
        ("nothing", []),
    ):
        assert await found(tea, question) == answer, question


async def test_chinese_is_found_by_any_part_of_it(tea: World) -> None:
    ann = await blogger(tea, "ann")
    await ann.publish("今天喝茶很好")
    await ann.publish("茶杯")
    for question, answer in (
        ("喝茶", [1]),
        ("茶", [2, 1]),
        ("茶很", [1]),
        ("茶 今天", [1]),
        ("茶好", []),
        ('"天喝茶"', [1]),
    ):
        assert [number for _, number in await found(tea, question)] == answer, question


async def test_phrases_and_filters_narrow(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await ann.publish("black tea and green coffee", language="en")
    tea.clock.pass_ms(2 * DAY_MS)
    await bob.publish("green tea", language="en-GB")
    tea.clock.pass_ms(2 * DAY_MS)
    await bob.publish("green tea", link="https://tea.example/")
    for question, answer in (
        ('"green tea"', [("bob", 2), ("bob", 1)]),
        ("“black tea” coffee", [("ann", 1)]),
        ('"tea green"', []),
        ('"green tea', [("bob", 2), ("bob", 1)]),
        ("green from:@ann", [("ann", 1)]),
        ("from:bob", [("bob", 2), ("bob", 1)]),
        ("from:nobody green", []),
        ("from:ann from:bob", []),
        ("tea lang:en", [("bob", 1), ("ann", 1)]),
        ("lang:EN-gb", [("bob", 1)]),
        ("tea has:link", [("bob", 2)]),
        ("tea has:media", []),
        # The clock began on 2025-06-15.
        ("tea since:2025-06-16", [("bob", 2), ("bob", 1)]),
        ("tea until:2025-06-15", [("ann", 1)]),
        ("tea since:2025-06-17 until:2025-06-17", [("bob", 1)]),
        ("tea since:2031-01-01", []),
    ):
        assert await found(tea, question) == answer, question


async def test_an_edit_a_deletion_a_removal_and_its_undoing_change_what_is_found(tea: World) -> None:
    ann = await blogger(tea, "ann")
    await ann.publish("zanzibar #isle")
    await ann.publish("quetzal #isle")
    at = {"handle": "ann", "number": "1"}
    await ann.owner.good("PUT", POST, {"content": {"text": "madagascar #land"}}, **at)
    assert (await found(tea, "zanzibar"), await found(tea, "madagascar")) == ([], [("ann", 1)])
    ref = Ref(ann.owner.user_no, 2)
    await tea.app.removals.remove(ref)
    assert await found(tea, "quetzal") == []
    assert (await ann.owner.good("GET", TAG, tag="isle"))["days"] == []
    await tea.app.removals.restore(ref)
    assert await found(tea, "quetzal") == [("ann", 2)]
    assert [each["posts"] for each in (await ann.owner.good("GET", TAG, tag="isle"))["days"]] == [1]
    await ann.owner.good("DELETE", POST, **at)
    assert await found(tea, "madagascar") == []
    terms = {row[0] for row in await tea.database.fetch("SELECT term FROM post_terms")}
    assert "quetzal" in terms
    assert not terms & {"zanzibar", "madagascar", "land"}


async def test_erased_words_are_in_no_file(tea: World) -> None:
    ann = await blogger(tea, "ann")
    word = "xylophonequagmire"
    await ann.publish(f"{word} @bob #{word}")
    await ann.owner.good("PUT", POST, {"content": {"text": f"{word}2"}}, handle="ann", number="1")
    await ann.owner.good("DELETE", POST, handle="ann", number="1")
    await ann.publish("kept")
    await tea.restart()
    if tea.place.file is not None:
        files = list(tea.place.file.parent.glob(f"{tea.place.file.name}*"))
        assert any(b"kept" in path.read_bytes() for path in files)
        assert [path.name for path in files if word.encode() in path.read_bytes()] == []
    assert await tea.database.fetch("SELECT * FROM post_terms WHERE term LIKE ?", f"{word}%") == []


async def test_pages_of_results_neither_repeat_nor_leave_out(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    for number in range(7):
        await ann.publish(f"tea {number}" if number % 2 else "leaf")
        await bob.publish("tea")
    start, pages = None, []
    while True:
        page = (await search(tea, "tea", limit=3, **({"from": start} if start else {}))).json
        pages += places(page)
        start = page.get("next_batch")
        if start is None:
            break
        await bob.publish("tea, newer")
    expected = [("bob", 7), ("bob", 6), ("ann", 6), ("bob", 5), ("bob", 4), ("ann", 4), ("bob", 3), ("bob", 2)]
    assert pages == [*expected, ("ann", 2), ("bob", 1)]
    await ann.owner.good("PUT", f"{MY}/mutes/{{handle}}", handle="bob")
    assert places(await ann.owner.good("GET", SEARCH, None, {"q": "tea"})) == [("ann", 6), ("ann", 4), ("ann", 2)]


async def test_common_words_cost_no_more_than_rare_ones(tea: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bounds made small: a page reads no more than they say, and goes on where it stopped."""
    monkeypatch.setattr("teahouse.feed.search.SCANNED_MAX", 8)
    monkeypatch.setattr("teahouse.feed.search.SCANNED_AT_ONCE", 4)
    monkeypatch.setattr("teahouse.feed.search.COUNTED_MAX", 8)
    ann = await blogger(tea, "ann")
    await ann.publish("black green needle")
    for number in range(20):
        await ann.publish("black" if number % 2 else "green")
    before = tea.counted.cost
    page = (await search(tea, "black green")).json
    assert (tea.counted.cost - before).rows < 30
    assert (page["posts"], "next_batch" in page) == ([], True)
    steps = 0
    while "next_batch" in page and not page["posts"]:
        page = (await search(tea, "black green", **{"from": page["next_batch"]})).json
        steps += 1
    assert (places(page), steps < 5) == ([("ann", 1)], True)
    before = tea.counted.cost
    assert await found(tea, "black needle") == [("ann", 1)]
    assert (tea.counted.cost - before).rows < 30


@pytest.mark.parametrize(
    "q",
    ["", "  ", "!?…", "\0", "x" * 301, " ".join(map(str, range(17))), "since:yesterday tea", "until:2025-13-01 tea",
     "has:everything", "lang:not_a_tag", '""', "since:2025-06-01"],
)  # fmt: skip
async def test_searches_that_make_no_sense_are_refused(tea: World, q: str) -> None:
    refused = await search(tea, q)
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize(
    "q", ["12:30 http://x", "from:a\0b", "from: tea", "'; DROP TABLE posts; --", "%_!", '"" tea', "\ud7ff茶"]
)
async def test_odd_searches_find_nothing_and_harm_nothing(tea: World, q: str) -> None:
    await (await blogger(tea, "ann")).publish("leaf")
    answer = await search(tea, q)
    assert answer.status in (200, 400)
    assert await found(tea, "leaf") == [("ann", 1)]


async def test_hashtags_of_any_script_have_pages_with_counts_by_day(tea: World) -> None:
    ann, bob = await blogger(tea, "ann"), await blogger(tea, "bob")
    await ann.publish("#Tea and #हिन्दी")
    tea.clock.pass_ms(DAY_MS)
    await bob.publish("今天#喝茶#很好 #TEA")
    await bob.publish("#ＴＥＡ!")
    page = (await tea.ask(None, "GET", TAG, tag="tEa")).json
    assert (page["tag"], places(page)) == ("tea", [("bob", 2), ("bob", 1), ("ann", 1)])
    assert page["days"] == [{"day": "2025-06-16", "posts": 2}, {"day": "2025-06-15", "posts": 1}]
    for tag, answer in (("#हिन्दी", [("ann", 1)]), ("喝茶", [("bob", 1)]), ("喝茶#", [("bob", 1)]), ("coffee", [])):
        assert places((await tea.ask(None, "GET", TAG, tag=tag)).json) == answer
    await bob.owner.good("PUT", POST, {"content": {"text": "#coffee"}}, handle="bob", number="2")
    page = (await tea.ask(None, "GET", TAG, tag="tea")).json
    assert [each["posts"] for each in page["days"]] == [1, 1]
    for tag in ("#", "x" * 101, "a\0b"):
        refused = await tea.ask(None, "GET", TAG, tag=tag)
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM")
