"""Timelines: the home feed, the public feed, hashtags, and who carried a post on. All newest first and nothing else.

A page's token is the position of its last post: the next page is the timeline below it as it is then. Nothing written,
followed or muted meanwhile can repeat a post or leave out one that stood in the timeline all the time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from teahouse.db import Database
from teahouse.errors import InvalidParam
from teahouse.feed import rules, store
from teahouse.feed.boundaries import Boundaries
from teahouse.feed.heads import Heads
from teahouse.feed.types import Timeline, View
from teahouse.posts import hashtags
from teahouse.posts.service import Posts
from teahouse.posts.topics import Choice
from teahouse.posts.types import Post, Ref
from teahouse.public_accounts.followers import Followers

ROUNDS_MAX = 4  # reads for one page: where a reader sees little of much, pages are shorter instead of slow
READ_MAX = 200  # posts of one read
TAG_DAYS_MAX = 31  # days for which a hashtag's posts are counted

Source = Callable[[int, int], Awaitable[Sequence[int]]]  # positions below one, at most so many, newest first
Keep = Callable[[Post, Post | None], bool]  # whether a post, with what it carries on, is shown


class Topics(Protocol):
    """What followers chose to read of accounts."""

    async def choices(self, user_no: int) -> Mapping[int, Choice]:
        """What somebody chose, by account; accounts of which they want everything are left out."""


class Timelines:
    """Pages of timelines for their readers."""

    def __init__(
        self, database: Database, heads: Heads, boundaries: Boundaries, followers: Followers, posts: Posts,
        topics: Topics,
    ) -> None:  # fmt: skip
        self._database = database
        self._heads = heads
        self._boundaries = boundaries
        self._followers = followers
        self._posts = posts
        self._topics = topics

    async def home(self, user_no: int, after: int, before: int, limit: int) -> Timeline:
        """What the accounts that somebody follows published, and they themselves, in after < position < before."""
        view = await self._boundaries.view(user_no)
        ties = await self._followers.ties(user_no)
        account_nos = [tie.account_no for tie in ties.values() if tie.stands and tie.account_no not in view.unseen]
        account_nos.append(user_no)
        chosen = await self._topics.choices(user_no)

        async def source(below: int, count: int) -> Sequence[int]:
            return await self._heads.merged(account_nos, after, below, count)

        def keep(post: Post, original: Post | None) -> bool:
            return rules.belongs_home(view, user_no, post, original) and is_chosen(chosen.get(post.account_no), post)

        return await self._page(source, keep, before, limit)

    async def public(self, user_no: int, language: str, before: int, limit: int) -> Timeline:
        """Everything public; of one language, or of those that the reader reads."""
        view = await self._boundaries.view(user_no)

        async def source(below: int, count: int) -> Sequence[int]:
            if language:
                return await store.with_term(self._database, f"lang:{language.lower()}", below, count)
            return await store.public(self._database, below, count)

        def keep(post: Post, original: Post | None) -> bool:
            return rules.shown(view, post, original) and bool(language or rules.understood(view, post, original))

        return await self._page(source, keep, before, limit)

    async def tagged(self, user_no: int, tag: str, before: int, limit: int) -> Timeline:
        """Posts with a hashtag."""
        view, folded = await self._boundaries.view(user_no), self.tag(tag)

        async def source(below: int, count: int) -> Sequence[int]:
            return await store.tagged(self._database, folded, below, count)

        return await self._page(source, keeping(view), before, limit)

    async def reposts(self, user_no: int, ref: Ref, before: int, limit: int) -> Timeline:
        """Who carried a standing post on."""
        await self._posts.standing(ref)
        view = await self._boundaries.view(user_no)

        async def source(below: int, count: int) -> Sequence[int]:
            return await store.carrying(self._database, ref, below, count)

        return await self._page(source, keeping(view), before, limit)

    def tag(self, tag: str) -> str:
        """A hashtag as it is looked up; raises InvalidParam for what can be none."""
        folded = hashtags.fold(tag)
        if not folded or len(folded) > hashtags.TAG_MAX_CHARACTERS or "\0" in folded:
            raise InvalidParam(f"A hashtag has 1 to {hashtags.TAG_MAX_CHARACTERS} characters.")
        return folded

    async def days(self, tag: str) -> list[tuple[int, int]]:
        """How many standing posts have a hashtag, by day since 1970, the newest day first; days without any left out.

        An imported post counts for the day on which it was written.
        """
        return await store.tag_days(self._database, self.tag(tag), TAG_DAYS_MAX)

    async def _page(self, source: Source, keep: Keep, before: int, limit: int) -> Timeline:
        found: list[Post] = []
        count = limit
        for _ in range(ROUNDS_MAX):
            positions = await source(before, count)
            posts = await self._posts.at(positions)
            originals = await self._posts.these({post.of for post in posts.values() if post.of is not None})
            for pos in positions:
                before = pos
                post = posts.get(pos)
                if post is not None and keep(post, None if post.of is None else originals.get(post.of)):
                    found.append(post)
                    if len(found) == limit:
                        return Timeline(found, before)
            if len(positions) < count:
                return Timeline(found, None)
            count = min(count * 2, READ_MAX)
        return Timeline(found, before)


def keeping(view: View) -> Keep:
    """Whether a reader sees a post in a list that they asked for."""
    return lambda post, original: rules.shown(view, post, original)


def is_chosen(choice: Choice | None, post: Post) -> bool:
    """Whether a post carries a topic that its follower chose; who chose none wants all."""
    if choice is None or not choice.shown or post.content is None:
        return True
    return any(choice.shown >> place & 1 for place in post.content.topics)
