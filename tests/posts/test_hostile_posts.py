"""Whatever people write, what is stored and what events carry runs nothing and reaches nowhere."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teahouse.posts import checking, types, wording
from teahouse.posts.types import Article, Media, Poll, PostContent, Publisher
from tests.posts import hostile
from tests.posts.studio import picture, upload
from tests.public_accounts.newsroom import POSTS, newsroom, timeline
from tests.world import World

PLAIN = (
    "b blockquote br code del em figcaption figure h2 h3 h4 hr i li p pre s strong sub sup table tbody thead tr u ul"
)
MAY_STAND: dict[str, set[str]] = {tag: set() for tag in PLAIN.split(" ")} | {
    "a": {"href", "rel"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan"}, "ol": {"start"},
}  # fmt: skip


class Reading(HTMLParser):
    """Says what in HTML should not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name not in MAY_STAND.get(tag, set()):
                self.faults.append(f"<{tag} {name}>")
            target = "".join((value or "").split()).lower()
            if name == "href" and not target.startswith(("http://", "https://", "mailto:", "/", "#")) and ":" in target:
                self.faults.append(f"href {target}")
            if name == "src" and not target.startswith("mxc://"):
                self.faults.append(f"src {target}")
        if tag not in MAY_STAND:
            self.faults.append(f"<{tag}>")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"<?{data}>")


def faults(html: str) -> list[str]:
    reading = Reading()
    reading.feed(html)
    reading.close()
    return reading.faults


def html_in(value: Any) -> list[str]:
    """Every piece of HTML in an event's content."""
    if isinstance(value, dict):
        own = [value["formatted_body"]] if "formatted_body" in value else []
        return own + [each for inner in value.values() for each in html_in(inner)]
    return []


def check(content: PostContent) -> None:
    """Nothing in a checked post, nor in its event, runs or breaks out."""
    publisher = Publisher(1, "@daily:tea.test", "daily", 1)
    if content.article is not None:
        assert faults(content.article.html) == []
        assert checking.sanitised(content.article.html) == content.article.html  # and once more changes nothing
    for correction in ("", "<script>alert(1)</script>"):
        _, event = wording.event(publisher, 1, content, "https://tea.test/@daily/1", correction)
        for html in html_in(event):
            assert faults(html) == [], html
        assert len(json.dumps(event, ensure_ascii=False).encode()) < 32_000  # an edit carries it twice
    texts = [content.text, content.warning, *(each.name for each in content.media)]
    assert not any(character in text for text in texts for character in "\x00\x1b\u202a\u202b\u202d\u202e")
    assert not any(character in each.name for each in content.media for character in "\n\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("html", hostile.HTML)
def test_an_article_runs_nothing(html: str) -> None:
    check(checking.tidied(PostContent(article=Article(html, f"<p>before</p>{html}<p>after</p>"))))
    check(checking.tidied(PostContent(article=Article("t", html * 40))))


@pytest.mark.parametrize("text", hostile.HTML)
def test_texts_and_names_run_nothing(text: str) -> None:
    media = [Media("mxc://tea.test/a", "image/png", text, text[:200]), Media("mxc://tea.test/b", "image/png", text)]
    check(checking.checked(PostContent(text, media, warning=text[:150])))
    check(checking.checked(PostContent(text, media)))
    check(checking.checked(PostContent(text, media[:1])))
    check(checking.checked(PostContent(text, link="https://tea.test/x", poll=Poll(text, ["a", text[:90] + "b"]))))
    carried = wording.carried_on({"body": text}, "daily", text, "https://tea.test/@x/1")
    assert faults(carried["formatted_body"]) == []
    assert all(tag.isalnum() or "_" in tag or not tag.isascii() for tag in wording.tags(PostContent(f"{text} #{text}")))


HTML_PARTS = [
    "<", ">", "<script>", "</", "'", '"', "=", " on", "x", "<a href=", "javascript:", "<!--", "-->", "<p>", "&#",
    "<svg>", "<math>", "<style>", "\x00", "\n", "<table>", "<img src=", "mxc://tea.test/a", "]]>",
]  # fmt: skip


@given(st.lists(st.sampled_from(HTML_PARTS), max_size=30).map("".join))
def test_no_html_breaks_out_of_an_article(html: str) -> None:
    check(checking.tidied(PostContent(article=Article("t", html))))


@given(st.text(max_size=200))
def test_any_text_becomes_an_event_that_fits(text: str) -> None:
    content = PostContent(text + "x", [Media("mxc://tea.test/a", "image/png", text + "x", text)] * 2)
    check(checking.checked(content))


def test_the_longest_post_of_each_kind_fits_into_an_event() -> None:
    for character in "x<&\"'好🍵\\":
        media = Media("mxc://tea.test/a", "image/png", character * types.DESCRIPTION_MAX_CHARACTERS, character * 255)
        text = character * types.TEXT_MAX_CHARACTERS
        answers = [f"{number}{character * 98}" for number in range(types.ANSWERS_MAX)]
        for content in (
            PostContent(text), PostContent(text, [media]), PostContent(text, [media] * types.PICTURES_MAX),
            PostContent(text, poll=Poll(character * types.TITLE_MAX_CHARACTERS, answers)),
            PostContent(text, warning=character * types.WARNING_MAX_CHARACTERS),
            PostContent(article=Article(character * types.TITLE_MAX_CHARACTERS, f"<p>{'x' * 90_000}</p>")),
        ):  # fmt: skip
            check(checking.checked(content))


@pytest.mark.parametrize("link", hostile.LINKS)
async def test_no_link_leads_to_a_script(link: str, tea: World) -> None:
    account, _ = await newsroom(tea)
    refused = await account.owner.ask("POST", POSTS, {"content": {"link": link}}, handle="daily")
    assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), link


