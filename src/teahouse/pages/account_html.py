"""An account's page, how to follow it, and the directory of all."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup

from teahouse.pages.frame import Site, empty
from teahouse.pages.post_html import badge, card, face, pager, path_of
from teahouse.pages.text import linked, media_address, outward, shortened, upright
from teahouse.pages.types import AccountPage, Directory
from teahouse.public_accounts.types import KINDS, Account

COVER_PIXELS = (1600, 1200)  # a box the thumbnails know
DESCRIPTION_CHARACTERS = 160  # of an account in the directory


def account(site: Site, page: AccountPage, now_ms: int) -> Markup:
    """An account with its posts."""
    words, shown = site.words, page.account
    cards = [card(site, page.pinned, now_ms, pinned=True)] if page.pinned is not None else []
    cards += [card(site, each, now_ms) for each in page.posts]
    links = []
    if not page.first:
        links.append((site.link(path_of(shown)), words.text("newer")))
    if page.before:
        links.append((site.link(path_of(shown), before=str(page.before)), words.text("older")))
    return Markup("{}<section>{}{}</section>").format(
        header(site, shown, page.domain, now_ms), Markup("").join(cards) or empty(words.text("no_posts")), pager(links)
    )


def header(site: Site, shown: Account, domain: str, now_ms: int) -> Markup:
    """Who publishes: cover, picture, names, numbers, and how to follow."""
    words, about = site.words, shown.about
    address = media_address(about.cover, site.server_name, "cover", COVER_PIXELS)
    cover = Markup('<div class="cover plain-cover"></div>')
    if address:
        cover = Markup('<img class="cover" src="{}" alt="">').format(address)
    language = Markup(' lang="{}"').format(about.language) if about.language.isalpha() else Markup("")
    said, reason, listed = Markup(""), Markup(""), Markup("")
    if about.description:
        said = Markup('<p class="description" dir="auto"{}>{}</p>').format(
            language, linked(about.description, (), site.suffix)
        )
    verified = shown.verified(now_ms)
    if verified:
        what = words.text(f"verified_{verified}")
        key = "verified_domain" if domain else "verified_documents"
        text = words.text(key, what=what, domain=domain, day=words.day(shown.badge_until_ms))
        reason = Markup('<p class="small soft">{}</p>').format(text)
    links = [Markup("<li>{}</li>").format(outward(each, shortened(each))) for each in about.links]
    if links:
        listed = Markup('<ul class="facts" aria-label="{}">{}</ul>').format(words.text("links"), Markup("").join(links))
    return Markup(
        '<div class="account">{}<div class="line">{}<div><h1><bdi>{}</bdi>{}</h1>'
        '<span class="soft">@{} · {}</span></div><a class="button" href="{}">{}</a></div>{}{}{}'
        '<ul class="facts"><li>{}</li><li>{}</li>'
        '<li><a href="{}">{}</a></li></ul></div>'
    ).format(
        cover, face(site, shown, (320, 320)), upright(shown.name), badge(site, shown, now_ms), shown.handle,
        words.text(f"kind_{shown.kind}"), site.link(f"{path_of(shown)}/follow"), words.text("follow"), said, reason,
        listed, words.counted("followers", shown.followers), words.counted("posts", shown.posts),
        f"{path_of(shown)}/feed.atom", words.text("feed"),
    )  # fmt: skip


def follow(site: Site, shown: Account, *, by_mail: bool) -> Markup:
    """How to follow an account, from an app, a feed reader, by e-mail, from a phone or one's own website."""
    words = site.words
    alias = f"#{shown.handle}:{site.server_name}"
    path = path_of(shown)
    here = f"{site.base}{path}/follow"
    qr = Markup('<img class="qr" src="{}/qr.svg" width="192" height="192" alt="{}">').format(
        path, words.text("follow_qr_alt", url=here)
    )
    feeds = Markup("").join(
        Markup('<li><a class="address" href="{}">{}</a></li>').format(feed, site.base + feed)
        for feed in (f"{path}/feed.atom", f"{path}/feed.rss")
    )
    return Markup(
        '<h1 dir="auto">{title}</h1><p>{about}</p><section class="card"><h2>{app}</h2><p>{app_about}</p>'
        '<code class="address">{alias}</code><p class="actions"><a class="button" href="{matrix}">{open}</a> '
        '<a class="button quiet" href="{link}" rel="noopener noreferrer">{via}</a></p></section>'
        '<section class="card"><h2>{feed}</h2><p>{feed_about}</p><ul class="plain">{feeds}</ul></section>'
        '{mail}<section class="card"><h2>{phone}</h2><p>{phone_about}</p>{qr}</section>'
        '<section class="card"><h2>{embed}</h2><p>{embed_about}</p><p>{button}</p>'
        '<textarea readonly rows="5" spellcheck="false" aria-label="{embed_label}">{snippet}</textarea></section>'
        '<p><a href="{back}">{back_to}</a></p>'
    ).format(
        title=words.html("follow_title", name=Markup("<bdi>{}</bdi>").format(upright(shown.name))),
        about=words.text("follow_about"), app=words.text("follow_app"), app_about=words.text("follow_app_about"),
        alias=alias, matrix=f"matrix:r/{quote(alias[1:], safe=':')}?action=join", open=words.text("follow_app_open"),
        link=f"https://matrix.to/#/{quote(alias, safe='')}", via=words.text("follow_app_link"),
        feed=words.text("follow_feed"), feed_about=words.text("follow_feed_about"), feeds=feeds,
        mail=mail(site, shown) if by_mail else "",
        phone=words.text("follow_qr"), phone_about=words.text("follow_qr_about"), qr=qr,
        embed=words.text("follow_embed"), embed_about=words.text("follow_embed_about"),
        button=snippet(site, shown), embed_label=words.text("follow_embed_label"), snippet=str(snippet(site, shown)),
        back=site.link(path), back_to=words.html("back_to", name=Markup("<bdi>{}</bdi>").format(upright(shown.name))),
    )  # fmt: skip


