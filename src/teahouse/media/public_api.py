"""The one address of media that needs no token: for what a public post, or a public account itself, refers to."""

from __future__ import annotations

from typing import Protocol

from teahouse.errors import NotFound
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.media import disposition
from teahouse.media.api import served, size_of, tag_of, whole_or_part
from teahouse.media.service import MediaService

PATH = "/media/{mediaId}/{name}"


class References(Protocol):
    """Who knows what is public."""

    async def is_public(self, media_id: str) -> bool:
        """Whether something public refers to a media id now."""


class PublicMediaApi:
    """Public media over HTTP. With `width` and `height`, and `method` if wanted, a thumbnail."""

    def __init__(self, media: MediaService, references: References, server_name: str) -> None:
        self._media = media
        self._references = references
        self._server_name = server_name

    def routes(self) -> list[Route]:
        """The endpoint."""
        return [Route("GET", PATH, self.show, Auth.NONE)]

    async def show(self, request: Request) -> Response:
        """The content; NotFound alike for what is not public and for what is not there."""
        media_id = request.path["mediaId"]
        media = await self._media.find(f"mxc://{self._server_name}/{media_id}")
        if media is None or media.sha256 is None or not await self._references.is_public(media_id):
            raise NotFound("There is no such public media.")
        small = "width" in request.query or "height" in request.query
        size, crop = size_of(request) if small else ((0, 0), False)
        variant = f"-{size[0]}x{size[1]}{'c' if crop else ''}" if small else ""
        tag = tag_of(media, variant)
        headers = [disposition.PUBLIC, (b"etag", tag.encode())]
        if tag in request.headers.get("if-none-match", ""):
            return Response(304, b"", media.content_type, headers)
        if small:
            content_type, pieces = await self._media.thumbnail(media, size, crop=crop, animated=False)
            return served(pieces, content_type, f"thumbnail.{content_type.partition('/')[2]}", headers)
        return await whole_or_part(request, self._media, media, request.path["name"], disposition.PUBLIC)
