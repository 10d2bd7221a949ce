"""The index of the public directory: listed rooms by every three characters of what they say of themselves.

Rooms are found by any part of their name, alias or topic, as stock clients expect, also where a script puts no spaces
between words. Only listed rooms are here; others cost nothing. It is written in the transactions that list and describe
rooms, together with the number of rooms listed.
"""

from __future__ import annotations

from teahouse.db import Reader, Transaction

CHARACTERS_MAX = 600  # of a room's `about` that it is found by: its name, its alias and the beginning of its topic
CODE_BITS = 21  # of one character
PREFIX_BITS = (2 * CODE_BITS, CODE_BITS, 0)  # below the first one, two and three characters of a gram


def grams(about: str) -> set[int]:
    """Three characters from each place of a text on, as numbers; beyond its end stands 0."""
    codes = [*map(ord, about[:CHARACTERS_MAX]), 0, 0]
    return {packed(*three) for three in zip(codes, codes[1:], codes[2:], strict=False)}


def packed(first: int, second: int, third: int) -> int:
    """Three characters as one number; those that begin alike stand together."""
    return (first << CODE_BITS | second) << CODE_BITS | third


def ranges(part: str) -> list[tuple[int, int]]:
    """The grams, from and to, of each of which a text that holds this part has one; the part is not empty."""
    if len(part) < len(PREFIX_BITS):
        codes = [*map(ord, part), 0, 0]
        first = packed(*codes[:3])
        return [(first, first + (1 << PREFIX_BITS[len(part) - 1]) - 1)]
    return [(gram, gram) for gram in sorted(packed(*map(ord, part[at : at + 3])) for at in range(len(part) - 2))]


async def describe(tx: Transaction, room_no: int, about: str) -> None:
    """A room says something else of itself."""
    row = await tx.fetch_one("SELECT listed, about FROM rooms WHERE room_no = ?", room_no)
    if row is None or row[1] == about:
        return
    await tx.execute("UPDATE rooms SET about = ? WHERE room_no = ?", about, room_no)
    if row[0]:
        before, after = grams(row[1]), grams(about)
        await _drop(tx, room_no, before - after)
        await _put(tx, room_no, after - before)


async def enlist(tx: Transaction, room_no: int, *, listed: bool) -> bool:
    """Put a room into the directory or take it out; False when there is no such room."""
    row = await tx.fetch_one("SELECT listed, about FROM rooms WHERE room_no = ?", room_no)
    if row is None:
        return False
    if bool(row[0]) != listed:
        await tx.execute("UPDATE rooms SET listed = ? WHERE room_no = ?", int(listed), room_no)
        await (_put if listed else _drop)(tx, room_no, grams(row[1]))
        await count(tx, 1 if listed else -1)
    return True


async def count(tx: Transaction, by: int) -> None:
    """So many more rooms are listed."""
    await tx.execute("UPDATE listed_rooms SET rooms = rooms + ? WHERE one = 1", by)


async def total(reader: Reader) -> int:
    """How many rooms are listed."""
    row = await reader.fetch_one("SELECT rooms FROM listed_rooms WHERE one = 1")
    return 0 if row is None else int(row[0])


async def _put(tx: Transaction, room_no: int, found: set[int]) -> None:
    rows = [(gram, room_no) for gram in sorted(found)]
    if rows:
        await tx.execute_many("INSERT INTO listed_grams (gram, room_no) VALUES (?, ?)", rows)


async def _drop(tx: Transaction, room_no: int, found: set[int]) -> None:
    rows = [(gram, room_no) for gram in sorted(found)]
    if rows:
        await tx.execute_many("DELETE FROM listed_grams WHERE gram = ? AND room_no = ?", rows)
