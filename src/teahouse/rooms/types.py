"""What the rooms slice hands around, and what it needs of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from teahouse.db import Transaction
from teahouse.eventlog.state import RoomState
from teahouse.eventlog.types import Content, StoredEvent, Txn
from teahouse.matrix import history_visibility

ALL = ((0, history_visibility.POS_MAX),)


class Reader(msgspec.Struct, frozen=True, gc=False):
    """Who reads, and with which device (for the echo of its own transaction ids)."""

    user_no: int
    user_id: str
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What one user is to one room, since which position, by whose doing.

    `refused` marks a greeting that the user refused without its sender being told: to the user it is a room left at
    `pos`, to everybody else the invitation still stands.
    """

    room_no: int
    membership: str
    pos: int
    sender_no: int
    forgotten: bool = False
    refused: bool = False
    news: int = 0  # position of the newest change in the room that is this user's alone


class Window(msgspec.Struct, frozen=True, gc=False):
    """What one reader may read of one room: inclusive intervals of positions, in order.

    `memberships` are the reader's own (position, membership), oldest first; `last` is the newest position that a
    reader who has left may see, POS_MAX for one who is there. In a `sparse` window what lies between the intervals
    hides single events and never state, from one who is there: pages and timelines go on across it as if nothing were
    there. At `renewed` older events became readable: a view from before it is shown the room anew.
    """

    intervals: Sequence[tuple[int, int]]
    memberships: Sequence[tuple[int, str]] = ()
    sparse: bool = False
    renewed: int = 0

    def readable(self, pos: int) -> bool:
        """Whether the event at `pos` may be read."""
        return history_visibility.readable(self.intervals, pos)

    def known(self, replaced: int, replacing: int) -> bool:
        """Whether the state that a state event took the place of may be seen: by who was there, or may read it."""
        return self.membership_at(replacing) == "join" or self.readable(replaced)

    @property
    def last(self) -> int:
        """The newest readable position; 0 when nothing is."""
        if self.sparse:
            return history_visibility.POS_MAX
        return self.intervals[-1][1] if self.intervals else 0

    @property
    def joined_since(self) -> int:
        """Where the reader's present stay in the room began; 0 for one who is not there."""
        since = 0
        for pos, value in reversed(self.memberships):
            if value != "join":
                break
            since = pos
        return since

    def unbroken_since(self, pos: int) -> int:
        """The position from which on everything up to `pos` may be read."""
        if self.sparse:
            return 0
        return max((first for first, _ in self.intervals if first <= pos), default=0)

    def joined_until(self, pos: int) -> int:
        """The last position at or before `pos` at which the reader was joined; 0 for never."""
        last, joined = 0, False
        for since, value in self.memberships:
            if since > pos:
                break
            if joined and value != "join":
                last = since
            joined = value == "join"
        return pos if joined else last

    def joined_after(self, pos: int) -> bool:
        """Whether the reader joined (or was told anew to be joined) after a position."""
        return any(since > pos and value == "join" for since, value in self.memberships)

    def membership_at(self, pos: int) -> str:
        """The reader's own membership when the event at `pos` was sent."""
        membership = "leave"
        for since, value in self.memberships:
            if since > pos:
                break
            membership = value
        return membership


@dataclass(frozen=True, slots=True)
class Summary:
    """What a room list shows of a room: sizes, and members who stand for its missing name."""

    joined_count: int
    invited_count: int
    heroes: Sequence[str]


class Readership(Protocol):
    """May this person read this event, and what do they see of who else reads?

    Every door that shows an event, a member or a room asks this and nothing else. Membership is one implementation;
    others answer for rooms whose readers have no member events.
    """

    def answers_for(self, state: RoomState) -> bool:
        """Whether this implementation decides about the room."""

    async def places(self, reader: Reader) -> Mapping[int, Place]:
        """Every room that is, or was, the reader's, by room_no; forgotten ones included, marked."""

    async def window(self, reader: Reader, state: RoomState) -> Window:
        """What the reader may read of the room; no intervals when nothing."""

    async def members(self, reader: Reader, state: RoomState, at: int | None) -> Sequence[StoredEvent]:
        """The member events the reader may see, as of position `at` (None: now). Bounded by the room's limit."""

    async def member(self, reader: Reader, state: RoomState, user_id: str, at: int | None) -> StoredEvent | None:
        """One member event as the reader may see it."""

    async def summary(self, reader: Reader, state: RoomState) -> Summary:
        """Sizes and heroes as the reader may see them."""

    def interested(self, state: RoomState, waiting: Collection[int]) -> Collection[int]:
        """Which of the waiting users (by user_no) read this room: whom a hint should wake."""


