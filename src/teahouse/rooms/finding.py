"""Finding listed rooms by any part of what they say, the largest first, at a cost that does not grow with their number.

The rarest three characters of a question lead to the rooms that have them. Where even the rarest are common, rooms are
looked through from the largest on, so many for one page, and the page's token goes on after the last one looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from teahouse.db import Reader, Row
from teahouse.errors import InvalidParam
from teahouse.eventlog import listing

SEARCH_MAX_CHARACTERS = 200  # of a search in the directory
COUNTED_GRAMS_MAX = 8  # of a search, from which the rarest is chosen
FEW_MAX = 1_000  # rooms that some characters lead to before they count as common
SCANNED_MAX = 2_000  # rooms that a search of common characters looks through for each page
FIRST = (1 << 62, 1 << 62)  # above every number of members and every room


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list, which is ordered by size and number: beyond the room named, upwards or downwards."""

    size: int = FIRST[0]
    room_no: int = FIRST[1]
    upwards: bool = False

    @property
    def token(self) -> str:
        """The place as a client sends it back."""
        return f"{'b' if self.upwards else 'p'}{self.size}_{self.room_no}"


@dataclass(frozen=True, slots=True)
class Found:
    """Rooms of one page, (room_no, joined_count), the largest first, and where the pages before and after begin."""

    rooms: list[tuple[int, int]]
    before: Place | None
    after: Place | None


def parse_place(since: str | None) -> Place:
    """The place behind a token; raises InvalidParam."""
    if since is None:
        return Place()
    parts = since[1:].split("_")
    numbers = len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts)
    if since[:1] not in ("p", "b") or not numbers:
        raise InvalidParam("'since' is not a token of this list.")
    return Place(int(parts[0]), int(parts[1]), since[0] == "b")


async def page(reader: Reader, search: str, place: Place, limit: int) -> Found:
    """A page of the listed rooms that hold a text, all of them where it is empty."""
    rows, last = await _beyond(reader, search[:SEARCH_MAX_CHARACTERS].casefold(), place, limit + 1)
    shown = [(row[0], row[1]) for row in rows[:limit]]
    further = _after(shown[-1], upwards=place.upwards) if len(rows) > limit else last
    back = None
    if place != Place():
        # Where nothing was found the way back begins with the room named itself.
        room_no = shown[0][0] if shown else place.room_no + (1 if place.upwards else -1)
        back = Place(shown[0][1] if shown else place.size, room_no, not place.upwards)
    return Found(shown[::-1], further, back) if place.upwards else Found(shown, back, further)


async def _beyond(reader: Reader, text: str, place: Place, count: int) -> tuple[list[Row], Place | None]:
    """Rooms beyond a place in its direction, and where to go on when not all were looked at."""
    order = "ORDER BY joined_count {0}, room_no {0} LIMIT ?".format("ASC" if place.upwards else "DESC")
    beyond = f"(joined_count, room_no) {'>' if place.upwards else '<'} (?, ?)"
    at = (place.size, place.room_no)
    if not text:
        sql = f"SELECT room_no, joined_count FROM rooms WHERE listed = 1 AND {beyond} {order}"
        return await reader.fetch(sql, *at, count), None
    ranges = listing.ranges(text)
    step = -(-len(ranges) // COUNTED_GRAMS_MAX)
    counts = {each: await _few(reader, *each) for each in ranges[::step]}
    rarest = min(counts, key=lambda each: counts[each])
    if not counts[rarest]:
        return [], None
    if counts[rarest] <= FEW_MAX:
        # The LIMITs let no plan begin elsewhere than with these few.
        few = (
            "SELECT r.room_no, r.joined_count, r.about FROM (SELECT DISTINCT room_no FROM listed_grams "
            "WHERE gram >= ? AND gram <= ? LIMIT ?) g JOIN rooms r ON r.room_no = g.room_no WHERE r.listed = 1 LIMIT ?"
        )
        sql = f"SELECT room_no, joined_count FROM ({few}) f WHERE {beyond} AND about LIKE ? ESCAPE '!' {order}"
        return await reader.fetch(sql, *rarest, FEW_MAX, FEW_MAX, *at, like(text), count), None
    scanned = f"FROM rooms WHERE listed = 1 AND {beyond} {order}"
    rows = await reader.fetch(
        f"SELECT room_no, joined_count FROM (SELECT room_no, joined_count, about {scanned}) s "
        f"WHERE about LIKE ? ESCAPE '!' {order}",
        *at, SCANNED_MAX, like(text), count,
    )  # fmt: skip
    last = await reader.fetch_one(f"SELECT room_no, joined_count {scanned} OFFSET ?", *at, 1, SCANNED_MAX - 1)
    return rows, None if last is None else _after(last, upwards=place.upwards)


async def _few(reader: Reader, first: int, last: int) -> int:
    """How many times rooms have one of some grams, counted up to one more than few."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM listed_grams WHERE gram >= ? AND gram <= ? LIMIT ?) f",
        first, last, FEW_MAX + 1,
    )  # fmt: skip
    return 0 if row is None else int(row[0])


def _after(room: tuple[int, int] | Row, *, upwards: bool) -> Place:
    return Place(room[1], room[0], upwards)


def like(text: str) -> str:
    """A folded text as a LIKE pattern that finds it anywhere."""
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return f"%{text}%"
