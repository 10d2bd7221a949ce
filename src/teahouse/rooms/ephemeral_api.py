"""The endpoints of receipts, read markers, typing and presence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec

from teahouse.db import Transaction
from teahouse.errors import Forbidden, InvalidParam, NotFound
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.rooms.api import ROOM, reader_of
from teahouse.rooms.ephemeral import Presence, Typing
from teahouse.rooms.receipts import Receipts
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader

PRESENCE = "/_matrix/client/v3/presence/{userId}/status"
FULLY_READ = "m.fully_read"
SetAccountData = Callable[[Transaction, int, int, str, dict[str, Any]], Awaitable[None]]
Watchers = Callable[[int], Awaitable[Collection[int]]]


class ReceiptBody(msgspec.Struct):
    """The body of a receipt."""

    thread_id: Any = None


class MarkersBody(msgspec.Struct, rename={"fully_read": "m.fully_read", "read": "m.read", "private": "m.read.private"}):
    """The body of read markers."""

    fully_read: str | None = None
    read: str | None = None
    private: str | None = None


class TypingBody(msgspec.Struct):
    """The body of a typing notice."""

    typing: bool
    timeout: int | None = None


class PresenceBody(msgspec.Struct):
    """The body of a presence change."""

    presence: str
    status_msg: str | None = None


class EphemeralApi:
    """What is known of readers besides what they send."""

    def __init__(
        self,
        rooms: Rooms,
        receipts: Receipts,
        typing: Typing,
        presence: Presence,
        set_account_data: SetAccountData,
        watchers: Watchers,
    ) -> None:
        self._rooms = rooms
        self._receipts = receipts
        self._typing = typing
        self._presence = presence
        self._set_account_data = set_account_data
        self._watchers = watchers  # the contacts of a user: who may see their presence

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("POST", f"{ROOM}/receipt/{{receiptType}}/{{eventId}}", self.receipt, limit="receipts"),
            Route("POST", f"{ROOM}/read_markers", self.read_markers, limit="receipts"),
            Route("PUT", f"{ROOM}/typing/{{userId}}", self.put_typing, limit="receipts"),
            Route("PUT", PRESENCE, self.put_presence),
            Route("GET", PRESENCE, self.get_presence),
        ]

    async def receipt(self, request: Request) -> Response:
        body = codec.body(request, ReceiptBody)
        reader, path = reader_of(request), request.path
        if not isinstance(body.thread_id, str | None):
            raise InvalidParam("'thread_id' must be a string.")
        if path["receiptType"] == FULLY_READ:
            if body.thread_id is not None:
                raise InvalidParam("A fully-read marker has no 'thread_id'.")
            await self._fully_read(reader, path["roomId"], path["eventId"])
        else:
            await self._receipts.put(reader, path["roomId"], path["receiptType"], path["eventId"], body.thread_id)
        return codec.reply({})

    async def read_markers(self, request: Request) -> Response:
        body = codec.body(request, MarkersBody)
        reader, room_id = reader_of(request), request.path["roomId"]
        await self._rooms.require_joined(reader, room_id)
        if body.fully_read is not None:
            await self._fully_read(reader, room_id, body.fully_read)
        for kind, event_id in (("m.read", body.read), ("m.read.private", body.private)):
            if event_id is not None:
                await self._receipts.put(reader, room_id, kind, event_id, None)
        return codec.reply({})

    async def put_typing(self, request: Request) -> Response:
        body = codec.body(request, TypingBody)
        path = request.path
        await self._typing.put(reader_of(request), path["roomId"], path["userId"], body.typing, body.timeout)
        return codec.reply({})

    async def put_presence(self, request: Request) -> Response:
        body = codec.body(request, PresenceBody)
        reader = reader_of(request)
        if request.path["userId"] != reader.user_id:
            raise Forbidden("You can set only your own presence.")
        watchers = await self._watchers(reader.user_no)
        self._presence.put(reader.user_no, body.presence, body.status_msg, [*watchers, reader.user_no])
        return codec.reply({})

    async def get_presence(self, request: Request) -> Response:
        reader = reader_of(request)
        user_no = await self._rooms.users.number(request.path["userId"])
        if user_no is None:
            raise NotFound("There is no such user.")
        if user_no != reader.user_no and user_no not in await self._watchers(reader.user_no):
            raise Forbidden("Only contacts see each other's presence.")
        return codec.reply(self._presence.get(user_no))

    async def _fully_read(self, reader: Reader, room_id: str, event_id: str) -> None:
        state = await self._rooms.require_joined(reader, room_id)
        # In a kept room the reader may have events of their own, which stand in no log.
        if self._rooms.keeper_of(state) is None and await self._rooms.target(state, event_id) is None:
            raise InvalidParam("The fully-read marker must be at an event of the room.")
        async with self._rooms.database.transaction() as tx:
            await self._set_account_data(tx, reader.user_no, state.room_no, FULLY_READ, {"event_id": event_id})
