"""Texts in Unicode's normal forms, in a time that grows with their length alone: pure functions.

Sorting marks over one letter takes the square of their number, which for a text made of marks is minutes. No script
puts more than a few over one letter, so longer rows of them are cut.
Source: Unicode Standard Annex 15, section 13, "Stream-Safe Text Format", whose bound this is.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from typing import Literal

MARKS_MAX = 30  # over one letter
_PLACES = chain(range(0x300, 0x3100), range(0xA660, 0xAC00), range(0xFB1E, 0xFE30), range(0x101FD, 0x1E94B))
_MARK = f"[{''.join(chr(place) for place in _PLACES if unicodedata.combining(chr(place)))}]"
_TOO_MANY = re.compile(f"({_MARK}{{{MARKS_MAX}}}){_MARK}+")


def normal(form: Literal["NFC", "NFKC", "NFD", "NFKD"], text: str) -> str:
    """A text in a normal form, without the marks over one letter that are too many."""
    return text if text.isascii() else unicodedata.normalize(form, few_marks(text))


def few_marks(text: str) -> str:
    """A text without the marks over one letter that are too many."""
    return _TOO_MANY.sub(r"\1", text)
