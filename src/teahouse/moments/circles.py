"""Who somebody's friends are, whom they hide from, and where they read: kept in memory, true to every commit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from teahouse.bus import Bus
from teahouse.db import Database, Transaction
from teahouse.eventlog.types import StoredEvent
from teahouse.moments import store
from teahouse.moments.journal import Journal
from teahouse.moments.types import Tie
from teahouse.rooms.types import Place

CIRCLES_CACHED_MAX = 20_000  # users whose friends and places are kept, about 300 bytes each friend
MOMENTS_CACHED_MAX = 500_000  # moments of all journals in memory together, about 300 bytes each


class Friends(Protocol):
    """What moments need of contacts."""

    async def numbers(self, user_no: int) -> list[int]:
        """The user_no of every contact of a user."""


@dataclass(slots=True)
class Circle:
    """One user's friends, whose moments they do not want, and their places in others' rooms.

    `pending` are friends whose room they do not read in yet and should be looked at: it may have something for them.
    """

    user_no: int
    friends: set[int]
    unwanted: set[int]
    ties: dict[int, Tie]
    pending: set[int]
    places: dict[int, Place] = field(default_factory=dict)

    def put(self, tie: Tie) -> None:
        """Take in a place."""
        self.ties[tie.author_no] = tie
        if tie.author_no != self.user_no:  # one's own room is read by membership
            membership = "join" if tie.stands else "leave"
            pos = tie.since if tie.stands else tie.until
            self.places[tie.room_no] = Place(
                tie.room_no, membership, pos, self.user_no, forgotten=bool(tie.forgotten), news=tie.news
            )

    def look_at(self, author_no: int) -> None:
        """There may be something new to read with a friend."""
        tie = self.ties.get(author_no)
        if author_no in self.friends and author_no not in self.unwanted and (tie is None or not tie.stands):
            self.pending.add(author_no)


class Circles:
    """The circles of all users. Told of friendships by the contacts slice."""

    def __init__(self, database: Database, bus: Bus, contacts: Friends) -> None:
        self._database = database
        self._bus = bus
        self._contacts = contacts
        self._changes = 0
        self._circles: OrderedDict[int, Circle] = OrderedDict()

    def known(self, user_no: int) -> Circle | None:
        """A circle if it is in memory."""
        return self._circles.get(user_no)

    async def of(self, user_no: int) -> Circle:
        """Somebody's circle. Shared: changed by commits alone."""
        circle = self._circles.get(user_no)
        if circle is not None:
            self._circles.move_to_end(user_no)
            return circle
        changes = self._changes
        friends = set(await self._contacts.numbers(user_no))
        unwanted = await store.listed(self._database, user_no, "unwanted")
        with_rooms = await store.friends_with_rooms(self._database, user_no)
        circle = Circle(user_no, friends, unwanted, {}, set())
        for tie in (await store.ties(self._database, user_no)).values():
            circle.put(tie)
        for author_no in with_rooms:
            circle.look_at(author_no)
        if changes == self._changes:  # else something changed meanwhile, and the next call reads again
            self._circles[user_no] = circle
            if len(self._circles) > CIRCLES_CACHED_MAX:
                self._circles.popitem(last=False)
        return circle

    async def befriended(self, tx: Transaction, user_no: int, other_no: int) -> None:
        """Two users became friends."""

        def done() -> None:
            for one, other in ((user_no, other_no), (other_no, user_no)):
                self._change(one, lambda circle, other=other: circle.friends.add(other))  # type: ignore[misc]
                self.look(one, other)
            self._bus.publish(users=(user_no, other_no))

        tx.on_commit(done)

    async def parted(self, tx: Transaction, user_no: int, other_no: int) -> None:
        """Two users are friends no more: what they read of each other ends in the same transaction."""
        for reader_no, author_no in ((user_no, other_no), (other_no, user_no)):
            await self.end(tx, reader_no, author_no)

        def done() -> None:
            for one, other in ((user_no, other_no), (other_no, user_no)):
                self._change(one, lambda circle, other=other: circle.friends.discard(other))  # type: ignore[misc]
            self._bus.publish(users=(user_no, other_no))

        tx.on_commit(done)

    async def end(self, tx: Transaction, reader_no: int, author_no: int) -> None:
        """A reader's place ends, if they have one. The row stays, so that an older view of theirs hears of it."""
        tie = await store.tie(tx, reader_no, author_no)
        if tie is not None and tie.stands:
            pos = tx.positions()
            await self.put(tx, reader_no, replace(tie, until=pos, news=pos))

    async def put(self, tx: Transaction, reader_no: int, tie: Tie) -> None:
        """Store a place, and show the change to its reader."""
        await store.put_tie(tx, reader_no, tie)

        def done() -> None:
            self._change(reader_no, lambda circle: circle.put(tie))
            self._bus.publish(users=(reader_no,))

        tx.on_commit(done)

    async def forget(self, reader_no: int, author_no: int) -> None:
        """Drop a room that was left from its reader's lists."""
        async with self._database.transaction() as tx:
            tie = await store.tie(tx, reader_no, author_no)
            if tie is not None and not tie.stands:
                await self.put(tx, reader_no, replace(tie, forgotten=1))

    async def news(self, tx: Transaction, reader_no: int, author_no: int, room_no: int, pos: int) -> None:
        """Note that something in a room is new at `pos` to one reader alone; the author is one, too."""
        tie = await store.tie(tx, reader_no, author_no)
        if tie is None and reader_no == author_no:
            tie = Tie(author_no, room_no, pos, 0, pos, 0, pos, 0, forgotten=0)
        if tie is not None:
            await self.put(tx, reader_no, replace(tie, news=pos))

    def want(self, reader_no: int, author_no: int, *, wanted: bool) -> None:
        """A reader wants somebody's moments again, or no more."""

        def change(circle: Circle) -> None:
            (circle.unwanted.discard if wanted else circle.unwanted.add)(author_no)
            circle.look_at(author_no)

        self._change(reader_no, change)

    def look(self, reader_no: int, author_no: int) -> None:
        """A friend may have something new for a reader."""
        self._change(reader_no, lambda circle: circle.look_at(author_no))

    def look_all(self, readers: Iterable[int], author_no: int) -> None:
        """The same for many readers: those in memory; the others look anyway when they come."""
        self._changes += 1
        for reader_no in readers:
            circle = self._circles.get(reader_no)
            if circle is not None:
                circle.look_at(author_no)

    async def renew(self, tx: Transaction, author_no: int, readers: Iterable[int]) -> None:
        """An author lets friends see further back: every place of theirs is shown anew."""
        pos = tx.positions()
        await store.renew_ties(tx, author_no, pos)
        self._change_all(tx, author_no, list(readers), lambda tie: replace(tie, renewed=pos, news=pos))

    async def close(self, tx: Transaction, author_no: int, readers: Iterable[int]) -> None:
        """An author's account is closed: every place with them ends."""
        pos = tx.positions()
        await store.end_ties(tx, author_no, pos)
        self._change_all(tx, author_no, list(readers), lambda tie: replace(tie, until=pos, news=pos))

    def _change_all(self, tx: Transaction, author_no: int, readers: list[int], changed: Callable[[Tie], Tie]) -> None:
        """Bring many readers' places up to a commit, and let those who wait look."""

        def done() -> None:
            for reader_no in readers:
                circle = self._circles.get(reader_no)
                tie = None if circle is None else circle.ties.get(author_no)
                if circle is not None and tie is not None and tie.stands:
                    circle.put(changed(tie))
            self.look_all(readers, author_no)
            self._bus.publish(users=readers)

        tx.on_commit(done)

    def _change(self, user_no: int, change: Callable[[Circle], object]) -> None:
        self._changes += 1
        circle = self._circles.get(user_no)
        if circle is not None:
            change(circle)


