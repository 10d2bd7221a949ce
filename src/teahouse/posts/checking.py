"""Posts as people send them, checked, tidied and made safe to show: pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

import msgspec
import nh3

from teahouse.errors import InvalidParam, TooLarge
from teahouse.posts import types
from teahouse.posts.forms import normal
from teahouse.posts.nesting import is_deep
from teahouse.posts.types import Article, Media, Poll, PostContent
from teahouse.posts.wording import check_link, limit, line, seen, tidy

EMOJI_MAX_BYTES = 64  # of the emoji somebody likes with; a family with skin tones takes 41
DESCRIBE = (
    "Say in 'description' what the picture {place}shows, for those who do not see it; or, if there is nothing to say, "
    "set 'undescribed' to true."
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MXC = re.compile(r"mxc://[^/\s\"'<>]{1,255}/[A-Za-z0-9_-]{1,255}")
_MIMETYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")
_SMALL = re.compile(r"[0-9]{1,3}")
_VOID = {"br", "hr", "img"}
DEEP = f"An article's elements stand at most {types.ARTICLE_DEPTH_MAX} deep inside each other."
_TAGS = {
    "a", "blockquote", "br", "code", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "img", "li", "ol", "p",
    "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul", "b", "i", "s", "del",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan"}, "ol": {"start"}}
_JOINERS = {"\u200d", "\ufe0f", "\ufe0e"}  # inside emoji


@dataclass(frozen=True, slots=True)
class Upload:
    """What the server knows of an uploaded file."""

    mimetype: str
    size_bytes: int


def checked(content: PostContent) -> PostContent:
    """The content, ready to be published but for what only the server knows of its files.

    Raises InvalidParam or TooLarge.
    """
    content = tidied(content)
    held = [bool(content.media), content.poll is not None, content.article is not None, content.repost is not None]
    if sum(held) > 1:
        raise InvalidParam("A post holds media, a poll, an article or a repost: one of them.")
    if not (content.text or content.link or any(held)):
        raise InvalidParam("A post must say something.")
    check_media(content.media)
    if content.poll is not None:
        check_poll(content.poll)
    if content.article is not None:
        check_article(content.article)
    return content


def check_language(language: str) -> None:
    """Raises InvalidParam unless it is a language tag. Source: BCP 47, its outer form alone."""
    if len(language) > types.LANGUAGE_MAX_CHARACTERS or not _LANGUAGE.fullmatch(language):
        raise InvalidParam("A language is named by a tag such as en or zh-Hans.")


def tidied(content: PostContent) -> PostContent:
    """The content within its limits, its texts normalised and its HTML sanitised: all that is asked of a draft."""
    if content.language:
        check_language(content.language)
    if content.link:
        check_link(content.link)
    made = msgspec.structs.replace(
        content,
        text=tidy(content.text),
        media=[tidied_media(each) for each in content.media[: types.PICTURES_MAX + 1]],
        poll=None if content.poll is None else tidied_poll(content.poll),
        article=None if content.article is None else tidied_article(content.article),
        warning=line(content.warning),
        topics=sorted(set(content.topics)),
        written_ms=0,
    )
    if made.repost is not None:
        limit(made.repost.account, types.NAME_MAX_CHARACTERS, "A handle")
        if not made.repost.account.isprintable():
            raise InvalidParam("'account' of a repost must be a handle.")
    limit(made.text, types.TEXT_MAX_CHARACTERS, "A post's text")
    limit(made.warning, types.WARNING_MAX_CHARACTERS, "A warning")
    if len(made.media) > types.PICTURES_MAX:
        raise InvalidParam(f"A post has at most {types.PICTURES_MAX} pictures.")
    return made


def tidied_media(media: Media) -> Media:
    """A file's name and description, tidied. Raises InvalidParam for an address that is none of media."""
    if not _MXC.fullmatch(media.url):
        raise InvalidParam("'url' of media must be an mxc:// address.")
    if not _MIMETYPE.fullmatch(media.mimetype):
        raise InvalidParam("'mimetype' of media must be a type such as image/jpeg.")
    made = msgspec.structs.replace(
        media, name=line(media.name), description=tidy(media.description), size=0, undescribed=media.undescribed
    )
    limit(made.description, types.DESCRIPTION_MAX_CHARACTERS, "A description")
    limit(made.name, types.NAME_MAX_CHARACTERS, "A file's name")
    return made


def tidied_poll(poll: Poll) -> Poll:
    """A poll's question and answers, tidied."""
    if len(poll.answers) > types.ANSWERS_MAX:
        raise InvalidParam(f"A poll has a question and 2 to {types.ANSWERS_MAX} answers.")
    made = Poll(line(poll.question), [line(answer) for answer in poll.answers], poll.choices_max)
    limit(made.question, types.TITLE_MAX_CHARACTERS, "A question")
    for answer in made.answers:
        limit(answer, types.ANSWER_MAX_CHARACTERS, "An answer")
    return made


def tidied_article(article: Article) -> Article:
    """An article, its title tidied and its HTML sanitised."""
    title = line(article.title)
    limit(title, types.TITLE_MAX_CHARACTERS, "A title")
    return Article(title, sanitised(article.html), None if article.cover is None else tidied_media(article.cover))


