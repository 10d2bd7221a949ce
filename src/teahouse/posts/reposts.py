"""Posts that carry others on."""

from __future__ import annotations

from typing import Any, Protocol

from teahouse.db import Database, Transaction
from teahouse.errors import Conflict, Forbidden, NotFound
from teahouse.posts import store
from teahouse.posts.neighbours import Boundaries
from teahouse.posts.types import Fate, Post, PostContent, Publisher, Ref
from teahouse.posts.wording import REMOVED

REPOST = "io.teahouse.repost"  # content of a repost's event: the account and number of the original


class Accounts(Protocol):
    """What reposts need of public accounts."""

    async def publisher(self, account_no: int) -> Publisher | None:
        """An account by its number."""

    async def publisher_named(self, handle: str) -> Publisher | None:
        """An account by its handle."""


class Reposts:
    """Who carries on what."""

    def __init__(self, database: Database, accounts: Accounts, boundaries: Boundaries) -> None:
        self._database = database
        self._accounts = accounts
        self._boundaries = boundaries

    async def original(self, content: PostContent) -> tuple[Publisher, Post] | None:
        """The account and the post that a repost names, as they are now; None when there are none."""
        if content.repost is None:
            return None
        publisher = await self._accounts.publisher_named(content.repost.account)
        if publisher is None:
            return None
        post = await store.one(self._database, Ref(publisher.account_no, content.repost.number))
        return None if post is None else (publisher, post)

    async def source(self, content: PostContent) -> tuple[Publisher, Post] | None:
        """The standing post that a new post carries on, and its account. Raises NotFound.

        A repost without words of its own stands for its original. What a post refers to is always older than itself,
        so that nothing goes round.
        """
        if content.repost is None:
            return None
        found = await self.original(content)
        if found is None:
            raise NotFound("There is no post to carry on.")
        publisher, post = found
        require(post)
        if post.of is None or says_something(post):
            return publisher, post
        first, source = await self._accounts.publisher(post.of.account_no), await store.one(self._database, post.of)
        assert first is not None
        assert source is not None
        return first, require(source)

    async def carry_on(self, tx: Transaction, post: Post, of: Post) -> None:
        """Count a repost. An account carries a post on once at a time, so that the count says how many accounts do.

        Raises Forbidden when the original's author has blocked who carries it on.
        """
        await store.require_standing(tx, of.ref)
        for other_no in {post.account_no, post.author_no} - {of.account_no}:
            if await self._boundaries.bars(tx, of.account_no, other_no):
                raise Forbidden("You cannot carry on this account's posts.")
        earlier = await store.carried_on_by(tx, of.ref, post.account_no, post.number)
        if earlier:
            raise Conflict(f"This account carries that post on already, as its post {earlier}: edit it to say more.")
        await store.count(tx, of.ref, "reposts", 1)


def require(post: Post) -> Post:
    """The post, standing; raises NotFound for one that is gone."""
    if post.fate is Fate.DELETED:
        raise NotFound("This post was deleted by its owner.")
    if post.fate is Fate.REMOVED:
        raise NotFound(REMOVED)
    return post


def says_something(post: Post) -> bool:
    """Whether a repost has words of its own."""
    content = post.content
    return content is not None and bool(content.text or content.link)


def carries(content: PostContent) -> dict[str, Any]:
    """What the event of a repost says of the post it carries on."""
    if content.repost is None:
        return {}
    return {REPOST: {"account": content.repost.account, "number": content.repost.number}}
