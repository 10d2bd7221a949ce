"""What is counted of posts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from teahouse.posts.types import Ref

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
COUNTED_DAYS = 30  # days after its publication during which a post's readers are counted; then its key is destroyed
HOURLY_MS = 72 * HOUR_MS  # of a post's life told hour by hour, and day by day after it
KINDS: tuple[Kind, ...] = ("impressions", "opens", "visits")

Kind = Literal["impressions", "opens", "visits"]


@dataclass(frozen=True, slots=True)
class Totals:
    """How many different ones a post met. `visits` are those to its public page, each visitor once a day."""

    impressions: int = 0
    opens: int = 0
    visits: int = 0


@dataclass(frozen=True, slots=True)
class PostFigures:
    """One post with what became of it."""

    ref: Ref
    kind: str
    title: str
    created_ms: int
    totals: Totals
    likes: int
    reposts: int
    comments: int

    @property
    def open_percent(self) -> float | None:
        """Opens of a hundred impressions; None where either is too few to tell."""
        return open_percent(self.totals)


@dataclass(frozen=True, slots=True)
class Hour:
    """When a post met its readers: those who came in the hour, or the day, that began at `from_ms`."""

    from_ms: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Day:
    """One day of an account, UTC. `followers` is how many there were at its end."""

    day: int
    followers: int
    came: int
    left: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class Report:
    """An account's days, where its followers came from, and its newest posts of the time."""

    days: list[Day]
    sources: list[tuple[str, int]]
    posts: list[PostFigures]
    best: list[PostFigures]


def open_percent(totals: Totals, few: int = 5) -> float | None:
    """Opens of a hundred impressions. More opened than were delivered to where people look without following: 100."""
    if totals.impressions < few or totals.opens < few:
        return None
    return min(100.0, round(100 * totals.opens / totals.impressions, 1))


def slot(created_ms: int, now_ms: int) -> int:
    """The beginning of the hour, or of the day, that `now_ms` counts for."""
    step = HOUR_MS if now_ms - created_ms < HOURLY_MS else DAY_MS
    return now_ms - now_ms % step