def sanitised(html: str) -> str:
    """HTML with nothing in it but text, links and pictures of this server. Raises InvalidParam or TooLarge."""
    if len(html.encode()) > types.ARTICLE_MAX_BYTES:
        raise TooLarge(f"An article has at most {types.ARTICLE_MAX_BYTES:,} bytes.")
    if is_deep(html):
        raise InvalidParam(DEEP)
    safe = nh3.clean(
        tidy(html), tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=allowed,
        url_schemes={"http", "https", "mailto", "mxc"}, link_rel="noopener noreferrer nofollow",
    )  # fmt: skip
    safe = seen(safe)  # again: what tidying took out may have been written as entities
    # Cleaning completes what was left open, so it may grow; it must still fit when it comes back edited.
    if len(safe.encode()) > types.ARTICLE_MAX_BYTES:
        raise TooLarge(f"An article has at most {types.ARTICLE_MAX_BYTES:,} bytes, closing tags included.")
    if read(safe).deepest > types.ARTICLE_DEPTH_MAX:
        raise InvalidParam(DEEP)
    return safe


def allowed(tag: str, attribute: str, value: str) -> str | None:
    """What may stand in an attribute; None: nothing. Pictures of elsewhere would tell who reads."""
    match tag, attribute:
        case "img", "src":
            return value if _MXC.fullmatch(value) else None
        case "a", "href":
            return None if value.startswith("mxc:") else value
        case _, "colspan" | "start":
            return value if _SMALL.fullmatch(value) else None
    return value


class Reading(HTMLParser):
    """What stands in sanitised HTML: its pictures as (address, alternative text or None), and how deep it goes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pictures: list[tuple[str, str | None]] = []
        self.deepest = self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
        elif tag == "img":
            found = dict(attrs)
            src = found.get("src")
            if src:
                self.pictures.append((src, found.get("alt")))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._depth -= 1


def read(html: str) -> Reading:
    """Sanitised HTML, read."""
    reading = Reading()
    reading.feed(html)
    reading.close()
    return reading


def check_media(media: Sequence[Media]) -> None:
    """Raises InvalidParam for media that cannot stand together, and for a picture without a description."""
    families = {each.mimetype.partition("/")[0] for each in media}
    if len(media) > 1 and families != {"image"}:
        raise InvalidParam("Only pictures come several in a post.")
    for place, each in enumerate(media, 1):
        if each.mimetype.startswith("image/") and not each.description and not each.undescribed:
            raise InvalidParam(DESCRIBE.format(place=f"{place} " if len(media) > 1 else ""))


def check_poll(poll: Poll) -> None:
    """Raises InvalidParam for a poll without a choice."""
    if not poll.question or not 2 <= len(poll.answers) <= types.ANSWERS_MAX:
        raise InvalidParam(f"A poll has a question and 2 to {types.ANSWERS_MAX} answers.")
    if len(set(poll.answers)) < len(poll.answers) or not all(poll.answers):
        raise InvalidParam("A poll's answers must differ and not be empty.")
    if not 1 <= poll.choices_max <= len(poll.answers):
        raise InvalidParam("'choices_max' must be from 1 to the number of answers.")


def check_article(article: Article) -> None:
    """Raises InvalidParam for an article without a title or text, or with pictures that say nothing."""
    if not article.title:
        raise InvalidParam("An article needs a title.")
    if article.cover is not None:
        if not article.cover.mimetype.startswith("image/"):
            raise InvalidParam("An article's cover is a picture.")
        check_media([article.cover])
    pictures = read(article.html).pictures
    if len(pictures) > types.ARTICLE_PICTURES_MAX:
        raise InvalidParam(f"An article has at most {types.ARTICLE_PICTURES_MAX} pictures in its text.")
    if any(alt is None for _, alt in pictures):
        raise InvalidParam('Give each picture in the text an alt="…" that says what it shows, or alt="".')


def files(content: PostContent) -> list[str]:
    """The addresses of every file a post refers to, each once."""
    found = [each.url for each in content.media]
    if content.article is not None:
        if content.article.cover is not None:
            found.append(content.article.cover.url)
        found += [src for src, _ in read(content.article.html).pictures]
    return list(dict.fromkeys(found))


def described(content: PostContent, uploads: Mapping[str, Upload]) -> PostContent:
    """The content with its files as they were uploaded, not as they were said to be. Raises InvalidParam."""
    article = content.article
    if article is not None and article.cover is not None:
        article = msgspec.structs.replace(article, cover=as_uploaded(article.cover, uploads))
        check_article(article)
    media = [as_uploaded(each, uploads) for each in content.media]
    check_media(media)
    return msgspec.structs.replace(content, media=media, article=article)


def as_uploaded(media: Media, uploads: Mapping[str, Upload]) -> Media:
    """A file as the server knows it."""
    upload = uploads[media.url]
    mimetype = upload.mimetype if _MIMETYPE.fullmatch(upload.mimetype) else "application/octet-stream"
    return msgspec.structs.replace(media, mimetype=mimetype, size=upload.size_bytes)


def emoji(text: str) -> str:
    """What somebody likes with. Raises InvalidParam for what is no emoji or short word."""
    made = normal("NFC", text)
    if not made or len(made.encode()) > EMOJI_MAX_BYTES or not all(map(showable, made)):
        raise InvalidParam(f"A like is an emoji or a short word of at most {EMOJI_MAX_BYTES} bytes, without spaces.")
    return made


def showable(character: str) -> bool:
    """Whether a character shows, or belongs inside an emoji."""
    category = unicodedata.category(character)
    if category[0] in "CZ":
        return character in _JOINERS or 0xE0020 <= ord(character) <= 0xE007F  # the last: flags of regions
    return True
