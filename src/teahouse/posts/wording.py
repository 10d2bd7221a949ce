"""Posts put into words that stock clients show: pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

import msgspec
import nh3

from teahouse.errors import InvalidParam, TooLarge
from teahouse.matrix.events import POST
from teahouse.posts import hashtags, types
from teahouse.posts.forms import few_marks, normal
from teahouse.posts.types import LINK_MAX_CHARACTERS, Media, PostContent, Publisher

REMOVED = "This post was removed by a decision of this server's moderators."
POLL = "org.matrix.msc3381.poll.start"  # MSC3381: as clients send it
EXCERPT_CHARACTERS = 300  # of an article, in clients that do not show articles
# What one event says: an edit says it twice, and an event has at most 65,536 bytes.
EVENT_WORDS_MAX_BYTES = 28_000
TEXT_CUT_CHARACTERS, DESCRIPTION_CUT_CHARACTERS = 1_000, 100  # of a post that does not fit otherwise
_SPACES = re.compile(r"\s+")
_NO_LINK = re.compile(r"[\s\"'<>\\^`{|}\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufeff\ufffe\uffff]")
_TURNING = re.compile(r"[\u2066-\u2069]")
_MSGTYPES = {"image": "m.image", "video": "m.video", "audio": "m.audio"}


def tidy(text: str) -> str:
    """A text of several lines: composed, without what shows nothing or turns the text around it."""
    made = normal("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return seen(made).strip()


def seen(text: str) -> str:
    """A text without what shows nothing, or shows the text around it otherwise than it is."""
    return few_marks(_UNSEEN.sub("", text))


def line(text: str) -> str:
    """The same of one line, in which nothing may change its direction either: a name ends as it seems to end."""
    return _SPACES.sub(" ", _TURNING.sub("", tidy(text))).strip()


def limit(text: str, characters: int, what: str) -> None:
    """Raises TooLarge for a text that is too long."""
    if len(text) > characters:
        raise TooLarge(f"{what} has at most {characters:,} characters.")


def check_link(link: str) -> None:
    """Raises InvalidParam unless it is a web address."""
    try:
        parts = urlsplit(link if len(link) <= LINK_MAX_CHARACTERS else "")
        good = bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        parts, good = urlsplit(""), False
    if not good or parts.scheme not in ("http", "https") or _NO_LINK.search(link):
        raise InvalidParam("'link' must be a web address that begins with http:// or https://, without user names.")


def plain(html: str) -> str:
    """The words of sanitised HTML."""
    words = nh3.clean(re.sub(r"</(p|h\d|li|tr|blockquote)>|<br>", " ", html), tags=set())
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        words = words.replace(entity, character)
    return _SPACES.sub(" ", words).strip()


def tags(content: PostContent) -> list[str]:
    """The hashtags of a post, case-folded, each once, in order."""
    return hashtags.found(content.text)[: types.TAGS_MAX]


def excerpt(content: PostContent, characters: int = EXCERPT_CHARACTERS) -> str:
    """The beginning of what a post says, in one line."""
    if content.article is not None:
        words = plain(content.article.html)
    elif content.poll is not None:
        words = content.text or content.poll.question
    else:
        words = content.text or " ".join(each.description for each in content.media if each.description)
    words = _SPACES.sub(" ", words).strip()
    return cut(words, characters)


def title(content: PostContent, characters: int = 80) -> str:
    """A line to call a post by; '' when it has no words."""
    return content.article.title if content.article is not None else excerpt(content, characters)


def announced(content: PostContent, characters: int = 80) -> str:
    """What is said of a post where it does not stand itself: its title, or its warning alone if it has one."""
    return f"⚠ {content.warning}" if content.warning else title(content, characters)


def event(
    publisher: Publisher, number: int, content: PostContent, address: str, correction: str = ""
) -> tuple[str, dict[str, Any]]:
    """The type and content of a post's event, as stock clients show it. `address` is the post's public page."""
    mark: dict[str, Any] = {"account": publisher.handle, "number": number, "url": address}
    said = {
        "language": content.language, "warning": content.warning, "topics": content.topics,
        "written_ts": content.written_ms, "correction": correction,
    }  # fmt: skip
    mark |= {key: value for key, value in said.items() if value}
    kind, message = shown(content, address, correction)
    if len(msgspec.json.encode(message)) > EVENT_WORDS_MAX_BYTES:
        kind, message = shown(shortened(content, address), address, correction)
    return kind, {**message, POST: mark}


def shown(content: PostContent, address: str, correction: str) -> tuple[str, dict[str, Any]]:
    """The type of a post's event, and what clients show of it."""
    notice = f"✎ {correction}" if correction else ""
    if content.warning:
        said = "\n".join(part for part in (f"⚠ {content.warning}", notice, address) if part)
        return "m.room.message", {"msgtype": "m.text", "body": said}
    if content.poll is not None:
        return POLL, poll(content, notice)
    # What was imported is a notice, which no client alerts of; a picture then stands in its text.
    imported = content.written_ms > 0
    if len(content.media) == 1 and not (imported and content.media[0].mimetype.startswith("image/")):
        caption = "\n\n".join(part for part in (content.text, content.link, notice) if part)
        return "m.room.message", medium(content.media[0], caption)
    body, html = words(content, address)
    if notice:
        body, html = f"{body}\n\n{notice}", None if html is None else f"{html}<p><em>{escape(notice)}</em></p>"
    if imported:
        body, html = dated(content, body, html)
    message: dict[str, Any] = {"msgtype": "m.notice" if imported else "m.text", "body": body}
    if html is not None:
        message |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return "m.room.message", message


