"""What goes into the log and what stands in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from teahouse.db import Transaction

Content = Mapping[str, Any]


class EventClass:
    """What readers need to know of an event without decoding it: bits, plain numbers because each read tests them."""

    NOTIFIES: Final = 1  # counts as unread under the default push rules
    HIGHLIGHTS_ROOM: Final = 2  # the default rules highlight it for every member
    STATE: Final = 4
    HAS_CHILDREN: Final = 8  # events relate to it: bundled aggregations must be looked up
    RELATES: Final = 16  # an edit, reaction, reference or thread message
    MENTIONS: Final = 32  # it names users; rows in `mentions`


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event at its place. `json` is its encoding without room_id and unsigned."""

    pos: int
    room_no: int
    event_id: str
    sender: str
    sender_no: int
    type: str
    state_key: str | None
    content: Content
    origin_server_ts: int
    json: bytes
    class_: int = 0
    thread_pos: int | None = None
    redacted_pos: int | None = None
    replaces_pos: int | None = None
    txn: str | None = None


class Txn(msgspec.Struct, frozen=True, gc=False):
    """What makes a retried request the same request."""

    user_no: int
    device_id: str
    method: str
    txn_id: str


class Target(msgspec.Struct, frozen=True, gc=False):
    """An event a draft points at, as the service found it: what a redaction empties, what a relation relates to."""

    pos: int
    room_no: int
    event_id: str
    sender: str
    type: str
    state_key: str | None
    class_: int
    thread_pos: int | None
    relates: bool
    json: bytes


ContentOf = Callable[["Issued"], Content]


class Draft(msgspec.Struct, frozen=True):
    """An event to be. `content` may be a function of the ids that the writer issues to the proposal."""

    type: str
    content: Content | ContentOf
    state_key: str | None = None
    redacts: Target | None = None
    relates_to: Target | None = None
    old_room: bool = False  # of a proposal that makes a room: this one goes into the room it replaces


@dataclass(frozen=True, slots=True)
class Issued:
    """The ids a proposal got: its new room's, and its events' in order."""

    room_id: str
    event_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewRoom:
    """The room a proposal makes; its first draft is the create event."""

    version: str
    bucket: int
    listed: bool


Also = Callable[[Transaction, Sequence[StoredEvent]], Awaitable[None]]


class Proposal(msgspec.Struct):
    """Events by one sender that get in together or not at all.

    `room_no` is the existing room, or the one being replaced when `new_room` is set. `also` writes more in the same
    transaction, and may refuse. `authorised_via` is the member whose right to invite lets a restricted join in.
    """

    sender: str
    sender_no: int
    drafts: Sequence[Draft]
    room_no: int | None = None
    new_room: NewRoom | None = None
    txn: Txn | None = None
    authorised_via: str | None = None
    also: Also | None = None
    users: Mapping[str, int] = msgspec.field(default_factory=dict)  # user_no of every member-event target


class Appended(msgspec.Struct, frozen=True, gc=False):
    """What became of a proposal: its events, and whether they are those of an earlier try."""

    event_ids: tuple[str, ...]
    room_no: int
    repeated: bool = False


class Classifier(Protocol):
    """Names the class bits of an event under the default push rules, and whom it highlights."""

    def classify(self, event_type: str, content: Content, state_key: str | None, may_notify_room: bool) -> int:
        """Bits of `EventClass` (NOTIFIES, HIGHLIGHTS_ROOM)."""

    def mentioned(self, event_type: str, content: Content) -> Sequence[str]:
        """User ids that the default rules highlight."""


class CommitListener(Protocol):
    """Told of every commit, before the senders are answered and waiters woken; keeps caches true."""

    def committed(self, events: Sequence[StoredEvent]) -> None: ...
