"""How much is unread, by each reader's push rules.

For users with the predefined rules the count is a sum over class bits and the rows of who is mentioned; for others each
unread event is judged once and the verdict kept. Counts stop at 999.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teahouse.db import Database
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import EventClass, StoredEvent
from teahouse.matrix import push_rules
from teahouse.matrix.push_rules import Outcome, PushContext, Ruleset
from teahouse.push.service import PushRules

COUNT_MAX = 999  # counts stop here; so does the reading for them
ROOMS_CACHED_MAX = 5_000  # rooms whose newest notifying events are kept
JUDGED_CACHED_MAX = 200_000  # verdicts kept of users with rules of their own
MAIN = "main"
WANTED = int(EventClass.NOTIFIES | EventClass.MENTIONS)


@dataclass(frozen=True, slots=True)
class Counts:
    """Unread notifications and highlights: of the main timeline (or the whole room), and of each thread."""

    notifications: int
    highlights: int
    threads: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Mark:
    """What counting needs of one event."""

    pos: int
    sender_no: int
    class_: int
    thread_pos: int | None


@dataclass(slots=True)
class Recent:
    """The newest events of a room that may notify, oldest first; all of them after `floor`."""

    floor: int
    marks: list[Mark]


class Unread:
    """Unread counts of all users."""

    def __init__(self, database: Database, eventlog: EventLog, rules: PushRules) -> None:
        self._database = database
        self._eventlog = eventlog
        self._rules = rules
        self._recent: OrderedDict[int, Recent] = OrderedDict()
        self._judged: OrderedDict[tuple[int, int], Outcome] = OrderedDict()
        eventlog.subscribe(self)

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Keep the newest marks true."""
        for event in events:
            recent = self._recent.get(event.room_no)
            if recent is None:
                continue
            if event.type == "m.room.redaction":
                del self._recent[event.room_no]  # an earlier event may have stopped counting
            elif event.class_ & WANTED:
                recent.marks.append(Mark(event.pos, event.sender_no, event.class_, event.thread_pos))
                if len(recent.marks) > 2 * COUNT_MAX:
                    del recent.marks[:COUNT_MAX]
                    recent.floor = recent.marks[0].pos - 1

    def rules_changed(self, user_no: int, data_type: str) -> None:
        """A user's rules changed: what was judged by the old ones is void."""
        if data_type == "m.push_rules":
            for key in [key for key in self._judged if key[0] == user_no]:
                del self._judged[key]

    async def counts(
        self, user_no: int, user_id: str, state: RoomState, marks: Mapping[str, int], upto: int, *, threads: bool
    ) -> Counts:
        """Counts of events in the room after the read positions and at or before `upto`.

        `marks` are read positions by thread: '' for unthreaded receipts, 'main', or a root's event id. Without
        `threads` everything counts towards the main timeline, read by any receipt at all.
        """
        floor = marks.get("", 0)
        own = await self._rules.own(user_no)
        if own is None:
            unread = await self._after(state.room_no, floor, upto)
        else:
            unread = await self._read(state.room_no, floor, upto)  # own rules may notify of anything
        if not unread:
            return Counts(0, 0, {})
        mentioned = await self._mentions(user_no, state.room_no, floor) if own is None else set()
        totals: dict[str, list[int]] = {}
        for mark in unread:
            thread = self._thread(state, mark, marks, threads=threads)
            if thread is None or mark.sender_no == user_no:
                continue
            if own is None:
                verdict = by_default(mark, mentioned)
            else:
                verdict = await self._judge(user_no, user_id, state, mark, own)
            if verdict.notify:
                total = totals.setdefault(thread, [0, 0])
                total[0] = min(total[0] + 1, COUNT_MAX)
                total[1] = min(total[1] + verdict.highlight, COUNT_MAX)
        main = totals.pop(MAIN, [0, 0])
        return Counts(main[0], main[1], {root: (total[0], total[1]) for root, total in totals.items()})

    def _thread(self, state: RoomState, mark: Mark, marks: Mapping[str, int], *, threads: bool) -> str | None:
        """The thread an unread event counts in; None when it is read."""
        name = MAIN
        if mark.thread_pos is not None:
            name = self._eventlog.identifiers.event_id(mark.thread_pos, state.room_no)
        if mark.pos <= marks.get(name, 0):
            return None
        return name if threads else MAIN

    async def _after(self, room_no: int, floor: int, upto: int) -> Sequence[Mark]:
        """The newest events after `floor` that may notify, at most as many as counts reach."""
        recent = self._recent.get(room_no)
        if recent is None:
            recent = await self._load(room_no)
        first = bisect_right(recent.marks, floor, key=lambda mark: mark.pos)
        found = recent.marks[max(first, len(recent.marks) - COUNT_MAX) :]
        return found if not found or found[-1].pos <= upto else [mark for mark in found if mark.pos <= upto]

    async def _load(self, room_no: int) -> Recent:
        head = self._database.head
        rows = await self._database.fetch(
            f"SELECT pos, sender_no, class, thread_pos FROM events WHERE room_no = ? AND (class & {WANTED}) <> 0 "
            "ORDER BY pos DESC LIMIT ?",
            room_no, COUNT_MAX,
        )  # fmt: skip
        marks = [Mark(*row) for row in reversed(rows)]
        recent = Recent(marks[0].pos - 1 if len(marks) == COUNT_MAX else 0, marks)
        if head == self._database.head:
            self._recent[room_no] = recent
            if len(self._recent) > ROOMS_CACHED_MAX:
                self._recent.popitem(last=False)
        return recent

    async def _read(self, room_no: int, floor: int, upto: int) -> Sequence[Mark]:
        """The newest events of any kind after `floor`."""
        rows = await self._database.fetch(
            "SELECT pos, sender_no, class, thread_pos FROM events WHERE room_no = ? AND pos > ? AND pos <= ? "
            "AND redacted_pos IS NULL ORDER BY pos DESC LIMIT ?",
            room_no, floor, upto, COUNT_MAX,
        )  # fmt: skip
        return [Mark(*row) for row in reversed(rows)]

    async def _mentions(self, user_no: int, room_no: int, floor: int) -> set[int]:
        rows = await self._database.fetch(
            "SELECT pos FROM mentions WHERE user_no = ? AND room_no = ? AND pos > ? ORDER BY pos DESC LIMIT ?",
            user_no, room_no, floor, COUNT_MAX,
        )  # fmt: skip
        return {row[0] for row in rows}

    async def _judge(self, user_no: int, user_id: str, state: RoomState, mark: Mark, rules: Ruleset) -> Outcome:
        """What the user's own rules say of an event."""
        key = (user_no, mark.pos)
        verdict = self._judged.get(key)
        if verdict is None:
            event = await self._eventlog.store.at(self._database, mark.pos)
            assert event is not None
            verdict = push_rules.evaluate(rules, shape(event, state.room_id), context(user_id, state, event.sender))
            self._judged[key] = verdict
            if len(self._judged) > JUDGED_CACHED_MAX:
                self._judged.popitem(last=False)
        return verdict


def by_default(mark: Mark, mentioned: set[int]) -> Outcome:
    """What the predefined rules say."""
    if mark.pos in mentioned:
        return Outcome(True, True)
    return Outcome(bool(mark.class_ & EventClass.NOTIFIES), bool(mark.class_ & EventClass.HIGHLIGHTS_ROOM))


def shape(event: StoredEvent, room_id: str) -> dict[str, Any]:
    """An event as rules look at it."""
    return {
        "type": event.type,
        "sender": event.sender,
        "room_id": room_id,
        "state_key": event.state_key,
        "content": event.content,
    }


def context(user_id: str, state: RoomState, sender: str) -> PushContext:
    """What rules may ask besides the event."""
    levels = state.power_levels
    return PushContext(user_id, len(state.joined), levels.user(sender), levels.notifications)
