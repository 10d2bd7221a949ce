"""Hints inside one process."""

from __future__ import annotations

from collections.abc import Iterable

from teahouse.bus import Listener


class LocalBus:
    """Calls the listeners at once."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, rooms: Iterable[int] = (), users: Iterable[int] = ()) -> None:
        for listener in self._listeners:
            listener(rooms, users)

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)
