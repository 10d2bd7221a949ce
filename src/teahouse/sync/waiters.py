"""Long polls that wait for something new: registered before reading, woken by hints, bounded in number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from types import TracebackType

from teahouse.bus import Bus
from teahouse.errors import LimitExceeded

WAITERS_PER_USER_MAX = 100  # long polls one user may park, over all devices
RETRY_AFTER_MS = 5_000  # told to the one beyond
WOKEN_AT_ONCE = 500  # readers of a room: a group is woken whole
WOKEN_IN_TURN = 100  # of a larger crowd, every TURN_S: about what can be answered in that time
TURN_S = 0.03

Interested = Callable[[int, Collection[int]], Collection[int]]


class Waiter:
    """One parked request. Between `with` and its end no hint is lost."""

    __slots__ = ("_loop", "_waiters", "_wake", "hinted", "user_no")

    def __init__(self, waiters: Waiters, user_no: int) -> None:
        self._waiters = waiters
        self._loop = asyncio.get_running_loop()
        self._wake: asyncio.Future[None] | None = None
        self.user_no = user_no
        self.hinted = False

    def __enter__(self) -> Waiter:
        self._waiters.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiters.remove(self)

    def wake(self) -> None:
        """There may be something new."""
        self.hinted = True
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint that came since the last call; False when the time ran out first."""
        if not self.hinted:
            self._wake = self._loop.create_future()
            handle = self._loop.call_later(timeout_s, self._expire, self._wake)
            try:
                await self._wake
            finally:
                handle.cancel()
                self._wake = None
        hinted, self.hinted = self.hinted, False
        return hinted

    @staticmethod
    def _expire(wake: asyncio.Future[None]) -> None:
        if not wake.done():
            wake.set_result(None)


class Waiters:
    """Who waits, by user."""

    def __init__(self, bus: Bus, interested: Interested) -> None:
        """`interested(room_no, waiting)` names which of the waiting users read a room."""
        self._interested = interested
        self._waiting: dict[int, set[Waiter]] = {}
        self.stopping = False
        bus.subscribe(self._hint)

    def __len__(self) -> int:
        return sum(len(waiters) for waiters in self._waiting.values())

    def add(self, waiter: Waiter) -> None:
        """Register; raises LimitExceeded for a user with too many."""
        waiters = self._waiting.setdefault(waiter.user_no, set())
        if len(waiters) >= WAITERS_PER_USER_MAX:
            raise LimitExceeded("Too many requests of yours are waiting.", retry_after_ms=RETRY_AFTER_MS)
        waiters.add(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Forget a waiter."""
        waiters = self._waiting.get(waiter.user_no)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[waiter.user_no]

    def stop(self) -> None:
        """Let every parked request answer now: the server is stopping."""
        self.stopping = True
        self._wake(list(self._waiting))

    def _hint(self, rooms: Iterable[int], users: Iterable[int]) -> None:
        if not self._waiting:
            return
        self._wake(users)
        for room_no in rooms:
            self._wake_in_turns(list(self._interested(room_no, self._waiting.keys())))

    def _wake_in_turns(self, users: Sequence[int]) -> None:
        """Wake a crowd some at a time, so that others are answered in between."""
        self._wake(users[:WOKEN_AT_ONCE])
        for turn, first in enumerate(range(WOKEN_AT_ONCE, len(users), WOKEN_IN_TURN), 1):
            later = users[first : first + WOKEN_IN_TURN]
            asyncio.get_running_loop().call_later(turn * TURN_S, self._wake, later)

    def _wake(self, users: Iterable[int]) -> None:
        for user_no in users:
            for waiter in self._waiting.get(user_no, ()):
                waiter.wake()
