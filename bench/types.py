"""What the rows share: sizes, figures, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.machine import Reading


@dataclass(frozen=True)
class Size:
    """How much is measured; every row is bounded in time and count by these."""

    name: str
    seconds: float  # measured window of a timed row
    warm_up_s: float  # the same load before it, not measured
    users: int = 64
    rooms: int = 32
    members: int = 20
    connections: int = 32
    group: int = 500
    group_seconds: float = 60.0  # the design: five messages a second for a minute
    group_messages_per_s: float = 5.0
    unread_rooms: int = 200
    unread_messages: int = 10  # in each of them
    history_messages: int = 500  # in each of four rooms
    idle_users: int = 1_000
    startup_events: int = 1_000_000  # or as many as fit in startup_load_s
    startup_load_s: float = 60.0
    followers_few: int = 1_000  # of a public account
    followers_many: int = 1_000_000
    connected: int = 2_000  # followers who long-poll while a post is published
    posts: int = 20  # published one after the other
    accounts_few: int = 1_000  # in the directory
    accounts_many: int = 100_000
    followed: int = 2_000  # accounts that one reader follows
    posts_of_each: int = 100  # of these accounts, in the larger of two worlds; in the smaller one post
    row_limit_s: float = 900.0  # a row that takes longer, the building of its worlds aside, has failed
    build_limit_s: float = 1_800.0  # and a world that takes longer to build


FULL = Size("full", seconds=30.0, warm_up_s=3.0)
QUICK = Size(
    "quick", seconds=3.0, warm_up_s=1.0, users=12, rooms=4, members=6, connections=4, group=20,
    group_seconds=3.0, unread_rooms=5, history_messages=100, idle_users=30, startup_load_s=3.0, followers_few=20,
    followers_many=2_000, connected=20, posts=3, accounts_few=10, accounts_many=50, followed=40, posts_of_each=5,
    row_limit_s=120.0, build_limit_s=120.0,
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One number: which way is better, and what the design asks of Teahouse."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower"]
    target: float | None = None

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


@dataclass(frozen=True)
class Row:
    """What one row measured of one server."""

    name: str
    title: str
    figures: Sequence[Figure]
    reading: Reading
    operations: int  # that the server did in the reading's seconds
    details: dict[str, float | int | str] = field(default_factory=dict)
    wrong: Sequence[str] = ()  # lost, doubled or malformed answers: the figures then mean nothing


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
