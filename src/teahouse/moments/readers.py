"""Reading moments in a stock client: the author's room, with friends who are rows and not members.

A friend sees the author and themself as members and, of the timeline, the moments that are for them: what lies between
is not there for them, and nothing says that something does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from teahouse.clock import Clock
from teahouse.db import Database, Transaction
from teahouse.errors import StorageFull, TooLarge, Unavailable
from teahouse.eventlog.identifiers import Identifiers
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import StoredEvent
from teahouse.moments import store
from teahouse.moments.audience import Standing
from teahouse.moments.circles import Circle, Circles, Journals
from teahouse.moments.journal import Journal, View
from teahouse.moments.types import MARK, Tie
from teahouse.rooms.readership import MembershipReadership
from teahouse.rooms.types import Place, Reader, Summary, Users, Window

LOOKED_AT_ONCE = 200  # rooms of friends that one sync looks into for something to read; the next goes on
VIEWS_CACHED_MAX = 200_000  # pairs of reader and author whose intervals are kept
# The author, the reader, and everybody else as one: the same for all, so that it tells nothing, and not 2, which stock
# clients take for a direct chat.
JOINED_SHOWN = 3
TAGS = "m.tag"
LOW: Mapping[str, Any] = {"tags": {"m.lowpriority": {}}}  # out of the main list; people may change it


class Tags(Protocol):
    """Account data of rooms, where tags are kept."""

    async def get_in(self, reader: Any, user_no: int, room_no: int, data_type: str) -> bytes | None: ...

    async def set_in(
        self, tx: Transaction, user_no: int, room_no: int, data_type: str, content: Mapping[str, Any]
    ) -> None: ...


class Readers:
    """The readership of moments rooms."""

    def __init__(
        self, database: Database, clock: Clock, identifiers: Identifiers, members: MembershipReadership, users: Users,
        circles: Circles, journals: Journals, tags: Tags,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._identifiers = identifiers
        self._members = members
        self._users = users
        self._circles = circles
        self._journals = journals
        self._tags = tags
        self._views: OrderedDict[tuple[int, int], View] = OrderedDict()

    async def arrive(self, reader: Reader) -> None:
        """Note which friends' rooms have become a reader's. Sync asks this before it fixes where its answer ends.

        Publishing writes no row for a friend, so that it costs the same for ten and for thousands; each friend's own
        row is made here, once, when there is something for them.
        """
        circle = await self._circles.of(reader.user_no)
        if not circle.pending:
            return
        found = []
        for author_no in list(circle.pending)[:LOOKED_AT_ONCE]:
            circle.pending.discard(author_no)
            journal = await self._journals.of(author_no)
            if journal is not None and journal.shows_any(self.standing(circle, journal)):
                found.append(journal)
        if not found:
            return
        try:
            await self._come(circle, found)
        except (StorageFull, Unavailable):  # reading goes on where writing cannot; the next sync tries again
            circle.pending.update(journal.author_no for journal in found)

    def standing(self, circle: Circle, journal: Journal) -> Standing:
        """What a reader is to an author, now."""
        friends = journal.author_no in circle.friends
        return journal.standing(circle.user_no, self._clock.now_ms(), friends=friends)

    def answers_for(self, state: RoomState) -> bool:
        return (MARK, "") in state.entries

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        circle = await self._circles.of(reader.user_no)
        own = circle.ties.get(reader.user_no)
        if own is not None:  # a member of one's own room, and a reader who has news of one's own there
            place = (await self._members.places(reader)).get(own.room_no)
            if place is not None:
                circle.places[own.room_no] = replace(place, news=own.news)
        return circle.places

    async def window(self, reader: Reader, state: RoomState) -> Window:
        journal = await self._journal(state)
        circle = await self._circles.of(reader.user_no)
        if journal is None:
            return Window(())
        if reader.user_no == journal.author_no:
            memberships = (await self._members.window(reader, state)).memberships
            return Window(tuple(self._view(circle, journal).intervals), memberships, sparse=True)
        tie = circle.ties.get(journal.author_no)
        if tie is None or not tie.stands or journal.closed or journal.author_no not in circle.friends:
            return Window(())  # of a friendship that ended nothing stays readable, the room's name included
        intervals = tuple(self._view(circle, journal).intervals)
        return Window(intervals, tie.memberships, sparse=True, renewed=tie.renewed)

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        author = await self._members.members(reader, state, at)
        if reader.user_id in state.joined:
            return author
        own = await self.member(reader, state, reader.user_id, at)
        return author if own is None else [*author, own]

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        if user_id in state.joined:
            return await self._members.member(reader, state, user_id, at)
        if user_id != reader.user_id:
            return None
        journal = await self._journal(state)
        tie = None if journal is None else (await self._circles.of(reader.user_no)).ties.get(journal.author_no)
        changes = [] if tie is None else [each for each in tie.memberships if at is None or each[0] <= at]
        if tie is None or not changes:
            return None
        return await self._event(reader, state, tie, *changes[-1])

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        return Summary(JOINED_SHOWN, 0, ())

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        found = set(self._members.interested(state, waiting))
        author_no = self._author_no(state)
        author = None if author_no is None else self._circles.known(author_no)
        if author is None:
            return waiting  # not in memory: wake everybody, late is worse
        return found.union(author.friends.intersection(waiting))

    def _author_no(self, state: RoomState) -> int | None:
        content = state.content(MARK) or {}
        return self._users.known(str(content.get("author", "")))

    async def _journal(self, state: RoomState) -> Journal | None:
        author_no = await self._users.number(str((state.content(MARK) or {}).get("author", "")))
        return None if author_no is None else await self._journals.of(author_no)

    def _view(self, circle: Circle, journal: Journal) -> View:
        key = (circle.user_no, journal.author_no)
        standing = self.standing(circle, journal)
        view = journal.view(standing, self._clock.now_ms(), self._views.get(key))
        self._views[key] = view
        self._views.move_to_end(key)
        if len(self._views) > VIEWS_CACHED_MAX:
            self._views.popitem(last=False)
        return view

    async def _come(self, circle: Circle, journals: Sequence[Journal]) -> None:
        """Let a reader into rooms: silently, and out of the main list."""
        reader_no = circle.user_no
        now_ms = self._clock.now_ms()
        async with self._database.transaction() as tx:
            friends = await store.are_friends(tx, reader_no, [journal.author_no for journal in journals])
            for journal in journals:
                if journal.author_no not in friends:
                    continue
                before = await store.tie(tx, reader_no, journal.author_no)
                pos = tx.positions()
                first = pos if before is None else before.first
                until = 0 if before is None else before.until
                # Renewed: what a reader was shown before they went may be more than there is for them now, or less.
                tie = Tie(journal.author_no, journal.room_no, first, until, pos, now_ms, pos, pos, forgotten=0)
                await self._circles.put(tx, reader_no, tie)
                await self.tag(tx, reader_no, journal.room_no)

    async def tag(self, tx: Transaction, user_no: int, room_no: int) -> None:
        """Put a room among those of low priority, unless its reader has put it somewhere already."""
        if await self._tags.get_in(tx, user_no, room_no, TAGS) is None:
            try:
                await self._tags.set_in(tx, user_no, room_no, TAGS, LOW)
            except TooLarge:
                return  # their account data is full: the room stands among the others

    async def _event(self, reader: Reader, state: RoomState, tie: Tie, pos: int, membership: str) -> StoredEvent:
        """A reader's own membership as an event: theirs alone, at the position of coming or going."""
        content: dict[str, Any] = {"membership": membership}
        profile = await self._users.profile(reader.user_no) if membership == "join" else {}
        content |= {key: profile[key] for key in ("displayname", "avatar_url") if profile.get(key) is not None}
        event_id = self._identifiers.event_id(pos, state.room_no)
        shape = {
            "type": "m.room.member", "sender": reader.user_id, "state_key": reader.user_id, "content": content,
            "event_id": event_id, "origin_server_ts": tie.since_ms,
        }  # fmt: skip
        return StoredEvent(
            pos, state.room_no, event_id, reader.user_id, reader.user_no, "m.room.member", reader.user_id, content,
            tie.since_ms, msgspec.json.encode(shape),
        )  # fmt: skip