@pytest.mark.parametrize("url", hostile.MEDIA)
async def test_no_address_of_media_is_anything_else(url: str, tea: World) -> None:
    account, _ = await newsroom(tea)
    media = {"url": url, "mimetype": "image/png", "description": "x"}
    for content in ({"media": [media]}, {"article": {"title": "t", "html": "<p>x</p>", "cover": media}}):
        refused = await account.owner.ask("POST", POSTS, {"content": content}, handle="daily")
        assert (refused.status, refused.errcode) == (400, "M_INVALID_PARAM"), url


async def test_what_is_too_large_or_of_no_shape_is_refused_clearly(tea: World) -> None:
    account, reader = await newsroom(tea)
    shown = await picture(account.owner)
    deep = "<blockquote>" * 100 + "x"
    many = "".join(f'<img src="{shown["url"]}" alt="">' for _ in range(types.ARTICLE_PICTURES_MAX + 1))
    for content, status in (
        ({}, 400), ({"text": ""}, 400), ({"text": " \n\u202e\u0000"}, 400), ({"text": "x" * 5_001}, 413),
        ({"article": {"title": "t", "html": "x" * 102_401}}, 413), ({"article": {"title": "t", "html": deep}}, 400),
        ({"article": {"title": "t", "html": "<p>" * 30_000}}, 413), ({"article": {"title": "t", "html": many}}, 400),
        ({"article": {"title": " ", "html": "<p>x</p>"}}, 400), ({"article": {"title": "x" * 201, "html": "x"}}, 413),
        ({"text": "x", "poll": {"question": "?", "answers": ["a"]}}, 400),
        ({"poll": {"question": "?", "answers": ["a", " a "]}}, 400),
        ({"poll": {"question": "?", "answers": ["a", ""]}}, 400),
        ({"poll": {"question": "?", "answers": ["a", "a\u202e"]}}, 400),
        ({"poll": {"question": "?", "answers": [str(n) for n in range(11)]}}, 400),
        ({"poll": {"question": "?", "answers": [str(n) for n in range(100_000)]}}, 400),
        ({"poll": {"question": "?", "answers": ["a", "b" * 101]}}, 413),
        ({"poll": {"question": "?", "answers": ["a", "b"], "choices_max": 3}}, 400),
        ({"poll": {"question": "?", "answers": ["a", "b"], "choices_max": 10**40}}, 400),
        ({"poll": {"question": "", "answers": ["a", "b"]}}, 400),
        ({"text": "x", "language": "<script>"}, 400), ({"text": "x", "language": "x" * 36}, 400),
        ({"text": "x", "warning": "x" * 201}, 413), ({"text": "x", "topics": [64]}, 400),
        ({"text": "x", "topics": [-1]}, 400),
        ({"media": [shown | {"width": -1}]}, 400), ({"media": [shown | {"height": 2**31}]}, 400),
        ({"media": [shown | {"description": "x" * 1_501}]}, 413), ({"media": [shown | {"name": "x" * 256}]}, 413),
        ({"media": [shown | {"mimetype": "image/png\r\nx: y"}]}, 400), ({"media": [shown] * 10}, 400),
        ({"media": [shown] * 20_000}, 413), ({"repost": {"account": "daily", "number": 0}}, 400),
        ({"repost": {"account": "daily", "number": 2**60}}, 400),
        ({"repost": {"account": "x" * 300, "number": 1}}, 413),
        ({"media": [shown], "poll": {"question": "?", "answers": ["a", "b"]}}, 400), ({"text": 1}, 400), ("x", 400),
    ):  # fmt: skip
        refused = await account.owner.ask("POST", POSTS, {"content": content}, handle="daily")
        assert refused.status == status, (str(content)[:200], refused)
        assert refused.json["error"]
    assert (await reader.good("GET", POSTS, handle="daily"))["posts"] == []
    assert (await account.publish("And on it goes."))["number"] == 1


async def test_a_name_ends_as_it_seems_to_end(tea: World) -> None:
    account, reader = await newsroom(tea)
    url = await upload(account.owner, b"x", "application/octet-stream")
    name = "holiday\u202egpj.exe\u2066\n"
    post = await account.publish("\u202eturned\u202c back", media=[{"url": url, "mimetype": "x/y", "name": name}])
    assert post["content"]["media"][0]["name"] == "holidaygpj.exe"
    assert post["content"]["text"] == "turned back"
    await reader.join(account.room_id)
    event = timeline(await reader.sync(), account.room_id)[-1]
    assert event["content"]["filename"] == "holidaygpj.exe"
    arabic = "مرحبا \u2067بالعالم\u2069 \u200f!"
    assert (await account.publish(arabic))["content"]["text"] == arabic  # what is written from the right stays so


async def test_every_hostile_article_is_published_and_read_safely(tea: World) -> None:
    account, reader = await newsroom(tea)
    await reader.join(account.room_id)
    for html in hostile.HTML[::3]:
        content = {"text": html, "article": {"title": f"T {html}"[:190], "html": html}}
        answer = await account.owner.ask("POST", POSTS, {"content": content}, handle="daily")
        assert answer.status in (200, 400), html
    room = {"roomId": account.room_id}
    page = await reader.good("GET", "/rooms/{roomId}/messages", None, {"dir": "b", "limit": 100}, **room)
    found = [html for event in page["chunk"] for html in html_in(event["content"])]
    assert len(found) > 10
    assert [fault for html in found for fault in faults(html)] == []
