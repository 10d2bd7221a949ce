"""Stored events as a reader sees them: with room id, age, echo of the transaction id, and bundled aggregations.

Stored bytes are spliced, not decoded: what differs per reader is appended before the closing brace.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Row, marks, padded
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import EventClass, StoredEvent
from teahouse.matrix import events as matrix_events
from teahouse.rooms.types import Keeper, Reader, Window

CHILDREN_BUNDLED_MAX = 1_000  # relations read to bundle one page of events
NEEDS_LOOKUP = EventClass.STATE | EventClass.HAS_CHILDREN

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Serving:
    """Turns stored events into a reader's JSON."""

    def __init__(
        self, database: Database, eventlog: EventLog, clock: Clock, keeper_of: Callable[[RoomState], Keeper | None]
    ) -> None:
        self._database = database
        self._eventlog = eventlog
        self._clock = clock
        self._keeper_of = keeper_of

    async def events(
        self,
        reader: Reader,
        state: RoomState,
        window: Window,
        events: Sequence[StoredEvent],
        *,
        with_room_id: bool = True,
        ignored: Collection[str] = (),
    ) -> list[bytes]:
        """Events in the order given, each as JSON bytes."""
        if not events:
            return []
        now_ms = self._clock.now_ms()
        keeper = self._keeper_of(state)
        if keeper is not None:
            events = await keeper.shown(state, events)
        extra = b',"room_id":' + _encode(state.room_id) if with_room_id else b""
        bundles = await self._bundles(reader, state, window, events, ignored)
        served: list[bytes] = []
        for event in events:
            if event.class_ & NEEDS_LOOKUP or event.redacted_pos is not None:
                unsigned = await self._unsigned(reader, state, window, event, bundles)
            else:
                unsigned = {}
            served.append(splice(event, reader, window, now_ms, extra, unsigned))
        return served

    async def _unsigned(
        self, reader: Reader, state: RoomState, window: Window, event: StoredEvent, bundles: dict[int, dict[str, Any]]
    ) -> dict[str, Any]:
        """The parts of unsigned that need other rows."""
        unsigned: dict[str, Any] = {}
        if event.redacted_pos is not None and window.readable(event.redacted_pos):
            redaction = await self._eventlog.store.at(self._database, event.redacted_pos)
            if redaction is not None:
                because = splice(redaction, reader, window, self._clock.now_ms(), room_id_of(state), {})
                unsigned["redacted_because"] = msgspec.Raw(because)
        if event.replaces_pos is not None and window.known(event.replaces_pos, event.pos):
            before = await self._eventlog.store.at(self._database, event.replaces_pos)
            if before is not None:
                unsigned["prev_content"] = before.content
                unsigned["replaces_state"] = before.event_id
                unsigned["prev_sender"] = before.sender
        bundle = bundles.get(event.pos)
        if bundle:
            unsigned["m.relations"] = bundle
        return unsigned

    async def _bundles(
        self, reader: Reader, state: RoomState, window: Window, events: Sequence[StoredEvent], ignored: Collection[str]
    ) -> dict[int, dict[str, Any]]:
        """Bundled aggregations by parent position. Source: Client-Server API, "Aggregations of child events"."""
        parents = [event for event in events if event.class_ & EventClass.HAS_CHILDREN]
        if not parents:
            return {}
        rows = await self._children(state, [event.pos for event in parents])
        if len(rows) == CHILDREN_BUNDLED_MAX:  # the many of one must not hide the few of another
            rows = [row for event in parents for row in await self._children(state, [event.pos])]
        if ignored and rows:
            found = await self._eventlog.store.at_many(self._database, [row[1] for row in rows])
            silent = {event.pos for event in found if event.sender in ignored}
            rows = [row for row in rows if row[1] not in silent]
        bundles: dict[int, dict[str, Any]] = {}
        for parent in parents:
            children = [row[1:] for row in rows if row[0] == parent.pos and window.readable(row[1])]
            bundle = await self._bundle(reader, state, window, parent, children, ignored)
            if bundle:
                bundles[parent.pos] = bundle
        return bundles

    async def _children(self, state: RoomState, parents: Sequence[int]) -> Sequence[Row]:
        """(parent_pos, pos, rel_type, type, sender_no) of what relates to some events, the newest of each first."""
        return await self._database.fetch(
            "SELECT parent_pos, pos, rel_type, type, sender_no FROM relations WHERE room_no = ? AND parent_pos IN "
            f"({marks(len(parents))}) AND rel_type IN ('m.replace', 'm.thread', 'm.reference') "
            "ORDER BY parent_pos, pos DESC LIMIT ?",
            state.room_no, *padded(parents), CHILDREN_BUNDLED_MAX,
        )  # fmt: skip

    async def _bundle(
        self,
        reader: Reader,
        state: RoomState,
        window: Window,
        parent: StoredEvent,
        children: Sequence[Sequence[Any]],
        ignored: Collection[str],
    ) -> dict[str, Any]:
        bundle: dict[str, Any] = {}
        edits = [
            pos for pos, rel_type, event_type, _ in children if rel_type == "m.replace" and event_type == parent.type
        ]
        # What was emptied stays empty, and an edit has no edits.
        if edits and parent.redacted_pos is None and not matrix_events.replaces(parent.content):
            edit = await self._current(state, edits[0])
            if (edit is not None and "m.new_content" in edit.content) or (edit and edit.type == "m.room.encrypted"):
                bundle["m.replace"] = msgspec.Raw(
                    splice(edit, reader, window, self._clock.now_ms(), room_id_of(state), {})
                )
        references = [pos for pos, rel_type, _, _ in children if rel_type == "m.reference"]
        if references:
            identifiers = self._eventlog.identifiers
            bundle["m.reference"] = {
                "chunk": [{"event_id": identifiers.event_id(pos, state.room_no)} for pos in reversed(references)]
            }
        thread = [(pos, sender_no) for pos, rel_type, _, sender_no in children if rel_type == "m.thread"]
        if thread:
            bundle["m.thread"] = await self._thread(reader, state, window, parent, thread, ignored)
        return {key: value for key, value in bundle.items() if value is not None}

    async def _current(self, state: RoomState, pos: int) -> StoredEvent | None:
        """The event at a position as it stands now, by the room's keeper."""
        event = await self._eventlog.store.at(self._database, pos)
        keeper = self._keeper_of(state)
        return event if event is None or keeper is None else (await keeper.shown(state, [event]))[0]

    async def _thread(
        self,
        reader: Reader,
        state: RoomState,
        window: Window,
        parent: StoredEvent,
        thread: Sequence[tuple[int, int]],
        ignored: Collection[str],
    ) -> dict[str, Any] | None:
        """The thread summary: newest event, number of events, whether the reader took part."""
        latest = await self._eventlog.store.at(self._database, thread[0][0])
        if latest is None:
            return None
        [served] = await self.events(reader, state, window, [latest], ignored=ignored)
        took_part = parent.sender_no == reader.user_no or any(number == reader.user_no for _, number in thread)
        return {
            "latest_event": msgspec.Raw(served),
            "count": len(thread),
            "current_user_participated": took_part,
        }


