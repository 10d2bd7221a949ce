"""Patterns with `*` and `?` as push rules have them. Source: appendices, "Glob-style matching"."""

from __future__ import annotations

import re
from functools import lru_cache


def fits_whole(pattern: str, value: str) -> bool:
    """Whether a whole value fits a glob, in time linear in the value."""
    first, *others = (compiled(segment) for segment in pattern.split("*"))
    if not others:
        return first.fullmatch(value) is not None
    *middle, last = others
    place = end_of(first.match(value))
    for segment in middle:
        place = None if place is None else end_of(segment.search(value, place))
    tail = len(value) - len(pattern.rpartition("*")[2])
    return place is not None and tail >= place and last.fullmatch(value, tail) is not None


def found_as_words(pattern: str, text: str) -> bool:
    """Whether a glob is found in a text as whole words, in time linear in the text.

    The leftmost place of each part leaves the most text for the next, so no other place needs a try.
    """
    segments = pattern.split("*")
    if len(segments) == 1:
        return edged(segments[0], "both").search(text) is not None
    place = end_of(edged(segments[0], "left").search(text))
    for segment in segments[1:-1]:
        place = None if place is None else end_of(compiled(segment).search(text, place))
    return place is not None and edged(segments[-1], "right").search(text, place) is not None


def end_of(found: re.Match[str] | None) -> int | None:
    """Where a match ends."""
    return None if found is None else found.end()


@lru_cache(maxsize=4_096)
def compiled(segment: str) -> re.Pattern[str]:
    """A part of a glob without `*`: `?` stands for one character."""
    return re.compile(expression(segment), re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=4_096)
def edged(segment: str, side: str, *, plain: bool = False) -> re.Pattern[str]:
    """The same with the edge of a word on its left, its right, or both; `plain` text means each character.

    The specification counts only ASCII as parts of words: between two characters of Chinese there is always an edge.
    """
    left = r"(?:^|[^A-Za-z0-9_])" if side in ("left", "both") else ""
    right = r"(?:$|[^A-Za-z0-9_])" if side in ("right", "both") else ""
    inside = re.escape(segment) if plain else expression(segment)
    return re.compile(left + inside + right, re.IGNORECASE | re.DOTALL)


def expression(segment: str) -> str:
    """A part of a glob as a regular expression."""
    return "".join("." if character == "?" else re.escape(character) for character in segment)
