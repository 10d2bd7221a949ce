"""When two names look alike: their skeletons are equal or one edit apart. Pure functions.

Source: Unicode Technical Standard 39, section 4, "Confusable Detection", whose table of look-alike characters comes
with `confusable_homoglyphs`; beyond it, digits and letters that people take for each other, and what separates words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from teahouse.posts.words import folded, no_spaces

EDIT_MIN_CHARACTERS = 4  # of the shorter skeleton: below it one edit makes another name, such as NBC of BBC
EDIT_MIN_CHARACTERS_UNSPACED = 8  # the same where each character is a word or a syllable
_DIRECTIONS = str.maketrans("", "", "\u200e\u200f")
_SAME = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "8": "b", "$": "s", "@": "a", "!": "l"})
_TOGETHER = (("rn", "m"), ("vv", "w"))


@lru_cache(maxsize=4_096)
def skeletons(text: str) -> frozenset[str]:
    """What a text looks like: as it is written, and in small letters, which in some scripts look like other ones."""
    return frozenset(form for form in (skeleton(text), skeleton(folded(text))) if form)


def skeleton(text: str) -> str:
    """A text with every character in the form of those it is taken for; '' for one without letters or digits."""
    table = prototypes()
    plain = folded("".join(table.get(char, char) for char in text))
    seen = "".join(table.get(char, char) for char in plain).casefold().translate(_SAME)
    kept = "".join(char for char in seen if unicodedata.category(char)[0] in "LNM")
    for two, one in _TOGETHER:
        kept = kept.replace(two, one)
    return kept


def neighbourhood(form: str) -> set[str]:
    """A skeleton, and what is left of it without one of its characters: two that are one edit apart share some."""
    if len(form) < least(form):
        return {form}
    return {form, *(form[:place] + form[place + 1 :] for place in range(len(form)))}


def alike(one: str, other: str) -> bool:
    """Whether two skeletons are equal, or long enough and one edit apart."""
    if one == other:
        return True
    return min(len(one), len(other)) >= max(least(one), least(other)) and one_edit(one, other)


def least(form: str) -> int:
    """How long a skeleton must be for one edit to count as a likeness."""
    return EDIT_MIN_CHARACTERS_UNSPACED if any(map(no_spaces, form)) else EDIT_MIN_CHARACTERS


def one_edit(one: str, other: str) -> bool:
    """Whether one character was added, left out or changed, or two neighbours changed places."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return swapped or short[start + 1 :] == long[start + 1 :]


@lru_cache(maxsize=1)
def prototypes() -> Mapping[str, str]:
    """Every character that can be taken for another, with the one that stands for all of its kind.

    The table lists pairs; what is joined by pairs looks alike. Where there is a small Latin letter or digit, it stands
    for its kind.
    """
    from confusable_homoglyphs.confusables import confusables_data

    root: dict[str, str] = {}

    def find(text: str) -> str:
        above = root.setdefault(text, text)
        if above != text:
            above = root[text] = find(above)
        return above

    for char, others in confusables_data.items():
        for other in others:
            first, second = find(char), find(other["c"].translate(_DIRECTIONS))
            if first != second:
                low, high = sorted((first, second), key=plainness)
                root[high] = low
    return {char: standing for char in root if len(char) == 1 and (standing := find(char)) != char}


def plainness(text: str) -> tuple[bool, int, str]:
    """Sorts what may stand for its kind: small Latin letters and digits first, then what is short."""
    return (not (len(text) == 1 and text.isascii() and text.isalnum() and text == text.lower()), len(text), text)