def splice(
    event: StoredEvent, reader: Reader, window: Window, now_ms: int, extra: bytes, unsigned: dict[str, Any]
) -> bytes:
    """The event's bytes with `extra` and unsigned put before the closing brace."""
    unsigned["age"] = max(now_ms - event.origin_server_ts, 0)
    if window.memberships:
        unsigned["membership"] = window.membership_at(event.pos)
    if event.txn is not None and event.sender_no == reader.user_no:
        device_id, _, txn_id = event.txn.partition(" ")
        if device_id == reader.device_id:
            unsigned["transaction_id"] = txn_id
    return event.json[:-1] + extra + b',"unsigned":' + _encode(unsigned) + b"}"


def room_id_of(state: RoomState) -> bytes:
    """The room id as a further key of an event."""
    return b',"room_id":' + _encode(state.room_id)


def stripped(event: StoredEvent) -> dict[str, Any]:
    """A state event as shown to somebody outside the room. Source: Client-Server API, "Stripped state"."""
    return {"type": event.type, "state_key": event.state_key, "sender": event.sender, "content": event.content}


def only_fields(served: bytes, fields: Iterable[str]) -> bytes:
    """An event cut down to a filter's `event_fields`."""
    return _encode(matrix_events.only_fields(_decode(served), tuple(fields)))
