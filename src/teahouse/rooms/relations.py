"""Children of an event, and the threads of a room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from teahouse.db import marks, padded
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix import events as matrix_events
from teahouse.matrix.filters import RoomEventFilter
from teahouse.rooms.history import History, Matches
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader, Window

RECURSION_DEPTH_MAX = 3  # generations that `recurse` follows; the specification recommends at least 3
RELATIONS_PAGE_MAX = 500  # children of one page
RELATIONS_SCANNED_MAX = 2_000  # children of one generation that recursion follows
RELATED_MAX = 5_000  # newest relations of a room that a filter by them looks at
THREADS_PAGE_MAX = 100  # threads of one page


@dataclass(frozen=True, slots=True)
class Children:
    """A page of child events; `end` is the position to go on from, None at the end; `depth` what recursion reached."""

    events: Sequence[StoredEvent]
    end: int | None
    depth: int


class Relations:
    """Reads the relations of events."""

    def __init__(self, rooms: Rooms, history: History) -> None:
        self._rooms = rooms
        self._history = history
        self._database = rooms.database

    async def children(
        self,
        reader: Reader,
        room_id: str,
        event_id: str,
        rel_type: str | None,
        event_type: str | None,
        *,
        start: int | None,
        stop: int | None,
        limit: int,
        backwards: bool,
        recurse: bool,
    ) -> tuple[RoomState, Window, Children]:
        """Events that relate to one, newest first when `backwards`."""
        state, window, parent = await self._history.visible(reader, room_id, event_id)
        positions, depth = await self._positions(state, parent.pos, rel_type, event_type, recurse)
        own = await self._own(reader, state, parent, rel_type, event_type)
        wanted = [
            pos
            for pos in sorted(positions | own.keys(), reverse=backwards)
            if (pos in own or window.readable(pos)) and within(pos, start, stop, backwards)
        ]
        shown = wanted[:limit]
        events = await self._rooms.eventlog.store.at_many(self._database, [pos for pos in shown if pos not in own])
        matches = await self._history.ignoring(reader, None)
        kept = [event for event in events if event.redacted_pos is None and (matches is None or matches(event))]
        kept += [own[pos] for pos in shown if pos in own]
        kept.sort(key=lambda event: event.pos, reverse=backwards)
        end = None
        if len(wanted) > limit:
            end = wanted[limit - 1] - 1 if backwards else wanted[limit - 1]
        return state, window, Children(kept, end, depth)

    async def threads(
        self, reader: Reader, room_id: str, *, participated: bool, before: int | None, limit: int
    ) -> tuple[RoomState, Window, list[StoredEvent], int | None]:
        """Thread roots, the one with the newest message first; and the position to go on from, None at the end."""
        state, window = await self._history.open(reader, room_id)
        condition = ""
        params: list[int] = [state.room_no]
        if participated:
            condition = (
                "AND (EXISTS (SELECT 1 FROM relations own WHERE own.room_no = r.room_no AND "
                "own.parent_pos = r.parent_pos AND own.rel_type = 'm.thread' AND own.sender_no = ?) "
                "OR EXISTS (SELECT 1 FROM events root WHERE root.pos = r.parent_pos AND root.sender_no = ?)) "
            )
            params += [reader.user_no, reader.user_no]
        rows = await self._database.fetch(
            "SELECT r.parent_pos, max(r.pos) FROM relations r WHERE r.room_no = ? AND r.rel_type = 'm.thread' "
            f"{condition}GROUP BY r.parent_pos HAVING max(r.pos) <= ? ORDER BY max(r.pos) DESC LIMIT ?",
            *params, 1 << 62 if before is None else before, limit + 1,
        )  # fmt: skip
        roots = {row[0]: row[1] for row in rows[:limit] if window.readable(row[0])}
        events = await self._rooms.eventlog.store.at_many(self._database, list(roots))
        ignored = await self._rooms.users.ignored(reader.user_no)
        events = [pruned(event, state) if event.sender in ignored else event for event in events]
        events.sort(key=lambda event: roots[event.pos], reverse=True)
        end = rows[limit - 1][1] - 1 if len(rows) > limit else None
        return state, window, events, end

    async def related(
        self, state: RoomState, window: Window, wanted: RoomEventFilter, matches: Matches | None
    ) -> Matches | None:
        """A filter that also asks by whom and how an event is related to: `related_by_senders`, `…_rel_types`."""
        senders, rel_types = wanted.related_by_senders, wanted.related_by_rel_types
        if senders is None and rel_types is None:
            return matches
        condition, params = "", list[object]([state.room_no])
        if senders is not None:
            numbers = [number for user_id in senders if (number := await self._rooms.users.number(user_id)) is not None]
            condition += f"AND sender_no IN ({marks(len(numbers))}) "
            params += padded(numbers)
        if rel_types is not None:
            condition += f"AND rel_type IN ({marks(len(rel_types))}) "
            params += padded(rel_types)
        rows = await self._database.fetch(
            f"SELECT parent_pos, pos FROM relations WHERE room_no = ? {condition}ORDER BY pos DESC LIMIT ?",
            *params, RELATED_MAX,
        )  # fmt: skip
        parents = {parent for parent, pos in rows if window.readable(pos)}
        return lambda event: event.pos in parents and (matches is None or matches(event))

    async def _own(
        self, reader: Reader, state: RoomState, parent: StoredEvent, rel_type: str | None, event_type: str | None
    ) -> dict[int, StoredEvent]:
        """What of a kept room's children the reader alone has, by position: clients that open a poll look here."""
        keeper = self._rooms.keeper_of(state)
        found = () if keeper is None else await keeper.own_about(reader, state, parent.pos)
        return {
            event.pos: event
            for event in found
            if event_type in (None, event.type) and rel_type in (None, event.content["m.relates_to"]["rel_type"])
        }

    async def _positions(
        self, state: RoomState, parent_pos: int, rel_type: str | None, event_type: str | None, recurse: bool
    ) -> tuple[set[int], int]:
        """Positions of the children that match, and of theirs when recursing; with the depth reached."""
        found: set[int] = set()
        generation = [parent_pos]
        depth = 0
        while generation and depth < (RECURSION_DEPTH_MAX if recurse else 1):
            depth += 1
            children: set[int] = set()
            for parent in generation:
                rows = await self._database.fetch(
                    "SELECT pos, rel_type, type FROM relations WHERE room_no = ? AND parent_pos = ? "
                    "ORDER BY pos DESC LIMIT ?",
                    state.room_no, parent, RELATIONS_SCANNED_MAX,
                )  # fmt: skip
                children |= {
                    row[0]
                    for row in rows
                    if (rel_type is None or row[1] == rel_type) and (event_type is None or row[2] == event_type)
                }
            # What does not match is not followed either: only through it nothing is found.
            found |= children
            generation = sorted(children)[-RELATIONS_SCANNED_MAX:]
        return found, depth


def pruned(event: StoredEvent, state: RoomState) -> StoredEvent:
    """An event as its redaction would leave it: the root of a thread, to one who ignores who began it."""
    left = matrix_events.redact(msgspec.json.decode(event.json), state.version)
    return msgspec.structs.replace(event, content=left["content"], json=msgspec.json.encode(left))


def within(pos: int, start: int | None, stop: int | None, backwards: bool) -> bool:
    """Whether a position lies between two places, in the direction of reading."""
    if backwards:
        return (start is None or pos <= start) and (stop is None or pos > stop)
    return (start is None or pos > start) and (stop is None or pos <= stop)