def mail(site: Site, shown: Account) -> Markup:
    """How to follow an account by e-mail."""
    words = site.words
    return Markup(
        '<section class="card"><h2>{}</h2><p>{}</p><p><a class="button" href="{}">{}</a></p></section>'
    ).format(
        words.text("follow_mail"), words.text("follow_mail_about"), f"/mail/{quote(shown.handle, safe='')}",
        words.text("follow_mail_link"),
    )  # fmt: skip


def snippet(site: Site, shown: Account) -> Markup:
    """The button as others put it on their own pages."""
    here = f"{site.base}{path_of(shown)}"
    return Markup('<a href="{}/follow"><img src="{}/follow.svg" alt="{}" height="36"></a>').format(
        here, here, site.words.text("follow_name", name=f"@{shown.handle}")
    )


def explore(site: Site, found: Directory, search: str, kind: str, now_ms: int) -> Markup:
    """The directory."""
    words = site.words
    pills = [pill(site, "", words.text("all_kinds"), search, kind)]
    pills += [pill(site, each, words.text(f"kind_{each}"), search, kind) for each in KINDS]
    items = [listed(site, each, now_ms) for each in found.accounts]
    heading = words.html("search_for", words=Markup("<bdi>{}</bdi>").format(search)) if search else ""
    accounts = Markup('<ul class="listed">{}</ul>').format(Markup("").join(items))
    links = []
    if not found.first:
        links.append((site.link("/explore", q=search, kind=kind), words.text("first_accounts")))
    if found.after:
        links.append((site.link("/explore", q=search, kind=kind, after=found.after), words.text("more_accounts")))
    return Markup(
        '<h1>{}</h1><p class="soft">{}</p>{}<nav aria-label="{}"><ul class="pills">{}</ul></nav>{}{}{}'
    ).format(
        words.text("explore_title"), words.text("explore_about", server=site.server_name),
        search_form(site, "/explore", "search_label", search, {"kind": kind}), words.text("kinds"),
        Markup("").join(pills), Markup("<h2>{}</h2>").format(heading) if search else "",
        accounts if items else empty(words.text("search_none" if search or kind else "no_accounts")), pager(links),
    )  # fmt: skip


def search_form(site: Site, path: str, label: str, search: str, more: dict[str, str]) -> Markup:
    """Where one types what one looks for. `more` is brought along unseen."""
    hidden = hidden_fields(more | {"lang": site.words.language if site.asked else ""})
    return Markup(
        '<form class="search" role="search" action="{}"><label for="q">{}</label>'
        '<input id="q" name="q" type="search" value="{}" maxlength="200">{}<button class="button">{}</button></form>'
    ).format(path, site.words.text(label), search, hidden, site.words.text("search"))


def hidden_fields(fields: dict[str, str]) -> Markup:
    """What a form brings along unseen."""
    line = Markup('<input type="hidden" name="{}" value="{}">')
    return Markup("").join(line.format(name, value) for name, value in fields.items() if value)


def pill(site: Site, kind: str, name: str, search: str, chosen: str) -> Markup:
    """One kind of account to choose."""
    here = Markup(' aria-current="true"') if kind == chosen else ""
    return Markup('<li><a href="{}"{}>{}</a></li>').format(site.link("/explore", q=search, kind=kind), here, name)


def listed(site: Site, shown: Account, now_ms: int) -> Markup:
    """An account in a list."""
    text = " ".join(shown.about.description.split())
    if len(text) > DESCRIPTION_CHARACTERS:
        text = text[: DESCRIPTION_CHARACTERS - 1].rstrip() + "…"
    said = Markup('<p dir="auto">{}</p>').format(text) if text else ""
    return Markup(
        '<li>{}<div><a class="name" href="{}" dir="auto">{}</a>{} <span class="soft small">@{}</span>{}'
        '<p class="soft small">{} · {}</p></div></li>'
    ).format(
        face(site, shown), site.link(path_of(shown)), upright(shown.name), badge(site, shown, now_ms), shown.handle,
        said, site.words.text(f"kind_{shown.kind}"), site.words.counted("followers", shown.followers),
    )  # fmt: skip
