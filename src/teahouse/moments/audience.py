"""Who may see a moment: values in, verdicts out. Every door asks here, at the time of reading.

Four things are asked, in this order: are they friends now, does the author hide from this reader, how far back do
friends see, and whom does the moment itself admit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """What the names of an audience mean."""

    FRIENDS = 0  # every friend; it names nobody
    SOME = 1  # those named
    ALL_BUT = 2  # every friend but those named
    SELF = 3  # nobody but the author


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a moment admits, of the author's friends."""

    scope: Scope
    named: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Version:
    """An audience a moment has or had, and the event that shows it to those whom it let in; 0: it let in nobody."""

    event_pos: int
    audience: Audience


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reader is to an author, now. `oldest_ms`: moments made before are too old for friends; 0: none is."""

    reader_no: int
    own: bool = False
    friends: bool = False
    hidden: bool = False
    oldest_ms: int = 0

    @property
    def reads(self) -> bool:
        """Whether they see any moments of the author's at all."""
        return self.own or (self.friends and not self.hidden)


def admits(audience: Audience, reader_no: int) -> bool:
    """Whether an audience has room for a friend."""
    match audience.scope:
        case Scope.FRIENDS:
            return True
        case Scope.SOME:
            return reader_no in audience.named
        case Scope.ALL_BUT:
            return reader_no not in audience.named
        case Scope.SELF:
            return False


def may_see(audience: Audience, created_ms: int, standing: Standing) -> bool:
    """Whether a reader may see a moment of this audience and age."""
    if standing.own:
        return True
    return standing.reads and created_ms >= standing.oldest_ms and admits(audience, standing.reader_no)


def shown_by(versions: Sequence[Version], standing: Standing) -> int:
    """The event by which one who may see a moment sees it: of the change that let them in, for as long as they stayed.

    `versions` are oldest first. Each reader has one event of each moment, so nobody sees it twice.
    """
    if standing.own:
        return versions[0].event_pos
    shown = 0
    for version in reversed(versions):
        if not admits(version.audience, standing.reader_no):
            break
        shown = version.event_pos or shown
    return shown


def hears_of_deletion(versions: Sequence[Version], standing: Standing) -> bool:
    """Whether a reader is told that a moment is gone: who could ever see it, and no others, learn that it was there."""
    if standing.own:
        return True
    return standing.reads and any(admits(version.audience, standing.reader_no) for version in versions)


def widens(before: Audience, after: Audience) -> bool:
    """Whether a change of audience can let somebody in whom it kept out before."""
    if before.scope is Scope.FRIENDS or after.scope is Scope.SELF:
        return False
    if before.scope is Scope.SELF:
        return after.scope is not Scope.SOME or bool(after.named)
    if before.scope is Scope.SOME:
        return after.scope is not Scope.SOME or not after.named <= before.named
    match after.scope:  # from all but some
        case Scope.FRIENDS:
            return bool(before.named)
        case Scope.SOME:
            return bool(after.named & before.named)
        case _:
            return not before.named <= after.named
