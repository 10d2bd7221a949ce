"""Posts as RSS 2.0 and Atom: whole texts and articles, one entry a post for ever, gone with the post."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from feedgenerator import Atom1Feed, Enclosure, Rss201rev2Feed
from markupsafe import Markup

from teahouse.http.words import moment
from teahouse.pages.frame import Site
from teahouse.pages.post_html import path_of, summary
from teahouse.pages.text import article, linked, media_address, outward, upright
from teahouse.pages.types import Original, ShownPost
from teahouse.posts import wording
from teahouse.posts.types import Fate, PostContent

TITLE_CHARACTERS = 80  # of an entry without a title of its own
# What XML 1.0 cannot say; a text may hold it. Source: XML 1.0, "Characters".
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOCAL = re.compile(r'(href|src)="/(?!/)')

FORMATS = {"rss": Rss201rev2Feed, "atom": Atom1Feed}


def feed(
    site: Site, kind: str, title: str, description: str, page: str, language: str, posts: Sequence[ShownPost]
) -> tuple[str, bytes]:  # fmt: skip
    """A feed's content type and bytes. `kind`: rss or atom; `page`: the path of the page it is the feed of."""
    make = FORMATS[kind]
    made = make(
        title=sayable(title), link=f"{site.base}{page}", description=sayable(description), language=language or None,
        feed_url=site.own(), feed_guid=f"{site.base}{page}",
    )  # fmt: skip
    for each in posts:
        made.add_item(**entry(site, kind, each))
    return make.content_type, made.writeString("utf-8").encode()


def entry(site: Site, kind: str, shown: ShownPost) -> dict[str, Any]:
    """One post as `add_item` takes it."""
    post, account = shown.post, shown.account
    content = post.content or PostContent()
    title, _ = summary(shown)
    whole = sayable(content_html(site, shown))
    created = moment(post.created_ms)
    enclosures = [] if content.warning else files(site, content)
    day = created.strftime("%Y-%m-%d")
    return {
        "title": sayable(title or upright(account.name)),
        "link": f"{site.base}{path_of(account, post.number)}",
        "description": whole if kind == "rss" else sayable(wording.excerpt(content)) if content.article else "",
        "content": None if kind == "rss" else whole,
        "author_name": sayable(upright(account.name)),
        "author_link": f"{site.base}{path_of(account)}",
        "pubdate": created,
        "updateddate": moment(post.edited_ms) if post.edited_ms else created,
        "unique_id": f"tag:{site.server_name.partition(':')[0]},{day}:{path_of(account, post.number)}",
        "unique_id_is_permalink": False,
        "categories": [] if content.warning else [sayable(tag) for tag in wording.tags(content)],
        # RSS has room for one.
        "enclosures": enclosures[:1] if kind == "rss" else enclosures,
    }


def files(site: Site, content: PostContent) -> list[Enclosure]:
    """The files of a post."""
    found = [content.article.cover] if content.article is not None and content.article.cover else content.media
    addresses = [(media_address(each.url, site.server_name, each.name), each) for each in found]
    return [Enclosure(f"{site.base}{address}", str(each.size), each.mimetype) for address, each in addresses if address]


def content_html(site: Site, shown: ShownPost) -> str:
    """What a post says as HTML that stands alone: addresses whole, no style."""
    content = shown.post.content or PostContent()
    page = f"{site.base}{path_of(shown.account, shown.post.number)}"
    if content.warning:
        return str(Markup('<p>⚠ {}</p><p><a href="{}">{}</a></p>').format(content.warning, page, page))
    inside = said(site, content, shown.handles)
    if shown.original is not None:
        inside += carried(site, shown.original)
    return _LOCAL.sub(rf'\1="{site.base}/', str(inside))


def said(site: Site, content: PostContent, handles: frozenset[str]) -> Markup:
    """One post's own words and files."""
    pieces = [Markup("<p>{}</p>").format(linked(line, handles)) for line in content.text.split("\n") if line.strip()]
    if content.link and content.link not in content.text:
        pieces.append(Markup("<p>{}</p>").format(outward(content.link, content.link)))
    pictures = list(content.media)
    if content.article is not None:
        pictures += [content.article.cover] if content.article.cover else []
    for each in pictures:
        address = media_address(each.url, site.server_name, each.name)
        if address and each.mimetype.startswith("image/"):
            pieces.append(Markup('<p><img src="{}" alt="{}"></p>').format(address, each.description))
        elif address:
            pieces.append(
                Markup('<p><a href="{}">{}</a></p>').format(address, each.name or each.description or address)
            )
    if content.article is not None:
        pieces.append(article(content.article.html, site.server_name))
    if content.poll is not None:
        answers = Markup("").join(Markup("<li>{}</li>").format(each) for each in content.poll.answers)
        pieces.append(Markup("<p><b>{}</b></p><ul>{}</ul>").format(content.poll.question, answers))
    return Markup("").join(pieces)


def carried(site: Site, found: Original) -> Markup:
    """The post that a post carries on."""
    account, post = found.account, found.post
    if account is None or post is None or post.content is None:
        removed = post is not None and post.fate is Fate.REMOVED
        gone = "original_gone" if post is None else "original_removed" if removed else "original_deleted"
        return Markup("<blockquote><p>{}</p></blockquote>").format(site.words.text(gone))
    page = path_of(account, post.number)
    title = Markup('<p><a href="{}"><b>{}</b></a></p>').format(page, upright(account.name))
    if post.content.warning:
        return Markup("<blockquote>{}<p>⚠ {}</p></blockquote>").format(title, post.content.warning)
    below = Markup("") if found.below is None else carried(site, found.below)
    return Markup("<blockquote>{}{}{}</blockquote>").format(title, said(site, post.content, frozenset()), below)


def sayable(text: str) -> str:
    """A text without what XML cannot say."""
    return _UNSAYABLE.sub("", text)
