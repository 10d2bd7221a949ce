"""Posts checked and put into words that stock clients show: pure functions."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

import nh3

from teahouse.errors import InvalidParam, TooLarge
from teahouse.matrix.events import POST
from teahouse.posts import types
from teahouse.posts.types import Media, PostContent, Publisher

EXCERPT_CHARACTERS = 300  # of an article, in clients that do not show articles
TAG_MAX_CHARACTERS = 100  # of a hashtag
TAG = re.compile(r"(?<![\w&/#＃])[#＃](\w{1,100})(?!\w)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MXC = re.compile(r"mxc://[^/\s]{1,255}/[A-Za-z0-9_-]{1,255}")
_MIMETYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")
_SPACES = re.compile(r"\s+")
_ARTICLE_TAGS = {
    "a", "blockquote", "br", "code", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "img", "li", "ol", "p",
    "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul", "b", "i", "s", "del",
}  # fmt: skip
_ARTICLE_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan"}, "ol": {"start"}}
_MSGTYPES = {"image": "m.image", "video": "m.video", "audio": "m.audio"}


def checked(content: PostContent) -> PostContent:
    """The content with its texts normalised and its HTML sanitised. Raises InvalidParam or TooLarge."""
    held = [bool(content.media), content.poll is not None, content.article is not None, content.repost is not None]
    if sum(held) > 1:
        raise InvalidParam("A post holds media, a poll, an article or a repost: one of them.")
    text = unicodedata.normalize("NFC", content.text).strip()
    if not (text or content.link or any(held)):
        raise InvalidParam("A post must say something.")
    limit(text, types.TEXT_MAX_CHARACTERS, "A post's text")
    limit(content.warning, types.WARNING_MAX_CHARACTERS, "A warning")
    if content.language and (
        len(content.language) > types.LANGUAGE_MAX_CHARACTERS or not _LANGUAGE.fullmatch(content.language)
    ):
        raise InvalidParam("'language' must be a language tag such as en or zh-Hans.")
    if content.link:
        check_link(content.link)
    check_media(content.media)
    check_poll(content)
    return PostContent(
        text, content.media, content.poll, checked_article(content), content.repost, content.link,
        content.warning.strip(), content.language, content.comments,
    )  # fmt: skip


def limit(text: str, characters: int, what: str) -> None:
    """Raises TooLarge for a text that is too long."""
    if len(text) > characters:
        raise TooLarge(f"{what} has at most {characters:,} characters.")


def check_link(link: str) -> None:
    """Raises InvalidParam unless it is a web address."""
    try:
        parts = urlsplit(link)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or len(link) > 2_000:
        raise InvalidParam("'link' must be a web address that begins with http:// or https://.")


def check_media(media: list[Media]) -> None:
    """Raises InvalidParam for media that cannot stand together or have no proper address."""
    families = {each.mimetype.partition("/")[0] for each in media}
    if len(media) > types.PICTURES_MAX:
        raise InvalidParam(f"A post has at most {types.PICTURES_MAX} pictures.")
    if len(media) > 1 and families != {"image"}:
        raise InvalidParam("Only pictures come several in a post.")
    for each in media:
        if not _MXC.fullmatch(each.url):
            raise InvalidParam("'url' of media must be an mxc:// address.")
        if not _MIMETYPE.fullmatch(each.mimetype):
            raise InvalidParam("'mimetype' of media must be a type such as image/jpeg.")
        if min(each.size, each.width, each.height, each.duration_ms) < 0:
            raise InvalidParam("Sizes of media must not be negative.")
        limit(each.description, types.DESCRIPTION_MAX_CHARACTERS, "A description")
        limit(each.name, 255, "A file's name")


def check_poll(content: PostContent) -> None:
    """Raises InvalidParam for a poll without a choice."""
    poll = content.poll
    if poll is None:
        return
    limit(poll.question, types.TITLE_MAX_CHARACTERS, "A question")
    if not poll.question.strip() or not 2 <= len(poll.answers) <= types.ANSWERS_MAX:
        raise InvalidParam(f"A poll has a question and 2 to {types.ANSWERS_MAX} answers.")
    if len(set(poll.answers)) < len(poll.answers) or not all(answer.strip() for answer in poll.answers):
        raise InvalidParam("A poll's answers must differ and not be empty.")
    if not 1 <= poll.choices_max <= len(poll.answers):
        raise InvalidParam("'choices_max' must be from 1 to the number of answers.")
    for answer in poll.answers:
        limit(answer, types.ANSWER_MAX_CHARACTERS, "An answer")


def checked_article(content: PostContent) -> types.Article | None:
    """The article with its HTML sanitised."""
    article = content.article
    if article is None:
        return None
    limit(article.title, types.TITLE_MAX_CHARACTERS, "A title")
    if not article.title.strip():
        raise InvalidParam("An article needs a title.")
    if len(article.html.encode()) > types.ARTICLE_MAX_BYTES:
        raise TooLarge(f"An article has at most {types.ARTICLE_MAX_BYTES:,} bytes.")
    if article.cover is not None:
        check_media([article.cover])
    html = nh3.clean(
        article.html, tags=_ARTICLE_TAGS, attributes=_ARTICLE_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "mxc"}, link_rel="noopener noreferrer nofollow",
    )  # fmt: skip
    return types.Article(article.title.strip(), html, article.cover)


def plain(html: str) -> str:
    """The words of sanitised HTML."""
    words = nh3.clean(re.sub(r"</(p|h\d|li|tr|blockquote)>|<br>", " ", html), tags=set())
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        words = words.replace(entity, character)
    return _SPACES.sub(" ", words).strip()


def tags(content: PostContent) -> list[str]:
    """The hashtags of a post, case-folded, each once, in order."""
    folded = (fold_tag(found) for found in TAG.findall(content.text))
    return list(dict.fromkeys(tag for tag in folded if not tag.isdigit()))[: types.TAGS_MAX]


def fold_tag(tag: str) -> str:
    """A tag as it is looked up: without #, compatibility forms and capitals made one."""
    return unicodedata.normalize("NFKC", tag).casefold().removeprefix("#")


