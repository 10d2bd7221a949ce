"""A post as HTML: in a list, alone with its comments, in each of its wordings, or what is said where it was."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from urllib.parse import quote

from markupsafe import Markup

from teahouse.http.words import Words
from teahouse.pages.frame import Site, timed
from teahouse.pages.text import article, linked, media_address, outward, shortened, upright
from teahouse.pages.types import Original, ShownPost
from teahouse.posts import wording
from teahouse.posts.types import Article, Fate, Media, Poll, Post, PostContent
from teahouse.public_accounts.types import Account

FACE_PIXELS = (96, 96)  # a box the thumbnails know
TILE_PIXELS = (640, 640)
WIDE_PIXELS = (1600, 1200)
EXCERPT_CHARACTERS = 280  # of an article in a list
SEVERAL = {2: "several", 4: "several"}  # pictures that stand in two columns; others in three
BADGE = Markup(
    '<svg class="badge" viewBox="0 0 24 24" role="img" aria-label="{}"><circle cx="12" cy="12" r="11" '
    'fill="currentColor"/><path d="m7 12.5 3.5 3.5 6.5-7.5" fill="none" stroke="var(--paper)" stroke-width="2.5" '
    'stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def path_of(account: Account, number: int | None = None) -> str:
    """The path of an account's page, or of a post's."""
    own = f"/@{quote(account.handle, safe='')}"
    return own if number is None else f"{own}/{number}"


def in_language(site: Site, content: PostContent, account: Account) -> Markup:
    """The `lang` attribute of what is not in the page's language."""
    language = content.language or account.about.language
    if not _LANGUAGE.fullmatch(language) or language == site.words.language:
        return Markup("")
    return Markup(' lang="{}"').format(language)


def initial(name: str) -> Markup:
    """What stands for a picture of somebody."""
    letter = next((each for each in name if each.isalnum()), "·")
    return Markup('<span class="face" aria-hidden="true">{}</span>').format(letter.upper())


def face(site: Site, account: Account, size: tuple[int, int] = FACE_PIXELS) -> Markup:
    """An account's picture. It says nothing that the name beside it does not."""
    address = media_address(account.about.picture, site.server_name, "picture", size)
    if not address:
        return initial(account.name)
    return Markup('<img class="face" src="{}&amp;method=crop" alt="" width="96" height="96" loading="lazy">').format(
        address
    )


def badge(site: Site, account: Account, now_ms: int) -> Markup:
    """The sign of a checked account."""
    verified = account.verified(now_ms)
    return BADGE.format(site.words.text(f"verified_{verified}")) if verified else Markup("")


def who(site: Site, account: Account, now_ms: int) -> Markup:
    """An account as the author of something."""
    return Markup('<a class="who" href="{}">{}<span><b dir="auto">{}</b>{}<small>@{}</small></span></a>').format(
        site.link(path_of(account)), face(site, account), upright(account.name), badge(site, account, now_ms),
        account.handle,
    )  # fmt: skip


def when(site: Site, account: Account, post: Post) -> Markup:
    """When a post was published and whether it was edited since; a link to it."""
    edited = Markup(" · {}").format(site.words.text("edited")) if post.version else ""
    return Markup('<a class="when" href="{}">{}{}</a>').format(
        site.link(path_of(account, post.number)), timed(site.words, post.created_ms), edited
    )


def card(site: Site, shown: ShownPost, now_ms: int, *, pinned: bool = False) -> Markup:
    """A post in a list."""
    content = shown.post.content or PostContent()
    label = Markup('<span class="label">{}</span>').format(site.words.text("pinned")) if pinned else ""
    return Markup('<article class="card post"><header>{}{}{}</header><div{}>{}</div>{}</article>').format(
        who(site, shown.account, now_ms), label, when(site, shown.account, shown.post),
        in_language(site, content, shown.account), body(site, shown, now_ms, whole=False), counts(site, shown.post),
    )  # fmt: skip


def body(site: Site, shown: ShownPost, now_ms: int, *, whole: bool) -> Markup:
    """What a post says; behind its warning, if it has one."""
    content = shown.post.content or PostContent()
    inside = said(site, shown.account, shown.post, content, shown.handles, shown.votes, whole=whole)
    if shown.original is not None:
        inside += original(site, shown.original, now_ms)
    return warned(site, content, inside)


