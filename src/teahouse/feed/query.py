"""What somebody types into the search of posts, read: a pure function.

    tea "green tea" from:daily lang:zh has:picture since:2026-01-01 until:2026-02-01

All words must be in the post, a phrase in quotes word by word; the filters narrow further. What looks like a filter and
is none, such as 12:30, is words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from teahouse.errors import InvalidParam
from teahouse.feed.phrases import phrase
from teahouse.posts.checking import check_language
from teahouse.posts.words import wanted

QUERY_MAX_CHARACTERS = 300  # of a search: a sentence, with filters
TERMS_MAX = 16  # words of one search, its filters included: each is looked up for every post that has the rarest
HELD = ("media", "picture", "video", "audio", "file", "poll", "article", "link")
_PIECES = re.compile(r'"([^"]*)"?|“([^”]*)”?|(\S+)')
_FILTER = re.compile(r"(from|lang|has|since|until):(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """A search. `terms` are words and marks of the index; `since_ms` and `until_ms` enclose, 0 and None: no bound."""

    terms: Sequence[str]
    phrases: Sequence[str]
    handles: Sequence[str]
    since_ms: int
    until_ms: int | None


def parse(text: str) -> Query:
    """Read a search; raises InvalidParam for one that is too long, empty or has a filter that makes no sense."""
    if len(text) > QUERY_MAX_CHARACTERS:
        raise InvalidParam(f"A search has at most {QUERY_MAX_CHARACTERS} characters.")
    terms: list[str] = []
    phrases: list[str] = []
    handles: list[str] = []
    since_ms, until_ms = 0, None
    for straight, curly, piece in _PIECES.findall(text):
        quoted = straight or curly
        narrowing = None if quoted else _FILTER.fullmatch(piece)
        if narrowing is None:
            terms += wanted(quoted or piece)
            phrases += [phrase(quoted)] if phrase(quoted) else []
            continue
        name, value = narrowing[1].lower(), narrowing[2]
        if name == "from":
            handles.append(value.removeprefix("@").lower())
        elif name == "since":
            since_ms = max(since_ms, day(value))
        elif name == "until":
            end = day(value) + 86_400_000 - 1
            until_ms = end if until_ms is None else min(until_ms, end)
        else:
            terms.append(mark(name, value))
    terms = list(dict.fromkeys(terms))
    if not terms and not handles:
        raise InvalidParam("A search needs a word, or one of from:, lang: and has:.")
    if len(terms) + len(handles) > TERMS_MAX:
        raise InvalidParam(f"A search has at most {TERMS_MAX} words and filters.")
    return Query(terms, phrases, handles, since_ms, until_ms)


def mark(name: str, value: str) -> str:
    """The term of a filter; raises InvalidParam."""
    value = value.lower()
    if name == "lang":
        check_language(value)
    elif value not in HELD:
        raise InvalidParam(f"has: takes one of {', '.join(HELD)}.")
    return f"{name}:{value}"


def day(text: str) -> int:
    """The first millisecond of a day, UTC; raises InvalidParam."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidParam("since: and until: take a day such as 2026-01-31.") from None
    start = datetime(found.year, found.month, found.day, tzinfo=UTC)
    return max(int((start - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)), 0)
