"""What a moment is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from teahouse.moments.audience import Audience
from teahouse.posts.types import Media

MARK = "io.teahouse.moments"  # the state event that marks a moments room: whose it is
TEXT_MAX_CHARACTERS = 2_000  # of a moment's words
PICTURES_MAX = 9  # of one moment: three rows of three
DESCRIPTION_MAX_CHARACTERS = 500  # of a picture, for those who do not see it
NAMED_MAX = 1_000  # friends that one audience names
MOMENTS_MAX = 20_000  # standing moments of one author: two a day for a lifetime
LIST_MAX = 5_000  # people on one list of one user: as many as contacts
COMMENT_MAX_CHARACTERS = 1_000  # of a comment on a moment
COMMENTS_MAX = 5_000  # on one moment
AUDIENCES_MAX = 50  # audiences one moment may have had
DAYS = (0, 3, 90)  # how far back friends may see: all, three days, three months
DAY_MS = 86_400_000
NOTICE = (
    "Moments are not end-to-end encrypted: this server can read them, so that it can show each one to those friends "
    "alone whom it is for."
)
LISTS = ("hidden", "unwanted")

ListName = Literal["hidden", "unwanted"]


class MomentContent(msgspec.Struct, omit_defaults=True, frozen=True):
    """What a moment says: words, and up to nine pictures or one video."""

    text: str = ""
    media: list[Media] = []


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that stands."""

    pos: int
    author_no: int
    created_ms: int
    audience: Audience
    content: MomentContent


@dataclass(frozen=True, slots=True)
class Tie:
    """One reader's place in one author's room: came first, went last, came last (positions; 0: never)."""

    author_no: int
    room_no: int
    first: int
    until: int
    since: int
    since_ms: int
    news: int
    renewed: int
    forgotten: int  # 1: dropped from the lists

    @property
    def stands(self) -> bool:
        """Whether they read there now."""
        return self.since > self.until

    @property
    def memberships(self) -> Sequence[tuple[int, str]]:
        """The reader's membership over time, oldest first."""
        came = [(self.first, "join")]
        if self.until:
            came.append((self.until, "leave"))
        if self.stands and self.since != self.first:
            came.append((self.since, "join"))
        return came


@dataclass(frozen=True, slots=True)
class Settings:
    """What somebody has set for their moments. `days` 0: friends see all."""

    days: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody says of a moment."""

    comment_no: int
    moment_pos: int
    parent_no: int
    user_no: int
    written_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody did with another's moment or comment."""

    pos: int
    kind: Literal["like", "comment", "answer"]
    moment_pos: int
    doer_no: int
    comment_no: int
    value: str  # the emoji or the comment's words


@dataclass(frozen=True, slots=True)
class Deeds:
    """What one reader may see of what was done with a moment."""

    likes: int
    comments: int
    likers: Sequence[int]
    liked: bool


NO_DEEDS = Deeds(0, 0, (), False)