class Journals:
    """The journals of all authors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moments = 0
        self._changes = 0  # of journals, those not in memory too: not every change takes a position
        self._journals: OrderedDict[int, Journal] = OrderedDict()
        self._rooms: dict[int, int] = {}  # room_no → author_no, of those in memory

    async def of(self, author_no: int) -> Journal | None:
        """An author's journal; None for one without moments. Shared: changed by commits alone."""
        journal = self._journals.get(author_no)
        if journal is not None:
            self._journals.move_to_end(author_no)
            return journal
        before = (self._database.head, self._changes)
        journal = await store.journal(self._database, author_no)
        unchanged = before == (self._database.head, self._changes)  # else somebody may be hidden from since
        if journal is not None and unchanged and author_no not in self._journals:
            self._journals[author_no] = journal
            self._rooms[journal.room_no] = author_no
            self._moments += len(journal.moments)
            while self._moments > MOMENTS_CACHED_MAX and len(self._journals) > 1:
                _, oldest = self._journals.popitem(last=False)
                self._rooms.pop(oldest.room_no, None)
                self._moments -= len(oldest.moments)
        return journal

    def change(self, author_no: int, change: Callable[[Journal], None], *, anew: bool = True) -> None:
        """Bring a journal in memory up to a commit; `anew` unless only a newest event came."""
        self._changes += 1
        journal = self._journals.get(author_no)
        if journal is not None:
            before = len(journal.moments)
            change(journal)
            if anew:
                journal.changed()
            self._moments += len(journal.moments) - before

    def committed(self, events: Iterable[StoredEvent]) -> None:
        """State that changed in an author's room: their name, their picture."""
        for event in events:
            author_no = self._rooms.get(event.room_no) if event.state_key is not None else None
            if author_no is not None:
                self.change(author_no, lambda journal, pos=event.pos: journal.add(pos), anew=False)  # type: ignore[misc]

    def set_days(self, author_no: int, days: int) -> None:
        """An author set how far back friends see."""

        def change(journal: Journal) -> None:
            journal.days = days

        self.change(author_no, change)