def warned(site: Site, content: PostContent, inside: Markup) -> Markup:
    """Content behind the warning that its author put before it."""
    if not content.warning:
        return inside
    summary = site.words.html("sensitive", warning=Markup("<bdi>{}</bdi>").format(content.warning))
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, inside)


def said(
    site: Site, account: Account, post: Post, content: PostContent, handles: Collection[str],
    votes: Sequence[int] | None, *, whole: bool,
) -> Markup:  # fmt: skip
    """One wording of a post: its words, and what they stand with."""
    pieces = []
    if content.text:
        text = linked(content.text, handles, site.suffix)
        pieces.append(Markup('<p class="text" dir="auto">{}</p>').format(text))
    if content.link and content.link not in content.text:
        pieces.append(Markup("<p>{}</p>").format(outward(content.link, shortened(content.link))))
    if content.article is not None:
        show = article_whole if whole else article_card
        pieces.append(show(site, account, post, content.article))
    if content.poll is not None:
        pieces.append(poll(site, content.poll, votes))
    if content.media:
        pieces.append(media(site, content.media, whole=whole))
    return Markup("").join(pieces)


def media(site: Site, files: Sequence[Media], *, whole: bool) -> Markup:
    """The files of a post."""
    first = files[0]
    family = first.mimetype.partition("/")[0]
    address = media_address(first.url, site.server_name, first.name)
    if not address:
        return Markup("")
    if family == "image":
        return (
            Markup("").join(figure(site, files, place) for place in range(len(files))) if whole else tiles(site, files)
        )
    label = first.description or first.name or site.words.text("recording" if family == "audio" else "video")
    if family in ("video", "audio"):
        caption = (
            Markup('<p class="soft small" dir="auto">{}</p>').format(first.description) if first.description else ""
        )
        return Markup('<{} controls preload="metadata" src="{}" aria-label="{}"></{}>{}').format(
            Markup(family), address, label, Markup(family), caption
        )
    name = first.name or site.words.text("file")
    text = site.words.text("download", name=name, size=size(site.words, first.size)) if first.size else name
    return Markup('<p class="file"><a href="{}" download>{}</a></p>').format(address, text)


def described(site: Site, files: Sequence[Media], place: int) -> str:
    """What a picture shows, in words."""
    if files[place].description:
        return files[place].description
    if len(files) == 1:
        return site.words.text("picture_alone")
    return site.words.text("picture_unnamed", number=place + 1, count=len(files))


def tiles(site: Site, files: Sequence[Media]) -> Markup:
    """Pictures side by side; each leads to itself in full."""
    many = len(files)
    items = []
    for place, each in enumerate(files):
        small = media_address(each.url, site.server_name, each.name, TILE_PIXELS)
        crop = Markup("&amp;method=crop") if many > 1 else ""
        items.append(
            Markup('<li><a href="{}"><img src="{}{}" alt="{}" loading="lazy"{}></a></li>').format(
                media_address(each.url, site.server_name, each.name), small, crop, described(site, files, place),
                measured(each) if many == 1 else "",
            )
        )  # fmt: skip
    kind = "one" if many == 1 else SEVERAL.get(many, "many")
    return Markup('<ul class="pictures {}">{}</ul>').format(kind, Markup("").join(items))


def figure(site: Site, files: Sequence[Media], place: int) -> Markup:
    """One picture in full width with its description."""
    each = files[place]
    caption = Markup('<figcaption dir="auto">{}</figcaption>').format(each.description) if each.description else ""
    return Markup('<figure><a href="{}"><img src="{}" alt="{}"{}{}></a>{}</figure>').format(
        media_address(each.url, site.server_name, each.name),
        media_address(each.url, site.server_name, each.name, WIDE_PIXELS), described(site, files, place),
        measured(each), Markup(' loading="lazy"') if place else "", caption,
    )  # fmt: skip


def measured(each: Media) -> Markup:
    """A picture's sides, so that the page does not jump when it comes."""
    if not (each.width and each.height):
        return Markup("")
    return Markup(' width="{}" height="{}"').format(each.width, each.height)


def size(words: Words, size_bytes: int) -> str:
    """A size in the unit that suits it."""
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1_000)):
        if size_bytes >= bytes_:
            return f"{words.number(round(size_bytes / bytes_))} {unit}"
    return f"{words.number(size_bytes)} B"


