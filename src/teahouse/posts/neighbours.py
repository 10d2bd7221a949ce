"""What posts need of the slices around them, and what these hear of posts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from teahouse.db import Reader, Transaction
from teahouse.posts.types import Comment, Post


class PostListener:
    """What a slice does that keeps something made of posts or comments, in step with them; here: nothing.

    Called inside the transaction that makes the change, which fails when the listener raises.
    """

    async def posted(self, tx: Transaction, post: Post) -> None:
        """A post is new."""

    async def edited(self, tx: Transaction, before: Post, after: Post) -> None:
        """A post has other words."""

    async def deleted(self, tx: Transaction, post: Post) -> None:
        """A post, here as it last stood, is gone for good, with all that was said of it: erase what was made of it."""

    async def removed(self, tx: Transaction, post: Post) -> None:
        """A decision took a post, here as it last stood, out of sight."""

    async def restored(self, tx: Transaction, post: Post) -> None:
        """A removed post stands again."""

    async def commented(self, tx: Transaction, comment: Comment) -> None:
        """A comment is new."""

    async def uncommented(self, tx: Transaction, comment: Comment) -> None:
        """A comment's author deleted it: erase what was made of it."""


class Boundaries(Protocol):
    """Whom people want nothing to do with."""

    async def keeps_away(self, reader: Reader, user_no: int, other_no: int) -> bool:
        """Whether `user_no` has blocked `other_no`, who then cannot follow, comment on, mention or carry them on."""

    async def bars(self, reader: Reader, account_no: int, other_no: int) -> bool:
        """Whether the person behind an account, or its staff, blocked `other_no`: what they do with its posts, or
        write to it, is refused.
        """

    async def unseen(self, user_no: int) -> Collection[int]:
        """Whose words somebody does not want to see."""
