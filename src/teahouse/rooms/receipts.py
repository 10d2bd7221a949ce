"""How far everybody has read: receipts, read markers, and the positions that unread counts start from.

A receipt is durable when it is acknowledged and shown to others a little later, together with its room's next ones:
in a group of 500 everybody reads at once, and each receipt by itself would be 500 wake-ups.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database
from teahouse.errors import InvalidParam, StorageFull
from teahouse.eventlog.service import EventLog
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.store import MAIN_THREAD, SENT
from teahouse.eventlog.types import StoredEvent
from teahouse.matrix import events
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Keeper, Reader

SHOWN_AFTER_S = 1.0  # how long receipts of a small room gather before others see them
SHOWN_AFTER_LARGE_S = 5.0  # the same in a room of more than LARGE_ROOM_MEMBERS
LARGE_ROOM_MEMBERS = 50
MARKS_CACHED_MAX = 200_000  # pairs of room and user whose read positions are kept
RECEIPTS_SHOWN_MAX = 2_000  # receipts of one room in one response
SHOWINGS_MAX = 16  # newest showings of a room that readers share
ROOMS_SHOWN_MAX = 10_000  # rooms whose showings are shared
SPANS_CACHED_MAX = 1_000  # contents kept for those who ask for the same
WOKEN_AT_ONCE = 25  # readers of a large room woken together by receipts
WAKE_EVERY_S = 0.05  # time between two such wake-ups: a group of 500 is told within a second
KINDS = ("m.read", "m.read.private")
UNTHREADED = ""
PUT = (
    "INSERT INTO receipts (room_no, user_no, thread, kind, event_pos, ts_ms, pos) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (room_no, user_no, thread, kind) DO UPDATE SET event_pos = excluded.event_pos, "
    "ts_ms = excluded.ts_ms, pos = excluded.pos WHERE receipts.event_pos < excluded.event_pos"
)
WAITING = f"pos = 0 AND kind <> '{SENT}'"  # the condition of the partial index receipts_waiting


class Arrived(msgspec.Struct, frozen=True):
    """A receipt on its way to the disk."""

    user_no: int
    state: RoomState
    kind: str
    pos: int
    thread: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """One private receipt."""

    event_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """Receipts of a span: everybody's, encoded once for all readers, and the private ones by their owner."""

    public: dict[str, dict[str, Any]]
    private: dict[int, list[Receipt]]
    encoded: msgspec.Raw | None