def article_card(site: Site, account: Account, post: Post, content: Article) -> Markup:
    """The beginning of an article, which leads to the whole."""
    cover = content.cover
    address = "" if cover is None else media_address(cover.url, site.server_name, cover.name, (1600, 1200))
    picture = Markup('<img src="{}" alt="" loading="lazy">').format(address) if address else ""
    beginning = wording.excerpt(PostContent(article=content), EXCERPT_CHARACTERS)
    return Markup(
        '<a class="card-link" href="{}">{}<span><b class="title" dir="auto">{}</b>'
        '<span class="soft" dir="auto">{}</span><span class="unseen">{}</span></span></a>'
    ).format(
        site.link(path_of(account, post.number)), picture, content.title, beginning, site.words.text("read_article")
    )  # fmt: skip


def article_whole(site: Site, account: Account, post: Post, content: Article) -> Markup:
    """An article in full. Its title is the page's."""
    cover = Markup("") if content.cover is None else figure(site, [content.cover], 0)
    return Markup('{}<div class="article" dir="auto">{}</div>').format(cover, article(content.html, site.server_name))


def poll(site: Site, content: Poll, votes: Sequence[int] | None) -> Markup:
    """A question with what was answered so far. `votes` None: in an earlier wording, without numbers."""
    words = site.words
    total = sum(votes or ())
    items = []
    for place, answer in enumerate(content.answers):
        if votes is None:
            items.append(Markup('<li dir="auto">{}</li>').format(answer))
            continue
        percent = round(100 * votes[place] / total) if total else 0
        items.append(
            Markup(
                '<li><span class="answer"><span dir="auto">{}</span><span>{}</span></span><svg viewBox="0 0 100 1" '
                'preserveAspectRatio="none" aria-hidden="true"><rect width="{}" height="1" fill="currentColor"/></svg>'
                "</li>"
            ).format(answer, words.text("poll_answer", percent=percent), percent)
        )
    note = "" if votes is None else f"{words.counted('votes', total)} · "
    return Markup('<div class="poll"><b dir="auto">{}</b><ol>{}</ol><p class="soft small">{}{} {}</p></div>').format(
        content.question, Markup("").join(items), note, words.counted("choices", content.choices_max) + ".",
        words.text("poll_vote"),
    )  # fmt: skip


def original(site: Site, found: Original, now_ms: int) -> Markup:
    """The post that is carried on, as it is now."""
    account, post = found.account, found.post
    if account is None or post is None:
        return Markup('<div class="quote"><p class="soft">{}</p></div>').format(site.words.text("original_gone"))
    if post.content is None:
        gone = "original_removed" if post.fate is Fate.REMOVED else "original_deleted"
        return Markup('<div class="quote"><p class="soft">{}</p></div>').format(site.words.text(gone))
    inside = said(site, account, post, post.content, (), None, whole=False)
    if found.below is not None:
        inside += original(site, found.below, now_ms)
    return Markup('<div class="quote post"{}><header>{}{}</header>{}</div>').format(
        in_language(site, post.content, account), who(site, account, now_ms), when(site, account, post),
        warned(site, post.content, inside),
    )  # fmt: skip


def counts(site: Site, post: Post, *, every: bool = False) -> Markup:
    """What readers did with a post; with `every`, noughts too, but for views that nobody counts."""
    of = post.counts
    numbers = (("likes", of.likes), ("reposts", of.reposts), ("comments", of.comments), ("views", of.views))
    items = [
        Markup("<li>{}</li>").format(site.words.counted(key, number))
        for key, number in numbers
        if number or (every and key != "views")
    ]
    return Markup('<footer><ul class="facts">{}</ul></footer>').format(Markup("").join(items)) if items else Markup("")


def pager(links: Sequence[tuple[str, str]]) -> Markup:
    """Where to go on."""
    if not links:
        return Markup("")
    items = [Markup('<a href="{}">{}</a>').format(href, text) for href, text in links]
    return Markup('<div class="pager">{}</div>').format(Markup("").join(items))


def summary(shown: ShownPost) -> tuple[str, str]:
    """A title and a description of a post for machines; '' for what it does not have. Warnings go before content."""
    content = shown.post.content or PostContent()
    return wording.announced(content), "" if content.warning else wording.excerpt(content)


def picture_of(site: Site, content: PostContent) -> tuple[str, str]:
    """The path and description of the picture that stands for a post; '' for none, or behind a warning."""
    found = content.article.cover if content.article is not None else next(iter(content.media), None)
    if found is None or content.warning or not found.mimetype.startswith("image/"):
        return "", ""
    return media_address(found.url, site.server_name, found.name), found.description
