"""How much is unread, by each reader's push rules.

For users with the predefined rules the count is a sum over class bits and the rows of who is mentioned; for others each
unread event is judged once and the verdict kept. Counts stop at 999.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

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
WANTED = EventClass.NOTIFIES | EventClass.MENTIONS
Readable = Callable[[int], bool]  # of the event at a position
SPECIAL = EventClass.HIGHLIGHTS_ROOM | EventClass.MENTIONS


class Counts(msgspec.Struct, frozen=True, gc=False):
    """Unread notifications and highlights: of the main timeline (or the whole room), and of each thread."""

    notifications: int
    highlights: int
    threads: Mapping[str, tuple[int, int]]


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What counting needs of one event."""

    pos: int
    sender_no: int
    class_: int
    thread_pos: int | None

    @property
    def plain(self) -> bool:
        """Whether it counts one for every reader alike: no thread, no highlight, nobody named."""
        return self.thread_pos is None and self.class_ & SPECIAL == 0


@dataclass(slots=True)
class Recent:
    """The newest events of a room that may notify, oldest first: the plain ones by position, the others whole."""

    plain: list[int]
    special: list[Mark]

    def add(self, mark: Mark) -> None:
        """Take in a newer event. One that is here already, read between its commit and the news of it, counts once."""
        if mark.pos <= max(self.plain[-1] if self.plain else 0, self.special[-1].pos if self.special else 0):
            return
        if mark.plain:
            self.plain.append(mark.pos)
            if len(self.plain) > 2 * COUNT_MAX:
                del self.plain[:COUNT_MAX]
        else:
            self.special.append(mark)
            if len(self.special) > 2 * COUNT_MAX:
                del self.special[:COUNT_MAX]


