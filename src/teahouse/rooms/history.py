"""Reading a room: pages, single events, context, state, members. Every door asks the `Readership` first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from teahouse.errors import Forbidden, NotFound
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix.history_visibility import POS_MAX
from teahouse.rooms.service import NOT_IN_ROOM, Rooms
from teahouse.rooms.serving import Serving
from teahouse.rooms.types import Reader, Window

PAGE_EVENTS_MAX = 1_000  # events one page may hold
PAGE_EVENTS_DEFAULT = 10  # Client-Server API, "GET /messages", limit
SCANNED_EVENTS_MAX = 5_000  # events read for one page: a filter that matches little gets a short page and a token
READ_AT_ONCE_MAX = 200  # events of one read from the store
NOT_THERE = "There is no such event in this room, or you may not read it."

Matches = Callable[[StoredEvent], bool]


class Page(msgspec.Struct, frozen=True, gc=False):
    """Stored events in the order read, and where to go on: after or before `end`; None when nothing is left."""

    events: Sequence[StoredEvent]
    start: int
    end: int | None

    def beyond(self, *, backwards: bool) -> int | None:
        """The place after the last event, for those who ask on at the end; None for an empty page with nothing left."""
        if self.end is not None or not self.events:
            return self.end
        return self.events[-1].pos - 1 if backwards else self.events[-1].pos


@dataclass(frozen=True, slots=True)
class Context:
    """An event with those around it. `before` is newest first."""

    event: StoredEvent
    before: Page
    after: Page


class History:
    """The past of rooms, as far as each reader may see it."""

    def __init__(self, rooms: Rooms, serving: Serving) -> None:
        self._rooms = rooms
        self._serving = serving
        self._store = rooms.eventlog.store
        self._database = rooms.database

    async def open(self, reader: Reader, room_id: str) -> tuple[RoomState, Window]:
        """A room and the reader's window on it; raises Forbidden when nothing of it may be read."""
        state = await self._rooms.require(room_id)
        window = await self._rooms.readership.window(reader, state)
        place = (await self._rooms.readership.places(reader)).get(state.room_no)
        if not window.intervals or (place is not None and place.forgotten and place.membership != "join"):
            raise Forbidden(NOT_IN_ROOM)
        return state, window

    async def event(self, reader: Reader, room_id: str, event_id: str) -> tuple[RoomState, Window, StoredEvent]:
        """One event; raises NotFound when it is not there or may not be read."""
        state, window = await self.open(reader, room_id)
        pos = self._rooms.eventlog.identifiers.position(event_id)
        event = None if pos is None or not window.readable(pos) else await self._store.at(self._database, pos)
        if event is None and pos is not None:
            event = await self._own_event(reader, state, event_id, pos)
        if event is None or event.room_no != state.room_no:
            raise NotFound(NOT_THERE)
        return state, window, event

    async def visible(self, reader: Reader, room_id: str, event_id: str) -> tuple[RoomState, Window, StoredEvent]:
        """The same where one who may not see the room is told what one who may not read the event is told."""
        try:
            return await self.event(reader, room_id, event_id)
        except Forbidden:
            raise NotFound(NOT_THERE) from None

    async def _own_event(self, reader: Reader, state: RoomState, event_id: str, pos: int) -> StoredEvent | None:
        """An event of a kept room that the reader alone has: their membership, or what they sent."""
        keeper = self._rooms.keeper_of(state)
        if keeper is None:
            return None
        own = await self._rooms.readership.member(reader, state, reader.user_id, None)
        found = [*([] if own is None else [own]), *await keeper.own(reader, state, pos - 1, pos)]
        return next((event for event in found if event.event_id == event_id), None)

    async def page(
        self,
        state: RoomState,
        window: Window,
        start: int,
        limit: int,
        *,
        backwards: bool,
        stop: int | None = None,
        matches: Matches | None = None,
    ) -> Page:
        """At most `limit` readable events from the place `start` on.

        `start` and `stop` are places between events: after everything up to that position. Backwards begins with the
        newest event at or before `start`.
        """
        found: list[StoredEvent] = []
        scanned = 0
        last = start
        # Of a filter nobody knows how much it lets through; without one the first read is the page.
        at_once = READ_AT_ONCE_MAX if matches is not None else min(limit, READ_AT_ONCE_MAX)
        async for event in self._walk(state, window, start, stop, at_once, backwards):
            scanned += 1
            last = event.pos - 1 if backwards else event.pos
            if matches is None or matches(event):
                found.append(event)
                if len(found) >= limit:
                    break
            if scanned >= SCANNED_EVENTS_MAX:
                break
        else:
            return Page(found, start, None)
        return Page(found, start, last)

    async def context(
        self, reader: Reader, room_id: str, event_id: str, limit: int, matches: Matches | None
    ) -> tuple[RoomState, Window, Context]:
        """An event with up to `limit` others around it, half before and half after."""
        state, window, event = await self.event(reader, room_id, event_id)
        before, after = Page((), event.pos - 1, event.pos - 1), Page((), event.pos, event.pos)
        half = limit // 2
        if limit:
            before = await self.page(state, window, event.pos - 1, limit - half, backwards=True, matches=matches)
        if half:
            after = await self.page(state, window, event.pos, half, backwards=False, matches=matches)
        return state, window, Context(event, before, after)

    async def state(self, reader: Reader, room_id: str, at: int | None = None) -> tuple[RoomState, list[StoredEvent]]:
        """The state events the reader may see: now for a member, as of leaving for one who left."""
        state, upto = await self._state_place(reader, room_id)
        at = upto if at is None else min(at, upto)
        return state, await self.state_at(reader, state, None if at == POS_MAX else at)

    async def state_at(self, reader: Reader, state: RoomState, at: int | None) -> list[StoredEvent]:
        """A room's state as of position `at` (None: now), its member events by the reader's readership."""
        others = [event for (kind, _), event in state.entries.items() if kind != "m.room.member"]
        if at is not None and at < state.head:
            others = await self._rooms.eventlog.state_before(state, others, at)
        members = await self._rooms.readership.members(reader, state, at)
        return sorted([*others, *members], key=lambda event: event.pos)

    async def state_event(self, reader: Reader, room_id: str, event_type: str, state_key: str) -> StoredEvent:
        """One state event; raises NotFound when there is none."""
        state, upto = await self._state_place(reader, room_id)
        at = None if upto == POS_MAX else upto
        if event_type == "m.room.member":
            event = await self._rooms.readership.member(reader, state, state_key, at)
        else:
            event = await self._store.state_entry_at(self._database, state.room_no, event_type, state_key, upto)
        if event is None:
            raise NotFound("The room has no such state.")
        return event

    async def members(
        self, reader: Reader, room_id: str, at: int | None, membership: str | None, not_membership: str | None
    ) -> tuple[RoomState, list[StoredEvent]]:
        """Member events whose membership is the one, or is not the other."""
        state, upto = await self._state_place(reader, room_id)
        bound = upto if at is None else min(at, upto)
        events = await self._rooms.readership.members(reader, state, None if bound == POS_MAX else bound)
        return state, [
            event
            for event in events
            if (membership is None and not_membership is None)
            or event.content.get("membership") == membership
            or (not_membership is not None and event.content.get("membership") != not_membership)
        ]

    async def members_of(
        self, reader: Reader, state: RoomState, users: Collection[str], at: int | None
    ) -> list[StoredEvent]:
        """The member events of some users: what lazy loading adds."""
        found = [await self._rooms.readership.member(reader, state, user_id, at) for user_id in users]
        return [event for event in found if event is not None]

    async def serve(
        self, reader: Reader, state: RoomState, window: Window, events: Sequence[StoredEvent], *, room_id: bool = True
    ) -> list[bytes]:
        """Events as the reader's JSON."""
        ignored = await self._rooms.users.ignored(reader.user_no)
        return await self._serving.events(reader, state, window, events, with_room_id=room_id, ignored=ignored)

    async def ignoring(self, reader: Reader, matches: Matches | None) -> Matches | None:
        """A filter that also drops messages of users the reader ignores."""
        return not_from(await self._rooms.users.ignored(reader.user_no), matches)

    async def _state_place(self, reader: Reader, room_id: str) -> tuple[RoomState, int]:
        """A room and the newest position whose state the reader may see."""
        state = await self._rooms.require(room_id)
        place = (await self._rooms.readership.places(reader)).get(state.room_no)
        if place is not None and place.membership == "join":
            return state, POS_MAX
        if state.history_visibility == "world_readable":
            return state, POS_MAX
        window = await self._rooms.readership.window(reader, state)
        if place is None or place.forgotten or not window.joined_until(place.pos):
            raise Forbidden(NOT_IN_ROOM)
        return state, window.joined_until(place.pos)

    async def _walk(
        self, state: RoomState, window: Window, start: int, stop: int | None, at_once: int, backwards: bool
    ) -> AsyncIterator[StoredEvent]:
        """Readable events one after the other, read a few at a time."""
        for interval in reversed(window.intervals) if backwards else window.intervals:
            first, last = clipped(interval, start, stop, backwards)
            while first <= last:
                events = await self._store.range(
                    self._database, state.room_no, first, last, at_once, backwards=backwards
                )
                for event in events:
                    yield event
                if len(events) < at_once:
                    break
                if backwards:
                    last = events[-1].pos - 1
                else:
                    first = events[-1].pos + 1


def clipped(interval: tuple[int, int], start: int, stop: int | None, backwards: bool) -> tuple[int, int]:
    """What of an interval lies between two places, in the direction of reading."""
    first, last = interval
    if backwards:
        return max(first, 0 if stop is None else stop + 1), min(last, start)
    return max(first, start + 1), last if stop is None else min(last, stop)


def not_from(ignored: Collection[str], matches: Matches | None) -> Matches | None:
    """A filter that also drops messages of ignored users."""
    if not ignored:
        return matches
    return lambda event: (
        (event.state_key is not None or event.sender not in ignored) and (matches is None or matches(event))
    )
