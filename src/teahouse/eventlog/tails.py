"""The newest events of busy rooms in memory, so that a hundred woken readers read the same objects, not the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from teahouse.eventlog.types import StoredEvent

ROOMS_MAX = 5_000  # rooms whose newest events are kept
EVENTS_MAX = 64  # events kept of each


@dataclass(slots=True)
class Tail:
    """Every event of the room after `floor`, oldest first."""

    floor: int
    events: list[StoredEvent] = field(default_factory=list)


class Tails:
    """Tails of the rooms written to last."""

    def __init__(self) -> None:
        self._tails: OrderedDict[int, Tail] = OrderedDict()

    def committed(self, events: Sequence[StoredEvent], rewritten: Collection[int]) -> None:
        """Take in a commit; rooms in which earlier events were rewritten begin anew."""
        for room_no in rewritten:
            self._tails.pop(room_no, None)
        for event in events:
            tail = self._tails.get(event.room_no)
            if event.room_no in rewritten:
                continue
            if tail is None:
                tail = self._tails[event.room_no] = Tail(event.pos - 1)
            tail.events.append(event)
            if len(tail.events) > EVENTS_MAX:
                tail.floor = tail.events.pop(0).pos
            self._tails.move_to_end(event.room_no)
        while len(self._tails) > ROOMS_MAX:
            self._tails.popitem(last=False)

    def find(self, room_no: int, pos: int) -> StoredEvent | None:
        """The event at a position when it is one of the room's newest."""
        tail = self._tails.get(room_no)
        return None if tail is None else next((event for event in reversed(tail.events) if event.pos == pos), None)

    def after(self, room_no: int, since: int, upto: int) -> list[StoredEvent] | None:
        """The room's events with since < pos <= upto, oldest first; None when memory does not reach back so far."""
        tail = self._tails.get(room_no)
        if tail is None or since < tail.floor:
            return None
        return [event for event in tail.events if since < event.pos <= upto]
