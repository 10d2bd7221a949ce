"""Hashtags in texts of any script: pure functions.

A tag is `#` and the letters, digits and marks of any script up to where they end. In scripts that put no spaces between
words, where they would not end, a second `#` closes it: 今天#喝茶#很好 is about 喝茶.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from teahouse.posts.forms import normal

TAG_MAX_CHARACTERS = 100  # of a hashtag: a longer run of letters is none


def marks() -> str:
    """Combining marks, for a set of a regular expression: `\\w` leaves them out, and with them the vowels of Hindi."""
    codes = chain(range(0x300, 0x3100), range(0xA660, 0xAC00), range(0xFE20, 0xFE30))
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code))[0] == "M")


# A letter, digit or mark; invisible joiners stand inside Persian and Indian words, a middle dot inside Catalan ones.
_LETTER = rf"[\w{marks()}\u200c\u200d\u00b7\u30fb]"
_UNSPACED = r"[\u0e00-\u0eff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff\U00020000-\U0003ffff]"
_WORD = rf"\w{_LETTER}{{0,{TAG_MAX_CHARACTERS - 1}}}"
_CLOSED = rf"(?<![&/])[#＃](?=[^\s#＃]*{_UNSPACED}){_WORD}[#＃]"
_OPEN = rf"(?<![\w&/#＃])[#＃]{_WORD}(?!{_LETTER})"
TAG = re.compile(f"{_CLOSED}|{_OPEN}")


def found(text: str) -> list[str]:
    """The hashtags of a text, folded, each once, in order. A number alone is none."""
    folded = (fold(each[0]) for each in TAG.finditer(text))
    return list(dict.fromkeys(tag for tag in folded if tag and not tag.isdigit()))


def fold(tag: str) -> str:
    """A tag as it is looked up: without #, compatibility forms and capitals made one."""
    return normal("NFC", normal("NFKC", tag).casefold()).strip("#")
