"""What somebody wants to see, and how the feed is cut into pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from teahouse.posts.types import Post

SHUNS_MAX = 5_000  # accounts one person mutes, blocks or takes no reposts from, together
WORDS_MAX = 200  # words one person mutes
WORD_MAX_CHARACTERS = 100  # of a muted word or phrase
LANGUAGES_MAX = 20  # languages one person reads
PAGE_MAX = 100  # posts of one page
MUTED, BLOCKED, NO_REPOSTS = 1, 2, 4  # bits of shuns.flags

Sensitive = Literal["show", "ask", "hide"]


class Settings(msgspec.Struct, omit_defaults=True, frozen=True):
    """What somebody wants in their own feed.

    `words`: posts that hold one of these words or phrases stay out of the home feed. `languages`: tags such as zh or
    pt-BR; posts that say to be in another language stay out of the home and the public feed; none: all are read.
    `sensitive`: whether posts with a warning are shown at once, after a click, or not at all, in every list.
    """

    words: list[str] = []
    languages: list[str] = []
    sensitive: Sensitive = "ask"


@dataclass(frozen=True, slots=True)
class View:
    """One reader's settings, ready for use. `phrases` are the muted words as `phrases.spoken` cuts them."""

    muted: frozenset[int]
    blocked: frozenset[int]
    ignored: frozenset[int]
    no_reposts: frozenset[int]
    settings: Settings
    phrases: Sequence[str]
    unseen: frozenset[int]  # muted, blocked and ignored together


@dataclass(frozen=True, slots=True)
class Shun:
    """Somebody kept out of sight."""

    other_no: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Posts, newest first, and the position to go on below; None at the end."""

    posts: Sequence[Post]
    before: int | None


@dataclass(frozen=True, slots=True)
class Pause:
    """A time for which the list of what is trending was paused, whole. `until_ms` 0: it still is."""

    since_ms: int
    until_ms: int
    office: str
    reason: str
