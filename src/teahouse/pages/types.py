"""What pages show, gathered: values that rendering turns into HTML, feeds and maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teahouse.posts.types import Comment, Post, Version
from teahouse.public_accounts.types import Account


@dataclass(frozen=True, slots=True)
class Original:
    """The post that a post carries on, as it is now, and what that carries on in turn. Without one: it is not found."""

    account: Account | None
    post: Post | None
    below: Original | None = None


@dataclass(frozen=True, slots=True)
class ShownPost:
    """A post with what is shown around it. `votes` by answer, for a poll; `handles`: accounts its text mentions."""

    post: Post
    account: Account
    original: Original | None
    votes: Sequence[int] | None
    handles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment, who wrote it, and the first answers to it."""

    comment: Comment
    name: str
    user_id: str
    answers: Sequence[ShownComment] = ()


@dataclass(frozen=True, slots=True)
class AccountPage:
    """An account with a page of its posts. `before`: the number to go on before; 0 at the end.

    `domain`: what a verified account proved to be its own; '' where it was verified by documents.
    """

    account: Account
    pinned: ShownPost | None
    posts: Sequence[ShownPost]
    before: int
    first: bool
    domain: str = ""


@dataclass(frozen=True, slots=True)
class PostPage:
    """A post with its corrections and a page of comments; `after`: the comment to go on after, 0 at the end."""

    shown: ShownPost
    corrections: Sequence[Version]
    comments: Sequence[ShownComment]
    after: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Every wording of a post, the newest first."""

    shown: ShownPost
    versions: Sequence[Version]


@dataclass(frozen=True, slots=True)
class PostList:
    """Posts of several accounts, newest first. `before`: the position to go on below; 0 at the end."""

    posts: Sequence[ShownPost]
    before: int
    first: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """Accounts, the most followed first. `after`: where to go on; '' at the end."""

    accounts: Sequence[Account]
    after: str
    first: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a sitemap."""

    path: str
    changed_ms: int
