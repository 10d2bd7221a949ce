"""The endpoints of media."""

from __future__ import annotations

from collections.abc import AsyncIterator

from teahouse.errors import InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.media import disposition, ranges
from teahouse.media.service import MediaService
from teahouse.media.types import FILE_NAME_MAX_CHARS, WAIT_DEFAULT_MS, WAIT_MAX_MS, Media, Upload

MEDIA = "/_matrix/client/v1/media"
OLDER = "/_matrix/media/v3"
SIDE_MAX = 100_000  # pixels a client may ask for; no picture is larger


class MediaApi:
    """Upload, download, thumbnails.

    The older paths, which need no token, give only those with one what they ask for: the specification froze them
    before this server's first upload.
    """

    def __init__(self, media: MediaService) -> None:
        self._media = media

    def routes(self) -> list[Route]:
        """The endpoints."""
        size = self._media.limits.upload_bytes
        media_id = "{serverName}/{mediaId}"
        routes = [
            Route("POST", f"{OLDER}/upload", self.upload, limit="media", body_max_bytes=size, streamed=True),
            Route(
                "PUT", f"{OLDER}/upload/{media_id}", self.upload_to, limit="media", body_max_bytes=size, streamed=True
            ),
            Route("POST", "/_matrix/media/v1/create", self.create, limit="media"),
            Route("GET", f"{MEDIA}/config", self.config),
            Route("GET", f"{OLDER}/config", self.config),
        ]
        paths = ((f"download/{media_id}", self.download), (f"download/{media_id}/{{fileName}}", self.download),
                 (f"thumbnail/{media_id}", self.thumbnail))  # fmt: skip
        for path, handler in paths:
            routes.append(Route("GET", f"{MEDIA}/{path}", handler, waits=True))
            routes.append(Route("GET", f"{OLDER}/{path}", handler, Auth.OPTIONAL, waits=True))
        return routes

    async def upload(self, request: Request) -> Response:
        """Store content under a new id."""
        return codec.reply({"content_uri": await self._media.upload(request.requester, upload_of(request))})

    async def upload_to(self, request: Request) -> Response:
        """Store content under a reserved id."""
        server_name, media_id = request.path["serverName"], request.path["mediaId"]
        await self._media.upload_to(request.requester, server_name, media_id, upload_of(request))
        return codec.reply({})

    async def create(self, request: Request) -> Response:
        """Reserve an id."""
        content_uri, expires_ms = await self._media.create(request.requester)
        return codec.reply({"content_uri": content_uri, "unused_expires_at": expires_ms})

    async def config(self, _: Request) -> Response:
        """What may be uploaded."""
        return codec.reply({"m.upload.size": self._media.limits.upload_bytes})

    async def download(self, request: Request) -> Response:
        """Content, under the name it was uploaded with or the one in the path."""
        media = await self._content(request)
        file_name = request.path.get("fileName") or media.file_name
        return await whole_or_part(request, self._media, media, file_name, disposition.PRIVATE)

    async def thumbnail(self, request: Request) -> Response:
        """A picture made small."""
        size, crop = size_of(request)
        animated = codec.boolean(request, "animated")
        media = await self._content(request)
        content_type, pieces = await self._media.thumbnail(media, size, crop=crop, animated=animated)
        return served(pieces, content_type, f"thumbnail.{content_type.partition('/')[2]}", [disposition.PRIVATE])

    async def _content(self, request: Request) -> Media:
        timeout_ms = codec.integer(request, "timeout_ms", WAIT_DEFAULT_MS, high=WAIT_MAX_MS)
        path, requester = request.path, request.requester_or_none
        if requester is None:
            raise NotFound("There is no such media for those without an access token.")
        return await self._media.content(requester, path["serverName"], path["mediaId"], timeout_ms)


def upload_of(request: Request) -> Upload:
    """What the client sends; raises InvalidParam for a file name that cannot be one."""
    file_name = codec.parameter(request, "filename")
    if file_name is not None and (len(file_name) > FILE_NAME_MAX_CHARS or "\0" in file_name):
        raise InvalidParam(f"A file name has at most {FILE_NAME_MAX_CHARS} characters.")
    content_type = disposition.content_type(request.headers.get("content-type"))
    return Upload(request.stream(), content_type, file_name or None)


def size_of(request: Request) -> tuple[tuple[int, int], bool]:
    """How large a thumbnail is wanted, and whether cropped."""
    codec.required(request, "width")
    codec.required(request, "height")
    width = codec.integer(request, "width", 0, low=1, high=SIDE_MAX)
    height = codec.integer(request, "height", 0, low=1, high=SIDE_MAX)
    method = codec.parameter(request, "method", "scale")
    if method not in ("scale", "crop"):
        raise InvalidParam("The method is 'scale' or 'crop'.")
    return (width, height), method == "crop"


async def whole_or_part(
    request: Request, service: MediaService, media: Media, file_name: str | None, caching: tuple[bytes, bytes]
) -> Response:
    """Content, or the part of it that the request wants: players seek by parts, and some play nothing without.

    Raises RangeNotThere, and NotFound when the file is gone.
    """
    tag = tag_of(media)
    get = request.method == "GET"  # a Range means nothing elsewhere
    wish = request.headers.get("range") if get else None
    part = ranges.wanted(wish, request.headers.get("if-range"), tag, media.size_bytes)
    length = media.size_bytes if part is None else part.length
    headers = [caching, (b"etag", tag.encode()), (b"accept-ranges", b"bytes"),
               (b"content-length", str(length).encode())]  # fmt: skip
    response = served(await service.read(media, part), media.content_type, file_name, headers)
    if part is not None:
        response.status = 206
        response.headers.append((b"content-range", part.content_range))
    return response


def tag_of(media: Media, variant: str = "") -> str:
    """What tells this content, or a thumbnail of it, from all others."""
    assert media.sha256 is not None
    return f'"{media.sha256.hex()}{variant}"'


def served(
    pieces: AsyncIterator[bytes], content_type: str, file_name: str | None, headers: list[tuple[bytes, bytes]]
) -> Response:
    """Content as an answer that no browser runs."""
    labelled = (b"content-disposition", disposition.content_disposition(content_type, file_name))
    return Response(content_type=content_type, headers=[*disposition.SAFE_HEADERS, labelled, *headers], stream=pieces)
