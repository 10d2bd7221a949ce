"""Feeds, maps and pictures to follow by, over HTTP: what machines read of the public pages."""

from __future__ import annotations

from teahouse.errors import NotFound
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.pages import feeds, maps
from teahouse.pages.answering import FEED_MAX_AGE_S, Answering, Make, segment
from teahouse.pages.cache import Rendered
from teahouse.pages.frame import Site
from teahouse.pages.post_html import path_of
from teahouse.pages.public_api import accounts_of, handle_of, whole
from teahouse.pages.service import Showing
from teahouse.pages.sitemaps import SiteMaps
from teahouse.pages.text import upright
from teahouse.posts import hashtags

SVG = "image/svg+xml"
XML = "application/xml"
TEXT = "text/plain; charset=utf-8"


class FeedsApi:
    """What machines read."""

    def __init__(self, answering: Answering, showing: Showing, sitemaps: SiteMaps) -> None:
        self._answering = answering
        self._showing = showing
        self._sitemaps = sitemaps

    def routes(self) -> list[Route]:
        """The endpoints."""
        found = {
            "/@{handle}/feed.{kind}": self.account_feed,
            "/tag/{tag}/feed.{kind}": self.tag_feed,
            "/feed.{kind}": self.latest_feed,
            "/sitemap.xml": self.index,
            "/sitemap/{kind}/{page}": self.sitemap,
            "/robots.txt": self.robots,
            "/favicon.svg": self.icon,
            "/@{handle}/qr.svg": self.qr,
            "/@{handle}/follow.svg": self.button,
        }
        return [Route("GET", template, handler, Auth.NONE) for template, handler in found.items()]

    async def account_feed(self, request: Request) -> Response:
        handle, kind = handle_of(request), request.path["kind"]

        async def make(site: Site) -> Rendered:
            check_kind(kind)
            page = await self._showing.account_page(handle, 0)
            shown = page.account
            posts = sorted(
                [*page.posts, *([page.pinned] if page.pinned else [])], key=lambda each: -each.post.number
            )  # fmt: skip
            title = f"{upright(shown.name)} (@{shown.handle})"
            content_type, body = feeds.feed(
                site, kind, title, shown.about.description or title, path_of(shown), shown.about.language, posts
            )
            return Rendered(200, content_type, body, accounts_of(shown, *posts))

        return await self._answer(request, f"/@{segment(handle)}/feed.{segment(kind)}", make)

    async def tag_feed(self, request: Request) -> Response:
        name, kind = hashtags.fold(request.path["tag"]), request.path["kind"]
        path = f"/tag/{segment(name)}"

        async def make(site: Site) -> Rendered:
            check_kind(kind)
            found = await self._showing.tag(name, 0)
            about = site.words.text("tag_about", tag=f"#{name}")
            content_type, body = feeds.feed(site, kind, f"#{name}", about, path, "", found.posts)
            return Rendered(200, content_type, body, accounts_of(None, *found.posts), every=True)

        return await self._answer(request, f"{path}/feed.{segment(kind)}", make)

    async def latest_feed(self, request: Request) -> Response:
        kind = request.path["kind"]

        async def make(site: Site) -> Rendered:
            check_kind(kind)
            found = await self._showing.latest(0)
            about = site.words.text("latest_about", server=site.server_name)
            content_type, body = feeds.feed(site, kind, site.server_name, about, "/latest", "", found.posts)
            return Rendered(200, content_type, body, accounts_of(None, *found.posts), every=True)

        return await self._answer(request, f"/feed.{segment(kind)}", make)

    async def index(self, request: Request) -> Response:
        async def make(site: Site) -> Rendered:
            return Rendered(200, XML, maps.index(site.base, await self._sitemaps.paths()), every=True)

        return await self._answer(request, "/sitemap.xml", make)

    async def sitemap(self, request: Request) -> Response:
        kind, page = request.path["kind"], request.path["page"]

        async def make(site: Site) -> Rendered:
            places = await self._sitemaps.places(kind, whole(page))
            return Rendered(200, XML, maps.sitemap(site.base, places), every=True)

        return await self._answer(request, f"/sitemap/{segment(kind)}/{segment(page)}", make)

    async def robots(self, request: Request) -> Response:
        async def make(site: Site) -> Rendered:
            return Rendered(200, TEXT, maps.robots(site.base))

        return await self._answer(request, "/robots.txt", make)

    async def icon(self, request: Request) -> Response:
        async def make(site: Site) -> Rendered:
            return Rendered(200, SVG, maps.ICON)

        return await self._answer(request, "/favicon.svg", make)

    async def qr(self, request: Request) -> Response:
        handle = handle_of(request)

        async def make(site: Site) -> Rendered:
            shown = await self._showing.account(handle)
            return Rendered(200, SVG, maps.qr(f"{site.base}{path_of(shown)}/follow"), [shown])

        return await self._answer(request, f"/@{segment(handle)}/qr.svg", make)

    async def button(self, request: Request) -> Response:
        handle = handle_of(request)

        async def make(site: Site) -> Rendered:
            shown = await self._showing.account(handle)
            label = site.words.text("follow_name", name=f"@{shown.handle}")
            return Rendered(200, SVG, maps.button(label), [shown])

        return await self._answer(request, f"/@{segment(handle)}/follow.svg", make)

    async def _answer(self, request: Request, path: str, make: Make) -> Response:
        return await self._answering.page(request, self._answering.site(request, path), make, FEED_MAX_AGE_S)


def check_kind(kind: str) -> None:
    """Raises NotFound for what is no format of feeds."""
    if kind not in feeds.FORMATS:
        raise NotFound("Feeds are feed.rss and feed.atom.")