class Unread:
    """Unread counts of all users."""

    def __init__(
        self, database: Database, eventlog: EventLog, rules: PushRules, number: Callable[[str], Awaitable[int | None]]
    ) -> None:
        """`number` gives the user_no of a user id."""
        self._database = database
        self._eventlog = eventlog
        self._rules = rules
        self._number = number
        self._recent: OrderedDict[int, Recent] = OrderedDict()
        self._judged: OrderedDict[tuple[int, int], tuple[Ruleset, Outcome]] = OrderedDict()
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
                recent.add(Mark(event.pos, event.sender_no, event.class_, event.thread_pos))

    async def counts(
        self,
        user_no: int,
        user_id: str,
        state: RoomState,
        marks: Mapping[str, int],
        upto: int,
        *,
        threads: bool,
        ignored: Collection[str] = (),
        readable: Readable | None = None,
    ) -> Counts:
        """Counts of events in the room after the read positions and at or before `upto`, those of `ignored` left out,
        and those that the reader may not read where `readable` says that there are any.

        `marks` are read positions by thread: '' for unthreaded receipts, 'main', or a root's event id. Without
        `threads` everything counts towards the main timeline, read by any receipt at all.
        """
        own = await self._rules.own(user_no)
        silent = await self._silent(state, ignored) if ignored else frozenset()
        if own is not None or silent or readable is not None:
            return await self._one_by_one(user_no, user_id, state, marks, upto, own, silent, readable, threads=threads)
        recent = self._recent.get(state.room_no) or await self._load(state.room_no)
        floor = marks.get("", 0)
        # One's own messages move the read position past themselves, so none of the plain events after it is one's own.
        read = max(floor, marks.get(MAIN, 0))
        plain = bisect_right(recent.plain, upto) - bisect_right(recent.plain, read)
        special = recent.special
        if not special or special[-1].pos <= floor:
            return Counts(min(max(plain, 0), COUNT_MAX), 0, {})
        unread = special[bisect_right(special, floor, key=position) : bisect_right(special, upto, key=position)]
        mentioned = await self._mentions(user_no, state.room_no, floor)
        totals = {MAIN: [max(plain, 0), 0]}
        for mark in unread:
            self._add(totals, state, mark, marks, by_default(mark, mentioned), user_no, threads=threads)
        return counted(totals)

    async def _silent(self, state: RoomState, ignored: Collection[str]) -> frozenset[int]:
        """The user_no of the ignored users who have been in the room."""
        names = [user_id for user_id in ignored if ("m.room.member", user_id) in state.entries]
        return frozenset([number for name in names if (number := await self._number(name)) is not None])

    async def _one_by_one(
        self, user_no: int, user_id: str, state: RoomState, marks: Mapping[str, int], upto: int, own: Ruleset | None,
        silent: Collection[int], readable: Readable | None, *, threads: bool,
    ) -> Counts:  # fmt: skip
        """The same where rules of one's own may notify of anything, one ignores somebody, or some may not be read."""
        totals = {MAIN: [0, 0]}
        floor = marks.get("", 0)
        mentioned = await self._mentions(user_no, state.room_no, floor) if own is None else set()
        for mark in await self._read(state.room_no, floor, upto, WANTED if own is None else None):
            if mark.sender_no in silent or (readable is not None and not readable(mark.pos)):
                continue
            verdict = by_default(mark, mentioned) if own is None else await self._judge(
                user_no, user_id, state, mark, own
            )  # fmt: skip
            self._add(totals, state, mark, marks, verdict, user_no, threads=threads)
        return counted(totals)

    def _add(
        self, totals: dict[str, list[int]], state: RoomState, mark: Mark, marks: Mapping[str, int], verdict: Outcome,
        user_no: int, *, threads: bool,
    ) -> None:  # fmt: skip
        """Count one event, unless it is read, the reader's own, or of no interest."""
        thread = self._thread(state, mark, marks, threads=threads)
        if thread is None or mark.sender_no == user_no or not verdict.notify:
            return
        total = totals.setdefault(thread, [0, 0])
        total[0] += 1
        total[1] += verdict.highlight

    def _thread(self, state: RoomState, mark: Mark, marks: Mapping[str, int], *, threads: bool) -> str | None:
        """The thread an unread event counts in; None when it is read."""
        name = MAIN
        if mark.thread_pos is not None:
            name = self._eventlog.identifiers.event_id(mark.thread_pos, state.room_no)
        if mark.pos <= marks.get(name, 0):
            return None
        return name if threads else MAIN

    async def _load(self, room_no: int) -> Recent:
        head = self._database.head
        rows = await self._database.fetch(
            f"SELECT pos, sender_no, class, thread_pos FROM events WHERE room_no = ? AND (class & {WANTED}) <> 0 "
            "ORDER BY pos DESC LIMIT ?",
            room_no, COUNT_MAX,
        )  # fmt: skip
        recent = Recent([], [])
        for row in reversed(rows):
            recent.add(Mark(*row))
        if head == self._database.head:
            self._recent[room_no] = recent
            if len(self._recent) > ROOMS_CACHED_MAX:
                self._recent.popitem(last=False)
        return recent

    async def _read(self, room_no: int, floor: int, upto: int, wanted: int | None) -> Sequence[Mark]:
        """The newest events after `floor`: those with a class bit of `wanted`, or of any kind."""
        condition = "" if wanted is None else f"AND (class & {wanted}) <> 0 "
        rows = await self._database.fetch(
            "SELECT pos, sender_no, class, thread_pos FROM events WHERE room_no = ? AND pos > ? AND pos <= ? "
            f"AND redacted_pos IS NULL {condition}ORDER BY pos DESC LIMIT ?",
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
        """What the user's own rules say of an event. A verdict is void once the user has other rules."""
        key = (user_no, mark.pos)
        judged = self._judged.get(key)
        if judged is not None and judged[0] is rules:
            return judged[1]
        event = await self._eventlog.store.at(self._database, mark.pos)
        assert event is not None
        verdict = push_rules.evaluate(rules, shape(event, state.room_id), context(user_id, state, event.sender))
        self._judged[key] = (rules, verdict)
        if len(self._judged) > JUDGED_CACHED_MAX:
            self._judged.popitem(last=False)
        return verdict


def position(mark: Mark) -> int:
    """Where an event stands."""
    return mark.pos


def counted(totals: Mapping[str, Sequence[int]]) -> Counts:
    """Totals by thread as counts, stopped at their limit."""
    capped = {name: (min(total[0], COUNT_MAX), min(total[1], COUNT_MAX)) for name, total in totals.items()}
    unread, highlights = capped.pop(MAIN)
    return Counts(unread, highlights, capped)


def by_default(mark: Mark, mentioned: set[int]) -> Outcome:
    """What the predefined rules say."""
    if mark.pos in mentioned:
        return Outcome(True, True)
    return Outcome(bool(mark.class_ & EventClass.NOTIFIES), bool(mark.class_ & EventClass.HIGHLIGHTS_ROOM))


def shape(event: StoredEvent, room_id: str) -> dict[str, Any]:
    """An event as rules look at it."""
    shown = {"type": event.type, "sender": event.sender, "room_id": room_id, "content": event.content}
    return shown if event.state_key is None else {**shown, "state_key": event.state_key}


def context(user_id: str, state: RoomState, sender: str) -> PushContext:
    """What rules may ask besides the event."""
    levels, own = state.power_levels, state.content("m.room.member", user_id) or {}
    name = own.get("displayname")
    return PushContext(
        user_id, len(state.joined), levels.user(sender), levels.notifications, name if isinstance(name, str) else None
    )
