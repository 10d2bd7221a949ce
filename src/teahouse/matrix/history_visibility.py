"""Which part of a room's history one user may read, as intervals of positions.

Source: Client-Server API, "Room History Visibility".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

POS_MAX = 1 << 62  # the open end of an interval
Intervals = Sequence[tuple[int, int]]


def intervals(memberships: Sequence[tuple[int, str]], visibility: Sequence[tuple[int, str]]) -> Intervals:
    """Inclusive intervals that the user may read, in order and apart.

    `memberships` are the user's (position, membership), `visibility` the room's (position, history visibility), both
    oldest first. An event that changes either is judged by the more permissive of before and after.
    """
    last_joined = last_join_end(memberships)
    places = sorted({pos for pos, _ in memberships} | {pos for pos, _ in visibility})
    found: list[tuple[int, int]] = []
    seen = shown = ""
    first = 0
    for place in [*places, None]:
        last = POS_MAX if place is None else place - 1
        if first <= last and allows(shown, seen, first <= last_joined):
            add(found, first, last if shown != "shared" or seen == "join" else min(last, last_joined))
        if place is None:
            break
        after_seen, after_shown = value_at(memberships, place, seen), value_at(visibility, place, shown)
        if any(allows(by, of, place <= last_joined) for by in {shown, after_shown} for of in {seen, after_seen}):
            add(found, place, place)
        seen, shown, first = after_seen, after_shown, place + 1
    return found


def readable(found: Intervals, pos: int) -> bool:
    """Whether a position lies in one of the intervals."""
    place = bisect_right(found, (pos, POS_MAX + 1)) - 1
    return place >= 0 and found[place][0] <= pos <= found[place][1]


def allows(visibility: str, membership: str, joined_later: bool) -> bool:
    """The rule for one moment: `joined_later` says whether the user was joined then or at any time after."""
    if visibility == "world_readable":
        return True
    if membership == "join":
        return True
    if visibility == "invited":
        return membership == "invite"
    if visibility == "joined":
        return False
    return joined_later  # `shared`, and what makes no sense counts as shared


def last_join_end(memberships: Sequence[tuple[int, str]]) -> int:
    """The last position at which the user was joined; -1 for never."""
    end = -1
    for index, (_, membership) in enumerate(memberships):
        if membership == "join":
            following = memberships[index + 1 :]
            end = following[0][0] - 1 if following else POS_MAX
    return end


def value_at(changes: Sequence[tuple[int, str]], pos: int, default: str) -> str:
    """The value a change at exactly `pos` sets, else the one before."""
    index = bisect_right(changes, (pos, "\U0010ffff")) - 1
    return changes[index][1] if index >= 0 and changes[index][0] == pos else default


def add(found: list[tuple[int, int]], first: int, last: int) -> None:
    """Append an interval, joined to the one before where they touch."""
    if last < first:
        return
    if found and found[-1][1] + 1 >= first:
        found[-1] = (found[-1][0], max(found[-1][1], last))
    else:
        found.append((first, last))