class Receipts:
    """Read positions of one server."""

    def __init__(self, database: Database, eventlog: EventLog, bus: Bus, clock: Clock, rooms: Rooms) -> None:
        self._database = database
        self._eventlog = eventlog
        self._bus = bus
        self._clock = clock
        self._rooms = rooms
        self._marks: OrderedDict[tuple[int, int], dict[str, int]] = OrderedDict()
        self._commits = 0  # of receipts: they take no position
        # room_no → a position, and of every showing after it the position
        self._showings: OrderedDict[int, list[int]] = OrderedDict()
        self._listed_after = database.head  # every later showing of a room without an entry is of the future
        self._spans: OrderedDict[tuple[int, int, int], Shown] = OrderedDict()
        self._arrived: list[Arrived] = []
        self._writing: asyncio.Task[None] | None = None
        self._pending: dict[int, float] = {}  # room_no → when its receipts are due, by the loop's clock
        self._due = asyncio.Event()
        eventlog.subscribe(self)

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Sending counts as reading."""
        for event in events:
            marks = self._marks.get((event.room_no, event.sender_no))
            if marks is not None:
                advance(marks, self._eventlog.store.thread_of(event), event.pos)

    async def put(self, reader: Reader, room_id: str, kind: str, event_id: str, thread: str | None) -> None:
        """Store a receipt. One that points further back than the last changes nothing."""
        if kind not in KINDS:
            raise InvalidParam(f"'receiptType' must be {', '.join(KINDS)} or m.fully_read.")
        state = await self._rooms.require_joined(reader, room_id)
        pos = await self._position(state, event_id)
        if pos is None:
            return  # a receipt for an event we do not know says nothing
        name = UNTHREADED if thread is None else await self._thread(state, thread, pos)
        marks = await self.marks(state.room_no, reader.user_no)
        if pos <= marks.get(name, 0) and kind == "m.read.private":
            return
        keeper = self._rooms.keeper_of(state)
        if keeper is not None:
            before = max(marks.values(), default=0)
            await self._keep(keeper, reader, state, Arrived(reader.user_no, state, kind, pos, name), before)
            return
        await self._store(reader, state, kind, pos, name)

    async def marks(self, room_no: int, user_no: int) -> Mapping[str, int]:
        """A user's read positions in a room by thread: '' for unthreaded receipts, 'main', or a root's event id."""
        key = (room_no, user_no)
        marks = self._marks.get(key)
        if marks is None:
            before = (self._database.head, self._commits)
            rows = await self._database.fetch(
                "SELECT thread, max(event_pos) FROM receipts WHERE room_no = ? AND user_no = ? GROUP BY thread",
                room_no, user_no,
            )  # fmt: skip
            marks = dict(rows)
            if before != (self._database.head, self._commits):  # what a commit moved forward must not go back
                return marks
            self._marks[key] = marks
            if len(self._marks) > MARKS_CACHED_MAX:
                self._marks.popitem(last=False)
        return marks

    async def shown(
        self, reader: Reader, state: RoomState, after: int, upto: int, ignored: Collection[str] = ()
    ) -> msgspec.Raw | None:
        """The content of an `m.receipt` event: receipts shown in after < pos <= upto, all of them for after = 0.

        Private receipts are their owner's alone; those of `ignored` users are left out. None when there is none.
        """
        if self._rooms.keeper_of(state) is not None:
            return (await self._read(state, after, upto, reader.user_no)).encoded
        span = self._span(state, after, upto)
        shown = None if span is None else self._spans.get(span)
        if shown is None:
            shown = await self._read(state, after, upto)
            if span is not None:
                self._spans[span] = shown
                if len(self._spans) > SPANS_CACHED_MAX:
                    self._spans.popitem(last=False)
        own = shown.private.get(reader.user_no, ())
        if not own and not ignored:
            return shown.encoded
        content = without(shown.public, ignored)
        for receipt in own:
            seen = content.setdefault(receipt.event_id, {}).setdefault("m.read.private", {})
            put(seen, reader.user_id, receipt.body)
        return msgspec.Raw(msgspec.json.encode(content)) if content else None

    async def _keep(
        self, keeper: Keeper, reader: Reader, state: RoomState, arrived: Arrived, before: int
    ) -> None:
        """Store a receipt in a kept room, where nobody sees another's: it is new to its owner alone."""
        async with self._database.transaction() as tx:
            pos = tx.positions()
            changed = await tx.execute(
                PUT, state.room_no, arrived.user_no, arrived.thread, arrived.kind, arrived.pos, self._clock.now_ms(),
                pos,
            )  # fmt: skip
            if not changed:
                return
            await keeper.read(tx, reader, state, arrived.pos, pos)

            def kept() -> None:
                marks = self._marks.get((state.room_no, arrived.user_no))
                if marks is not None:
                    advance(marks, arrived.thread, arrived.pos)
                self._bus.publish(users=(arrived.user_no,))
                if arrived.pos > before:
                    for watcher in self._rooms.watchers:
                        watcher.read(reader, state, before, arrived.pos)

            tx.on_commit(kept)

    def _span(self, state: RoomState, after: int, upto: int) -> tuple[int, int, int] | None:
        """What of a room's showings lies between two places, as a name that everybody who asks for it shares."""
        showings = self._showings.get(state.room_no)
        if after == 0 or not showings or showings[0] > after:
            return None
        first, last = bisect_right(showings, after) - 1, bisect_right(showings, upto) - 1
        return state.room_no, showings[first], showings[last]

    async def _read(self, state: RoomState, after: int, upto: int, only: int | None = None) -> Shown:
        """Receipts of a span; with `only` those of one user, the private ones among them too."""
        condition = "pos >= 0" if after == 0 else "pos > ? AND pos <= ?"
        bounds: tuple[int, ...] = () if after == 0 else (after, upto)
        if only is not None:
            condition, bounds = f"{condition} AND user_no = ?", (*bounds, only)
        rows = await self._database.fetch(
            "SELECT user_no, thread, kind, event_pos, ts_ms FROM receipts WHERE room_no = ? AND kind <> ? AND "
            f"{condition} ORDER BY pos DESC LIMIT ?",
            state.room_no, SENT, *bounds, RECEIPTS_SHOWN_MAX,
        )  # fmt: skip
        public: dict[str, dict[str, Any]] = {}
        private: dict[int, list[Receipt]] = {}
        seal = self._eventlog.identifiers
        event_ids = {pos: seal.event_id(pos, state.room_no) for pos in {row[3] for row in rows}}
        for user_no, thread, kind, event_pos, ts_ms in rows:
            body: dict[str, Any] = {"ts": ts_ms}
            if thread != UNTHREADED:
                body["thread_id"] = thread
            event_id = event_ids[event_pos]
            if kind == "m.read.private" and only is None:
                private.setdefault(user_no, []).append(Receipt(event_id, body))
                continue
            user_id = await self._rooms.users.user_id(user_no)
            put(public.setdefault(event_id, {}).setdefault(kind, {}), user_id, body)
        return Shown(public, private, msgspec.Raw(msgspec.json.encode(public)) if public else None)

    async def run(self) -> None:
        """Show gathered receipts when they are due, until cancelled. What a crash left over is shown first."""
        await self._show_leftovers()
        loop = asyncio.get_running_loop()
        while True:
            await self._due.wait()
            due = [room_no for room_no, when in self._pending.items() if when <= loop.time()]
            for room_no in due:
                del self._pending[room_no]
            if due:
                await self._show(due)
            if not self._pending:
                self._due.clear()
                continue
            await asyncio.sleep(max(min(self._pending.values()) - loop.time(), 0))

    async def _store(self, reader: Reader, state: RoomState, kind: str, pos: int, thread: str) -> None:
        """Durable on return. Receipts that arrive while others are being written share the next transaction: after
        every message of a large group comes one from each member."""
        self._arrived.append(Arrived(reader.user_no, state, kind, pos, thread))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        try:
            async with self._database.transaction() as tx:
                arrived = self._take()
                now_ms = self._clock.now_ms()
                rows = [(of.state.room_no, of.user_no, of.thread, of.kind, of.pos, now_ms, 0) for of in arrived]
                await tx.execute_many(PUT, rows)
                tx.on_commit(lambda: self._stored(arrived))
        except BaseException:
            if self._writing is asyncio.current_task():
                self._take()  # the transaction did not begin: those who wait for it are refused with it
            raise

    def _take(self) -> list[Arrived]:
        """What this transaction writes; who comes from here on waits for the next one."""
        arrived, self._arrived, self._writing = self._arrived, [], None
        return arrived

    def _stored(self, arrived: Sequence[Arrived]) -> None:
        self._commits += 1
        for each in arrived:
            room_no = each.state.room_no
            marks = self._marks.get((room_no, each.user_no))
            if marks is not None:
                advance(marks, each.thread, each.pos)
            if room_no not in self._pending:
                delay = SHOWN_AFTER_LARGE_S if is_large(each.state) else SHOWN_AFTER_S
                self._pending[room_no] = asyncio.get_running_loop().time() + delay
        self._due.set()

    async def _show(self, room_nos: Iterable[int]) -> None:
        """Give the gathered receipts of some rooms their positions and wake the readers."""
        rooms = list(room_nos)
        try:
            async with self._database.transaction() as tx:
                shown: dict[int, int] = {}
                for room_no in rooms:
                    pos = tx.positions()
                    await tx.execute(f"UPDATE receipts SET pos = ? WHERE room_no = ? AND {WAITING}", pos, room_no)
                    shown[room_no] = pos
                tx.on_commit(lambda: self._shown(shown))
        except StorageFull:  # which must not end the server: they are shown later
            due = asyncio.get_running_loop().time() + SHOWN_AFTER_LARGE_S
            self._pending = dict.fromkeys(rooms, due) | self._pending
            self._due.set()

    def _shown(self, shown: Mapping[int, int]) -> None:
        for room_no, pos in shown.items():
            self._eventlog.receipts_shown(room_no, pos)
            showings = self._showings.setdefault(room_no, [self._listed_after])
            showings.append(pos)
            del showings[:-SHOWINGS_MAX]
            self._showings.move_to_end(room_no)
            self._hint(room_no)
        while len(self._showings) > ROOMS_SHOWN_MAX:
            _, dropped = self._showings.popitem(last=False)
            self._listed_after = max(self._listed_after, dropped[-1])

    def _hint(self, room_no: int) -> None:
        """Wake a room's readers: those of a large one some at a time, so that a message that comes meanwhile need not
        wait until five hundred have been told who read what."""
        state = self._eventlog.cached(room_no)
        if state is None or not is_large(state):
            self._bus.publish(rooms=(room_no,))
            return
        numbers = [number for user_id in state.joined if (number := self._rooms.users.known(user_id)) is not None]
        loop = asyncio.get_running_loop()
        for turn, first in enumerate(range(0, len(numbers), WOKEN_AT_ONCE)):
            woken = numbers[first : first + WOKEN_AT_ONCE]
            loop.call_later(turn * WAKE_EVERY_S, self._bus.publish, (), woken)

    async def _show_leftovers(self) -> None:
        rows = await self._database.fetch(f"SELECT DISTINCT room_no FROM receipts WHERE {WAITING}")
        if rows:
            await self._show(row[0] for row in rows)

    async def _position(self, state: RoomState, event_id: str) -> int | None:
        pos = self._eventlog.identifiers.position(event_id)
        if pos is None or pos > state.head:
            return None
        if self._eventlog.tails.find(state.room_no, pos) is not None:
            return pos
        row = await self._database.fetch_one("SELECT room_no FROM events WHERE pos = ?", pos)
        return pos if row is not None and row[0] == state.room_no else None

    async def _thread(self, state: RoomState, thread: str, pos: int) -> str:
        """The thread of a receipt, which its event must be in. Raises InvalidParam.

        A root, and what relates to it otherwise, may be read in its thread as well as in the main timeline; what was
        emptied, also in the main timeline.
        """
        root = None if thread == MAIN_THREAD else await self._position(state, thread)
        if root is None and thread != MAIN_THREAD:
            raise InvalidParam("'thread_id' must be 'main' or the event id of the thread's root.")
        event = self._eventlog.tails.find(state.room_no, pos) or await self._eventlog.store.at(self._database, pos)
        if event is None or event.thread_pos == root or (root is None and event.redacted_pos is not None):
            return thread
        relation = events.relation(event.content)
        if event.thread_pos is None and thread in (event.event_id, relation and relation.event_id):
            return thread
        raise InvalidParam("The event is not in the thread that 'thread_id' names.")


def advance(marks: dict[str, int], thread: str, pos: int) -> None:
    """Move a read position forward, never back."""
    if marks.get(thread, 0) < pos:
        marks[thread] = pos


def put(readers: dict[str, Any], user_id: str, body: Mapping[str, Any]) -> None:
    """Add a receipt. Of a user's threaded and unthreaded ones on one event the shape holds one: the wider."""
    if user_id not in readers or "thread_id" not in body:
        readers[user_id] = body


def without(public: Mapping[str, Mapping[str, Any]], ignored: Collection[str]) -> dict[str, dict[str, Any]]:
    """A copy of everybody's receipts, those of some users left out."""
    content: dict[str, dict[str, Any]] = {}
    for event_id, kinds in public.items():
        for kind, readers in kinds.items():
            kept = {user_id: body for user_id, body in readers.items() if user_id not in ignored}
            if kept:
                content.setdefault(event_id, {})[kind] = kept
    return content


def is_large(state: RoomState) -> bool:
    """Whether receipts of a room gather longer, and its readers are woken in turns."""
    return len(state.joined) > LARGE_ROOM_MEMBERS
