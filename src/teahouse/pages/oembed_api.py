"""oEmbed: what other sites and programs show for a link to a post. Source: oembed.com, version 1.0.

The answer is of the type `link`: our pages let nobody frame them, and bring no script with them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from teahouse.errors import FormatNotOffered, InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.pages.answering import FEED_MAX_AGE_S, Answering, headers
from teahouse.pages.frame import OEMBED, Site
from teahouse.pages.post_html import path_of, picture_of, summary
from teahouse.pages.service import Showing
from teahouse.pages.text import upright
from teahouse.pages.types import ShownPost
from teahouse.posts.types import Fate, PostContent

ADDRESS_MAX_CHARACTERS = 2_000  # of the page asked about; ours are far shorter
JSON = "application/json"


class OembedApi:
    """What a link to a post is shown as elsewhere."""

    def __init__(self, answering: Answering, showing: Showing) -> None:
        self._answering = answering
        self._showing = showing

    def routes(self) -> list[Route]:
        """The endpoint."""
        return [Route("GET", OEMBED, self.oembed, Auth.NONE)]

    async def oembed(self, request: Request) -> Response:
        """One post. Raises NotFound for what is no post of ours that stands, FormatNotOffered for XML."""
        address = codec.required(request, "url")
        if codec.parameter(request, "format", "json") != "json":
            raise FormatNotOffered("Only JSON is offered here.")
        site = self._answering.site(request, OEMBED)
        handle, number = place_of(address, site.base)
        try:
            page = await self._showing.post_page(handle, number, 0, 0)
        except (InvalidParam, NotFound):
            raise no_post() from None
        if page.shown.post.fate is not Fate.STANDS:
            raise no_post()
        width = codec.integer(request, "maxwidth", 0, high=1 << 31)
        height = codec.integer(request, "maxheight", 0, high=1 << 31)
        body = codec.encode(described(site, page.shown, width, height))
        return Response(200, body, JSON, headers(JSON, FEED_MAX_AGE_S))


def place_of(address: str, base: str) -> tuple[str, int]:
    """Handle and number in the address of a post's page; raises NotFound."""
    try:
        parts, own = urlsplit(address[:ADDRESS_MAX_CHARACTERS]), urlsplit(base)
    except ValueError:
        raise no_post() from None
    pieces = [unquote(piece) for piece in parts.path.split("/")]
    here = parts.scheme in ("http", "https") and parts.netloc.lower() == own.netloc.lower()
    if not here or len(pieces) != 3 or pieces[0] or not pieces[1].startswith("@") or not codec.is_whole(pieces[2]):
        raise no_post()
    return pieces[1][1:].lower(), int(pieces[2])


def no_post() -> NotFound:
    """The refusal of every address that is not a standing post's."""
    return NotFound("This is not the address of a post that stands here.")


def described(site: Site, shown: ShownPost, width_max: int, height_max: int) -> dict[str, Any]:
    """A post as oEmbed has it; a picture only when its size is known and fits."""
    name = upright(shown.account.name)
    title, description = summary(shown)
    found: dict[str, Any] = {
        "version": "1.0",
        "type": "link",
        "title": title or description or site.words.text("post_by", name=name),
        "author_name": name,
        "author_url": site.base + path_of(shown.account),
        "provider_name": site.server_name,
        "provider_url": f"{site.base}/",
        "cache_age": FEED_MAX_AGE_S,
    }
    content = shown.post.content or PostContent()
    path, _ = picture_of(site, content)
    picture = content.article.cover if content.article is not None else next(iter(content.media), None)
    if path and picture is not None and picture.width and picture.height:
        fits = (not width_max or picture.width <= width_max) and (not height_max or picture.height <= height_max)
        if fits:
            found |= {
                "thumbnail_url": site.base + path,
                "thumbnail_width": picture.width,
                "thumbnail_height": picture.height,
            }
    return found
