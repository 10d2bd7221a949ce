"""Which rule answers a message: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from teahouse.errors import InvalidParam
from teahouse.matrix.events import replaces
from teahouse.posts.wording import limit
from teahouse.sidechats.types import KEYWORD_MAX_CHARACTERS, KEYWORDS_MAX, Rule

ASKING = ("m.text", "m.emote")  # messages that rules read: a notice never is answered, so that two bots never talk


def matching(rules: Sequence[Rule], text: str) -> Rule | None:
    """The first rule that a text speaks to, capitals aside."""
    folded = text.casefold()
    return next((rule for rule in rules if any(speaks(folded, word, rule.whole) for word in rule.keywords)), None)


def speaks(folded: str, word: str, whole: bool) -> bool:
    """Whether a folded text holds a folded word, standing alone when `whole`."""
    if not whole:
        return word in folded
    # \b would find no end of a word that ends in a sign, such as "c++".
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) is not None


def text_of(event_type: str, content: Mapping[str, Any]) -> str:
    """What of an event rules read; '' for nothing."""
    if event_type != "m.room.message" or content.get("msgtype") not in ASKING or replaces(content):
        return ""
    body = content.get("body")
    return body if isinstance(body, str) else ""


def checked_keywords(words: Sequence[str]) -> tuple[str, ...]:
    """A rule's words, folded, each once. Raises InvalidParam or TooLarge."""
    folded = tuple(dict.fromkeys(word.strip().casefold() for word in words))
    if not 1 <= len(folded) <= KEYWORDS_MAX or not all(folded):
        raise InvalidParam(f"A rule has 1 to {KEYWORDS_MAX} keywords, none of them empty.")
    for word in folded:
        limit(word, KEYWORD_MAX_CHARACTERS, "A keyword")
    return folded
