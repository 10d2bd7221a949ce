"""What a post is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Literal

import msgspec

TEXT_MAX_CHARACTERS = 5_000  # of a post's own words; longer ones are articles
ARTICLE_MAX_BYTES = 102_400  # of an article's HTML
TITLE_MAX_CHARACTERS = 200  # of an article
DESCRIPTION_MAX_CHARACTERS = 1_500  # of a picture, for those who do not see it
PICTURES_MAX = 9  # of one post
ANSWERS_MAX = 10  # of a poll
ANSWER_MAX_CHARACTERS = 100  # of one answer
TAGS_MAX = 20  # hashtags of one post that are found by tag
WARNING_MAX_CHARACTERS = 200  # what a post that asks for a click first says of itself
ARTICLE_PICTURES_MAX = 100  # in the text of one article
ARTICLE_DEPTH_MAX = 64  # of elements inside each other; no text needs more, and browsers stop at 512
NAME_MAX_CHARACTERS = 255  # of a file; as long as file systems take
LINK_MAX_CHARACTERS = 2_000  # of a web address; longer ones break in other programs
LANGUAGE_MAX_CHARACTERS = 35  # BCP 47: the longest tags in use
COMMENTERS = ("everyone", "followers", "nobody")

Commenters = Literal["everyone", "followers", "nobody"]
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]  # what any player or picture needs, and every database holds
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]  # of a post, exact in every JSON reader
Place = Annotated[int, msgspec.Meta(ge=0, le=63)]  # of a topic: a bit of a number


class Media(msgspec.Struct, omit_defaults=True, frozen=True):
    """A file of a post. `url` is an `mxc://` address of this server.

    A picture says in `description` what it shows, for those who do not see it; one without must say `undescribed`, so
    that nobody forgets. `mimetype` and `size` (bytes) are those of the upload, whatever is said here. Width and height
    are in pixels.
    """

    url: str
    mimetype: str
    description: str = ""
    name: str = ""
    size: int = 0
    width: Amount = 0
    height: Amount = 0
    duration_ms: Amount = 0
    undescribed: bool = False


class Poll(msgspec.Struct, omit_defaults=True, frozen=True):
    """A question with its answers, named by their places from 0."""

    question: str
    answers: list[str]
    choices_max: int = 1


class Article(msgspec.Struct, omit_defaults=True, frozen=True):
    """A long post. `html` is sanitised before it is stored."""

    title: str
    html: str
    cover: Media | None = None


class Repost(msgspec.Struct, omit_defaults=True, frozen=True):
    """The post that a post carries on."""

    account: str  # handle
    number: Number


class PostContent(msgspec.Struct, omit_defaults=True, frozen=True):
    """What a post says: words, and at most one of media, poll, article, repost. `topics` are places of topics."""

    text: str = ""
    media: list[Media] = []
    poll: Poll | None = None
    article: Article | None = None
    repost: Repost | None = None
    link: str = ""
    warning: str = ""  # shown instead of the post until the reader asks for it
    language: str = ""
    comments: Commenters = "everyone"
    written_ms: int = 0  # of a post that was published elsewhere before, when that was; only imports set it
    topics: list[Place] = []


class Fate(IntEnum):
    """What became of a post or comment. Deleted and removed are different words, never confused."""

    STANDS = 0
    DELETED = 1  # by its owner
    REMOVED = 2  # by a decision
    HIDDEN = 3  # a comment, by the account's staff; its author is told


@dataclass(frozen=True, slots=True)
class Publisher:
    """A public account as posts see it. `account_no` is the user_no of its Matrix user, which signs."""

    account_no: int
    user_id: str
    handle: str
    room_no: int


@dataclass(frozen=True, slots=True)
class Ref:
    """A post by its place: for ever the same."""

    account_no: int
    number: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What readers did with a post."""

    likes: int
    reposts: int
    comments: int
    views: int


@dataclass(frozen=True, slots=True)
class Post:
    """A post as it stands. `content` is None for one that is gone."""

    account_no: int
    number: int
    pos: int
    room_no: int
    author_no: int
    kind: str
    created_ms: int
    version: int
    fate: Fate
    fate_ms: int
    of: Ref | None
    comments_by: str
    counts: Counts
    content: PostContent | None
    edited_ms: int = 0
    correction: str = ""  # the newest notice of what was put right
    corrected_ms: int = 0

    @property
    def ref(self) -> Ref:
        """Where it is."""
        return Ref(self.account_no, self.number)


@dataclass(frozen=True, slots=True)
class Version:
    """One wording of a post."""

    version: int
    written_ms: int
    correction: str
    content: PostContent


@dataclass(frozen=True, slots=True)
class Draft:
    """A post to be. `due_ms` 0: not scheduled; `failure` says why it could not be published at its hour."""

    draft_no: int
    account_no: int
    author_no: int  # who began it, and will be the post's author
    changed_by_no: int
    changed_ms: int
    due_ms: int
    failure: str
    content: PostContent


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody says of a post. `body` is empty for one that is gone; `settled_by`, who of the staff hid it."""

    comment_no: int
    ref: Ref
    parent_no: int
    user_no: int
    written_ms: int
    fate: Fate
    body: str
    answers: int = 0
    settled_by: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Posts, newest first, and the position to go on before; None at the end."""

    posts: Sequence[Post]
    before: int | None


def kind_of(content: PostContent) -> str:
    """What kind of post it is, by what it holds."""
    if content.repost is not None:
        return "repost"
    if content.article is not None:
        return "article"
    if content.poll is not None:
        return "poll"
    if content.media:
        return {"image": "pictures", "video": "video", "audio": "voice"}.get(
            content.media[0].mimetype.partition("/")[0], "file"
        )
    return "link" if content.link else "text"
