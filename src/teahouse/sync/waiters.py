"""Long polls that wait for something new: registered before reading, woken by hints, bounded in number."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from types import TracebackType

from teahouse.bus import Bus
from teahouse.errors import LimitExceeded

WAITERS_PER_USER_MAX = 100  # long polls one user may park, over all devices
RETRY_AFTER_MS = 5_000  # told to the one beyond
WOKEN_AT_ONCE = 500  # readers of a room: a group is woken whole
ANSWERED_AT_ONCE = 500  # polls of larger crowds being answered: the next is woken when one of them is done

Interested = Callable[[int, Collection[int]], Collection[int]]


class Waiter:
    """One parked request. Between `with` and its end no hint is lost."""

    __slots__ = ("_loop", "_waiters", "_wake", "hinted", "in_crowd", "user_no")

    def __init__(self, waiters: Waiters, user_no: int) -> None:
        self._waiters = waiters
        self._loop = asyncio.get_running_loop()
        self._wake: asyncio.Future[None] | None = None
        self.user_no = user_no
        self.hinted = False
        self.in_crowd = False  # woken as one of a crowd, and not done with it

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
            self._waiters.done(self)
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
        self._crowd: OrderedDict[int, None] = OrderedDict()  # users to be woken, in the order of their hints
        self._answering = 0  # polls woken out of the crowd that are not done
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
        self.done(waiter)
        waiters = self._waiting.get(waiter.user_no)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[waiter.user_no]

    def stop(self) -> None:
        """Let every parked request answer now: the server is stopping."""
        self.stopping = True
        self._wake(list(self._waiting))

    def done(self, waiter: Waiter) -> None:
        """A poll is answered, or has found nothing and parks again: the next of the crowd may come."""
        if waiter.in_crowd:
            waiter.in_crowd = False
            self._answering -= 1
            self._wake_crowd()

    def _hint(self, rooms: Iterable[int], users: Iterable[int]) -> None:
        if not self._waiting:
            return
        self._wake(users)
        for room_no in rooms:
            readers = self._interested(room_no, self._waiting.keys())
            if len(readers) <= WOKEN_AT_ONCE:
                self._wake(readers)
            else:
                self._crowd.update(dict.fromkeys(readers))
                self._wake_crowd()

    def _wake_crowd(self) -> None:
        """Wake as many of a crowd as can be answered before others need to be."""
        while self._crowd and self._answering < ANSWERED_AT_ONCE:
            user_no, _ = self._crowd.popitem(last=False)
            for waiter in self._waiting.get(user_no, ()):
                self._answering += not waiter.in_crowd
                waiter.in_crowd = True
                waiter.wake()

    def _wake(self, users: Iterable[int]) -> None:
        for user_no in users:
            for waiter in self._waiting.get(user_no, ()):
                waiter.wake()
