"""Answering for a page: from memory or made anew, whole or not modified, in the reader's language, and kindly when
there is none.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

from teahouse.clock import Clock
from teahouse.errors import InvalidParam, NotFound, TeahouseError
from teahouse.http import codec
from teahouse.http.messages import Request, Response
from teahouse.http.words import negotiated, words
from teahouse.pages.cache import Rendered, RenderedPages
from teahouse.pages.frame import POLICY, Head, Site, document
from teahouse.pages.list_html import missing

PAGE_MAX_AGE_S = 10  # how long others may keep a page: as long as counts may be late; then they ask with its tag
FEED_MAX_AGE_S = 300  # the same of feeds and maps: readers of feeds come by less often anyway
HTML = "text/html; charset=utf-8"
PACKAGE = "teahouse.pages"
NOTHING_LOADED = b"default-src 'none'; frame-ancestors 'none'"
DRAWN = b"default-src 'none'; style-src 'unsafe-inline'"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(:[0-9]{1,5})?")
Make = Callable[[Site], Awaitable[Rendered]]


class Answering:
    """One answer to a request for a page."""

    def __init__(self, pages: RenderedPages, clock: Clock, server_name: str, public_url: str) -> None:
        self._pages = pages
        self._clock = clock
        self._server_name = server_name
        self._public_url = public_url.rstrip("/")

    def site(self, request: Request, path: str, query: Mapping[str, str] | None = None) -> Site:
        """Where and for whom a page is rendered."""
        asked = codec.parameter(request, "lang")
        language = negotiated(asked, request.headers.get("accept-language", ""))
        named = asked is not None and asked == language
        return Site(self._server_name, self.base(request), words(PACKAGE, language), named, path, query or {})

    def base(self, request: Request) -> str:
        """The server's address as the operator names it, else as the client does."""
        host = request.headers.get("host", "")
        return self._public_url or f"http://{host if _HOST.fullmatch(host) else 'localhost'}"

    async def page(self, request: Request, site: Site, make: Make, max_age_s: int = PAGE_MAX_AGE_S) -> Response:
        """The page that `make` renders, from memory if it is there. A refusal becomes a page that says so."""
        key = (site.own(), site.words.language, site.asked)
        try:
            kept = await self._pages.find(key)
            if kept is None:
                edition = self._pages.edition
                kept = self._pages.keep(key, await make(site), edition)
        except NotFound as refusal:
            return self.refused(site, 404, refusal)
        except InvalidParam as refusal:
            return self.refused(site, 400, refusal)
        return self._answer(request, kept, max_age_s)

    def refused(self, site: Site, status: int, refusal: TeahouseError) -> Response:
        """A page that says that there is none, and where there are some."""
        heading = site.words.text("bad_request" if status == 400 else "not_found")
        text = refusal.message if isinstance(refusal, Missing) else site.words.text("not_found_page")
        body = document(site, Head(heading, indexed=False), missing(site, heading, text))
        return Response(status, body, HTML, headers(HTML, 0))

    def _answer(self, request: Request, kept: Rendered, max_age_s: int) -> Response:
        sent = headers(kept.content_type, max_age_s)
        sent.append((b"etag", kept.etag.encode()))
        # A page that changed in this very second may change again in it, and would have the same date.
        if kept.modified_ms // 1_000 < self._clock.now_ms() // 1_000:
            sent.append((b"last-modified", formatdate(kept.modified_ms // 1_000, usegmt=True).encode()))
        if kept.status == 200 and unmodified(request.headers, kept):
            return Response(304, b"", kept.content_type, sent)
        return Response(kept.status, kept.body, kept.content_type, sent)


class Missing(NotFound):
    """There is no such page; the message says so in the reader's language."""


def headers(content_type: str, max_age_s: int) -> list[tuple[bytes, bytes]]:
    """What goes with every answer."""
    policy = POLICY if content_type == HTML else DRAWN if "svg" in content_type else NOTHING_LOADED
    kept = f"public, max-age={max_age_s}" if max_age_s else "no-cache"
    return [
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
        (b"cache-control", kept.encode()),
        (b"vary", b"Accept-Language"),
    ]


def unmodified(given: Mapping[str, str], kept: Rendered) -> bool:
    """Whether the client has it already. Source: RFC 9110, "Conditional Requests": a tag goes before a date."""
    tags = given.get("if-none-match")
    if tags is not None:
        return "*" in tags or kept.etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    since = given.get("if-modified-since")
    if since is None:
        return False
    try:
        return kept.modified_ms // 1_000 <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")
