"""The writer of the log: gathers proposals, admits them in order, commits once, then answers.

Order is everything here: commit before publish, caches before answers. If the process dies before the commit nobody
was told; if it dies after, a retry finds its first answer under the txn key.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.db import Database, Reader, Transaction
from teahouse.errors import Unavailable
from teahouse.eventlog import listing
from teahouse.eventlog.batch import Admitted, Batch, RoomLimits, Verdict
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState, StateCache
from teahouse.eventlog.store import EventStore
from teahouse.eventlog.tails import Tails
from teahouse.eventlog.types import Appended, Classifier, CommitListener, EventClass, Proposal, StoredEvent, Txn

BATCH_PROPOSALS_MAX = 256  # in one commit: bounds how long the first sender waits for the last
BATCH_BRINGING_MAX = 32  # of these, such as bring writes of their own: each is the work of ten plain ones
STATE_LOOKUPS_MAX = 32  # changed state keys looked up one by one; beyond it the whole state is read at once
QUEUE_PROPOSALS_MAX = 10_000  # waiting for the writer; beyond it senders are asked to come back


class Waiting(msgspec.Struct):
    """A proposal in the queue and the sender waiting for it."""

    proposal: Proposal
    answer: asyncio.Future[Appended]


class NothingKept(Exception):
    """No proposal of a batch got in: there is nothing to commit."""


class EventLog:
    """The log of one shard."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        identifiers: Identifiers,
        limits: RoomLimits,
        classifier: Classifier,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._classifier = classifier
        self.identifiers = identifiers
        self.store = EventStore(identifiers)
        self._states = StateCache()
        self._untold = 0  # changes of rooms that were not in memory: a state being read meanwhile may lack them
        self.tails = Tails()
        self._queue: list[Waiting] = []
        self._arrived = asyncio.Event()
        self._listeners: list[CommitListener] = []

    def subscribe(self, listener: CommitListener) -> None:
        """Tell `listener` of every commit from now on."""
        self._listeners.append(listener)

    async def append(self, proposal: Proposal) -> Appended:
        """Get a proposal's events into the log.

        Returns once they are durable. Raises the refusal when admission refuses, `Unavailable` when the queue is full.
        """
        if len(self._queue) >= QUEUE_PROPOSALS_MAX:
            raise Unavailable("The server is overloaded; try again in a moment.")
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(proposal, answer))
        self._arrived.set()
        return await answer

    async def answered(self, txn: Txn, room_no: int) -> str | None:
        """The event that a transaction id has put into a room; None when it has put none."""
        found = await self.store.known(self._database, [Proposal("", txn.user_no, (), room_no, txn=txn)])
        return next((appended.event_ids[0] for appended in found.values()), None)

    def cached(self, room_no: int) -> RoomState | None:
        """A room's state if it is in memory."""
        return self._states.get(room_no)

    async def state(self, room_no: int) -> RoomState | None:
        """A room's current state as committed, or None when there is no such room."""
        state = self._states.get(room_no)
        if state is not None:
            return state
        return await self._load(self._database, room_no)

    async def state_before(self, state: RoomState, current: Sequence[StoredEvent], at: int) -> list[StoredEvent]:
        """Current state events taken back to what stood in their place after position `at`."""
        kept = [event for event in current if event.pos <= at]
        newer = [event for event in current if event.pos > at]
        if len(newer) > STATE_LOOKUPS_MAX:
            keys = {(event.type, event.state_key) for event in newer}
            found = await self.store.state_at(self._database, state.room_no, at)
            return [*kept, *(event for event in found if (event.type, event.state_key) in keys)]
        for event in newer:
            if event.replaces_pos is not None and event.state_key is not None:
                before = await self.store.state_entry_at(self._database, state.room_no, event.type, event.state_key, at)
                if before is not None:
                    kept.append(before)
        return kept

    def listed(self, room_no: int, listed: bool) -> None:
        """A room entered or left the public directory."""
        state = self._states.get(room_no)
        if state is None:
            self._untold += 1
        else:
            state.listed = listed

    def receipts_shown(self, room_no: int, pos: int) -> None:
        """Receipts of a room became visible at `pos`."""
        state = self._states.get(room_no)
        if state is None:
            self._untold += 1
        else:
            state.receipt_head = pos

    async def run(self) -> None:
        """Write batches until cancelled; then refuse what still waits."""
        try:
            while True:
                await self._arrived.wait()
                batch = self._next_batch()
                if batch:
                    await self._write(batch)
                else:
                    self._arrived.clear()
        finally:
            refuse(self._queue)
            self._queue.clear()

    def _next_batch(self) -> list[Waiting]:
        """The proposals of the next commit."""
        size = bringing = 0
        for waiting in self._queue[:BATCH_PROPOSALS_MAX]:
            bringing += waiting.proposal.also is not None
            if bringing > BATCH_BRINGING_MAX:
                break
            size += 1
        batch, self._queue = self._queue[:size], self._queue[size:]
        return batch

    async def _write(self, batch: Sequence[Waiting]) -> None:
        verdicts: Sequence[Verdict] = ()
        try:
            async with self._database.transaction() as tx:
                verdicts = await self._admit(tx, batch)
                if not any(isinstance(verdict, Admitted) for verdict in verdicts):
                    raise NothingKept
        except NothingKept:
            pass
        except asyncio.CancelledError:
            refuse(batch)
            raise
        except Exception as error:  # every sender of the batch hears why; the writer goes on with the next
            verdicts = [error] * len(batch)
        for waiting, verdict in zip(batch, verdicts, strict=True):
            answer(waiting, verdict)

    async def _admit(self, tx: Transaction, waiting: Sequence[Waiting]) -> Sequence[Verdict]:
        """Judge the proposals and write what is admitted, all inside `tx`."""
        proposals = [each.proposal for each in waiting]
        states: dict[int, RoomState] = {}
        for proposal in proposals:
            room_no = proposal.room_no
            if room_no is not None and room_no not in states:
                state = self._states.get(room_no) or await self._load(tx, room_no)
                if state is not None:
                    states[room_no] = state
        batch = Batch(
            self.identifiers, self._limits, self._classifier, self._clock.now_ms(), tx.positions, states,
            await self.store.known(tx, proposals),
        )  # fmt: skip
        verdicts: list[Verdict] = []
        admitted: list[tuple[Proposal, Sequence[StoredEvent]]] = []
        for part in parts(proposals):
            trial = batch.copy()
            judged = trial.admit(part)
            its = [(p, v.events) for p, v in zip(part, judged, strict=True) if isinstance(v, Admitted)]
            refusal = await self._keep(tx, its, trial) if its else None
            if refusal is None:
                batch = trial
                admitted += its
            verdicts += judged if refusal is None else [refusal]
        if not admitted:
            return verdicts
        events = [event for _, its in admitted for event in its]
        touched = [draft.redacts or draft.relates_to for proposal, _ in admitted for draft in proposal.drafts]
        rewritten = {target.room_no for target in touched if target is not None}

        def committed() -> None:
            # Caches, then the senders, then the readers: what a sender is told must be what a reader can find, and
            # five hundred readers woken first would make the sender wait for all of them.
            self._committed(events, batch.changed, states, rewritten)
            for each, verdict in zip(waiting, verdicts, strict=True):
                answer(each, verdict)
            self._bus.publish(rooms={event.room_no for event in events})

        tx.on_commit(committed)
        return verdicts

    async def _keep(
        self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]], batch: Batch
    ) -> Exception | None:
        """Write a part of a batch; the refusal of what one proposal brings along undoes that proposal alone."""
        proposal, events = admitted[0]
        also = proposal.also
        if also is None:
            await self._append(tx, admitted, batch)
            return None

        async def write() -> None:
            await self._append(tx, admitted, batch)
            await also(tx, events)

        return await tx.attempt(write)

    async def _append(
        self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]], batch: Batch
    ) -> None:
        await self._insert_rooms(tx, admitted, batch.changed)
        await self.store.append(tx, admitted, {**batch.states, **batch.changed})
        await self._append_mentions(tx, admitted)

    async def _insert_rooms(
        self,
        tx: Transaction,
        admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]],
        changed: dict[int, RoomState],
    ) -> None:
        for proposal, events in admitted:
            if proposal.new_room is not None:
                create = next(event for event in events if event.type == "m.room.create")
                await tx.execute(
                    "INSERT INTO rooms (room_no, version, creator_no, created_ms, listed, joined_count, about) "
                    "VALUES (?, ?, ?, ?, ?, ?, '')",
                    create.room_no, proposal.new_room.version, proposal.sender_no, create.origin_server_ts,
                    int(proposal.new_room.listed), len(changed[create.room_no].joined),
                )  # fmt: skip
                if proposal.new_room.listed:
                    await listing.count(tx, 1)

    async def _append_mentions(
        self, tx: Transaction, admitted: Sequence[tuple[Proposal, Sequence[StoredEvent]]]
    ) -> None:
        rows = [
            (proposal.users[user_id], event.room_no, event.pos)
            for proposal, events in admitted
            for event in events
            if event.class_ & EventClass.MENTIONS
            for user_id in self._classifier.mentioned(event.type, event.content)
            if user_id in proposal.users
        ]
        await self.store.append_mentions(tx, rows)

    def _committed(
        self,
        events: Sequence[StoredEvent],
        changed: dict[int, RoomState],
        states: dict[int, RoomState],
        rewritten: Collection[int],
    ) -> None:
        """Bring the caches up to the commit."""
        for state in changed.values():
            shown = self._states.get(state.room_no)
            if shown is not None:  # receipts may have been shown, and the room listed, since the batch took its copy
                state.receipt_head, state.listed = shown.receipt_head, shown.listed
            self._states.put(state)
        for event in events:
            state = changed.get(event.room_no) or self._states.get(event.room_no) or states[event.room_no]
            state.head = event.pos
        self.tails.committed(events, rewritten)
        for listener in self._listeners:
            listener.committed(events)

    async def _load(self, db: Reader, room_no: int) -> RoomState | None:
        while True:
            untold = self._untold
            state = await self.store.load(db, room_no)
            # Another task may have loaded or replaced it while this one read: the one in the cache is the newer.
            current = self._states.get(room_no)
            if current is not None or state is None:
                return current
            if untold == self._untold:
                self._states.put(state)
                return state


def parts(proposals: Sequence[Proposal]) -> Iterator[Sequence[Proposal]]:
    """A batch in its order: plain proposals that follow each other together, each that brings its own writes alone."""
    for brings, run in itertools.groupby(proposals, lambda proposal: proposal.also is not None):
        if brings:
            yield from ([proposal] for proposal in run)
        else:
            yield list(run)


def refuse(waiting: Iterable[Waiting]) -> None:
    """Tell senders that the server stops: what they sent may be kept or not, and they may ask again."""
    for each in waiting:
        answer(each, Unavailable("The server is stopping."))


def answer(waiting: Waiting, verdict: Verdict) -> None:
    """Tell a sender, unless it has gone away."""
    if waiting.answer.done():
        return
    if isinstance(verdict, Exception):
        waiting.answer.set_exception(verdict)
    else:
        waiting.answer.set_result(verdict.appended if isinstance(verdict, Admitted) else verdict)