class Keeper(Protocol):
    """A slice that keeps rooms of a kind of its own: who comes, goes and writes there is for it to say.

    Such a room is marked by a state event in the reserved namespace, which only its keeper can put there.
    """

    def keeps(self, state: RoomState) -> bool:
        """Whether the room is one of its own."""

    async def join(self, reader: Reader, state: RoomState) -> None:
        """The reader asks to come in. Coming in again changes nothing; raises Forbidden."""

    async def leave(self, reader: Reader, state: RoomState) -> None:
        """The reader goes. Going again changes nothing; raises Forbidden for one who was never there, or must stay."""

    async def forget(self, reader: Reader, state: RoomState) -> None:
        """The reader, who has left, drops the room from their lists."""

    async def send(self, reader: Reader, state: RoomState, event_type: str, txn: Txn, content: Content) -> str:
        """Take in what the reader sends; its event id, the same one for a retry. Raises Forbidden."""

    async def redact(self, reader: Reader, state: RoomState, event_id: str, txn: Txn, content: Content) -> str:
        """Take back what the reader sent; the redaction's event id. Raises Forbidden or NotFound."""

    def check_change(self, reader: Reader, state: RoomState, event_type: str) -> None:
        """Raises Forbidden unless the reader may change this state, member events and the upgrade's tombstone too."""

    async def read(self, tx: Transaction, reader: Reader, state: RoomState, event_pos: int, pos: int) -> None:
        """Note, in the transaction that stores the receipt at `pos`, that the reader has read up to `event_pos`."""

    async def shown(self, state: RoomState, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The events as they stand now: what they embed of others may have changed since they were sent."""

    async def own(self, reader: Reader, state: RoomState, after: int, upto: int) -> Sequence[StoredEvent]:
        """Events in after < pos <= upto that this reader alone has: what they sent and nobody else is shown."""

    async def own_about(self, reader: Reader, state: RoomState, event_pos: int) -> Sequence[StoredEvent]:
        """Of these, what stands and relates to the event at a position: the reader's like of it, their vote."""


class Watcher(Protocol):
    """Who is told what readers of kept rooms are handed and have read. It keeps nobody waiting."""

    def delivered(self, reader: Reader, state: RoomState, events: Sequence[StoredEvent]) -> None:
        """A sync hands events of a room the reader is in to one of their devices."""

    def read(self, reader: Reader, state: RoomState, after: int, upto: int) -> None:
        """The reader's read position moved on; `after` is 0 when there was none."""


class Users(Protocol):
    """What rooms needs of the users slice."""

    async def number(self, user_id: str) -> int | None:
        """The user_no of a local user, or None when there is no such user."""

    def known(self, user_id: str) -> int | None:
        """The same from memory alone; None also for one not looked up lately."""

    async def user_id(self, user_no: int) -> str:
        """The user id of a user_no."""

    async def profile(self, user_no: int) -> Mapping[str, Any]:
        """The profile's fields, `displayname` and `avatar_url` among them."""

    async def ignored(self, user_no: int) -> Collection[str]:
        """User ids whose messages and invites the user does not want to see."""


class InvitePolicy(Protocol):
    """Who may invite whom: the contacts slice's greeting, and the invited person's own settings."""

    async def check_invite(
        self, sender_no: int, sender: str, target_no: int, target: str, *, direct: bool, public: bool,
        reason: str | None,
    ) -> None:  # fmt: skip
        """Raises Forbidden, InviteBlocked or LimitExceeded when the invite may not be sent."""

    async def greeted(self, tx: Transaction, sender_no: int, target_no: int, invite: StoredEvent) -> None:
        """Note a direct invite in the transaction that appends it; may refuse what `check_invite` could not see."""

    async def accepted(self, tx: Transaction, sender_no: int, target_no: int) -> None:
        """Note, in the transaction that appends the join, that a direct invite was accepted, be it an old one."""

    @property
    def refuses_silently(self) -> bool:
        """Whether one who says no to a direct invite does so without its sender learning of it."""

    async def refused(self, tx: Transaction, target_no: int, room_no: int) -> None:
        """Note, in the transaction that stores it, that a direct invite was silently refused."""
