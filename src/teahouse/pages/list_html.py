"""Lists of posts, the front door, and what is said where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from markupsafe import Markup

from teahouse.http.html import BOWL
from teahouse.pages.account_html import listed, search_form
from teahouse.pages.frame import Site, empty
from teahouse.pages.post_html import card, pager
from teahouse.pages.types import PostList
from teahouse.public_accounts.types import Account

APPS = Markup("<b>Element</b>, <b>FluffyChat</b>, <b>Cinny</b>")


def tag(site: Site, name: str, found: PostList, now_ms: int) -> Markup:
    """Posts with a hashtag."""
    path = f"/tag/{quote(name, safe='')}"
    about = site.words.html("tag_about", tag=Markup("<bdi>#{}</bdi>").format(name))
    head = Markup('<h1 dir="auto">#{}</h1><p class="soft">{} · <a href="{}/feed.atom">{}</a></p>').format(
        name, about, path, site.words.text("feed")
    )
    return head + posts(site, path, found, site.words.text("no_posts_tag"), now_ms)


def latest(site: Site, found: PostList | None, search: str, now_ms: int) -> Markup:
    """Posts of everybody, or those that hold the words searched for; None: the search makes no sense."""
    words = site.words
    head = Markup('<h1>{}</h1><p class="soft">{} · <a href="/feed.atom">{}</a></p>{}').format(
        words.text("latest_title"), words.text("latest_about", server=site.server_name), words.text("feed"),
        search_form(site, "/latest", "search_posts_label", search, {}),
    )  # fmt: skip
    if found is None:
        return head + Markup('<p role="alert">{}</p>').format(words.text("search_wrong"))
    if search:
        head += Markup("<h2>{}</h2>").format(
            words.html("search_posts_for", words=Markup("<bdi>{}</bdi>").format(search))
        )
    return head + posts(
        site, "/latest", found, words.text("search_posts_none" if search else "no_posts"), now_ms, search
    )


def posts(site: Site, path: str, found: PostList, nothing: str, now_ms: int, search: str = "") -> Markup:
    """A list of posts, and where it goes on."""
    links = []
    if not found.first:
        links.append((site.link(path, q=search), site.words.text("newer")))
    if found.before:
        links.append((site.link(path, q=search, before=str(found.before)), site.words.text("older")))
    cards = [card(site, each, now_ms) for each in found.posts]
    return (Markup("").join(cards) or empty(nothing)) + pager(links)


def front(site: Site, address: str, registration: str, accounts: Sequence[Account], now_ms: int) -> Markup:
    """The front door: how to come in, and what can be read from outside."""
    words = site.words
    shown = Markup("")
    if accounts:
        items = Markup("").join(listed(site, each, now_ms) for each in accounts)
        shown = Markup(
            '<h2>{}</h2><p>{}</p><ul class="listed">{}</ul><p class="pager"><a href="{}">{}</a></p>'
        ).format(
            words.text("front_read"), words.text("front_read_about"), items, site.link("/explore"),
            words.text("front_all"),
        )  # fmt: skip
    you = Markup("<code>@you:{}</code>").format(site.server_name)
    return Markup(
        '<div class="front">{}<h1>{}</h1><p>{}</p><div class="card"><h2>{}</h2><ol><li>{}</li><li>{}</li>'
        '<li>{}</li></ol></div><p class="soft">{}</p>{}</div>'
    ).format(
        Markup(BOWL), words.text("front_welcome", server=site.server_name), words.text("front_about"),
        words.text("front_in"), words.html("front_app", apps=APPS),
        words.html("front_server", address=Markup('<code class="address">{}</code>').format(address)),
        words.text(f"front_{registration}"), words.html("front_you", address=you), shown,
    )  # fmt: skip


def almost(site: Site) -> Markup:
    """The front door of a server that nobody runs yet."""
    words = site.words
    return Markup('<div class="front">{}<h1>{}</h1><p>{}</p><div class="card"><p>{}</p></div></div>').format(
        Markup(BOWL), words.text("front_almost"), words.text("front_nobody"), words.text("front_terminal")
    )


def missing(site: Site, heading: str, text: str) -> Markup:
    """What is said where nothing is."""
    around = Markup('<p><a class="button quiet" href="{}">{}</a></p>').format(
        site.link("/explore"), site.words.text("look_around")
    )
    return Markup('<div class="empty">{}<h1>{}</h1><p>{}</p>{}</div>').format(Markup(BOWL), heading, text, around)
