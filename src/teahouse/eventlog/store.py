"""The log's tables: appended in one transaction with everything derived from an event; read by position."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from teahouse.db import Reader, Transaction, marks, padded
from teahouse.eventlog import listing
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState, version_of
from teahouse.eventlog.types import Appended, EventClass, Proposal, StoredEvent, Target, Txn
from teahouse.matrix import events as matrix_events

SENT = "sent"  # the receipt kind that remembers a sender's own last event: sending counts as reading
MAIN_THREAD = "main"
EVENT_COLUMNS = "pos, room_no, sender_no, class, thread_pos, redacted_pos, replaces_pos, txn, event"
DESCRIBING = ("m.room.name", "m.room.topic", "m.room.canonical_alias")
VALUE_KEYS = {"m.room.member": "membership", "m.room.history_visibility": "history_visibility"}

_decode = msgspec.json.Decoder().decode


class EventStore:
    """SQL of the log."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers

    def event(self, row: Sequence[object]) -> StoredEvent:
        """A row of `EVENT_COLUMNS` as an event."""
        pos, room_no, sender_no, class_, thread_pos, redacted_pos, replaces_pos, txn, encoded = row
        shape = _decode(encoded)  # type: ignore[arg-type]
        return StoredEvent(
            pos=pos,  # type: ignore[arg-type]
            room_no=room_no,  # type: ignore[arg-type]
            event_id=shape["event_id"],
            sender=shape["sender"],
            sender_no=sender_no,  # type: ignore[arg-type]
            type=shape["type"],
            state_key=shape.get("state_key"),
            content=shape["content"],
            origin_server_ts=shape["origin_server_ts"],
            json=encoded,  # type: ignore[arg-type]
            class_=class_,  # type: ignore[arg-type]
            thread_pos=thread_pos,  # type: ignore[arg-type]
            redacted_pos=redacted_pos,  # type: ignore[arg-type]
            replaces_pos=replaces_pos,  # type: ignore[arg-type]
            txn=txn,  # type: ignore[arg-type]
        )

    async def at(self, db: Reader, pos: int) -> StoredEvent | None:
        """The event at a position."""
        row = await db.fetch_one(f"SELECT {EVENT_COLUMNS} FROM events WHERE pos = ?", pos)
        return None if row is None else self.event(row)

    async def at_many(self, db: Reader, positions: Sequence[int]) -> list[StoredEvent]:
        """The events at some positions, in no promised order."""
        if not positions:
            return []
        sql = f"SELECT {EVENT_COLUMNS} FROM events WHERE pos IN ({marks(len(positions))})"
        return [self.event(row) for row in await db.fetch(sql, *padded(positions))]

    async def range(
        self, db: Reader, room_no: int, first: int, last: int, limit: int, *, backwards: bool
    ) -> list[StoredEvent]:
        """At most `limit` events of a room with first <= pos <= last, newest first when `backwards`."""
        order = "DESC" if backwards else "ASC"
        sql = (
            f"SELECT {EVENT_COLUMNS} FROM events WHERE room_no = ? AND pos >= ? AND pos <= ? "
            f"ORDER BY pos {order} LIMIT ?"
        )
        return [self.event(row) for row in await db.fetch(sql, room_no, first, last, limit)]

    async def load(self, db: Reader, room_no: int) -> RoomState | None:
        """A room's current state, or None when there is no such room."""
        room = await db.fetch_one("SELECT version, listed FROM rooms WHERE room_no = ?", room_no)
        if room is None:
            return None
        version, listed = room
        state = RoomState(room_no, self._identifiers.room_id(room_no, version), version_of(version), bool(listed))
        for event in await self.state_at(db, room_no, 1 << 62):
            assert event.state_key is not None
            state.set(event.type, event.state_key, event)
        changes = await db.fetch_one(
            "SELECT count(*) FROM state WHERE room_no = ? AND type = 'm.room.history_visibility'", room_no
        )
        newest = await db.fetch_one("SELECT pos FROM events WHERE room_no = ? ORDER BY pos DESC LIMIT 1", room_no)
        receipt = await db.fetch_one("SELECT max(pos) FROM receipts WHERE room_no = ?", room_no)
        state.visibility_changes = changes[0] if changes else 0
        state.receipt_head = (receipt and receipt[0]) or 0
        state.head = newest[0] if newest else 0
        return state

    async def state_at(self, db: Reader, room_no: int, pos: int) -> list[StoredEvent]:
        """The state events in force after the event at `pos`, in the order of their positions."""
        columns = ", ".join(f"e.{name.strip()}" for name in EVENT_COLUMNS.split(","))
        sql = (
            f"SELECT {columns} FROM state s JOIN events e ON e.pos = s.pos WHERE s.room_no = ? AND s.pos = "
            "(SELECT max(n.pos) FROM state n WHERE n.room_no = s.room_no AND n.type = s.type "
            "AND n.state_key = s.state_key AND n.pos <= ?) ORDER BY s.pos"
        )
        return [self.event(row) for row in await db.fetch(sql, room_no, pos)]

    async def state_entry_at(
        self, db: Reader, room_no: int, event_type: str, state_key: str, pos: int
    ) -> StoredEvent | None:
        """One state event in force after the event at `pos`."""
        row = await db.fetch_one(
            "SELECT pos FROM state WHERE room_no = ? AND type = ? AND state_key = ? AND pos <= ? "
            "ORDER BY pos DESC LIMIT 1",
            room_no, event_type, state_key, pos,
        )  # fmt: skip
        return None if row is None else await self.at(db, row[0])

    async def state_changes(self, db: Reader, room_no: int, after: int, upto: int) -> list[StoredEvent]:
        """The newest event of every state key that changed in after < pos <= upto, in order."""
        columns = ", ".join(f"e.{name.strip()}" for name in EVENT_COLUMNS.split(","))
        sql = (
            f"SELECT {columns} FROM events e WHERE e.room_no = ? AND e.pos > ? AND e.pos <= ? "
            f"AND (e.class & {EventClass.STATE}) <> 0 ORDER BY e.pos"
        )
        newest: dict[tuple[str, str | None], StoredEvent] = {}
        for row in await db.fetch(sql, room_no, after, upto):
            event = self.event(row)
            newest[event.type, event.state_key] = event
        return sorted(newest.values(), key=lambda event: event.pos)

    async def values(self, db: Reader, room_no: int, event_type: str, state_key: str) -> list[tuple[int, str]]:
        """Every (position, membership or history visibility) of a state key, oldest first."""
        sql = "SELECT pos, value FROM state WHERE room_no = ? AND type = ? AND state_key = ? ORDER BY pos"
        return [(pos, value or "") for pos, value in await db.fetch(sql, room_no, event_type, state_key)]

    async def known(self, db: Reader, proposals: Iterable[Proposal]) -> Mapping[tuple[Txn, int], Appended]:
        """The answers already given to proposals that are retries."""
        answers: dict[tuple[Txn, int], Appended] = {}
        for proposal in proposals:
            if proposal.txn is None:
                continue
            txn, scope = proposal.txn, proposal.room_no or 0
            row = await db.fetch_one(
                "SELECT pos FROM txns WHERE user_no = ? AND device_id = ? AND scope = ? AND method = ? AND txn_id = ?",
                txn.user_no, txn.device_id, scope, txn.method, txn.txn_id,
            )  # fmt: skip
            if row is not None:
                event_id = self._identifiers.event_id(row[0], scope)
                answers[txn, scope] = Appended((event_id,), scope, repeated=True)
        return answers

    async def append(
        self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]],
        states: Mapping[int, RoomState],
    ) -> None:  # fmt: skip
        """Write admitted events and everything derived from them."""
        events = [event for _, its in admitted for event in its]
        await tx.execute_many(
            f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (e.pos, e.room_no, e.sender_no, e.class_, e.thread_pos, None, e.replaces_pos, e.txn, e.json)
                for e in events
            ],
        )
        await self._append_txns(tx, admitted)
        await self._append_sent(tx, events)
        state_events = [event for event in events if event.state_key is not None]
        if state_events:
            await self._append_state(tx, admitted, state_events, states)
        await self._append_relations(tx, admitted, states)

    async def _append_txns(self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]]) -> None:
        rows = [
            (p.txn.user_no, p.txn.device_id, p.room_no or 0, p.txn.method, p.txn.txn_id, its[0].pos)
            for p, its in admitted
            if p.txn is not None
        ]
        if rows:
            await tx.execute_many(
                "INSERT INTO txns (user_no, device_id, scope, method, txn_id, pos) VALUES (?, ?, ?, ?, ?, ?)", rows
            )

    async def _append_sent(self, tx: Transaction, events: Sequence[StoredEvent]) -> None:
        newest: dict[tuple[int, int, int | None], StoredEvent] = {}
        for event in events:
            newest[event.room_no, event.sender_no, event.thread_pos] = event
        await tx.execute_many(
            "INSERT INTO receipts (room_no, user_no, thread, kind, event_pos, ts_ms, pos) VALUES (?, ?, ?, ?, ?, ?, 0) "
            "ON CONFLICT (room_no, user_no, thread, kind) DO UPDATE SET event_pos = excluded.event_pos",
            [(e.room_no, e.sender_no, self.thread_of(e), SENT, e.pos, e.origin_server_ts) for e in newest.values()],
        )

    def thread_of(self, event: StoredEvent) -> str:
        """The thread id, as receipts name it, that an event belongs to."""
        if event.thread_pos is None:
            return MAIN_THREAD
        return self._identifiers.event_id(event.thread_pos, event.room_no)

    async def _append_state(
        self,
        tx: Transaction,
        admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]],
        state_events: Sequence[StoredEvent],
        states: Mapping[int, RoomState],
    ) -> None:
        await tx.execute_many(
            "INSERT INTO state (room_no, type, state_key, pos, value) VALUES (?, ?, ?, ?, ?)",
            [(e.room_no, e.type, e.state_key, e.pos, value_of(e)) for e in state_events],
        )
        described = {e.room_no for e in state_events if e.type in DESCRIBING}
        for room_no in described:
            await listing.describe(tx, room_no, states[room_no].about)
        members = [
            (p.users[e.state_key], e.room_no, str(e.content["membership"]), e.pos, e.sender_no)
            for p, its in admitted
            for e in its
            if e.type == "m.room.member" and e.state_key is not None
        ]
        if not members:
            return
        await tx.execute_many(
            "INSERT INTO memberships (user_no, room_no, membership, pos, sender_no, forgotten, refused_pos) "
            "VALUES (?, ?, ?, ?, ?, 0, 0) ON CONFLICT (user_no, room_no) DO UPDATE SET "
            "membership = excluded.membership, pos = excluded.pos, sender_no = excluded.sender_no, forgotten = 0, "
            "refused_pos = 0",
            members,
        )
        rooms = {room_no for _, room_no, *_ in members}
        await tx.execute_many(
            "UPDATE rooms SET joined_count = ? WHERE room_no = ?", [(len(states[r].joined), r) for r in rooms]
        )

    async def _append_relations(
        self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]],
        states: Mapping[int, RoomState],
    ) -> None:  # fmt: skip
        rows: list[tuple[object, ...]] = []
        for proposal, its in admitted:
            for draft, event in zip(proposal.drafts, its, strict=True):
                if draft.redacts is not None:
                    await self._redact(tx, draft.redacts, event, states[draft.redacts.room_no])
                relation = matrix_events.relation(event.content) if draft.relates_to is not None else None
                if relation is not None and draft.relates_to is not None:
                    parent = draft.relates_to.pos
                    rows.append((event.room_no, parent, event.pos, relation.rel_type, event.type, event.sender_no,
                                 relation.key))  # fmt: skip
        if rows:
            await tx.execute_many(
                "INSERT INTO relations (room_no, parent_pos, pos, rel_type, type, sender_no, key) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            has_children = EventClass.HAS_CHILDREN
            await tx.execute_many(
                f"UPDATE events SET class = class | {has_children} WHERE pos = ?", [(row[1],) for row in rows]
            )

    async def _redact(self, tx: Transaction, target: Target, redaction: StoredEvent, state: RoomState) -> None:
        """Empty an event: its bytes, its relation and its mentions. What others derived from it must listen too."""
        pruned = matrix_events.redact(_decode(target.json), state.version)
        keep = EventClass.STATE | EventClass.HAS_CHILDREN
        await tx.execute(
            f"UPDATE events SET event = ?, redacted_pos = ?, class = class & {keep} "
            "WHERE pos = ? AND redacted_pos IS NULL",
            msgspec.json.encode(pruned), redaction.pos, target.pos,
        )  # fmt: skip
        if target.relates:
            await self._unrelate(tx, target)
        await tx.execute("DELETE FROM mentions WHERE room_no = ? AND pos = ?", target.room_no, target.pos)

    async def _unrelate(self, tx: Transaction, target: Target) -> None:
        relation = matrix_events.relation(_decode(target.json)["content"])
        parent = None if relation is None else self._identifiers.position(relation.event_id)
        if parent is not None:
            await tx.execute(
                "DELETE FROM relations WHERE room_no = ? AND parent_pos = ? AND pos = ?",
                target.room_no, parent, target.pos,
            )  # fmt: skip

    async def append_mentions(self, tx: Transaction, rows: Collection[tuple[int, int, int]]) -> None:
        """Remember whom events highlight: (user_no, room_no, pos)."""
        if rows:
            await tx.execute_many(
                "INSERT INTO mentions (user_no, room_no, pos) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows
            )


def value_of(event: StoredEvent) -> str | None:
    """The membership or history visibility in a state event's content."""
    key = VALUE_KEYS.get(event.type)
    value = None if key is None else event.content.get(key)
    return value if isinstance(value, str) else None
