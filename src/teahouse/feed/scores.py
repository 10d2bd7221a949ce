"""What is trending: a published formula over public deeds, as pure functions. Nothing else weighs in.

Whoever has the numbers that the list shows gets its scores and its order again; see docs/microblog.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

HOURS = 24  # counted back from the moment of computing
HALF_LIFE_HOURS = 6  # after so long somebody counts half
PEOPLE_MIN = 3  # below it nothing trends: one or two people are no trend, and would be pointed at
HOUR_MS = 3_600_000
FORMULA = (
    f"score = sum over k = 0 … {HOURS - 1} of people[k] * 2^(-k / {HALF_LIFE_HOURS}). "
    "people[k] is how many people's newest deed on the item was k to k + 1 hours before the list was computed. "
    "A hashtag's deeds are standing posts with it, by the accounts that published them; imported posts do not count. "
    "A post's deeds are likes, votes, comments and reposts that stand; those of its own account do not count. "
    "Each person counts once for an item. "
    f"Items with at least {PEOPLE_MIN} people are listed by score, then number of people; then hashtags by name, "
    "and posts by their account's age and their own. "
    "Nothing else raises or lowers an item, and none can be left out: only the whole list can be paused."
)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Scored(Generic[Item]):
    """An item with what its score is made of: for each hour back, the people whose newest deed lies in it."""

    item: Item
    people: Sequence[int]

    @property
    def score(self) -> float:
        """The score, to four places."""
        return round(sum(count * 2 ** (-hour / HALF_LIFE_HOURS) for hour, count in enumerate(self.people)), 4)


class Deeds(Generic[Item]):
    """Who did something on which item, and when last."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._newest: dict[Item, dict[int, int]] = {}

    @property
    def since_ms(self) -> int:
        """Deeds before it do not count."""
        return self._now_ms - HOURS * HOUR_MS

    def add(self, item: Item, person: int, done_ms: int) -> None:
        """Count a deed, if it is recent. In which order deeds are added makes no difference."""
        if done_ms > self.since_ms:
            people = self._newest.setdefault(item, {})
            people[person] = max(people.get(person, 0), min(done_ms, self._now_ms))

    def scored(self) -> list[Scored[Item]]:
        """Every item with enough people, in no order."""
        return [
            Scored(item, by_hour(people.values(), self._now_ms))
            for item, people in self._newest.items()
            if len(people) >= PEOPLE_MIN
        ]


def by_hour(times: Iterable[int], now_ms: int) -> list[int]:
    """How many of some times lie in each hour back from now."""
    hours = [0] * HOURS
    for time in times:
        hours[(now_ms - time) // HOUR_MS] += 1
    return hours
