"""The endpoints of a room's timeline and state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from teahouse.errors import BadJson, InvalidParam, MissingParam
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.http import codec
from teahouse.http.messages import Request, Response, Route
from teahouse.matrix import filters
from teahouse.matrix.history_visibility import POS_MAX
from teahouse.rooms import tokens
from teahouse.rooms.history import PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX, History, Matches
from teahouse.rooms.membership import Membership
from teahouse.rooms.relations import RELATIONS_PAGE_MAX, THREADS_PAGE_MAX, Relations
from teahouse.rooms.service import Rooms
from teahouse.rooms.tokens import Token
from teahouse.rooms.types import Reader, Window

ROOM = "/_matrix/client/v3/rooms/{roomId}"
ROOM_V1 = "/_matrix/client/v1/rooms/{roomId}"


def reader_of(request: Request) -> Reader:
    """Who reads or writes."""
    requester = request.requester
    return Reader(requester.user_no, requester.user_id, requester.device_id)


class RoomsApi:
    """Send, state, redact, and reading back."""

    def __init__(self, rooms: Rooms, membership: Membership, history: History, relations: Relations) -> None:
        self._rooms = rooms
        self._membership = membership
        self._history = history
        self._relations = relations

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("PUT", f"{ROOM}/send/{{eventType}}/{{txnId}}", self.send, limit="send"),
            Route("PUT", f"{ROOM}/redact/{{eventId}}/{{txnId}}", self.redact, limit="send"),
            # Older bots name no transaction id, and do not retry. Source: Client-Server API, "Transaction identifiers".
            Route("POST", f"{ROOM}/send/{{eventType}}", self.send, limit="send"),
            Route("POST", f"{ROOM}/redact/{{eventId}}", self.redact, limit="send"),
            # An empty state key may come with its slash or without.
            Route("PUT", f"{ROOM}/state/{{eventType}}", self.put_state, limit="send"),
            Route("GET", f"{ROOM}/state/{{eventType}}", self.get_state_event),
            Route("PUT", f"{ROOM}/state/{{eventType}}/{{stateKey}}", self.put_state, limit="send"),
            Route("GET", f"{ROOM}/state/{{eventType}}/{{stateKey}}", self.get_state_event),
            Route("GET", f"{ROOM}/state", self.get_state),
            Route("GET", f"{ROOM}/members", self.members),
            Route("GET", f"{ROOM}/joined_members", self.joined_members),
            Route("GET", f"{ROOM}/messages", self.messages),
            Route("GET", f"{ROOM}/context/{{eventId}}", self.context),
            Route("GET", f"{ROOM}/event/{{eventId}}", self.event),
            Route("GET", f"{ROOM_V1}/relations/{{eventId}}", self.relations),
            Route("GET", f"{ROOM_V1}/relations/{{eventId}}/{{relType}}", self.relations),
            Route("GET", f"{ROOM_V1}/relations/{{eventId}}/{{relType}}/{{eventType}}", self.relations),
            Route("GET", f"{ROOM_V1}/threads", self.threads),
        ]

    async def send(self, request: Request) -> Response:
        path = request.path
        event_id = await self._rooms.send(
            reader_of(request), path["roomId"], path["eventType"], txn_id_of(path), codec.content(request)
        )
        return codec.reply({"event_id": event_id})

    async def redact(self, request: Request) -> Response:
        path = request.path
        content = codec.json_object(request)
        txn_id = txn_id_of(path)
        event_id = await self._rooms.redact(reader_of(request), path["roomId"], path["eventId"], txn_id, content)
        return codec.reply({"event_id": event_id})

    async def put_state(self, request: Request) -> Response:
        path = request.path
        content = codec.content(request)
        reader, room_id, state_key = reader_of(request), path["roomId"], path.get("stateKey", "")
        if path["eventType"] == "m.room.member":
            event_id = await self._membership.put_member(reader, room_id, state_key, content)
        else:
            event_id = await self._rooms.set_state(reader, room_id, path["eventType"], state_key, content)
        return codec.reply({"event_id": event_id})

    async def get_state_event(self, request: Request) -> Response:
        path = request.path
        reader = reader_of(request)
        event = await self._history.state_event(reader, path["roomId"], path["eventType"], path.get("stateKey", ""))
        shape = codec.parameter(request, "format", "content")
        if shape == "content":
            return codec.reply(event.content)
        if shape != "event":
            raise InvalidParam("'format' must be content or event.")
        state = await self._rooms.require(path["roomId"])
        [served] = await self._serve(reader, state, [event])
        return Response(body=served)

    async def get_state(self, request: Request) -> Response:
        reader = reader_of(request)
        state, events = await self._history.state(reader, request.path["roomId"])
        return codec.reply([msgspec.Raw(served) for served in await self._serve(reader, state, events)])

    async def members(self, request: Request) -> Response:
        reader = reader_of(request)
        at = codec.parameter(request, "at")
        state, events = await self._history.members(
            reader, request.path["roomId"], None if at is None else tokens.parse(at).pos,
            checked_membership(request, "membership"), checked_membership(request, "not_membership"),
        )  # fmt: skip
        return codec.reply({"chunk": [msgspec.Raw(served) for served in await self._serve(reader, state, events)]})

    async def joined_members(self, request: Request) -> Response:
        reader = reader_of(request)
        state = await self._rooms.require_joined(reader, request.path["roomId"])
        joined: dict[str, Any] = {}
        for event in await self._rooms.readership.members(reader, state, None):
            if event.content.get("membership") == "join" and event.state_key is not None:
                content = event.content
                names = {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
                joined[event.state_key] = {key: value for key, value in names.items() if isinstance(value, str)}
        return codec.reply({"joined": joined})

    async def messages(self, request: Request) -> Response:
        reader = reader_of(request)
        backwards = direction(request, required=True)
        limit = codec.integer(request, "limit", PAGE_EVENTS_DEFAULT, low=1, high=PAGE_EVENTS_MAX)
        wanted = event_filter(request)
        state, window = await self._history.open(reader, request.path["roomId"])
        origin, to = codec.parameter(request, "from"), codec.parameter(request, "to")
        start = (POS_MAX if backwards else 0) if origin is None else tokens.parse(origin).pos
        matches = await self._history.ignoring(reader, matcher(wanted, state))
        page = await self._history.page(
            state, window, min(start, state.head) if backwards else start, limit, backwards=backwards,
            stop=None if to is None else tokens.parse(to).pos,
            matches=await self._relations.related(state, window, wanted, matches),
        )  # fmt: skip
        reply: dict[str, Any] = {
            "start": self._token(page.start) if origin is None else origin,
            "chunk": await self._raw(reader, state, window, page.events, wanted),
        }
        end = page.beyond(backwards=backwards)
        if end is not None:
            reply["end"] = self._token(end)
        if wanted.lazy_load_members:
            reply["state"] = await self._members(reader, state, window, page.events)
        return codec.reply(reply)

    async def context(self, request: Request) -> Response:
        reader = reader_of(request)
        limit = codec.integer(request, "limit", PAGE_EVENTS_DEFAULT, high=PAGE_EVENTS_MAX)
        wanted = event_filter(request)
        room_id = request.path["roomId"]
        found = await self._rooms.require(room_id)
        matches = await self._history.ignoring(reader, matcher(wanted, found))
        state, window, around = await self._history.context(reader, room_id, request.path["eventId"], limit, matches)
        newest = around.after.events[-1] if around.after.events else around.event
        known = await self._history.state_at(reader, state, newest.pos)
        if wanted.lazy_load_members:
            shown = [around.event, *around.before.events, *around.after.events]
            senders = {event.sender for event in shown}
            known = [event for event in known if event.type != "m.room.member" or event.state_key in senders]
        shows = matcher(wanted, state)
        known = known if shows is None else [event for event in known if shows(event)]
        [event] = await self._history.serve(reader, state, window, [around.event])
        return codec.reply(
            {
                "event": msgspec.Raw(event),
                "events_before": await self._raw(reader, state, window, around.before.events, wanted),
                "events_after": await self._raw(reader, state, window, around.after.events, wanted),
                "state": [msgspec.Raw(served) for served in await self._serve(reader, state, known)],
                "start": self._token(or_else(around.before.beyond(backwards=True), around.event.pos - 1)),
                "end": self._token(or_else(around.after.beyond(backwards=False), around.event.pos)),
            }
        )

    async def event(self, request: Request) -> Response:
        reader = reader_of(request)
        state, window, event = await self._history.visible(reader, request.path["roomId"], request.path["eventId"])
        [served] = await self._history.serve(reader, state, window, [event])
        return Response(body=served)

    async def relations(self, request: Request) -> Response:
        reader = reader_of(request)
        path = request.path
        recurse = codec.boolean(request, "recurse")
        origin, to = codec.parameter(request, "from"), codec.parameter(request, "to")
        state, window, children = await self._relations.children(
            reader, path["roomId"], path["eventId"], path.get("relType"), path.get("eventType"),
            start=None if origin is None else tokens.parse(origin).pos,
            stop=None if to is None else tokens.parse(to).pos,
            limit=codec.integer(request, "limit", 50, low=1, high=RELATIONS_PAGE_MAX),
            backwards=direction(request, required=False),
            recurse=recurse,
        )  # fmt: skip
        served = await self._history.serve(reader, state, window, children.events)
        reply: dict[str, Any] = {"chunk": [msgspec.Raw(event) for event in served]}
        if children.end is not None:
            reply["next_batch"] = self._token(children.end)
        if origin is not None:
            reply["prev_batch"] = origin
        if recurse:
            reply["recursion_depth"] = children.depth
        return codec.reply(reply)

    async def threads(self, request: Request) -> Response:
        reader = reader_of(request)
        include = codec.parameter(request, "include", "all")
        if include not in ("all", "participated"):
            raise InvalidParam("'include' must be all or participated.")
        origin = codec.parameter(request, "from")
        state, window, roots, end = await self._relations.threads(
            reader, request.path["roomId"], participated=include == "participated",
            before=None if origin is None else tokens.parse(origin).pos,
            limit=codec.integer(request, "limit", 20, low=1, high=THREADS_PAGE_MAX),
        )  # fmt: skip
        served = await self._history.serve(reader, state, window, roots)
        reply: dict[str, Any] = {"chunk": [msgspec.Raw(event) for event in served]}
        if end is not None:
            reply["next_batch"] = self._token(end)
        return codec.reply(reply)

    async def _raw(
        self, reader: Reader, state: RoomState, window: Window, events: Any, wanted: filters.RoomEventFilter
    ) -> list[msgspec.Raw]:
        return [msgspec.Raw(served) for served in await self._history.serve(reader, state, window, events)]

    async def _serve(self, reader: Reader, state: RoomState, events: list[StoredEvent]) -> list[bytes]:
        window = await self._rooms.readership.window(reader, state)
        return await self._history.serve(reader, state, window, events)

    async def _members(
        self, reader: Reader, state: RoomState, window: Window, events: Sequence[StoredEvent]
    ) -> list[msgspec.Raw]:
        """The members who sent some events, as they were at the newest of these."""
        senders = sorted({event.sender for event in events})
        newest = max((event.pos for event in events), default=0)
        found = await self._history.members_of(reader, state, senders, newest)
        return [msgspec.Raw(served) for served in await self._history.serve(reader, state, window, found)]

    def _token(self, pos: int) -> str:
        return str(Token(self._rooms.eventlog.identifiers.epoch_of(pos), pos))


def txn_id_of(path: Mapping[str, str]) -> str:
    """The transaction id of a request; one that no other has, for one that names none."""
    return path["txnId"] if "txnId" in path else f"m.{secrets.token_urlsafe(12)}"


def direction(request: Request, *, required: bool) -> bool:
    """Whether `dir` asks to go backwards, towards older events."""
    value = codec.parameter(request, "dir", None if required else "b")
    if value is None:
        raise MissingParam("The query parameter 'dir' is required.")
    if value not in ("b", "f"):
        raise InvalidParam("'dir' must be b or f.")
    return value == "b"


def event_filter(request: Request) -> filters.RoomEventFilter:
    """The inline filter of a read."""
    text = codec.parameter(request, "filter")
    if text is None:
        return filters.RoomEventFilter()
    try:
        return filters.room_event_filter(text.encode())
    except BadJson as error:
        raise InvalidParam(error.message) from None


def matcher(wanted: filters.RoomEventFilter, state: RoomState) -> Matches | None:
    """The filter as a function on stored events; None when it lets everything through."""
    return filters.matcher(wanted, state.room_id)


def checked_membership(request: Request, name: str) -> str | None:
    """A membership from the query."""
    value = codec.parameter(request, name)
    if value is not None and value not in ("join", "invite", "leave", "ban", "knock"):
        raise InvalidParam(f"'{name}' must be join, invite, leave, ban or knock.")
    return value


def or_else(place: int | None, default: int) -> int:
    """A place, or where to go on from when there is none."""
    return default if place is None else place
