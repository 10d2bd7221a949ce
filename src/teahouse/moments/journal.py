"""The events of one author's moments room, and which of them each reader may read: pure, kept in memory.

Every event is either state, which all who read there see, or one of a moment: the one that published it, one that shows
it to those who were let in later, or a redaction. What is not in the journal nobody reads.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from dataclasses import dataclass, field

from teahouse.moments.audience import Audience, Standing, Version, hears_of_deletion, may_see, shown_by
from teahouse.moments.types import DAY_MS

NEVER = 1 << 62
Intervals = list[tuple[int, int]]


@dataclass(slots=True)
class Told:
    """A moment as its room has it. `gone` and `gone_last`: first and last of its redactions."""

    pos: int
    created_ms: int
    versions: list[Version]
    gone: int = 0
    gone_last: int = 0

    @property
    def audience(self) -> Audience:
        """Whom it admits now."""
        return self.versions[-1].audience


# Counted over all journals: one that is read anew must not take views of its earlier life for its own.
_generations = itertools.count(1)


@dataclass(slots=True)
class View:
    """What one reader may read: intervals over the first `count` events, true until `expires_ms`."""

    generation: int
    count: int
    intervals: Intervals
    expires_ms: int


@dataclass(slots=True)
class Journal:
    """One author's room. `generation` is another one after every change but the addition of a newest event."""

    author_no: int
    room_no: int
    days: int = 0
    hidden: set[int] = field(default_factory=set)
    closed: bool = False  # the author's account is: nobody reads here any more
    generation: int = field(default_factory=lambda: next(_generations))
    moments: dict[int, Told] = field(default_factory=dict)
    events: list[tuple[int, int]] = field(default_factory=list)  # (position, its moment's position; 0: state), in order

    def changed(self) -> None:
        """Views made so far hold no more."""
        self.generation = next(_generations)

    def add(self, pos: int, moment_pos: int = 0) -> None:
        """Take in an event; one that is there already changes nothing."""
        if not self.events or self.events[-1] < (pos, moment_pos):
            self.events.append((pos, moment_pos))
        elif self.events[bisect_left(self.events, (pos, moment_pos))] != (pos, moment_pos):
            self.changed()
            insort(self.events, (pos, moment_pos))

    def tell(self, told: Told) -> None:
        """Take in a moment with its events."""
        self.moments[told.pos] = told
        for version in told.versions:
            if version.event_pos:
                self.add(version.event_pos, told.pos)
        for pos in range(told.gone, told.gone_last + 1) if told.gone else ():
            self.add(pos, told.pos)

    def admit(self, moment_pos: int, version: Version) -> None:
        """A moment has another audience."""
        told = self.moments.get(moment_pos)
        if told is not None and version not in told.versions[-1:]:
            told.versions.append(version)
            if version.event_pos:
                self.add(version.event_pos, moment_pos)

    def end(self, moment_pos: int, gone: int, gone_last: int) -> None:
        """A moment was deleted."""
        told = self.moments.get(moment_pos)
        if told is not None:
            told.gone, told.gone_last = gone, gone_last
            for pos in range(gone, gone_last + 1):
                self.add(pos, moment_pos)

    def standing(self, reader_no: int, now_ms: int, *, friends: bool) -> Standing:
        """What somebody is to the author."""
        oldest_ms = now_ms - self.days * DAY_MS if self.days else 0
        friends = friends and not self.closed
        return Standing(reader_no, reader_no == self.author_no, friends, reader_no in self.hidden, oldest_ms)

    def shows_any(self, standing: Standing) -> bool:
        """Whether the reader may see at least one moment."""
        return any(
            not told.gone and may_see(told.audience, told.created_ms, standing) for told in self.moments.values()
        )

    def view(self, standing: Standing, now_ms: int, before: View | None) -> View:
        """What a reader may read; an earlier view of theirs is carried on where it still holds."""
        if before is not None and before.generation == self.generation and before.expires_ms > now_ms:
            if before.count == len(self.events):
                return before
            view = View(self.generation, before.count, list(before.intervals), before.expires_ms)
        else:
            view = View(self.generation, 0, [], NEVER)
        broken = view.count > 0 and (not view.intervals or view.intervals[-1][1] < self.events[view.count - 1][0])
        for pos, moment_pos in self.events[view.count :]:
            if not self._readable(pos, moment_pos, standing):
                broken = True
                continue
            if view.intervals and not broken:
                view.intervals[-1] = (view.intervals[-1][0], pos)
            else:
                view.intervals.append((pos, pos))
            broken = False
            if moment_pos and self.days and not standing.own:
                view.expires_ms = min(view.expires_ms, self.moments[moment_pos].created_ms + self.days * DAY_MS + 1)
        view.count = len(self.events)
        return view

    def _readable(self, pos: int, moment_pos: int, standing: Standing) -> bool:
        if not moment_pos:
            return True
        told = self.moments[moment_pos]
        if told.gone:
            return told.gone <= pos <= told.gone_last and hears_of_deletion(told.versions, standing)
        return may_see(told.audience, told.created_ms, standing) and shown_by(told.versions, standing) == pos
