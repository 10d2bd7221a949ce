"""Feed entries and archived lines as posts: pure functions."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from teahouse.errors import InvalidParam, TooLarge
from teahouse.mirrors.types import Entry, Line
from teahouse.posts.checking import check_language, checked, sanitised
from teahouse.posts.nesting import is_deep
from teahouse.posts.types import TITLE_MAX_CHARACTERS, Article, Post, PostContent
from teahouse.posts.wording import check_link, cut, plain

ARTICLE_FROM_CHARACTERS = 600  # of an entry's words: shorter ones are links with a few words
SUMMARY_CHARACTERS = 400  # of an entry's words, below its title
ID_MAX_CHARACTERS = 1_000  # of what an archive calls a post
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content_of(entry: Entry) -> PostContent | None:
    """The post that an entry becomes: an article when the feed has all of it, else its title with a link.

    None for an entry without words or link.
    """
    title = cut(plain(entry.title), TITLE_MAX_CHARACTERS)
    html = "" if is_deep(entry.html) else entry.html
    words = plain(html)
    link = entry.link if is_link(entry.link) else ""
    language = entry.language if fits_language(entry.language) else ""
    if title and len(words) >= ARTICLE_FROM_CHARACTERS and fits_article(html):
        return PostContent(article=Article(title, html), link=link, language=language)
    summary = "" if words.startswith(title) and len(words) - len(title) < 3 else cut(words, SUMMARY_CHARACTERS)
    text = "\n\n".join(part for part in (title, summary) if part)
    return PostContent(text=text, link=link, language=language) if text or link else None


def content_of_line(line: Line) -> PostContent:
    """The post that a line of an archive becomes, without its media."""
    article = Article(line.title, line.html) if line.title or line.html else None
    return PostContent(
        text=line.text, article=article, link=line.link, language=line.language, warning=line.warning
    )  # fmt: skip


def written_ms(line: Line, now_ms: int) -> int:
    """When a line's post was written; raises InvalidParam for the future and for times before 1970."""
    found = round((line.written - _EPOCH).total_seconds() * 1_000)
    if not 0 < found <= now_ms:
        raise InvalidParam("'written' must be a time after 1970 that has passed.")
    return found


def entry_hash(entry_id: str) -> bytes:
    """What an entry is known by within an account, wherever it comes from: feed and archive may name the same."""
    return hashlib.sha256(entry_id.encode()).digest()


def said(entry: Entry) -> bytes:
    """What an entry says, as a hash: another one may mean that its writer put it into other words."""
    return hashlib.sha256(msgspec.json.encode((entry.title, entry.link, entry.html, entry.language))).digest()


def followed(post: Post, content: PostContent) -> PostContent | None:
    """What a post says after its entry became `content`: staff's settings stay. None when nothing changes.

    Raises InvalidParam and TooLarge for what no post may say.
    """
    before = post.content or PostContent()
    wanted = msgspec.structs.replace(content, comments=post.comments_by, topics=before.topics)
    same = msgspec.structs.replace(checked(wanted), written_ms=before.written_ms) == before
    return None if same else wanted


def is_link(link: str) -> bool:
    """Whether a post may have this link."""
    try:
        check_link(link)
    except InvalidParam:
        return False
    return True


def fits_article(html: str) -> bool:
    """Whether a post may hold all of a text."""
    try:
        sanitised(html)
    except (InvalidParam, TooLarge):
        return False
    return True


def fits_language(language: str) -> bool:
    """Whether a post may be in this language."""
    try:
        check_language(language)
    except InvalidParam:
        return False
    return True