def excerpt(content: PostContent, characters: int = EXCERPT_CHARACTERS) -> str:
    """The beginning of what a post says, in one line."""
    if content.article is not None:
        words = plain(content.article.html)
    elif content.poll is not None:
        words = content.text or content.poll.question
    else:
        words = content.text or " ".join(each.description for each in content.media if each.description)
    words = _SPACES.sub(" ", words).strip()
    return words if len(words) <= characters else words[: characters - 1].rstrip() + "…"


def title(content: PostContent, characters: int = 80) -> str:
    """A line to call a post by; '' when it has no words."""
    return content.article.title if content.article is not None else excerpt(content, characters)


def event(publisher: Publisher, number: int, content: PostContent, address: str) -> tuple[str, dict[str, Any]]:
    """The type and content of a post's event, as stock clients show it. `address` is the post's public page."""
    mark: dict[str, Any] = {"account": publisher.handle, "number": number, "url": address}
    if content.language:
        mark["language"] = content.language
    if content.warning:
        mark["warning"] = content.warning
    if content.poll is not None:
        return "org.matrix.msc3381.poll.start", {**poll(content), POST: mark}
    if content.written_ms:
        mark["written_ts"] = content.written_ms
    # What was imported is a notice, which no client alerts of; a picture then stands in its text.
    notice = content.written_ms > 0
    if len(content.media) == 1 and not content.warning and not (notice and content.media[0].mimetype[:6] == "image/"):
        return "m.room.message", {**medium(content.media[0], content.text), POST: mark}
    body, html = words(content, address)
    if notice:
        body, html = dated(content, body, html)
    message: dict[str, Any] = {"msgtype": "m.notice" if notice else "m.text", "body": body, POST: mark}
    if html is not None:
        message |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return "m.room.message", message


def words(content: PostContent, address: str) -> tuple[str, str | None]:
    """The plain and the rich text of a post that stands as a text message."""
    if content.warning:
        return f"⚠ {content.warning}\n{address}", None
    if content.article is not None:
        beginning = excerpt(content)
        rich = f"<h3>{escape(content.article.title)}</h3><p>{escape(beginning)}</p>"
        return f"{content.article.title}\n\n{beginning}\n\n{address}", f'{rich}<p><a href="{escape(address)}">…</a></p>'
    lines = [content.text] if content.text else []
    if content.link and content.link not in content.text:
        lines.append(content.link)
    if not content.media:
        return "\n".join(lines) or address, None
    pictures = "".join(f'<img src="{escape(each.url)}" alt="{escape(each.description)}">' for each in content.media)
    described = [each.description or each.url for each in content.media]
    own = "".join(f"<p>{escape(line)}</p>" for line in "\n".join(lines).split("\n") if line)
    return "\n".join([*lines, *described]), own + pictures


def dated(content: PostContent, body: str, html: str | None) -> tuple[str, str | None]:
    """The texts of an imported post with the day on which it was published elsewhere."""
    day = datetime.fromtimestamp(content.written_ms / 1_000, UTC).date().isoformat()
    return f"{body}\n\n({day})", None if html is None else f"{html}<p>({day})</p>"


def medium(media: Media, caption: str) -> dict[str, Any]:
    """A file as a message, with its caption."""
    family = media.mimetype.partition("/")[0]
    info: dict[str, Any] = {"mimetype": media.mimetype}
    for key, value in (("size", media.size), ("w", media.width), ("h", media.height), ("duration", media.duration_ms)):
        if value:
            info[key] = value
    name = media.name or media.description or family
    message: dict[str, Any] = {
        "msgtype": _MSGTYPES.get(family, "m.file"),
        "body": caption or media.description or name,
        "filename": name,
        "url": media.url,
        "info": info,
    }
    if family == "audio":
        message["org.matrix.msc3245.voice"] = {}
    return message


def poll(content: PostContent) -> dict[str, Any]:
    """A poll as clients that know polls show it, with a text for the others. Source: MSC3381, its unstable names."""
    assert content.poll is not None
    question = content.poll.question
    listed = "".join(f"\n{place}. {answer}" for place, answer in enumerate(content.poll.answers, 1))
    return {
        "org.matrix.msc1767.text": f"{question}{listed}",
        "org.matrix.msc3381.poll.start": {
            "kind": "org.matrix.msc3381.poll.undisclosed",
            "max_selections": content.poll.choices_max,
            "question": {"org.matrix.msc1767.text": question},
            "answers": [
                {"id": str(place), "org.matrix.msc1767.text": answer}
                for place, answer in enumerate(content.poll.answers)
            ],
        },
    }


def carried_on(own: dict[str, Any], handle: str, original: str, address: str) -> dict[str, Any]:
    """The content of a repost with what the original says now put below its own words."""
    lead = f"🔁 @{handle}: {original}"
    text = own["body"] if own["body"] != address else ""
    body = f"{text}\n\n{lead}" if text else lead
    rich = f"<blockquote>🔁 <b>@{escape(handle)}</b>: {escape(original)}</blockquote>"
    html = own.get("formatted_body") or escape(text)
    return own | {"body": body, "format": "org.matrix.custom.html", "formatted_body": f"{html}{rich}"}
