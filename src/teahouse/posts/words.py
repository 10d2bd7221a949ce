"""Cutting texts into the terms that search looks up: the same cut for what is stored and for what is asked.

Letters are compared without case, width and diacritics. A script that puts no spaces between words, such as Han, Kana,
Hangul or Thai, is cut into its characters and pairs of them; a question of two or more asks for the pairs alone.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from teahouse.posts.forms import normal

TERM_MAX_CHARACTERS = 64  # of a term; what is longer is cut, in texts and in questions alike
TERMS_MAX = 2_000  # of one text: what comes after them in a long article is not found
_ASCII = re.compile(r"[a-z0-9]+")
# Marks that readers of Latin, Greek, Cyrillic, Hebrew and Arabic leave out. In other scripts they are vowels, and stay.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]"
)
_SEAMS = {"\u200b", "\u2060", "\ufeff"}  # invisible, and between words; other invisible ones stand inside them
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ħ": "h"})
# First and last characters of scripts without spaces between words.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul letters
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def words(text: str, most: int = TERMS_MAX) -> set[str]:
    """The terms of a text, to store: at most `most`, the first ones."""
    terms: dict[str, None] = {}
    for run, unspaced in runs(folded(text)):
        if len(terms) >= most:
            break
        terms.update(dict.fromkeys([*run, *pairs(run)] if unspaced else ["".join(run)[:TERM_MAX_CHARACTERS]]))
    return set(list(terms)[:most])


def wanted(question: str, most: int = TERMS_MAX) -> list[str]:
    """The terms that a text must hold to answer a question, in the order of the question, each once."""
    terms: dict[str, None] = {}
    for run, unspaced in runs(folded(question)):
        cut = (pairs(run) or run) if unspaced else ["".join(run)[:TERM_MAX_CHARACTERS]]
        terms.update(dict.fromkeys(cut))
    return list(terms)[:most]


def folded(text: str) -> str:
    """A text without case, width and the diacritics that readers leave out."""
    if text.isascii():
        return text.lower()
    apart = normal("NFKD", normal("NFKD", text).casefold())
    return normal("NFC", _MARKS.sub("", apart).translate(_LETTERS))


def runs(text: str) -> list[tuple[list[str], bool]]:
    """A folded text as runs of letters, each with its marks; True for runs of a script without spaces."""
    if text.isascii():
        return [([word], False) for word in _ASCII.findall(text)]
    found: list[tuple[list[str], bool]] = []
    inside = False
    for char in text:
        kind = unicodedata.category(char)
        if kind[0] in "LN":
            unspaced = no_spaces(char)
            if inside and found[-1][1] == unspaced:
                found[-1][0].append(char)
            else:
                found.append(([char], unspaced))
            inside = True
        elif kind[0] == "M" and inside:
            found[-1][0][-1] += char
        elif kind != "Cf" or char in _SEAMS:
            inside = False
    return found


def pairs(run: list[str]) -> list[str]:
    """Neighbours in a run."""
    return [first + second for first, second in pairwise(run)]


def no_spaces(char: str) -> bool:
    """Whether a character is of a script that puts no spaces between words."""
    code = ord(char)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _UNSPACED)
