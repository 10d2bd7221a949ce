"""The endpoints of key backups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from teahouse.errors import InvalidParam
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.keys import wire
from teahouse.keys.backups import Backups
from teahouse.keys.types import BackedUpKey, BackupVersion

VERSION = "/_matrix/client/v3/room_keys/version"
KEYS = "/_matrix/client/v3/room_keys/keys"


class BackupApi:
    """Versions, and keys whole, by room and by session."""

    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    def routes(self) -> list[Route]:
        """The endpoints."""
        routes = [
            Route("POST", VERSION, self.create_version),
            Route("GET", VERSION, self.current_version),
            Route("GET", f"{VERSION}/{{version}}", self.get_version),
            Route("PUT", f"{VERSION}/{{version}}", self.put_version),
            Route("DELETE", f"{VERSION}/{{version}}", self.delete_version),
            Route("PUT", KEYS, self.put_rooms),
            Route("PUT", f"{KEYS}/{{roomId}}", self.put_room),
            Route("PUT", f"{KEYS}/{{roomId}}/{{sessionId}}", self.put_session),
            Route("GET", KEYS, self.get_rooms),
            Route("GET", f"{KEYS}/{{roomId}}", self.get_room),
            Route("GET", f"{KEYS}/{{roomId}}/{{sessionId}}", self.get_session),
        ]
        for path in (KEYS, f"{KEYS}/{{roomId}}", f"{KEYS}/{{roomId}}/{{sessionId}}"):
            routes.append(Route("DELETE", path, self.delete_keys))
        return routes

    async def create_version(self, request: Request) -> Response:
        """Begin a backup."""
        body = wire.backup_version(request)
        version = await self._backups.create(request.requester.user_no, body.algorithm, body.auth_data)
        return codec.reply({"version": version})

    async def current_version(self, request: Request) -> Response:
        """The current backup."""
        return self._version(await self._backups.version(request.requester.user_no, None))

    async def get_version(self, request: Request) -> Response:
        """One backup."""
        return self._version(await self._backups.version(request.requester.user_no, request.path["version"]))

    async def put_version(self, request: Request) -> Response:
        """Replace a backup's auth data."""
        body, version = wire.backup_version(request), request.path["version"]
        if body.version not in (None, version):
            raise InvalidParam("The version in the body is not the one in the path.")
        await self._backups.update(request.requester.user_no, version, body.algorithm, body.auth_data)
        return codec.reply({})

    async def delete_version(self, request: Request) -> Response:
        """Remove a backup."""
        await self._backups.delete(request.requester.user_no, request.path["version"])
        return codec.reply({})

    async def put_rooms(self, request: Request) -> Response:
        """Store keys of many rooms."""
        body: wire.BackupBody = wire.body(request, wire.BackupBody)
        return await self._put(request, wire.backup_keys({room: each.sessions for room, each in body.rooms.items()}))

    async def put_room(self, request: Request) -> Response:
        """Store keys of one room."""
        body: wire.BackupRoomBody = wire.body(request, wire.BackupRoomBody)
        return await self._put(request, wire.backup_keys({request.path["roomId"]: body.sessions}))

    async def put_session(self, request: Request) -> Response:
        """Store one session's key."""
        body: wire.BackupKeyBody = wire.body(request, wire.BackupKeyBody)
        sessions = {request.path["sessionId"]: body}
        return await self._put(request, wire.backup_keys({request.path["roomId"]: sessions}))

    async def get_rooms(self, request: Request) -> Response:
        """All keys."""
        pages = await self._backups.keys(request.requester.user_no, codec.required(request, "version"), None)
        return Response(stream=rooms_json(pages))

    async def get_room(self, request: Request) -> Response:
        """The keys of one room."""
        version, room_id = codec.required(request, "version"), wire.name(request.path["roomId"], "room id")
        pages = await self._backups.keys(request.requester.user_no, version, room_id)
        return Response(stream=sessions_json(pages))

    async def get_session(self, request: Request) -> Response:
        """One session's key."""
        version = codec.required(request, "version")
        room_id = wire.name(request.path["roomId"], "room id")
        session_id = wire.name(request.path["sessionId"], "session id")
        key = await self._backups.key(request.requester.user_no, version, room_id, session_id)
        return Response(body=key_json(key))

    async def delete_keys(self, request: Request) -> Response:
        """Remove all keys, those of a room or that of a session."""
        version, path = codec.required(request, "version"), request.path
        room_id = wire.name(path["roomId"], "room id") if "roomId" in path else None
        session_id = wire.name(path["sessionId"], "session id") if "sessionId" in path else None
        return self._changed(await self._backups.delete_keys(request.requester.user_no, version, room_id, session_id))

    async def _put(self, request: Request, keys: Sequence[BackedUpKey]) -> Response:
        version = codec.required(request, "version")
        return self._changed(await self._backups.put(request.requester.user_no, version, keys))

    @staticmethod
    def _changed(version: BackupVersion) -> Response:
        return codec.reply({"etag": str(version.etag), "count": version.count})

    @staticmethod
    def _version(version: BackupVersion) -> Response:
        return codec.reply(
            {
                "algorithm": version.algorithm,
                "auth_data": msgspec.Raw(version.auth_data),
                "count": version.count,
                "etag": str(version.etag),
                "version": str(version.version),
            }
        )


def key_json(key: BackedUpKey) -> bytes:
    """One key as JSON."""
    return codec.encode(
        {
            "first_message_index": key.first_message_index,
            "forwarded_count": key.forwarded_count,
            "is_verified": key.is_verified,
            "session_data": msgspec.Raw(key.session_data),
        }
    )


async def sessions_json(pages: AsyncIterator[Sequence[BackedUpKey]]) -> AsyncIterator[bytes]:
    """The keys of one room as JSON, a page at a time."""
    yield b'{"sessions":{'
    comma = b""
    async for keys in pages:
        members = [codec.encode(key.session_id) + b":" + key_json(key) for key in keys]
        yield comma + b",".join(members)
        comma = b","
    yield b"}}"


async def rooms_json(pages: AsyncIterator[Sequence[BackedUpKey]]) -> AsyncIterator[bytes]:
    """Keys in the order of their rooms as JSON, a page at a time."""
    room_id = None
    yield b'{"rooms":{'
    async for keys in pages:
        piece = bytearray()
        for key in keys:
            if key.room_id != room_id:
                piece += (b"" if room_id is None else b"}},") + codec.encode(key.room_id) + b':{"sessions":{'
                room_id = key.room_id
            else:
                piece += b","
            piece += codec.encode(key.session_id) + b":" + key_json(key)
        yield bytes(piece)
    yield b"}}" if room_id is None else b"}}}}"