def shortened(content: PostContent, address: str) -> PostContent:
    """A post that is too long for an event, cut; the whole stands at its address."""
    media = [
        msgspec.structs.replace(each, description=cut(each.description, DESCRIPTION_CUT_CHARACTERS))
        for each in content.media
    ]
    return msgspec.structs.replace(content, text=f"{cut(content.text, TEXT_CUT_CHARACTERS)}\n{address}", media=media)


def cut(text: str, characters: int) -> str:
    """A text within a length."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def words(content: PostContent, address: str) -> tuple[str, str | None]:
    """The plain and the rich text of a post that stands as a text message."""
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


def poll(content: PostContent, notice: str) -> dict[str, Any]:
    """A poll as clients that know polls show it, with a text for the others."""
    assert content.poll is not None
    question = content.poll.question
    listed = "".join(f"\n{place}. {answer}" for place, answer in enumerate(content.poll.answers, 1))
    text = "\n".join(part for part in (content.text, f"{question}{listed}", notice) if part)
    return asked(text, question, content.poll.answers, content.poll.choices_max)


def asked(text: str, question: str, answers: Sequence[str], choices_max: int = 1) -> dict[str, Any]:
    """A question in the words of clients. Source: MSC3381, its unstable names."""
    return {
        "org.matrix.msc1767.text": text,
        POLL: {
            "kind": "org.matrix.msc3381.poll.undisclosed",
            "max_selections": choices_max,
            "question": {"org.matrix.msc1767.text": question},
            "answers": [{"id": str(place), "org.matrix.msc1767.text": answer} for place, answer in enumerate(answers)],
        },
    }


def tombstone(kind: str, mark: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of an event of type `kind` whose post was removed: that it was, and where to read of it.

    `mark` is the post's own. It must stay of its type, or clients would not take it for another wording of the post;
    a poll has at least one answer, or they would show an error.
    """
    kept = {key: mark[key] for key in ("account", "number", "url") if key in mark}
    body = f"{REMOVED}\n{kept.get('url', '')}"
    said = asked(body, body, ["—"]) if kind == POLL else {"msgtype": "m.notice", "body": body}
    return {**said, POST: kept | {"removed": True}}


def replacing(shown: dict[str, Any], event_id: str) -> dict[str, Any]:
    """The content of an event by which what another one says is shown otherwise. Source: "Event replacements"."""
    content = shown | {"m.new_content": shown, "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}
    if "body" in shown:
        content["body"] = f"* {shown['body']}"
    return content


def carried_on(own: dict[str, Any], handle: str, original: str, address: str) -> dict[str, Any]:
    """The content of a repost with what the original says now put below its own words."""
    lead = f"🔁 @{handle}: {original}"
    text = own["body"] if own["body"] != address else ""
    body = f"{text}\n\n{lead}" if text else lead
    rich = f"<blockquote>🔁 <b>@{escape(handle)}</b>: {escape(original)}</blockquote>"
    html = own.get("formatted_body") or escape(text)
    return own | {"body": body, "format": "org.matrix.custom.html", "formatted_body": f"{html}{rich}"}
