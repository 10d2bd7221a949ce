"""Hints that something may be new. Losing one makes sync late, never wrong; they carry no data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

Listener = Callable[[Iterable[int], Iterable[int]], None]


class Bus(Protocol):
    """Carries hints between the writers and the waiting readers."""

    def publish(self, rooms: Iterable[int] = (), users: Iterable[int] = ()) -> None:
        """Say that these rooms (by room_no) and users (by user_no) have something new. Call it from
        `Transaction.on_commit`, never before the commit."""

    def subscribe(self, listener: Listener) -> None:
        """Call `listener(rooms, users)` for every hint."""
