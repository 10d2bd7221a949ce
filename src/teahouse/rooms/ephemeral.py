"""Typing and presence: held in memory, lost on restart, never in the log.

Both take their places from one counter of this process, which rides in the sync token beside the log's position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from teahouse.bus import Bus
from teahouse.clock import Clock
from teahouse.errors import Forbidden, InvalidParam
from teahouse.eventlog.types import StoredEvent
from teahouse.rooms.service import Rooms
from teahouse.rooms.types import Reader

TYPING_MAX_MS = 120_000  # longest time one typing notice may hold
TYPING_DEFAULT_MS = 30_000  # when the client names no time: that after which clients are told to say so again
TYPING_MEMBERS_MAX = 500  # rooms larger than this carry no typing notices
ROOMS_TYPED_MAX = 100_000  # rooms whose last change of typing is remembered
STATUS_MAX_BYTES = 1_024  # of a presence status message
OFFLINE_AFTER_MS = 60_000  # presence of a user who stopped syncing
MESSAGES = ("m.room.message", "m.room.encrypted", "m.sticker")  # what one types
PRESENCES = ("online", "offline", "unavailable")
PRESENCE_USERS_MAX = 100_000  # users whose presence is held


class Serial:
    """The counter of ephemeral changes in this process."""

    def __init__(self) -> None:
        self.now = 0

    def next(self) -> int:
        self.now += 1
        return self.now


class Typing:
    """Who is typing where."""

    def __init__(self, rooms: Rooms, bus: Bus, serial: Serial) -> None:
        self._rooms = rooms
        self._bus = bus
        self._serial = serial
        self._typing: dict[int, dict[str, asyncio.TimerHandle]] = {}
        self._changed: dict[int, int] = {}
        rooms.eventlog.subscribe(self)

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Who has sent what they were typing, or has left, types no more."""
        for event in events:
            users = self._typing.get(event.room_no)
            if users is None:
                continue
            left = event.type == "m.room.member" and event.content.get("membership") != "join"
            sent = event.state_key is None and event.type in MESSAGES
            who = event.state_key if left else event.sender
            if (left or sent) and who in users:
                self._end(event.room_no, who)

    async def put(self, reader: Reader, room_id: str, user_id: str, typing: bool, timeout_ms: int | None) -> None:
        """Begin, prolong or end the requester's own typing."""
        if user_id != reader.user_id:
            raise Forbidden("You can say only of yourself that you are typing.")
        state = await self._rooms.require_joined(reader, room_id)
        if timeout_ms is not None and timeout_ms < 0:
            raise InvalidParam("'timeout' must be the number of milliseconds to hold the notice for.")
        if len(state.joined) > TYPING_MEMBERS_MAX or self._rooms.keeper_of(state) is not None:
            return
        users = self._typing.setdefault(state.room_no, {})
        before = users.pop(user_id, None)
        if before is not None:
            before.cancel()
        if typing:
            delay_s = min(TYPING_DEFAULT_MS if timeout_ms is None else timeout_ms, TYPING_MAX_MS) / 1_000
            loop = asyncio.get_running_loop()
            users[user_id] = loop.call_later(delay_s, self._end, state.room_no, user_id)
        if typing != (before is not None):
            self._touch(state.room_no)
        elif not users:
            del self._typing[state.room_no]

    def shown(self, room_no: int, after: int) -> list[str] | None:
        """The users typing now, when that changed after a serial; None when it did not."""
        if self._changed.get(room_no, 0) <= after:
            return None
        return sorted(self._typing.get(room_no, {}))

    def _end(self, room_no: int, user_id: str) -> None:
        handle = self._typing[room_no].pop(user_id, None)
        if handle is not None:
            handle.cancel()
            self._touch(room_no)

    def _touch(self, room_no: int) -> None:
        if not self._typing.get(room_no):
            self._typing.pop(room_no, None)
        self._changed.pop(room_no, None)
        self._changed[room_no] = self._serial.next()
        if len(self._changed) > ROOMS_TYPED_MAX:
            del self._changed[next(iter(self._changed))]
        self._bus.publish(rooms=(room_no,))


@dataclass(slots=True)
class Status:
    """One user's presence."""

    presence: str
    status_msg: str | None
    active_ms: int
    serial: int
    going: asyncio.TimerHandle | None  # ends the presence of one who is heard of no more


class Presence:
    """Who is there, for their contacts to see. Switched off unless the operator wants it."""

    def __init__(self, enabled: bool, clock: Clock, bus: Bus, serial: Serial) -> None:
        self.enabled = enabled
        self._clock = clock
        self._bus = bus
        self._serial = serial
        self._statuses: dict[int, Status] = {}

    def put(
        self, user_no: int, presence: str, status_msg: str | None, watchers: Collection[int], waits_ms: int = 0
    ) -> None:
        """Set a user's presence and wake those who may see it.

        Unless the user is heard of again, the presence ends OFFLINE_AFTER_MS after `waits_ms`, the time for which a
        long poll keeps quiet.
        """
        if presence not in PRESENCES:
            raise InvalidParam(f"'presence' must be one of {', '.join(PRESENCES)}.")
        if status_msg is not None and len(status_msg.encode()) > STATUS_MAX_BYTES:
            raise InvalidParam(f"'status_msg' has at most {STATUS_MAX_BYTES} bytes.")
        if not self.enabled:
            return
        before = self._statuses.get(user_no)
        same = before is not None and (before.presence, before.status_msg) == (presence, status_msg)
        serial = before.serial if same and before else self._serial.next()
        if before is None and len(self._statuses) >= PRESENCE_USERS_MAX:
            forget(self._statuses.pop(next(iter(self._statuses))))
        if before is not None:
            forget(before)
        going = None
        if presence != "offline":
            delay_s = (waits_ms + OFFLINE_AFTER_MS) / 1_000
            going = asyncio.get_running_loop().call_later(delay_s, self._go, user_no, watchers)
        self._statuses[user_no] = Status(presence, status_msg, self._clock.now_ms(), serial, going)
        if not same:
            self._bus.publish(users=watchers)

    def _go(self, user_no: int, watchers: Collection[int]) -> None:
        """The user was not heard of for long enough to be away."""
        self._statuses[user_no] = replace(
            self._statuses[user_no], presence="offline", serial=self._serial.next(), going=None
        )
        self._bus.publish(users=watchers)

    def get(self, user_no: int) -> Mapping[str, Any]:
        """A presence event's content."""
        status = self._statuses.get(user_no)
        if status is None:
            return {"presence": "offline"}
        content: dict[str, Any] = {
            "presence": status.presence,
            "last_active_ago": max(self._clock.now_ms() - status.active_ms, 0),
            "currently_active": status.presence == "online",
        }
        if status.status_msg is not None:
            content["status_msg"] = status.status_msg
        return content

    def message_of(self, user_no: int) -> str | None:
        """The status message that stands."""
        status = self._statuses.get(user_no)
        return None if status is None else status.status_msg

    def changed(self, users: Collection[int], after: int) -> list[int]:
        """Which of the users changed after a serial."""
        if not self.enabled:
            return []
        return [number for number in users if (found := self._statuses.get(number)) and found.serial > after]


def forget(status: Status) -> None:
    """Let go of what was to end a presence that another one replaces."""
    if status.going is not None:
        status.going.cancel()
