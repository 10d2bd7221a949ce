"""The endpoints of aliases and the public directory."""

from __future__ import annotations

from typing import Any

import msgspec

from teahouse.errors import InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Auth, Request, Response, Route
from teahouse.rooms.api import ROOM, reader_of
from teahouse.rooms.directory import PUBLIC_ROOMS_PAGE_MAX, Directory, PublicRooms

DIRECTORY = "/_matrix/client/v3/directory"
PUBLIC_ROOMS = "/_matrix/client/v3/publicRooms"


class AliasBody(msgspec.Struct):
    """The body of a new alias."""

    room_id: str


class VisibilityBody(msgspec.Struct):
    """The body of listing a room."""

    visibility: str = "public"


class PublicRoomsFilter(msgspec.Struct):
    """What to look for in the directory."""

    generic_search_term: str | None = None
    room_types: list[str | None] | None = None


class PublicRoomsBody(msgspec.Struct):
    """The body of a search in the directory."""

    limit: int | None = None
    since: str | None = None
    filter: PublicRoomsFilter = msgspec.field(default_factory=PublicRoomsFilter)
    include_all_networks: bool = False
    third_party_instance_id: str | None = None


class DirectoryApi:
    """Names of rooms."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", f"{DIRECTORY}/room/{{roomAlias}}", self.resolve, Auth.NONE),
            Route("PUT", f"{DIRECTORY}/room/{{roomAlias}}", self.add),
            Route("DELETE", f"{DIRECTORY}/room/{{roomAlias}}", self.remove),
            Route("GET", f"{ROOM}/aliases", self.aliases),
            Route("GET", f"{DIRECTORY}/list/room/{{roomId}}", self.visibility, Auth.NONE),
            Route("PUT", f"{DIRECTORY}/list/room/{{roomId}}", self.set_visibility),
            Route("GET", PUBLIC_ROOMS, self.public_rooms, Auth.NONE),
            Route("POST", PUBLIC_ROOMS, self.search_public_rooms),
        ]

    async def resolve(self, request: Request) -> Response:
        alias = request.path["roomAlias"]
        if not alias.startswith("#"):
            raise InvalidParam("A room alias begins with '#'.")
        room_id = await self._directory.resolve(alias)
        return codec.reply({"room_id": room_id, "servers": [self._directory.server_name]})

    async def add(self, request: Request) -> Response:
        body = codec.body(request, AliasBody)
        await self._directory.add(reader_of(request), request.path["roomAlias"], body.room_id)
        return codec.reply({})

    async def remove(self, request: Request) -> Response:
        await self._directory.remove(reader_of(request), request.path["roomAlias"], admin=request.requester.admin)
        return codec.reply({})

    async def aliases(self, request: Request) -> Response:
        return codec.reply({"aliases": await self._directory.aliases(reader_of(request), request.path["roomId"])})

    async def visibility(self, request: Request) -> Response:
        listed = await self._directory.is_listed(request.path["roomId"])
        return codec.reply({"visibility": "public" if listed else "private"})

    async def set_visibility(self, request: Request) -> Response:
        body = codec.body(request, VisibilityBody)
        if body.visibility not in ("public", "private"):
            raise InvalidParam("'visibility' must be public or private.")
        await self._directory.set_listed(reader_of(request), request.path["roomId"], body.visibility == "public")
        return codec.reply({})

    async def public_rooms(self, request: Request) -> Response:
        self._check_server(request)
        limit = codec.integer(request, "limit", PUBLIC_ROOMS_PAGE_MAX, low=1, high=PUBLIC_ROOMS_PAGE_MAX)
        page = await self._directory.public_rooms("", codec.parameter(request, "since"), limit)
        return codec.reply(reply_of(page))

    async def search_public_rooms(self, request: Request) -> Response:
        body = codec.body(request, PublicRoomsBody)
        self._check_server(request)
        if body.third_party_instance_id is not None:
            if body.include_all_networks:
                raise InvalidParam("'third_party_instance_id' names one network; 'include_all_networks' asks for all.")
            return codec.reply({"chunk": [], "total_room_count_estimate": 0})  # no other network is reached from here
        if body.limit is not None and body.limit < 1:
            raise InvalidParam("'limit' must be at least 1.")
        limit = min(body.limit or PUBLIC_ROOMS_PAGE_MAX, PUBLIC_ROOMS_PAGE_MAX)
        search, types = body.filter.generic_search_term or "", body.filter.room_types
        return codec.reply(reply_of(await self._directory.public_rooms(search, body.since, limit, types)))

    def _check_server(self, request: Request) -> None:
        """Raises NotFound for the directory of another server: this one speaks with none."""
        server = codec.parameter(request, "server")
        if server is not None and server != self._directory.server_name:
            raise NotFound(f"The directory of {server} cannot be reached from here.")


def reply_of(page: PublicRooms) -> dict[str, Any]:
    """A page of the directory as JSON."""
    reply: dict[str, Any] = {"chunk": page.chunk, "total_room_count_estimate": page.total}
    for name, token in (("prev_batch", page.prev_batch), ("next_batch", page.next_batch)):
        if token is not None:
            reply[name] = token
    return reply
