"""What stock clients send into a channel, as posts and votes: pure functions."""

from __future__ import annotations

from msgspec import structs

from teahouse.errors import BadJson, Forbidden
from teahouse.eventlog.types import Content
from teahouse.posts.types import Media, Post, PostContent

LONG_MAX_DIGITS = 3  # of an answer's id: a poll has ten answers


def answers(content: Content) -> list[int]:
    """The answers that a poll's response chooses; none takes a vote back."""
    response = content.get("org.matrix.msc3381.poll.response", content.get("m.selections"))
    chosen = response.get("answers") if isinstance(response, dict) else response
    if not isinstance(chosen, list) or not all(map(is_answer, chosen)):
        raise BadJson("A response lists the ids of the chosen answers.")
    return [int(each) for each in chosen]


def is_answer(value: object) -> bool:
    """Whether a value may be an answer's id."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= LONG_MAX_DIGITS


def post_content(content: Content) -> PostContent:
    """A stock client's message as a post. Such a client asks nobody what a picture shows, so it may be left open."""
    body = content.get("body")
    text = body if isinstance(body, str) else ""
    url, info = content.get("url"), content.get("info")
    if not isinstance(url, str):
        return PostContent(text)
    described = info if isinstance(info, dict) else {}
    name = content.get("filename")
    caption = text if isinstance(name, str) and name != text else ""
    mimetype = described.get("mimetype")
    media = Media(
        url, mimetype if isinstance(mimetype, str) else "application/octet-stream",
        name=name if isinstance(name, str) else text, width=amount(described, "w"), height=amount(described, "h"),
        duration_ms=amount(described, "duration"), undescribed=True,
    )  # fmt: skip
    return PostContent(caption, [media])


def amount(info: Content, key: str) -> int:
    """A size from a message's `info`; 0 for none, or none that makes sense."""
    value = info.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0


def reworded(post: Post, content: Content) -> PostContent:
    """A stock client's edit as new words for a post: what such a client does not know of stays. Raises Forbidden."""
    before = post.content
    if before is None or before.warning or before.poll or before.article or before.repost or len(before.media) > 1:
        raise Forbidden("Messages and single pictures can be edited here; other posts through Teahouse's own API.")
    new = post_content(content)
    media = new.media
    if media and before.media and media[0].url == before.media[0].url:
        media = before.media
    return structs.replace(before, text=own_words(post, new.text), media=media)


def own_words(post: Post, text: str) -> str:
    """A text without what the server had put below it: its correction, and its link."""
    for added in (f"✎ {post.correction}" if post.correction else "", "" if post.content is None else post.content.link):
        if added and text.rstrip().endswith(added):
            text = text.rstrip().removesuffix(added).rstrip()
    return text
