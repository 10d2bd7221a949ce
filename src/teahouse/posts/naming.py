"""Who is named in a text: pure functions."""

from __future__ import annotations

import re

MENTIONS_MAX = 20  # accounts and people that one text names: the others stay words
# Before it stands no letter or digit of ASCII, or it would be a mail address: 你好@daily names daily.
PATTERN = r"(?<![A-Za-z0-9_@/.&=])@(?P<handle>[A-Za-z0-9][A-Za-z0-9._=+-]*)"
_MENTION = re.compile(PATTERN)
_ENDING = ".-_=+"  # of the sentence, not of the name


def mentioned(text: str) -> list[str]:
    """The handles that a text may name, each once, the first ones."""
    return list(dict.fromkeys(named(found["handle"]) for found in _MENTION.finditer(text)))[:MENTIONS_MAX]


def named(handle: str) -> str:
    """A handle as it was registered, from how it stands in a text."""
    return handle.rstrip(_ENDING).lower()
