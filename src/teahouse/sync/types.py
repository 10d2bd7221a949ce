"""What a sync is asked for, what it is made of, and what it needs of the slices that keep those things."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from teahouse.eventlog.state import RoomState
from teahouse.matrix.filters import Filter
from teahouse.rooms.tokens import Token
from teahouse.rooms.types import Place, Reader, Window

TIMELINE_EVENTS_DEFAULT = 20  # events of a room's timeline when the filter names no number
TIMELINE_EVENTS_MAX = 1_000  # the most a filter may ask for
TO_DEVICE_MAX = 100  # to-device messages in one response


class Ask(msgspec.Struct, frozen=True):
    """One request: from where, how, and what of it."""

    reader: Reader
    since: Token | None
    upto: Token
    filter: Filter
    full_state: bool
    state_after: str | None  # the key to put state_after under, None for plain `state`

    @property
    def floor(self) -> int:
        """The position everything shown lies after; 0 for a first sync."""
        return 0 if self.since is None else self.since.pos


class RoomView(msgspec.Struct, frozen=True):
    """One room as one request sees it: its state, the reader's place and window."""

    state: RoomState
    place: Place
    window: Window
    newly_joined: bool

    @property
    def last(self) -> int:
        """The newest position this room is shown up to: of a left one that of leaving, readable or not beyond it."""
        return self.window.last if self.place.membership == "join" else min(self.window.last, self.place.pos)


class Inbox(Protocol):
    """To-device messages, one-time keys and device lists, as sync needs them."""

    @property
    def latest_change_pos(self) -> int:
        """Position of the newest device-list change."""

    async def inbox(
        self, user_no: int, device_id: str, since: int, to: int, limit: int = TO_DEVICE_MAX
    ) -> tuple[Sequence[bytes], int]:
        """Waiting messages in since < pos <= to, as JSON bytes, and the position of the last one."""

    async def acknowledge(self, user_no: int, device_id: str, upto_pos: int) -> None:
        """The device has everything up to this position."""

    async def changes(self, since: int, to: int, seer_no: int) -> Collection[int]:
        """Users whose devices changed in since < pos <= to, what only `seer_no` can see included."""

    async def one_time_key_counts(self, user_no: int, device_id: str) -> Mapping[str, int]: ...

    async def unused_fallback_types(self, user_no: int, device_id: str) -> Sequence[str]: ...


class AccountData(Protocol):
    """Account data as sync needs it; room_no 0 is the user's own."""

    async def since(self, user_no: int, since: int, to: int) -> Sequence[tuple[int, str, bytes]]:
        """(room_no, type, content) changed in since < pos <= to."""

    async def ignored(self, user_no: int) -> Collection[str]: ...


Json = dict[str, Any]


def raw(items: Sequence[bytes]) -> list[msgspec.Raw]:
    """Encoded items, to stand in a response as they are."""
    return [msgspec.Raw(item) for item in items]
